# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long people wait for what they ask a ledger, when it is small and when it is large.

`python -m tests.benchmark.ledger_growth --sizes 1000,100000,1000000` fills ledgers on SQLite and PostgreSQL with claims
of three years, a run a day, and conflicts, and asks each the same questions. The figures are medians, and the ratio is
of the largest to the smallest ledger. The table goes to DIR/ledger-growth.md, the plot to DIR/ledger-growth.svg.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy.engine import Connection

from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.check import check_batch
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.bulk_rows import insert_claims, insert_events
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.conflicts import insert_conflicts
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.counts import ClaimKind, count_statements
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    ClaimConflictError,
    Context,
    NewEvent,
    State,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.report.collect import last_run
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.station_feed import StationFeed
from tests.benchmark.peers import ROOT
from tests.services.postgresql import running_postgresql

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TODAY = 500
"""Claims of today, in a ledger of any size."""
OPEN_CONFLICTS = 20
_PART = 1000
_ROUNDS = 7


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.ledger_growth", description=__doc__)
    parser.add_argument("--sizes", default="1000,100000", help="numbers of claims, with commas (default: %(default)s)")
    parser.add_argument("--dir", type=Path, default=ROOT / "build/benchmark", help="for the results")
    arguments = parser.parse_args()
    sizes = sorted(map(int, arguments.sizes.split(",")))
    found: dict[str, dict[str, list[float]]] = {"SQLite": {}, "PostgreSQL": {}}
    with tempfile.TemporaryDirectory(prefix="ioto-growth-") as folder, running_postgresql(durable=True) as server:
        for size in sizes:
            for database, location in (
                ("SQLite", str(Path(folder) / f"ledger-{size}.db")),
                ("PostgreSQL", server.new_url()),
            ):
                began = time.monotonic()
                fill(location, size)
                print(f"{database}: {size:,} claims, filled in {time.monotonic() - began:.0f} s", flush=True)
                for question, milliseconds in ask(location, size).items():
                    found[database].setdefault(question, []).append(milliseconds)
    arguments.dir.mkdir(parents=True, exist_ok=True)
    text = table(sizes, found)
    (arguments.dir / "ledger-growth.md").write_text(text, encoding="utf-8")
    print(text)
    plot(sizes, found, arguments.dir / "ledger-growth.svg")


def fill(location: str, size: int) -> None:
    """Make a ledger of `size` claims: their histories over three years, and `TODAY` of them of today."""
    drawn = random.Random(size)
    now = datetime.now(UTC)
    with Ledger(location) as ledger:
        for start in range(0, size, _PART):
            members = range(start, min(start + _PART, size))
            is_today = start >= size - TODAY
            age = timedelta(minutes=5) if is_today else timedelta(days=3 * 365 * (size - start) / size + 1)
            part = [_claim(drawn, number, now - age) for number in members]
            ledger.database.write(lambda connection, part=part, at=now - age: _insert(connection, part, at))
        taken = [claim.claim_id for claim in ledger.claims(limit=OPEN_CONFLICTS)]
        wanted = [
            NewEvent(EventKind.CONFLICT, Context("line@station", "bench"), claim_id, PRODUCT, f"WANT-{number}", "taken")
            for number, claim_id in enumerate(taken)
        ]
        ledger.database.write(lambda connection: insert_conflicts(connection, wanted, now))
        if location.startswith("postgresql"):
            # What the server does by itself a minute later, and has done for years in a ledger of that age.
            ledger.database.write(lambda connection: connection.exec_driver_sql("ANALYZE"))


def _claim(drawn: random.Random, number: int, at: datetime) -> Claim:
    state = State.RETIRED if number % 100 == 7 else State.VERIFIED if number % 50 == 3 else State.LABELLED
    claim_id = "".join(drawn.choices(ALPHABET, k=10))
    reason = "scrapped" if state is State.RETIRED else None
    return Claim(
        claim_id, PRODUCT, f"SN-{number:08d}", state, "generated", at, at, f"host-{number % 60}", reason, run=_run(at)
    )


def _run(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%S}-RRRRRR"


