# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch of labels: which are due, in which order, and what the ledger remembers of them.

A label is recorded as made only after its file is on the disk or its printer has read it. Before a printer gets a
label, `print-started` is recorded; a run that dies between the print and its record leaves that alone standing, so the
next run prints that one label again and says that it may be there twice. No label is ever missing without a word.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from ..claim_ids import parse
from ..errors import IotoError
from ..ledger import Claim, Context, Entry, Ledger, State, Step
from .compose import Composer
from .drawing import Drawing
from .errors import LabelError, PrintError
from .fields import Fields
from .layout import Layout
from .output_pdf import roll_pdf, sheet_pdf
from .output_png import png
from .output_svg import svg
from .output_zpl import zpl
from .printing import Printer
from .sheets import Sheet

FORMATS = ("pdf", "svg", "png", "zpl")
PREPRINTED = "preprinted"
_STARTED, _FAILED = "print-started", "print-failed"


@dataclass(frozen=True, slots=True)
class Job:
    """How labels are to be made. `product_names` maps a product ID, or a unit, to its name on the label."""

    layout: Layout
    brand: str = ""
    product_name: str = ""
    product_names: Mapping[str, str] = field(default_factory=dict)
    logo: str = ""
    copies: int = 1
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A claim and the drawing of its label."""

    claim: Claim
    drawing: Drawing


@dataclass(frozen=True, slots=True)
class Report:
    """What was made: the claims in order, the files, what somebody should know, and why it broke off, if it did."""

    made: Sequence[Claim] = ()
    files: Sequence[str] = ()
    notices: Sequence[str] = ()
    failure: str = ""
    missing: int = 0


def due(
    ledger: Ledger, *, context: Context, units: Iterable[tuple[str, str]] | None = None, check: bool = False
) -> list[Claim]:
    """Return the claims that are verified and have no label yet, in the order of the line; of `units` alone if given.

    A claim whose label was printed before it had a unit is recorded as labelled instead.
    """
    if units is None:
        claims = list(ledger.claims(states=[State.VERIFIED], reserved=False))
    else:
        wanted = {claim.claim_id for claim in ledger.live_claims(units).values() if claim.state is State.VERIFIED}
        claims = [claim for claim in ledger.claims(states=[State.VERIFIED], reserved=False) if claim.claim_id in wanted]
    preprinted = {event.claim_id for event in ledger.events(actions=[PREPRINTED])}
    if not check:
        steps = [
            Step(claim.claim_id, State.LABELLED, context, "label was printed beforehand")
            for claim in claims
            if claim.claim_id in preprinted
        ]
        _raise_first(ledger.advance_many(steps) if steps else [])
    return [claim for claim in claims if claim.claim_id not in preprinted]


def chosen(ledger: Ledger, ids: Sequence[str], *, reason: str) -> list[Claim]:
    """Return the claims with those IDs, as given. Raises `LabelError` that lists all which may have no label."""
    held = ledger.holders(ids)
    problems = []
    claims = []
    for text in dict.fromkeys(map(parse, ids)):
        claim = held.get(text)
        if claim is None:
            problems.append(f"the ledger does not know ...{text[-2:]}; serialize its unit first")
        elif claim.unit is None or claim.state not in {State.VERIFIED, State.LABELLED}:
            problems.append(
                f"{claim.masked} is {claim.state}, and only what was read back gets a label; verify it first"
            )
        elif claim.state is State.LABELLED and not reason.strip():
            problems.append(f"{claim.masked} of {claim.unit} has its label; give a reason to print it again")
        else:
            claims.append(claim)
    if problems:
        raise LabelError(f"No label was made: {'; '.join(problems)}.")
    return claims


def beforehand(ledger: Ledger, product: str, number: int, *, context: Context) -> list[Claim]:
    """Return `number` reserved claims without a label: first those that a broken run left, then new ones."""
    printed = {event.claim_id for event in ledger.events(actions=[PREPRINTED])}
    left = [
        claim
        for claim in ledger.claims(product=product, reserved=True)
        if claim.is_live and claim.claim_id not in printed
    ]
    claims = left[:number]
    if len(claims) < number:
        claims += ledger.reserve(product, number - len(claims), context=context)
    return claims


def compose_all(job: Job, claims: Sequence[Claim]) -> list[Label]:
    """Return the labels of `claims`. Raises `LabelError` that lists every label that cannot be made."""
    composer = Composer(job.layout)
    labels = []
    problems = []
    for claim in claims:
        try:
            labels.append(Label(claim, composer.compose(fields_of(job, claim))))
        except LabelError as error:
            problems.append(f"{claim.unit or claim.masked}: {error}")
    if problems:
        raise LabelError("\n".join(["No label was made:", *(f"- {problem}" for problem in dict.fromkeys(problems))]))
    return labels


def fields_of(job: Job, claim: Claim) -> Fields:
    """Return what stands on the label of `claim`."""
    names = job.product_names
    name = names.get(claim.unit or "") or names.get(claim.product) or job.product_name
    return Fields(
        claim_id=claim.claim_id,
        product=claim.product,
        serial=claim.unit or "",
        brand=job.brand or job.layout.brand,
        product_name=name,
        logo=job.logo,
    )


def write_files(
    ledger: Ledger,
    job: Job,
    labels: Sequence[Label],
    *,
    dest: Path,
    format: str,
    context: Context,
    sheet: Sheet | None = None,
    start: int = 1,
) -> Report:
    """Write the labels into `dest`, then record them all. PDF and ZPL are one file; SVG and PNG a folder of files.

    The files hold claim IDs, so they are readable for their owner alone (0600).
    """
    repeated = [label.drawing for label in labels for _copy in range(job.copies)]
    if format == "pdf":
        contents = {dest: sheet_pdf(repeated, sheet, start=start) if sheet else roll_pdf(repeated)}
    elif format == "zpl":
        contents = {dest: b"".join(zpl(label.drawing, copies=job.copies) for label in labels)}
    else:
        draw = {"svg": lambda drawing: svg(drawing).encode(), "png": png}[format]
        contents = {
            dest / f"{number:04d}-{_file_name(label.claim)}.{format}": draw(label.drawing)
            for number, label in enumerate(labels, 1)
        }
    contents = {_unused(path): data for path, data in contents.items()}
    for path, data in contents.items():
        _write(path, data)
    for label in labels:
        _record(ledger, job, label.claim, f"written to {dest}", context)
    return Report(made=[label.claim for label in labels], files=[str(path) for path in contents])


def print_labels(ledger: Ledger, job: Job, labels: Sequence[Label], *, printer: Printer, context: Context) -> Report:
    """Print the labels in their order, and record each as the printer takes it; stop at the first that it does not."""
    made: list[Claim] = []
    notices = []
    for label in labels:
        claim = label.claim
        last = next(iter(ledger.events(claim_id=claim.claim_id, newest_first=True, limit=1)), None)
        if last is not None and last.action == _STARTED:
            notices.append(
                f"The label of {claim.unit or claim.masked} may be there twice, since a run was cut off while it "
                "printed; look for a second one and destroy it."
            )
        _note(ledger, _STARTED, claim, printer.name, context)
        try:
            printer.send(zpl(label.drawing, copies=job.copies))
        except PrintError as error:
            _note(ledger, _FAILED, claim, str(error), context)
            return Report(made, (), notices, str(error), len(labels) - len(made))
        _record(ledger, job, claim, f"printed on {printer.name}", context)
        made.append(claim)
    return Report(made, (), notices)


def _record(ledger: Ledger, job: Job, claim: Claim, where: str, context: Context) -> None:
    detail = where + (f", {job.copies} copies" if job.copies > 1 else "") + (f": {job.reason}" if job.reason else "")
    if claim.unit is None:
        _note(ledger, PREPRINTED, claim, detail, context)
    elif claim.state is State.LABELLED:
        _note(ledger, "reprint", claim, detail, context)
    else:
        ledger.advance(claim.claim_id, State.LABELLED, context=context, detail=detail)


def _note(ledger: Ledger, action: str, claim: Claim, detail: str, context: Context) -> None:
    ledger.record_many([Entry(action, context, claim.claim_id, claim.product, claim.unit, detail)])


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and durably."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        raise LabelError(f"The labels cannot be written to {path} ({error.strerror}); give another dest.") from error


def _unused(path: Path) -> Path:
    """Return `path`, or the first of `name-2`, `name-3` … that is not there: labels of an earlier batch are kept."""
    candidates = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return path if not path.exists() else next(candidate for candidate in candidates if not candidate.exists())


def _file_name(claim: Claim) -> str:
    name = claim.unit or claim.claim_id[-2:]
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "_" for letter in name)[:80]


def _raise_first(answers: Iterable[object]) -> None:
    for answer in answers:
        if isinstance(answer, IotoError):
            raise answer
