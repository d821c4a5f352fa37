# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch of labels: made in their order, and what the ledger remembers of each.

A label is recorded as made only after its file is on the disk or its printer has read it. Before that,
`print-started` is recorded; a run that dies between the print and its record leaves that alone standing, so the next
run prints that one label again and says that it may be there twice. At least once, then, and not at most once: a
label too many is seen and destroyed, while a unit without one would leave the line unnoticed.

Runs that make labels of the same units at once take turns, label by label or file by file, and none makes what
another has made in the meantime.
A label that went out twice, and of which no printer said that it has it, is not sent a third time by itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from ..errors import IotoError
from ..labels.compose import Composer
from ..labels.drawing import Drawing
from ..labels.errors import LabelError, PrintError
from ..labels.fields import Fields
from ..labels.layout import LabelLayout
from ..labels.output_pdf import roll_pdf, sheet_pdf
from ..labels.output_png import png
from ..labels.output_svg import svg
from ..labels.output_zpl import zpl
from ..labels.sheets import Sheet
from ..ledger.event_kinds import EventKind
from ..ledger.label_doubts import PRINT_EVENTS, unproven
from ..ledger.ledger import Ledger
from ..ledger.records import Claim, Context, Event, NewEvent, State, StateChange
from ..ledger.rework.void_labels import waits_for_label
from .label_files import alone_beside, file_name, is_taken, unused, write_file
from .printers import Printer, Receipt

_MOST_IN_DOUBT = 2
"""Times that a label is sent without a proof: a line can live with a label that is there twice, not with three."""

