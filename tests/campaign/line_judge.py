# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of the boards of a line: whether ledger, devices and labels agree, and the page tells the truth."""

from __future__ import annotations

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from plugins.plugin_utils.labelling import batch
from plugins.plugin_utils.labels import layout
from plugins.plugin_utils.labels.output_zpl import zpl
from plugins.plugin_utils.ledger.event_kinds import EventKind
from plugins.plugin_utils.ledger.integrity.check import check_integrity
from plugins.plugin_utils.ledger.ledger import Ledger
from plugins.plugin_utils.ledger.records import Claim, State

from .line_bench import PRODUCT_NAME, LineBench
from .line_script import LineScript

_PAGE_SECONDS = 10.0
_TWICE = "may be there twice"


@dataclass(frozen=True)
class Judgement:
    """How many IDs and labels there are, of how many boards there are several, and what is wrong."""

    claim_ids: int
    labels: int
    twice: int
    troubles: Sequence[str]

    def __str__(self) -> str:
        """The figures."""
        return f"{self.claim_ids} IDs, {self.labels} labels, {self.twice} boards with a label twice"


def judge_page(line: LineBench, script: LineScript) -> list[str]:
    """Return in which slots the page does not show what the station has said."""
    told = {slot: tile.state.lower().replace(" ", "_") for slot, tile in script.tiles.items()}
    until = time.monotonic() + _PAGE_SECONDS
    while wrong := [f"the page shows {shown} of {slot}, not {told[slot]}" for slot, shown in _differing(line, told)]:
        if time.monotonic() > until:
            break
        script.follow(0.1)
    return wrong


def _differing(line: LineBench, told: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    with urllib.request.urlopen(f"{line.page}/v1/slots", timeout=_PAGE_SECONDS) as answer:
        shown = {slot["slot"]: slot["state"] for slot in json.loads(answer.read())["slots"]}
    return ((slot, shown.get(slot, "nothing")) for slot, state in told.items() if shown.get(slot) != state)


def judge(line: LineBench, script: LineScript) -> Judgement:
    """Compare the ledger with the boards and the labels, and both with the verdicts of the boards that are in slots."""
    with Ledger(line.ledger, read_only=True) as ledger:
        claims = {str(claim.unit): claim for claim in ledger.claims() if claim.is_live}
        every = [claim.claim_id for claim in ledger.claims()]
        troubles = [f"the ledger: {finding}" for finding in check_integrity(ledger.database).findings]
        starts = Counter(str(event.unit) for event in ledger.events(kinds=[EventKind.PRINT_STARTED]))
    # What came out without an own line in the history would be a label that nobody knows of.
    printed = _printed(line, claims)
    troubles += [*_ids(line, claims, every), *_labels(claims, printed, starts, line.station.log_text)]
    for slot, board in line.jig.inside.items():
        state = script.tiles[slot].state
        claim = claims.get(board.serial)
        is_done = claim is not None and claim.state is State.LABELLED
        if state == "PASS" and not is_done:
            troubles.append(f"{slot} says PASS, and {board.serial} is {claim.state if claim else 'not'} in the ledger")
        if state == "NO LABEL" and (claim is None or claim.state is not State.VERIFIED):
            troubles.append(f"{slot} says NO LABEL, and {board.serial} is {claim and claim.state} in the ledger")
    troubles += [
        f"{board.serial} was PASS, and is {claims[board.serial].state} in the ledger"
        for board in script.used
        if board.serial in script.passed and claims[board.serial].state is not State.LABELLED
    ]
    return Judgement(len(every), printed.total(), sum(1 for number in printed.values() if number > 1), troubles)


def _printed(line: LineBench, claims: Mapping[str, Claim]) -> Counter[str]:
    """Return how many labels of each unit came out; what is nobody's label counts for ``""``."""
    job = batch.LabelJob(layout.load(), product_name=PRODUCT_NAME)
    units = {zpl(batch.compose(job, claim).drawing): unit for unit, claim in claims.items()}
    return Counter(units.get(label, "") for label in line.printer.labels())


def _ids(line: LineBench, claims: Mapping[str, Claim], every: Sequence[str]) -> Iterator[str]:
    ids = {device.serial: device.claim_id() for device in line.fleet.devices}
    if len(set(every)) != len(every) or len(claims) != len(every):
        yield "the ledger has an ID twice, or two of a unit"
    given = [claim_id for claim_id in ids.values() if claim_id]
    if len(set(given)) != len(given):
        yield "two boards have one ID"
    for serial, claim_id in ids.items():
        claim = claims.get(serial)
        if claim_id and (claim is None or claim.claim_id != claim_id):
            yield f"{serial} has an ID that is not its own in the ledger"
        elif claim is not None and claim.state is not State.ALLOCATED and not claim_id:
            yield f"{serial} is {claim.state} in the ledger, and has no ID"


def _labels(
    claims: Mapping[str, Claim], printed: Mapping[str, int], starts: Mapping[str, int], log: str
) -> Iterator[str]:
    if number := printed.get("", 0):
        yield f"{number} labels are of no unit"
    for unit, claim in claims.items():
        number = printed.get(unit, 0)
        if claim.state is State.LABELLED and not number:
            yield f"{unit} is labelled in the ledger, and no label came out"
        if number > starts.get(unit, 0):
            yield f"{number} labels of {unit} came out, and the ledger knows of {starts.get(unit, 0)}"
        if number > 1 and not any(unit in line and _TWICE in line for line in log.splitlines()):
            yield f"{number} labels of {unit} came out, and nobody at the line was told"
