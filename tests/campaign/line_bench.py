# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hands-free line of eight simulated slots with all that belongs to it: `with line_bench(folder, 24) as line`."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from plugins.plugin_utils.service.secret_hashes import hash_secret, new_secret
from tests.fleet import Fleet, processes
from tests.fleet.jig import Jig
from tests.services.factory_service import RunningService
from tests.services.label_printer import READY, LabelPrinter
from tests.services.line_station import RunningStation

SLOTS = 8
PRODUCT_NAME = "Heat pump 30"
PRINTER_SECONDS = 4


@dataclass(frozen=True)
class LineBench:
    """The parts of a line. `ledger` is a path, or a URL of PostgreSQL."""

    folder: Path
    ledger: str
    fleet: Fleet
    jig: Jig
    printer: LabelPrinter
    service: RunningService
    station: RunningStation

    @property
    def page(self) -> str:
        """Where the page of the line is."""
        return f"http://127.0.0.1:{self.service.port}/line"

    def kill_playbook(self) -> None:
        """Kill a playbook that runs for the station, where there is one."""
        for pid in processes.descendants(self.station.pid):
            with suppress(OSError, IndexError):
                if b"ansible-playbook" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1]:
                    os.kill(pid, signal.SIGKILL)
                    return


@contextmanager
def line_bench(folder: Path, boards: int, ledger: str = "") -> Iterator[LineBench]:
    """Start a line in `folder`, which is there, with `boards` that are switched off.

    `ledger` is a URL; without one, it is the default ledger of whoever has the folder as their home.
    """
    home = folder / ".local/share/ioto/ledger.db"
    home.parent.mkdir(parents=True, mode=0o700)
    token, token_file = new_secret(), folder / "token"
    token_file.touch(mode=0o600)
    token_file.write_text(token, encoding="ascii")
    with ExitStack() as opened:
        fleet = opened.enter_context(Fleet.start(folder / "fleet", groups={"manual": boards}))
        printer = opened.enter_context(LabelPrinter(folder / "printer", status=READY))
        service = opened.enter_context(
            RunningService(ledger or home, folder / "service.log", station_tokens=[hash_secret(token)])
        )
        variables: dict[str, object] = {
            "ioto_label_printer": printer.address,
            "ioto_label_printer_timeout": PRINTER_SECONDS,
            "ioto_label_product_name": PRODUCT_NAME,
        }
        if ledger:
            variables["ioto_ledger"] = ledger
        jig = Jig(fleet, SLOTS, "slots", **variables)
        url = f"http://127.0.0.1:{service.port}"
        station = opened.enter_context(
            RunningStation(folder, jig, service_url=url, token_file=str(token_file), operator="ann")
        )
        yield LineBench(folder, ledger or str(home), fleet, jig, printer, service, station)
