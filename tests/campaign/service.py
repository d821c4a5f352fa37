# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End the factory service and its databases under load, and see whether an answer was lost: `make campaign-service`.

`PYTHONPATH=playbooks/collections python -m tests.campaign.service --seed 17 --campaign failover --units 20000`

All that is known of the service is its program, its settings, and HTTP; what it holds is read from the ledger.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import MappingProxyType

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from tests.services.factory_load import answers, claim_all
from tests.services.factory_service import RunningService
from tests.services.postgresql import running_postgresql
from tests.services.postgresql_pair import PostgresqlPair, postgresql_pair

_AGAIN = 0.2
"""So many of the units are asked for a second time meanwhile, as by an agent that boots again."""

During = Callable[[dict[str, str]], Awaitable[None]]


@dataclass
class Load:
    """How much is asked for, what goes wrong meanwhile, and what was met."""

    units: int
    ends: int
    """How often something is ended, killed or cut off."""
    clients: int
    chance: Random
    folder: Path
    answer_seconds: int = 5
    """The service's setting."""
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def service(self, ledger: Path | str, name: str = "service") -> RunningService:
        """Return a service that is to be started."""
        return RunningService(ledger, self.folder / f"{name}.log", answer_seconds=self.answer_seconds)

    def moments(self) -> list[int]:
        """Return after how many answers something is ended, each time."""
        return sorted(self.chance.sample(range(1, self.units), self.ends))

    def put(self, services: Sequence[RunningService], ledger: Path | str, during: During) -> None:
        """Have all units claimed while `during` runs, ask for each once more, and compare with the ledger."""
        ports = [service.port for service in services]
        serials = [f"SN-{number}" for number in range(self.units)]
        wanted = serials + self.chance.sample(serials, int(self.units * _AGAIN))
        self.chance.shuffle(wanted)
        try:
            answered = asyncio.run(claim_all(ports, wanted, clients=self.clients, during=during, counts=self.counts))
            again = asyncio.run(claim_all(ports, serials, clients=self.clients))
        except (ExceptionGroup, TimeoutError) as error:
            self.violations.append(f"the load ended: {error!r}")
            return
        self.counts["units"] = len(answered)
        self.counts["answers"] = len(wanted) + len(again)
        self._compare(answered, again, ledger)
        self.violations += [f"{service.log} has a traceback" for service in services if "Traceback" in service.log_text]

    def _compare(self, answered: dict[str, str], again: dict[str, str], ledger: Path | str) -> None:
        with Ledger(ledger) as opened:
            held = {claim.unit or "": claim.claim_id for claim in opened.claims() if claim.is_live}
            self.violations += [str(finding) for finding in check_integrity(opened.database).findings]
        self.violations += [f"{unit} was given another ID" for unit in answered if again[unit] != answered[unit]]
        self.violations += [f"the answer to {unit} is lost" for unit in answered if held.get(unit) != answered[unit]]
        self.violations += [f"{unit} was never answered" for unit in held.keys() - answered.keys()]
        if len(set(answered.values())) != len(answered):
            self.violations.append("an ID was given to two units")

    def __str__(self) -> str:
        """What was met, and below it what went wrong."""
        met = ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))
        head = f"{met}; {len(self.violations)} violations"
        return "\n".join([head, *(f"  VIOLATION {violation}" for violation in self.violations[:10])])


def kills(load: Load) -> None:
    """The service on SQLite is killed under load, and started again."""
    path = load.folder / "ledger.db"
    with load.service(path) as service:

        async def kill(answered: dict[str, str]) -> None:
            for moment in load.moments():
                await answers(answered, moment)
                await asyncio.to_thread(service.kill)
                await asyncio.to_thread(service.start)
                load.counts["kills"] += 1

        load.put([service], path, kill)


