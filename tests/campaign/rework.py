# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rework by two operators at once, who do not know of each other: real processes at one ledger.

Each draws acts at random, on the same few units, and is a line beside: what has lost its claim, or its label, is
provisioned and labelled again. Afterwards the ledger is judged by the book that each operator kept of what the ledger
answered, and every label that was ever made is held before the core of `verify.yml`.

`PYTHONPATH=playbooks/collections python -m tests.campaign.rework --acts 200 --seed 21` (SQLite and PostgreSQL)
"""

from __future__ import annotations

import argparse
import multiprocessing
import secrets
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    Context,
    NewEvent,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.rework.acts import Act, parse_request
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.rework.chain import chains_of_unit
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.rework.void_labels import (
    label_numbers,
    void_labels,
    waits_for_label,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.rework.work import Reworked, rework
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.scan import read_scan
from ansible_collections.ioto.serialization.plugins.plugin_utils.verification.three_way_check import (
    UnitSeen,
    ask_ledger,
    compare,
)
from tests.services.postgresql import running_postgresql

PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"
QR = "https://example.com/?id={claim_id}&sn={serial}&n={number}"
OPERATORS = ("ann", "bob")
_SECONDS = 600

_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class MadeLabel:
    """What stands in the QR code of a label that an operator stuck on a unit."""

    claim_id: str
    serial: str
    number: int

    @property
    def text(self) -> str:
        """The text of the code."""
        return QR.format(claim_id=self.claim_id, serial=self.serial, number=self.number)


@dataclass(slots=True)
class Book:
    """What an operator did, by what the ledger answered: the acts that changed something, and the labels made."""

    operator: str
    acts: list[tuple[Act, str, str, str]] = field(default_factory=list)
    """Each with the claim ID before, the one afterwards, and its reason."""
    labels: list[MadeLabel] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class ReworkResult:
    """What a campaign came to."""

    counts: Counter[str]
    violations: Sequence[str]

    def __str__(self) -> str:
        told = ", ".join(f"{number} {what}" for what, number in sorted(self.counts.items()))
        return "\n".join([told, *self.violations])


def run(location: str, *, acts: int, units: int, seed: int) -> ReworkResult:
    """Have two operators do `acts` of rework in all on `units`, and judge the ledger that is left."""
    with Ledger(location) as ledger:
        first = Book("line")
        for number in range(units):
            _bring_up(ledger, f"SN-{number}", first, Context("line@campaign", operator="line"))
    books = [first, *_at_once(location, acts // len(OPERATORS), units, seed)]
    counts: Counter[str] = sum((book.answers for book in books), Counter())
    counts["labels made"] = sum(len(book.labels) for book in books)
    with Ledger(location) as ledger:
        violations = [*_judge_claims(ledger), *_judge_chains(ledger, books), *_judge_labels(ledger, books, counts)]
        violations += [f"the check of the ledger: {finding}" for finding in check_integrity(ledger.database).findings]
    return ReworkResult(counts, violations)


def _at_once(location: str, acts: int, units: int, seed: int) -> Iterator[Book]:
    start, answers = _fork.Barrier(len(OPERATORS)), _fork.Queue()

    def work(operator: str) -> None:
        try:
            start.wait(_SECONDS)
            answers.put(_operate(location, operator, acts, units, Random(f"{seed}/{operator}")))
        except BaseException:
            answers.put(traceback.format_exc())

    children = [_fork.Process(target=work, args=(operator,), daemon=True) for operator in OPERATORS]
    for child in children:
        child.start()
    for _child in children:
        answer = answers.get(timeout=_SECONDS)
        if isinstance(answer, str):
            raise RuntimeError(answer)
        yield answer
    for child in children:
        child.join(_SECONDS)


def _operate(location: str, operator: str, acts: int, units: int, random: Random) -> Book:
    """Do acts on units drawn at random, which the other operator works on as well."""
    book = Book(operator)
    context = Context(f"{operator}@campaign", operator=operator)
    with Ledger(location) as ledger:
        for number in range(acts):
            serial = f"SN-{random.randrange(units)}"
            act = random.choice(list(Act))
            values = {"act": act, "serial": serial, "reason": f"{operator} {number}"}
            if act is Act.NEW_CASE:
                values |= {"new_serial": f"SN-{random.randrange(2 * units)}", "keep_id": random.random() < 0.5}
            request = parse_request(values, context)
            if isinstance(request, list):
                book.answers["not asked"] += 1
                continue
            (answer,) = rework(ledger, [request])
            if isinstance(answer, Reworked):
                book.answers[f"{act} {'done' if answer.changed else 'done before'}"] += 1
                if answer.changed:
                    book.acts.append((act, answer.before.claim_id, answer.claim.claim_id, request.reason))
            else:
                book.answers["refused"] += 1
            if random.random() < 0.7:
                _bring_up(ledger, f"SN-{random.randrange(2 * units)}", book, context, is_new=False)
                _bring_up(ledger, serial, book, context)
    return book


def _bring_up(ledger: Ledger, serial: str, book: Book, context: Context, *, is_new: bool = True) -> None:
    """Do what provision.yml and labels.yml do with a unit: its claim, and the label that it lacks."""
    if not is_new and ledger.live_claim(PRODUCT, serial) is None:
        return
    try:
        claim = ledger.allocate(AllocationRequest(PRODUCT, serial, "generated", context))
        with ledger.alone_with([claim.claim_id]):
            _label(ledger, claim.claim_id, serial, book, context)
    except IotoError:
        book.answers["taken away meanwhile"] += 1


def _label(ledger: Ledger, claim_id: str, serial: str, book: Book, context: Context) -> None:
    claim = ledger.find(claim_id)
    if claim is None or not claim.is_live or claim.unit != serial:
        return
    waits = claim.state is State.LABELLED and waits_for_label(ledger, claim_id)
    if claim.state is State.LABELLED and not waits:
        return
    # Somebody may rework the unit while its label comes out: the label is what it was made for, void or not.
    label = MadeLabel(claim_id, serial, label_numbers(ledger, [claim])[claim_id])
    book.labels.append(label)
    if waits:
        about = claim_id, claim.product, claim.unit
        ledger.record(NewEvent(EventKind.REPRINT, context, *about))
    else:
        ledger.advance(StateChange(claim_id, State.LABELLED, context))


def _judge_claims(ledger: Ledger) -> Iterator[str]:
    """Yield where an ID belongs to two units, or a unit has two IDs (invariants 1 and 2 of the design)."""
    claims = list(ledger.claims())
    ids = Counter(claim.claim_id for claim in claims)
    yield from (f"an ID is there {number} times" for number in ids.values() if number > 1)
    live = Counter((claim.product, claim.unit) for claim in claims if claim.is_live)
    yield from (f"{unit} has {number} live IDs" for (_product, unit), number in live.items() if number > 1)
    for claim in claims:
        retired = [event for event in ledger.events(claim_id=claim.claim_id) if event.kind == EventKind.RETIRED]
        after = [event for event in ledger.events(claim_id=claim.claim_id) if retired and event.id > retired[0].id]
        came_back = {EventKind.ALLOCATED, EventKind.BOUND, EventKind.REBOUND, EventKind.VERIFIED, EventKind.LABELLED}
        if {event.kind for event in after} & came_back:
            yield f"{claim.masked} came back after it was retired"
    heirs = Counter(claim.replaces for claim in claims if claim.replaces is not None)
    known = {claim.claim_id: claim for claim in claims}
    yield from (f"{number} claims are in the place of one" for number in heirs.values() if number > 1)
    for replaced in heirs:
        if replaced not in known or known[replaced].is_live:
            yield "what a claim replaces is not retired"


def _judge_chains(ledger: Ledger, books: Sequence[Book]) -> Iterator[str]:
    """Yield each act that the chain of its unit does not tell, with its operator and reason, at the right claim."""
    told: set[tuple[str, str | None, str | None, str | None]] = set()
    followed: dict[str, str | None] = {}
    for unit in {claim.unit for claim in ledger.claims() if claim.unit is not None}:
        for chain in chains_of_unit(ledger, unit):
            for link in chain:
                followed[link.claim.claim_id] = link.successor and link.successor.claim_id
                for event in link.events:
                    told.add((str(event.kind), event.claim_id, event.reason, event.operator))
    for book in books:
        for act, before, after, reason in book.acts:
            kind = "scrapped" if act is Act.SCRAP else act.value
            if (kind, after, reason, book.operator) not in told:
                yield f"the chain does not tell of {act} by {book.operator} ({reason})"
            if act is Act.NEW_CASE and before != after and followed.get(before) != after:
                yield f"the chain does not lead from the old ID to the new one of {book.operator} ({reason})"
    done = sum(len(book.acts) for book in books)
    events = list(ledger.events(kinds=_ACTS))
    if len(events) != done:
        yield f"the ledger tells of {len(events)} acts, and {done} were done"


_ACTS = (EventKind.SCRAPPED, EventKind.NEW_BOARD, EventKind.NEW_CASE, EventKind.RELABEL, EventKind.CAME_BACK)


def _judge_labels(ledger: Ledger, books: Sequence[Book], counts: Counter[str]) -> Iterator[str]:
    """Hold every label before its unit's device, and yield each void one that passes, and each good one that fails."""
    live = {claim.unit: claim for claim in ledger.claims() if claim.is_live}
    listed = {(found.claim.claim_id, found.number) for found in void_labels(ledger)}
    numbers = label_numbers(ledger, live.values())
    for label in {label for book in books for label in book.labels}:
        holder = ledger.find(label.claim_id)
        is_good = _is_good(label, holder, numbers)
        counts["labels void" if not is_good else "labels good"] += 1
        # It hangs on the unit that has its ID now, else on the one whose serial it says.
        unit = holder.unit if holder is not None and holder.is_live else label.serial
        problems = _problems(ledger, label, live.get(unit), unit or label.serial)
        if not is_good and not any("the label is void" in problem for problem in problems):
            yield f"a void label of {label.serial} is not caught: {problems}"
        if is_good and problems:
            yield f"the label of {label.serial} is good, and does not pass: {problems}"
        if not is_good and (label.claim_id, label.number) not in listed:
            yield f"a void label of {label.serial} is not listed for destruction"


