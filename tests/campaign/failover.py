# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail over the ledger's server in the middle of a job of two controllers, and under the service's load.

`PYTHONPATH=playbooks/collections python -m tests.campaign.failover --rounds 20 --seed 22`, as root

The ledger's URL names two hosts; nothing is told to the runs and the service when the other one becomes the primary. A
round is a job with devices of its own: two runs of the playbook at once, a fault at any instant, and each run that has
failed once more. Then all that was answered has to be there, on the devices as in the ledger, and nothing twice.
"""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import MappingProxyType

import pytest

from tests.campaign.failover_job import Job, Load
from tests.fleet import dropbear
from tests.services.factory_service import RunningService
from tests.services.postgresql_hosts import PostgresqlHosts, postgresql_hosts

ANSWER_SECONDS = 2
_BACK_SECONDS = 20.0
"""How long it may take after a fault is over until the service gives the next answer."""
_END_IDLE_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE state = 'idle in transaction' AND state_change < now() - interval '5 s'
"""
"""As the guide on PostgreSQL has it."""


def killed(hosts: PostgresqlHosts, chance: Random) -> None:
    """Every process of the primary is killed; its standby is promoted soon after."""
    hosts.kill_primary()
    time.sleep(chance.uniform(0, 1))  # what is injected, here and below
    hosts.promote()
    hosts.replace_standby()


def cut_off(hosts: PostgresqlHosts, chance: Random) -> None:
    """Nothing comes through to the primary's host, or back; it lives on."""
    hosts.cut_primary_off()
    time.sleep(chance.uniform(0, 1))
    hosts.promote()
    time.sleep(chance.uniform(0, 1))
    hosts.replace_standby()


def not_told(hosts: PostgresqlHosts, chance: Random) -> None:
    """The standby is promoted while the primary serves on, which is not told."""
    hosts.promote()
    time.sleep(chance.uniform(0, 2))
    hosts.replace_standby()


def switched(hosts: PostgresqlHosts, chance: Random) -> None:
    """The primary is stopped as for an update, and its standby promoted."""
    hosts.primary.stop(signal.SIGINT)
    time.sleep(chance.uniform(0, 1))
    hosts.promote()
    hosts.replace_standby()


def silent(hosts: PostgresqlHosts, chance: Random) -> None:
    """Both hosts are silent for a while; the primary stays the primary."""
    with hosts.primary_address.silence(), hosts.standby_address.silence():
        time.sleep(chance.uniform(0.1, 2 * ANSWER_SECONDS))


def alone(hosts: PostgresqlHosts, chance: Random) -> None:
    """The standby is killed, and the primary has nobody to wait for until it gets another one."""
    hosts.standby.kill()
    time.sleep(chance.uniform(0, ANSWER_SECONDS))
    hosts.replace_standby()


FAULTS: MappingProxyType[str, Callable[[PostgresqlHosts, Random], None]] = MappingProxyType(
    {
        "killed": killed,
        "cut off": cut_off,
        "not told": not_told,
        "switched": switched,
        "silent": silent,
        "alone": alone,
    }
)


def missing() -> str | None:
    """Return why this cannot be had here."""
    return None if dropbear.available() else "whole runs need root and the Debian packages dropbear-bin and busybox"


@dataclass
class Result:
    """What came of the rounds of a fault."""

    fault: str
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    """Seconds after each fault until the service gave the next answer."""
    seconds: float = 0.0

    def __str__(self) -> str:
        """What was met, and below it what went wrong."""
        met = ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))
        back = f"served again after {max(self.back, default=0):.1f} s at most"
        head = f"{self.fault}: {met}; {back}; {len(self.violations)} violations ({self.seconds:.0f} s)"
        return "\n".join([head, *(f"  VIOLATION {violation}" for violation in self.violations[:10])])


@contextmanager
def stage(folder: Path) -> Iterator[tuple[PostgresqlHosts, RunningService]]:
    """Run two hosts, and the service at a ledger there."""
    with (
        postgresql_hosts() as hosts,
        RunningService(hosts.url, folder / "service.log", answer_seconds=ANSWER_SECONDS) as service,
    ):
        yield hosts, service


def run(
    fault: str,
    on: tuple[PostgresqlHosts, RunningService],
    folder: Path,
    *,
    seed: int,
    rounds: int,
    first: int = 0,
    seconds: float = float("inf"),
) -> Result:
    """Do `rounds` rounds of a fault, beginning with the number `first`, or as many as are begun within `seconds`."""
    result = Result(fault, seed)
    began = time.monotonic()
    for number in range(first, first + rounds):
        if time.monotonic() - began >= seconds:
            break
        chance = Random(f"{seed}/{fault}/{number}")
        place = folder / f"{fault.replace(' ', '-')}-{number}"
        place.mkdir(parents=True)
        for text in _round(result, *on, place, chance):
            result.violations.append(f"seed {seed}, round {number} of {fault!r}: {text}")
            print(f"  {result.violations[-1]}", flush=True)
        result.counts["rounds"] += 1
    if "Traceback" in on[1].log_text:
        result.violations.append(f"seed {seed}, {fault!r}: the service has logged a traceback")
    result.seconds = time.monotonic() - began
    return result


def _round(
    result: Result, hosts: PostgresqlHosts, service: RunningService, place: Path, chance: Random
) -> Iterator[str]:
    engines = ("fleet", chance.choice(("fleet", "ansible")))
    with Job.of_controllers(place, hosts.url, engines, chance) as job, Load(service, place.name) as load:
        job.start()
        job.wait_until_done(chance.randrange(job.size))
        time.sleep(chance.uniform(0, 0.3))
        FAULTS[result.fault](hosts, chance)
        over = time.monotonic()
        load.wait_for_another_answer(60)
        result.back.append(time.monotonic() - over)
        job.wait()
        if result.back[-1] > _BACK_SECONDS:
            yield f"the service gave no answer for {result.back[-1]:.0f} s after it"
        job.run_again(lambda: len(hosts.primary.sql(_END_IDLE_SESSIONS)))
        load.end()
        yield from job.violations(load.answered)
        yield from load.violations
        result.counts.update(job.counts)
        result.counts.update(load.counts)


def main() -> int:
    """Do the rounds that are asked for, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="of each fault")
    parser.add_argument("--seed", type=int, default=None, help="of all that is drawn (default: another one each time)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first round")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="in which rounds of a fault are begun")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="only this one (may be repeated)")
    given = parser.parse_args()
    if reason := missing():
        print(f"skipped: {reason}")
        return 0
    seed = given.seed if given.seed is not None else secrets.randbelow(1_000_000)
    wrong = 0
    print(f"seed {seed}", flush=True)
    for fault in given.fault or FAULTS:
        with tempfile.TemporaryDirectory(prefix="ioto-failover-") as folder:
            try:
                with stage(Path(folder)) as on:
                    limits = {"rounds": given.rounds, "first": given.first, "seconds": given.seconds}
                    result = run(fault, on, Path(folder), seed=seed, **limits)
            except pytest.skip.Exception as reason:
                print(f"skipped: {reason}", flush=True)
                return 0
        print(result, flush=True)
        wrong += len(result.violations)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
