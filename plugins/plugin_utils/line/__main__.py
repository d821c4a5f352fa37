# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m …line SETTINGS`: the station at a line, until SIGTERM. SIGHUP lets slots go on that were stopped."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from ..errors import IotoError
from ..option_table import VARIABLES_OF_ALL
from ..processes.standard_output import complain, say, status_of
from ..service.slot_message import SlotReport
from .exclusive import hold_slots, hold_work_directory
from .preparation import Prepared, prepare
from .station import LineStation, Tells
from .telling import Teller


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
    parser.add_argument(
        "--folder", type=Path, help="what paths in the settings are relative to (default: the folder that they are in)"
    )
    parser.add_argument("settings", type=Path, help="the settings, in TOML")
    given = parser.parse_args(arguments)
    try:
        prepared = prepare(given.settings, given.folder, VARIABLES_OF_ALL)
        if given.check:
            say("The settings can be used.")
            return 0
        # Runs inherit what is held, so that the next station also waits for what one that was killed has left.
        held = (hold_work_directory(prepared.settings), *(one.detach() for one in hold_slots(prepared.slots)))
        asyncio.run(_work(prepared, held))
    except IotoError as error:
        complain(error)
        return 1
    return 0


async def _work(prepared: Prepared, held: Sequence[int]) -> None:
    settings, slots = prepared.settings, prepared.slots
    page: Tells = Nobody()
    if prepared.service:
        page = Teller(prepared.service, settings.station, start=secrets.token_hex(8))
    stopped = asyncio.Event()
    station = LineStation(slots, settings, page, log, desk=prepared.desk, kept_open=held)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    loop.add_signal_handler(signal.SIGHUP, station.resume)
    log(f"{settings.station} watches {', '.join(slot.name for slot in slots)}")
    await station.work(stopped)


def log(text: str) -> None:
    """Print a line with the time of day."""
    now = datetime.now().astimezone()
    with suppress(OSError):  # a full disk, or a log that nobody takes any more, is no reason for a line to stand still
        print(f"{now:%H:%M:%S}.{now.microsecond // 1000:03d} {text}", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(status_of(main))