def _is_good(label: MadeLabel, holder: Claim | None, numbers: Mapping[str, int]) -> bool:
    if holder is None or not holder.is_live or holder.unit != label.serial:
        return False
    return numbers[label.claim_id] == label.number


def _problems(ledger: Ledger, label: MadeLabel, live: Claim | None, unit: str) -> list[str]:
    """Return what the core of `verify.yml` finds where the device has what the ledger says."""
    seen = UnitSeen(unit, live.claim_id if live is not None else label.claim_id, PRODUCT)
    scan = read_scan(label.text, [QR])
    found = compare(scan, seen, ask_ledger(ledger, scan, seen, PRODUCT), PRODUCT).problems
    return [problem for problem in found if "run provision again" not in problem]


def main() -> int:
    """Run the campaign on both databases, and say what it came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acts", type=int, default=200, help="acts of rework on each database (default: %(default)s)")
    parser.add_argument("--units", type=int, default=12, help="units that they are done with (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="of all that is drawn (default: another one each time)")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbelow(1_000_000)
    wrong = 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(running_postgresql())
        for name, location in (("SQLite", str(folder / "ledger.db")), ("PostgreSQL", server.new_url())):
            result = run(location, acts=given.acts, units=given.units, seed=seed)
            wrong += len(result.violations)
            print(f"{name}: seed {seed}, {result}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