def instances(load: Load) -> None:
    """Of two instances on one PostgreSQL one is killed or ended at a time, and the server now and then."""
    with (
        running_postgresql() as server,
        load.service(url := server.new_url(), "first") as first,
        load.service(url, "second") as second,
    ):

        async def end(answered: dict[str, str]) -> None:
            for number, moment in enumerate(load.moments()):
                await answers(answered, moment)
                if number % 4 == 3:
                    await asyncio.to_thread(server.kill)
                    await asyncio.to_thread(server.start)
                    load.counts["kills of the server"] += 1
                    continue
                how = signal.SIGTERM if number % 2 else signal.SIGKILL
                ended = load.chance.choice([first, second])
                await asyncio.to_thread(ended.stop, how)
                # The other one serves on.
                await answers(answered, min(moment + load.clients, load.units))
                await asyncio.to_thread(ended.start)
                load.counts[f"ends by {how.name}"] += 1

        load.put([first, second], url, end)


def failover(load: Load) -> None:
    """The primary of a PostgreSQL is killed, cut off or moved away from, and its standby promoted at its address."""
    with postgresql_pair() as pair, load.service(pair.url) as service:

        async def fail(answered: dict[str, str]) -> None:
            # Each at least once, if there is room for it.
            ways = list(_FAILURES) * (load.ends // len(_FAILURES) + 1)
            for moment, way in zip(load.moments(), ways, strict=False):
                await answers(answered, moment)
                began = time.monotonic()
                await asyncio.to_thread(_FAILURES[way], pair, load)
                failed = time.monotonic()
                here = len(answered)
                if here < load.units:
                    await answers(answered, here + 1)
                load.counts[f"failures ({way})"] += 1
                back = time.monotonic() - failed
                print(f"  {way}: {failed - began:.1f} s, served {back:.1f} s after", flush=True)
                if back > _BACK_SECONDS:
                    load.violations.append(f"{way}: served only {back:.1f} s after")

        load.put([service], pair.url, fail)


_BACK_SECONDS = 10.0


def _fall_silent(pair: PostgresqlPair, load: Load) -> None:
    with pair.silence():
        time.sleep(load.chance.uniform(0.1, 1.5 * load.answer_seconds))  # what is injected


_FAILURES: MappingProxyType[str, Callable[[PostgresqlPair, Load], None]] = MappingProxyType(
    {
        "killed": lambda pair, _load: pair.kill_primary(),
        "cut off": lambda pair, _load: pair.cut_primary_off(),
        "moved": lambda pair, _load: pair.move_address(),
        "silent": _fall_silent,
    }
)


@dataclass(frozen=True)
class Campaign:
    """What is done, and how much of it unless somebody says otherwise."""

    run: Callable[[Load], None]
    units: int
    ends: int
    clients: int


CAMPAIGNS = MappingProxyType(
    {
        "kills": Campaign(kills, units=100_000, ends=10, clients=64),
        "instances": Campaign(instances, units=20_000, ends=12, clients=64),
        "failover": Campaign(failover, units=20_000, ends=12, clients=32),
    }
)


def main() -> int:
    """Run the campaigns that are asked for, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None, help="of all that is drawn (default: another one each time)")
    parser.add_argument("--units", type=int, help="of each campaign (default: its own number)")
    parser.add_argument("--ends", type=int, help="how often something is killed or cut off in each")
    parser.add_argument("--campaign", action="append", choices=list(CAMPAIGNS), help="only this one (may be repeated)")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbelow(1_000_000)
    wrong = 0
    for name in given.campaign or CAMPAIGNS:
        campaign = CAMPAIGNS[name]
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ioto-service-")))
            units, ends = given.units or campaign.units, given.ends or campaign.ends
            load = Load(units, ends, campaign.clients, Random(f"{seed}/{name}"), folder)
            print(f"{name}: seed {seed}, {units} units, {load.clients} clients", flush=True)
            began = time.monotonic()
            try:
                campaign.run(load)
            except pytest.skip.Exception as reason:
                print(f"{name}: skipped: {reason}", flush=True)
                continue
            print(f"{name}: {load} ({time.monotonic() - began:.0f} s)", flush=True)
            wrong += len(load.violations)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
