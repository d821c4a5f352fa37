# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m …line SETTINGS`: the station at a line, until SIGTERM. SIGHUP lets slots go on that were stopped."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from ..errors import IotoError
from ..private_files import make_private_folder
from ..service.slot_message import SlotReport
from .errors import LineError
from .scan_desk import ScanDesk
from .settings import LineSettings, load
from .slots import JigSlot, read_slots
from .station import LineStation, Tells
from .telling import Teller, service_address

_LOCK_SECONDS = 20.0


class Nobody:
    """Tells nobody: there is no page."""

    trouble: str | None = None

    def tell(self, *reports: SlotReport, operator: str | None = None) -> None:
        """Do nothing."""

    def tell_whole(self, reports: Iterable[SlotReport], operator: str | None = None) -> None:
        """Do nothing."""

    def notify(self, text: str, slot: str | None = None) -> None:
        """Do nothing."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the station and return its exit status."""
    parser = argparse.ArgumentParser(prog="line", description="The station at a hands-free line.")
    parser.add_argument("--check", action="store_true", help="say whether the settings can be used, and do nothing")
    parser.add_argument("settings", type=Path, help="the settings, in TOML")
    given = parser.parse_args(arguments)
    try:
        settings = load(given.settings)
        if given.check:
            print("The settings can be used.")  # noqa: T201
            return 0
        slots = read_slots(settings)
        lock = _lock(settings)
        desk = ScanDesk(settings, slots) if settings.scanner else None
        asyncio.run(_work(settings, slots, _page(settings), desk, lock))
    except IotoError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


async def _work(
    settings: LineSettings, slots: Sequence[JigSlot], page: Tells, desk: ScanDesk | None, lock: int
) -> None:
    stopped = asyncio.Event()
    station = LineStation(slots, settings, page, _log, desk=desk, kept_open=(lock,))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    loop.add_signal_handler(signal.SIGHUP, station.resume)
    _log(f"{settings.station} watches {', '.join(slot.name for slot in slots)}")
    await station.work(stopped)


def _page(settings: LineSettings) -> Tells:
    """Return who tells the page. Raises `IotoError` where the token cannot be used."""
    if not settings.service_url:
        return Nobody()
    ca_file = str(settings.folder / settings.ca_file) if settings.ca_file else None
    address = service_address(settings.service_url, settings.token_path, ca_file)
    return Teller(address, settings.station, start=secrets.token_hex(8))


def _lock(settings: LineSettings) -> int:
    """Return a descriptor whose lock says that this is the one station with its work directory.

    Runs inherit it, so that it also waits for what a station that was killed has left. Raises `LineError`.
    """
    try:
        make_private_folder(settings.work_path)
        lock = os.open(settings.work_path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LineError(
            f"The station cannot write to {settings.work_path}: {error.strerror}; name another work_directory."
        ) from None
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise LineError(
                    f"Another station works with {settings.work_path}; stop it, or name another work_directory."
                ) from None
            time.sleep(0.05)
    for left in settings.work_path.glob("run-*.yml"):  # of a station that was killed
        left.unlink(missing_ok=True)
    return lock


def _log(text: str) -> None:
    now = datetime.now().astimezone()
    print(f"{now:%H:%M:%S}.{now.microsecond // 1000:03d} {text}", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
