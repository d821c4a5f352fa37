# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut a site off from its ledger at any instant of a run, then run again: `python -m tests.campaign.sites`, as root.

An instant is one of the round trips of a run that is not cut: the question does not arrive, or its answer does not, and
from then on nobody answers, or all connections are reset. The run that was cut off has to end by itself, soon, and to
say why; the next one has to succeed, with the same ID on each device as in the ledger, and none that was recorded lost.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import make_url

from plugins.plugin_utils.claim_ids import is_valid
from plugins.plugin_utils.ledger.ledger import Ledger
from plugins.plugin_utils.ledger.records import State
from tests.fleet import Fleet
from tests.services.distant_proxy import Cut, DistantProxy
from tests.services.postgresql import PostgresqlServer, running_postgresql
from tests.support.ansible import Run, provision

ENGINES = "fleet", "ansible"
DELAY = 0.02
WAIT_SECONDS = 25.0
"""What a run that is cut off waits for: an answer that does not come, and twice a server that lets nobody in."""


@dataclass(frozen=True)
class Site:
    """Devices, and a ledger that is far away."""

    folder: Path
    fleet: Fleet
    server: PostgresqlServer
    proxy: DistantProxy

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, server: PostgresqlServer, devices: int, delay: float = DELAY) -> Iterator[Site]:
        """Start the devices, and take them down."""
        with (
            Fleet.start(folder / "fleet", groups={"manual": devices}, kind="dropbear") as fleet,
            DistantProxy(server.socket, delay) as proxy,
        ):
            yield cls(folder, fleet, server, proxy)

    def new_ledger(self) -> str:
        """Return the URL of an empty one, and have the devices be new."""
        self.fleet.forget_ids()
        query = make_url(self.server.new_url()).query["options"]
        url = f"postgresql://postgres@127.0.0.1:{self.proxy.port}/postgres?{urlencode({'options': query})}"
        Ledger(url).close()
        return url

    def provision(self, url: str, engine: str) -> Run:
        """Run the playbook."""
        variables = "-e", f"ioto_ledger={url}", "-e", f"ioto_engine={engine}"
        return provision(self.folder, "-i", self.fleet.inventory, *variables)

    def length(self, engine: str) -> int:
        """Return the round trips of a run."""
        url = self.new_ledger()
        self.proxy.forget()
        run = self.provision(url, engine)
        assert run.status == 0, run.output
        return self.proxy.round_trips

    def cut_off(self, engine: str, round_trips: int, how: Cut) -> float:
        """Cut a run off, run again, and return how many seconds longer than the second the first run took.

        Raises `AssertionError`.
        """
        url = self.new_ledger()
        self.proxy.cut_after(round_trips, how)
        began = time.monotonic()
        cut = self.provision(url, engine)
        seconds = time.monotonic() - began
        was_cut = self.proxy.cut is not None
        self.proxy.mend()
        if was_cut:
            assert f"postgresql://postgres@127.0.0.1:{self.proxy.port}/postgres" in cut.output, cut.output
            assert "Traceback" not in cut.output, cut.output
        with Ledger(url) as ledger:
            known = {claim.claim_id for claim in ledger.claims()}
        held = {claim_id for device in self.fleet.devices if (claim_id := device.claim_id()) is not None}
        assert held <= known, "a device holds an ID that the ledger does not know"
        began = time.monotonic()
        again = self.provision(url, engine)
        usual = time.monotonic() - began
        # A busy machine takes longer for all.
        assert seconds < 2 * usual + WAIT_SECONDS, f"{seconds:.1f} s, and {usual:.1f} s\n{cut.output}"
        assert again.status == 0, f"{cut.output}\n{again.output}"
        with Ledger(url, read_only=True) as ledger:
            after = {claim.claim_id: claim.state for claim in ledger.claims()}
        ids = [device.claim_id() for device in self.fleet.devices]
        assert all(is_valid(claim_id) for claim_id in ids)
        assert after == dict.fromkeys(ids, State.VERIFIED), f"{cut.output}\n{again.output}"
        assert len(after) == len(ids)
        assert known <= set(after)
        return seconds - usual


def main() -> int:
    """Run the rounds, print what was cut and how long it took, and return 0 where nothing was lost or there twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=40, help="of each engine (default: %(default)s)")
    parser.add_argument("--devices", type=int, default=6, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=22, help="of the instants (default: %(default)s)")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    slowest: Counter[tuple[str, Cut]] = Counter()
    with (
        tempfile.TemporaryDirectory(prefix="ioto-sites-") as folder,
        running_postgresql() as server,
        Site.opened(Path(folder), server, arguments.devices) as site,
    ):
        for engine in ENGINES:
            length = site.length(engine)
            for number in range(arguments.cuts):
                how, at = list(Cut)[number % len(Cut)], chance.randrange(length)
                seconds = site.cut_off(engine, at, how)
                slowest[engine, how] = max(slowest[engine, how], round(seconds))
                print(f"{engine}, {how}, round trip {at} of {length}: {seconds:.1f} s longer", flush=True)
    for (engine, how), seconds in slowest.items():
        print(f"{engine}, {how}: the slowest run took {seconds} s longer")
    print(f"{arguments.cuts * len(ENGINES)} cuts: none lost, none twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
