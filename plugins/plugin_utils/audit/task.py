# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the task `audit` does: it reads what there is into the stage, compares it with the ledger, and hands it over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from ..display_text import counted, printable
from ..errors import IotoError
from ..ledger.ledger import Ledger
from ..private_files import draft, make_private_folder, write_private
from .checks import checkpoint_findings, half_done
from .comparison import compare_others, compare_seen
from .findings import Finding, FindingKind, Origin
from .inputs import Inputs, check_ledger, read_inputs, refuse_absent
from .page import LookedAt, Outcome, page
from .sources import AuditError, take_device
from .stage import AuditStage
from .tables import write_tables

_MOST_TOLD = 20
"""Findings on the screen."""
_SEEN = {Origin.DEVICE, Origin.IMAGE, Origin.SCAN}
_BESIDE_DEVICES = ("images", "scans", "ledgers", "checkpoints")
_NOTHING = (
    "The audit has nothing to compare with the ledger: give an inventory that has devices with -i, or "
    "ioto_audit_images, ioto_audit_scans, ioto_audit_ledgers or ioto_audit_checkpoints; for the ledger alone, say "
    "ioto_audit_devices=false."
)


@dataclass(frozen=True, slots=True)
class AuditedDevices:
    """The devices of an audit: their `hosts` in the order of the inventory, and what each answers, as it comes.

    An answer is what the fleet engine yields for a `Look`. `left_alone` are hosts that were not asked.
    """

    hosts: Sequence[str] = ()
    answers: Iterable[Mapping[str, Any]] = ()
    left_alone: int = 0


def make_audit(options: Mapping[str, Any], devices: AuditedDevices, *, check: bool) -> dict[str, Any]:
    """Make the audit that `options` (those of the module `audit`) ask for, and return the task's result.

    Nothing that is looked at is changed. Raises `IotoError` where something that was named cannot be used, or where
    there is nothing to look at.
    """
    with AuditStage() as stage:
        inputs = read_inputs(stage, options, devices.hosts)
        if options["devices"] and not devices.hosts and not any(options[name] for name in _BESIDE_DEVICES):
            raise AuditError(_NOTHING)
        _ask(stage, devices)
        stage.name_scans()
        notes = [*_left_alone(devices), *inputs.notes]
        looked_at = list(_looked_at(stage, inputs, devices))
        looked_at += _compare(stage, inputs, options["unverified_hours"], notes)
        outcome = Outcome(
            options["title"] or "Audit of the ledger",
            str(inputs.own),
            datetime.now().astimezone(),
            [*looked_at, *(one for one in inputs.looked_at if one.origin not in _SEEN), *_signed(inputs)],
            stage.counts(),
            notes,
        )
        if not check:
            _write(inputs.html, stage, outcome, reveal=options["reveal"])
        return _result(inputs.html, stage, outcome, check=check)


def _ask(stage: AuditStage, devices: AuditedDevices) -> None:
    """Take in what the devices answer. Raises `IotoError` where none of them could be asked."""
    try:
        for answer in devices.answers:
            take_device(stage, answer)
    except IotoError as error:
        # What the others answered is worth more than the end of the run.
        if not (asked := stage.seen[Origin.DEVICE]):
            raise
        left = counted(max(len(devices.hosts) - asked, 0), "device")
        stage.find(_not_looked_at(Origin.DEVICE, "the inventory", f"{left} gave no answer any more", error))


def _looked_at(stage: AuditStage, inputs: Inputs, devices: AuditedDevices) -> Iterator[LookedAt]:
    if devices.hosts or devices.left_alone:
        yield LookedAt(Origin.DEVICE, "the inventory", {"device": stage.seen[Origin.DEVICE]})
    yield from (one for one in inputs.looked_at if one.origin in _SEEN)


def _signed(inputs: Inputs) -> Iterator[LookedAt]:
    return (LookedAt(Origin.CHECKPOINT, path, {"checkpoint": 1}) for path, _unused in inputs.checkpoints)


