# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for SSH servers, by asking them: nothing here sleeps for a fixed time and hopes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .devices import Device
from .errors import FleetError

_PATIENCE = 20.0  # seconds; on an idle machine a device answers after some milliseconds
_PAUSE = 0.01  # seconds between two questions


def answers(address: str, port: int) -> bool:
    """Say whether an SSH server greets at `address`."""
    try:
        with socket.create_connection((address, port), timeout=1.0) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def wait(devices: list[Device], alive: Callable[[Device], bool], up: bool = True) -> None:
    """Return when all `devices` answer, or (not `up`) when none does.

    Raises `FleetError` as soon as one is not `alive` any more, or after 20 s.
    """
    deadline = time.monotonic() + _PATIENCE

    def one(device: Device) -> str | None:
        while answers(device.address, device.port) is not up:
            if not alive(device):
                return f"{device.name} ended while it started"
            if time.monotonic() > deadline:
                return f"{device.name} at {device.address}:{device.port} does not {'answer' if up else 'stop'}"
            time.sleep(_PAUSE)
        return None

    with ThreadPoolExecutor(max_workers=16) as pool:
        troubles = [trouble for trouble in pool.map(one, devices) if trouble]
    if troubles:
        logs = devices[0].root.parent.parent / "log"
        raise FleetError(f"{'; '.join(troubles)}. Look into {logs}.")