_TOLD_AGAIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LabelJob:
    """How labels are to be made. `product_names` maps a product ID, or a unit, to its name on the label."""

    layout: LabelLayout
    brand: str = ""
    product_name: str = ""
    product_names: Mapping[str, str] = field(default_factory=dict)
    logo: str = ""
    copies: int = 1
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A claim and the drawing of its label; how many of it, and why again or in copies."""

    claim: Claim
    drawing: Drawing
    copies: int = 1
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LabelReport:
    """What was made: the claims in order, the files, what somebody should know, and why it broke off, if it did.

    `unconfirmed` are the claim IDs of those labels that went out to a printer which does not say that it has them,
    `maybe_twice` of those that may have come out before.
    """

    made: Sequence[Claim] = ()
    files: Sequence[str] = ()
    notices: Sequence[str] = ()
    failure: str = ""
    missing: int = 0
    unconfirmed: Set[str] = frozenset()
    maybe_twice: Set[str] = frozenset()


def compose(job: LabelJob, claim: Claim, number: int = 1) -> Label:
    """Return the label of `claim`, the one with that number. Raises `LabelError`."""
    return Label(claim, _composer(job.layout).compose(fields_of(job, claim, number)), job.copies, job.reason)


def compose_all(
    job: LabelJob, claims: Sequence[Claim], numbers: Mapping[str, int] | None = None
) -> tuple[list[Label], dict[str, str]]:
    """Return the labels of `claims`, and why the others have none, by unit: each is made that can be.

    `numbers` are those of the labels, by claim ID; one that is not there is the first.
    """
    labels = []
    problems = {}
    for claim in claims:
        try:
            labels.append(compose(job, claim, (numbers or {}).get(claim.claim_id, 1)))
        except LabelError as error:
            problems[claim.unit or claim.masked] = str(error)
    return labels, problems


def fields_of(job: LabelJob, claim: Claim, number: int = 1) -> Fields:
    """Return what stands on the label of `claim` with that number."""
    names = job.product_names
    name = names.get(claim.unit or "") or names.get(claim.product) or job.product_name
    return Fields(
        claim_id=claim.claim_id,
        product=claim.product,
        serial=claim.unit or "",
        brand=job.brand or job.layout.brand,
        product_name=name,
        logo=job.logo,
        number=str(number),
    )


def write_files(
    ledger: Ledger,
    labels: Sequence[Label],
    *,
    dest: Path,
    format: str,
    context: Context,
    sheet: Sheet | None = None,
    start: int = 1,
) -> LabelReport:
    """Write the labels to the file `dest` (PDF, ZPL) or into the folder `dest` (SVG, PNG), then record them.

    What is at `dest` already is kept: the new file is called `dest-2` then, and so on. Raises `LabelError`.
    """
    with ledger.alone_with(label.claim.claim_id for label in labels):
        if gone := _reworked(ledger, labels):
            raise LabelError(gone)
        others = _made_meanwhile(ledger, labels)
        ours = [label for label in labels if label.claim.claim_id not in others]
        drawn = _contents(ours, dest, format, sheet, start)
        doubts = {
            label.claim.claim_id: _maybe_twice(label.claim, unproven(_print_events(ledger, label.claim)))
            for label in ours
        }
        with alone_beside(drawn):
            contents = {unused(path): data for path, data in drawn.items()}
            ledger.record_many(
                [_label_event(EventKind.PRINT_STARTED, label.claim, str(dest), context) for label in ours]
            )
            _write(ledger, ours, contents, context)
        _record(ledger, ours, f"written to {dest}", context)
    return LabelReport(
        [label.claim for label in labels],
        [str(path) for path in contents],
        [*filter(None, doubts.values()), *_told(len(others))],
        maybe_twice={claim_id for claim_id, doubt in doubts.items() if doubt},
    )


def _write(ledger: Ledger, labels: Sequence[Label], contents: Mapping[Path, bytes], context: Context) -> None:
    """Write the files of `labels`, all in one or one each. Raises `LabelError`; what is in no file is recorded then."""
    for number, (path, data) in enumerate(contents.items()):
        try:
            write_file(path, data)
        except LabelError as error:
            if not is_taken(path):  # as it was before
                kind, told = EventKind.PRINT_FAILED, str(error)
                ledger.record_many([_label_event(kind, label.claim, told, context) for label in labels[number:]])
            raise


def _contents(
    labels: Sequence[Label], dest: Path, format: str, sheet: Sheet | None, start: int
) -> Mapping[Path, bytes]:
    """Return the files that hold `labels`."""
    if not labels:
        return {}
    if format == "pdf":
        repeated = [label.drawing for label in labels for _copy in range(label.copies)]
        return {dest: sheet_pdf(repeated, sheet, start=start) if sheet else roll_pdf(repeated)}
    if format == "zpl":
        return {dest: b"".join(zpl(label.drawing, copies=label.copies) for label in labels)}
    draw = {"svg": lambda drawing: svg(drawing).encode(), "png": png}[format]
    return {
        dest / f"{number:04d}-{file_name(label.claim)}.{format}": draw(label.drawing)
        for number, label in enumerate(labels, 1)
    }


def print_labels(ledger: Ledger, labels: Sequence[Label], *, printer: Printer, context: Context) -> LabelReport:
    """Print the labels in their order, and record each as the printer takes it; stop at the first that it does not."""
    printing = _Printing(ledger, printer, context)
    made: list[Claim] = []
    failure = ""
    parent = os.getppid()
    for label in labels:
        if os.getppid() != parent:
            # Whoever started us was killed, and nobody hears what becomes of the rest.
            failure = "The run was ended from outside."
            break
        try:
            with ledger.alone_with([label.claim.claim_id]):
                failure = printing.obstacle_to(label)
        except IotoError as error:
            if not (made or isinstance(error, LabelError)):
                raise
            failure = str(error)  # of the ledger as well: what was made before is made
        if failure:
            break
        made.append(label.claim)
    notices = [*printing.notices, *_told(printing.by_others)]
    return LabelReport(made, (), notices, failure, len(labels) - len(made), printing.unconfirmed, printing.maybe_twice)


class _Printing:
    """Prints labels, one after the other, and collects what there is to tell of them."""

    def __init__(self, ledger: Ledger, printer: Printer, context: Context) -> None:
        self._ledger = ledger
        self._printer = printer
        self._context = context
        self.unconfirmed: set[str] = set()
        self.maybe_twice: set[str] = set()
        self.notices: list[str] = []
        self.by_others = 0

    def obstacle_to(self, label: Label) -> str:
        """Print `label`, unless another run has, and return nothing, or why it is not printed. Raises `IotoError`."""
        if _made_meanwhile(self._ledger, [label]):
            self.by_others += 1
            return ""
        if failure := _reworked(self._ledger, [label]):
            return failure
        before = unproven(_print_events(self._ledger, label.claim))
        if failure := _in_doubt(label, before):
            return failure
        if doubt := _maybe_twice(label.claim, before):
            self.notices.append(doubt)
            self.maybe_twice.add(label.claim.claim_id)
        receipt = _print(self._ledger, label, self._printer, self._context)
        if not receipt.is_confirmed:
            self.unconfirmed.add(label.claim.claim_id)
        if receipt.notice and receipt.notice not in self.notices:
            self.notices.append(receipt.notice)
        return ""


def _print(ledger: Ledger, label: Label, printer: Printer, context: Context) -> Receipt:
    """Print and record one label. Raises `PrintError`, recorded as well, where the printer does not take it.

    Raises `LabelError` before that, and records nothing, where the label cannot be drawn in dots.
    """
    claim = label.claim
    data = zpl(label.drawing, copies=label.copies)
    ledger.record_many([_label_event(EventKind.PRINT_STARTED, claim, printer.name, context)])
    try:
        receipt = printer.send(data, f"label {claim.unit or claim.masked}")
    except PrintError as error:
        kind = EventKind.PRINT_UNSURE if error.uncertain else EventKind.PRINT_FAILED
        ledger.record_many([_label_event(kind, claim, str(error), context)])
        raise
    how = "printed on" if receipt.is_confirmed else "sent, and not confirmed, to"
    _record(ledger, [label], f"{how} {printer.name}", context)
    return receipt


def _made_meanwhile(ledger: Ledger, labels: Sequence[Label]) -> set[str]:
    """Return the IDs of those `labels` that another run has made since these were chosen; reprints do not count."""
    of_units = [
        label.claim.claim_id for label in labels if label.claim.unit and label.claim.state is not State.LABELLED
    ]
    made = {claim_id for claim_id, claim in ledger.holders(of_units).items() if claim.state is State.LABELLED}
    relabelled = [
        label.claim.claim_id
        for label in labels
        if label.claim.unit and label.claim.state is State.LABELLED and not label.reason
    ]
    made |= {claim_id for claim_id in relabelled if not waits_for_label(ledger, claim_id)}
    of_rolls = [label.claim for label in labels if not label.claim.unit and not label.reason]
    return made | {claim.claim_id for claim in of_rolls if _is_printed(ledger, claim)}


def _reworked(ledger: Ledger, labels: Sequence[Label]) -> str:
    """Return why `labels` are not made: that of a unit which was reworked since would be void."""
    now = ledger.holders(label.claim.claim_id for label in labels)
    for claim in (label.claim for label in labels):
        known = now.get(claim.claim_id)
        if known is None or not known.is_live or (claim.unit is not None and known.unit != claim.unit):
            return f"The unit {claim.unit or claim.masked} was reworked in the meantime; run again."
    return ""


def _told(by_others: int) -> list[str]:
    if not by_others:
        return []
    labels = "1 label was" if by_others == 1 else f"{by_others} labels were"
    return [f"{labels} made by another run in the meantime, and not once more."]


@lru_cache(maxsize=16)
def _composer(layout: LabelLayout) -> Composer:
    return Composer(layout)


def twice_before(ledger: Ledger, claim: Claim) -> str:
    """Say that the label of `claim`, which was made within a day, may be there twice; nothing where that cannot be.

    The run that made the second one says so at its end, and may have died before that.
    """
    if datetime.now(UTC) - claim.updated_at > _TOLD_AGAIN:
        return ""
    events = _print_events(ledger, claim)
    if [event.kind for event in events[-2:]] != [EventKind.PRINT_STARTED, EventKind.LABELLED]:
        return ""
    return _maybe_twice(claim, unproven(events[:-2]))


def _print_events(ledger: Ledger, claim: Claim) -> list[Event]:
    return list(ledger.events(claim_id=claim.claim_id, kinds=PRINT_EVENTS))


def _maybe_twice(claim: Claim, cut_off: Sequence[Event]) -> str:
    """Say that a label of `claim` may be there already, after those events; nothing without any."""
    if not cut_off:
        return ""
    return (
        f"The label of {claim.unit or claim.masked} may be there twice, since a run was cut off while it was made "
        f"({cut_off[-1].detail}); look for a second one and destroy it."
    )


def _in_doubt(label: Label, cut_off: Sequence[Event]) -> str:
    """Return why the label is not sent once more by itself after those events, or nothing."""
    claim = label.claim
    sent = sum(1 for event in cut_off if event.kind == EventKind.PRINT_UNSURE)
    if sent < _MOST_IN_DOUBT or label.reason:
        return ""
    return (
        f"The label of {claim.unit or claim.masked} was sent {sent} times, and no printer said that it has it; see "
        "whether it is there: if so, record it (ledger_entry with action: labelled), if not, print it with "
        "ioto_label_reason."
    )


def _record(ledger: Ledger, labels: Sequence[Label], where: str, context: Context) -> None:
    """Record labels that are made, all in one transaction or two. Raises `IotoError`."""
    state_changes: list[StateChange] = []
    new_events: list[NewEvent] = []
    for label in labels:
        claim = label.claim
        copies = f", {label.copies} copies" if label.copies > 1 else ""
        detail = f"{where}{copies}{f': {label.reason}' if label.reason else ''}"
        if claim.unit is None:
            # The first of a roll makes its labels known; a reprint is no second beginning.
            new_events.append(
                _label_event(
                    EventKind.REPRINT if _is_printed(ledger, claim) else EventKind.PREPRINTED, claim, detail, context
                )
            )
        elif claim.state is State.LABELLED:
            new_events.append(_label_event(EventKind.REPRINT, claim, detail, context))
        else:
            state_changes.append(StateChange(claim.claim_id, State.LABELLED, _at(claim, context), detail))
    ledger.record_many(new_events)
    for answer in ledger.advance_many(state_changes) if state_changes else []:
        if isinstance(answer, IotoError):
            raise answer


def _is_printed(ledger: Ledger, claim: Claim) -> bool:
    return any(ledger.events(claim_id=claim.claim_id, kinds=[EventKind.PREPRINTED], limit=1))


def _label_event(kind: EventKind, claim: Claim, detail: str, context: Context) -> NewEvent:
    return NewEvent(kind, _at(claim, context), claim.claim_id, claim.product, claim.unit, detail)


def _at(claim: Claim, context: Context) -> Context:
    """Return who labels the unit of `claim`, at its own host: one task labels those of many."""
    return replace(context, host=claim.host)