def _compare(stage: AuditStage, inputs: Inputs, hours: float, notes: list[str]) -> list[LookedAt]:
    """Find what does not agree, and return what was looked at of the ledger itself.

    Whatever keeps it from that is a finding: what was seen is on the page all the same.
    """
    name, report = printable(str(inputs.own)), None
    try:
        with Ledger(inputs.own, read_only=True) as ledger:
            refuse_absent(ledger)
            report = check_ledger(stage, Origin.LEDGER, notes, ledger.database, name)
            for finding in _findings(stage, ledger, name, inputs, hours):
                stage.find(finding)
    except IotoError as error:
        if report is not None and report.findings:
            notes.append(f"{name}: what is damaged in it kept the audit from comparing everything with it: {error}")
        else:
            stage.find(_not_looked_at(Origin.LEDGER, name, "not everything was compared with it", error))
    if report is None:
        return []
    if not report.claims and not any(stage.seen.values()):
        raise AuditError(f"The ledger {name} has no claims, and nothing else was looked at; see which ledger is meant.")
    return [LookedAt(Origin.LEDGER, name, {"claim": report.claims, "event": report.events, "seal": report.seals})]


def _not_looked_at(origin: Origin, where: str, what: str, error: IotoError) -> Finding:
    return Finding(FindingKind.NOT_READ, origin, where, f"{what}: {printable(str(error)).rstrip('.')}")


def _findings(stage: AuditStage, ledger: Ledger, name: str, inputs: Inputs, hours: float) -> Iterator[Finding]:
    yield from checkpoint_findings(ledger, name, inputs.checkpoints)
    yield from half_done(ledger, name, hours)
    yield from compare_others(ledger, stage, inputs.others)
    yield from compare_seen(ledger, stage)


def _left_alone(devices: AuditedDevices) -> list[str]:
    if not devices.left_alone:
        return []
    return [f"{counted(devices.left_alone, 'host')} of the inventory left alone (ioto_mode: none or firmware)."]


def _write(html: Path, stage: AuditStage, outcome: Outcome, *, reveal: bool) -> None:
    """Write the page and the tables, readable by their owner alone, and each a whole one."""
    try:
        make_private_folder(html.parent)
        with ExitStack() as stack:
            tables = [
                stack.enter_context(_open(stack.enter_context(draft(html.with_suffix(end)))))
                for end in (".csv", ".jsonl")
            ]
            write_tables(stage.findings(), *tables, reveal=reveal)
        write_private(html, page(outcome, stage.findings(), reveal=reveal).encode("utf-8", "replace"))
    except OSError as error:
        raise AuditError(
            f"The audit cannot be written to {printable(str(html))} ({error.strerror}); give another dest."
        ) from error


def _open(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", errors="replace", newline="")


def _result(html: Path, stage: AuditStage, outcome: Outcome, *, check: bool) -> dict[str, Any]:
    found = ", ".join(f"{number:,} {kind.heading}" for kind, number in outcome.counts.items())
    looked_at = _in_words(outcome)
    where = f"the page {'would be' if check else 'is'} {printable(str(html))}"
    lines = [f"- {finding.sentence}" for finding in islice(stage.findings(), _MOST_TOLD)]
    if outcome.number > _MOST_TOLD:
        lines.append(f"- and {outcome.number - _MOST_TOLD:,} more, on the page.")
    if outcome.number:
        message = f"The audit has {counted(outcome.number, 'finding')} ({found}); {where}. Looked at: {looked_at}."
    else:
        message = f"Everything agrees with the ledger; {where}. Looked at: {looked_at}."
    return {
        "changed": not check,
        "failed": bool(outcome.number),
        "msg": "\n".join([message, *lines]),
        "lines": [message, *lines, *outcome.notes],
        "findings": {kind.value: number for kind, number in outcome.counts.items()},
        "looked_at": [
            {"what": one.origin.value, "where": one.name, "amounts": dict(one.amounts)} for one in outcome.looked_at
        ],
        "files": [str(html.with_suffix(end)) for end in (html.suffix, ".csv", ".jsonl")],
    }


def _in_words(outcome: Outcome) -> str:
    """Return what was looked at, as the end of a sentence."""
    own = [one for one in outcome.looked_at if one.origin is Origin.LEDGER]
    signed = sum(one.origin is Origin.CHECKPOINT for one in outcome.looked_at)
    others = [one for one in outcome.looked_at if one.origin is Origin.OTHER_LEDGER]
    parts = [one.much for one in outcome.looked_at if one.origin in _SEEN]
    if signed:
        parts.append(counted(signed, "checkpoint"))
    if others:
        claims = sum(one.amounts["claim"] for one in others)
        parts.append(f"{counted(claims, 'claim')} of {counted(len(others), 'other ledger')}")
    return f"{', '.join([*parts, *(one.much for one in own)])} of {printable(outcome.ledger)}"
