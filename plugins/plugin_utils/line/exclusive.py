# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One station for a slot, and one for a work directory: what says so ends with whoever holds it, however it ends."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial

from ..private_files import make_private_folder
from .errors import LineError
from .settings import LineSettings
from .slots import JigSlot

PATIENCE = 20.0
"""Seconds for what a station that was killed has left."""
_LOOK_SECONDS = 0.05
_TAKEN = (errno.EADDRINUSE, errno.EAGAIN)


def hold_slots(slots: Iterable[JigSlot], seconds: float = PATIENCE) -> list[socket.socket]:
    """Have no other station or rulebook of this machine watch one of `slots`, by any inventory, while these are open.

    A slot is an address in a network, and so is what is held: a name of the kernel's in the same network namespace. It
    needs no folder that users share, and is free again when the last process that has it open ends. Only Linux has
    such names; elsewhere nothing is held. Raises `LineError`.
    """
    held: list[socket.socket] = []
    if sys.platform != "linux":
        return held
    deadline = time.monotonic() + seconds
    try:
        for slot in slots:
            place = "\0".join(map(str, slot.place)).encode()
            one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            held.append(one)
            name = b"\0ioto-line-" + hashlib.sha256(place).hexdigest()[:32].encode()
            where = f"{slot.lease or slot.address} port {slot.port}"
            _wait_for(
                partial(one.bind, name),
                deadline,
                f"Another station or rulebook on this machine watches {slot.name} ({where}); stop it, or give this "
                "one slots of its own.",
            )
    except BaseException:
        for one in held:
            one.close()
        raise
    return held


def hold_work_directory(settings: LineSettings, seconds: float = PATIENCE) -> int:
    """Return a descriptor whose lock says that this is the one station with its work directory. Raises `LineError`."""
    try:
        make_private_folder(settings.work_path)
        lock = os.open(settings.work_path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LineError(
            f"The station cannot write to {settings.work_path}: {error.strerror}; name another work_directory."
        ) from None
    _wait_for(
        partial(fcntl.flock, lock, fcntl.LOCK_EX | fcntl.LOCK_NB),
        time.monotonic() + seconds,
        f"Another station works with {settings.work_path}; stop it, or name another work_directory.",
    )
    for left in settings.work_path.glob("run-*.yml"):  # of a station that was killed
        left.unlink(missing_ok=True)
    return lock


def _wait_for(take: Callable[[], None], deadline: float, complaint: str) -> None:
    """Have `take` succeed. Raises `LineError` with the `complaint` where somebody else has it at the deadline."""
    while True:
        try:
            take()
            return
        except OSError as error:
            if error.errno not in _TAKEN:
                raise LineError(f"{complaint.rstrip('.')} ({error.strerror}).") from None
            if time.monotonic() > deadline:
                raise LineError(complaint) from None
        time.sleep(_LOOK_SECONDS)