def _insert(connection: Connection, part: list[Claim], at: datetime) -> None:
    counts: dict[ClaimKind, int] = {}
    happened: list[NewEvent] = []
    for claim in part:
        context = Context("line@station", claim.host, run=_run(at))
        kind = ClaimKind.of(claim)
        counts[kind] = counts.get(kind, 0) + 1
        happened += [
            NewEvent(EventKind(state.value), context, claim.claim_id, claim.product, claim.unit)
            for state in (State.ALLOCATED, State.WRITTEN, claim.state)
        ]
    detail = json.dumps({"started": at.isoformat(), "devices": len(part), "done": len(part)})
    happened.append(NewEvent(EventKind.RUN, Context("line@station"), detail=detail))
    insert_claims(connection, part)
    insert_events(connection, happened, at, count_statements(connection.dialect.name, counts))


def ask(location: str, size: int) -> Mapping[str, float]:
    """Return how many milliseconds each question takes."""
    with Ledger(location) as ledger:
        return {name: _median(question) for name, question in _questions(ledger, location, size)}


def _questions(ledger: Ledger, location: str, size: int) -> Iterator[tuple[str, Callable[[], object]]]:
    serial = f"SN-{size // 2:08d}"
    (taken,) = ledger.claims(limit=1)

    def refused() -> None:
        try:
            ledger.allocate(AllocationRequest(PRODUCT, "WANT-0", "given", Context("line@station"), taken.claim_id))
        except ClaimConflictError:
            return
        raise AssertionError("it was not refused")

    def first_look() -> object:
        handle, refusals = SimpleNamespace(use=lambda: nullcontext(ledger)), SimpleNamespace(kept=lambda: [])
        return StationFeed(cast("Any", handle), cast("Any", refusals)).look()

    batch = {
        f"host-{number}": {"ioto_mode": "manual", "ioto_product": PRODUCT, "ioto_ledger": location}
        | ({"ioto_claim_id": taken.claim_id, "ioto_serial": taken.unit} if number == 0 else {})
        for number in range(60)
    }
    yield "a unit by its serial", lambda: list(ledger.claims(unit=serial, newest_first=True, limit=20))
    yield "a serial that is not there", lambda: list(ledger.claims(unit="NOWHERE", newest_first=True, limit=20))
    yield "the history of a claim", lambda: list(ledger.events(claim_id=taken.claim_id))
    yield "the units of a run", lambda: list(ledger.claims(run=taken.run))
    yield "the summary", ledger.summary
    yield "the last run", lambda: last_run(ledger)
    yield "open conflicts", ledger.conflicts
    yield "the check of a batch of 60", lambda: check_batch(batch)
    yield "the station page's first look", first_look
    yield "a request that is refused", refused


def _median(question: Callable[[], object]) -> float:
    question()
    took = []
    for _round in range(_ROUNDS):
        began = time.perf_counter()
        question()
        took.append((time.perf_counter() - began) * 1000)
    return median(took)


def table(sizes: list[int], found: Mapping[str, Mapping[str, list[float]]]) -> str:
    """Return the results as a table in Markdown."""
    heads = " | ".join(f"{size:,} claims" for size in sizes)
    lines = [f"| database | question | {heads} | ratio |", f"| --- | --- |{' ---: |' * (len(sizes) + 1)}"]
    for database, questions in found.items():
        for question, took in questions.items():
            cells = " | ".join(f"{milliseconds:.2f} ms" for milliseconds in took)
            lines.append(f"| {database} | {question} | {cells} | {took[-1] / took[0]:.1f} |")
    return "\n".join(lines) + "\n"


def plot(sizes: list[int], found: Mapping[str, Mapping[str, list[float]]], path: Path) -> None:
    """Draw the times over the number of claims."""
    import matplotlib  # noqa: PLC0415 - only who benchmarks has it

    matplotlib.use("svg")
    from matplotlib import pyplot, ticker  # noqa: PLC0415

    figure, both = pyplot.subplots(1, 2, figsize=(12, 5.5), sharey=True, layout="constrained")
    for axes, (database, questions) in zip(both, found.items(), strict=True):
        for question, took in questions.items():
            axes.plot(sizes, took, marker="o", label=question)
        axes.set(xscale="log", yscale="log", xlabel="claims", ylabel="ms", title=database)
        axes.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
        axes.grid(visible=True, which="major", alpha=0.3)
    figure.legend(*both[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small")
    figure.savefig(path)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
