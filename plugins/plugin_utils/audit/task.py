# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the task `audit` does: it reads what there is into the stage, compares it with the ledger, and hands it over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from ..display_text import counted, printable
from ..labels.qr_templates import qr_templates
from ..ledger.database import Database
from ..ledger.integrity.check import IntegrityReport, check_integrity
from ..ledger.ledger import Ledger
from ..ledger.location import Location
from ..ledger.migrations.version import moved_sentence
from ..ledger.records import LedgerError
from ..private_files import draft, make_private_folder, write_private
from ..report.options import page_path
from .checks import checkpoint_findings, damage, half_done
from .comparison import compare_others, compare_seen
from .findings import Finding, Origin
from .others import take_other
from .page import LookedAt, Outcome, page
from .sources import AuditError, take_device, take_images, take_scans
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
    html = page_path(options["dest"])
    templates = qr_templates(options["qr"], options["layout"]) if options["scans"] else ()
    if options["checkpoints"] and not options["public_key"]:
        raise AuditError(
            "The checkpoints are held against nothing without the public key of whoever signed them; give its file "
            "(ioto_checkpoint_public_key)."
        )
    # Asked first, and not kept: a ledger is not shared with the processes that read devices.
    with Ledger(options["ledger"], read_only=True) as ledger:
        _refuse_absent(ledger)
    if options["devices"] and not devices.hosts and not any(options[name] for name in _BESIDE_DEVICES):
        raise AuditError(_NOTHING)
    with AuditStage() as stage:
        for answer in devices.answers:
            take_device(stage, answer)
        if options["images"]:
            take_images(stage, options["images"])
        if options["scans"]:
            take_scans(stage, options["scans"], templates, devices.hosts)
        stage.name_scans()
        looked_at = list(_looked_at(stage, options, devices))
        notes = _left_alone(devices)
        with Ledger(options["ledger"], read_only=True) as ledger:
            looked_at += _compare(stage, ledger, options, notes)
            outcome = Outcome(
                options["title"] or "Audit of the ledger",
                ledger.location,
                datetime.now().astimezone(),
                looked_at,
                stage.counts(),
                notes,
            )
        if not check:
            _write(html, stage, outcome, reveal=options["reveal"])
        return _result(html, stage, outcome, check=check)


def _looked_at(stage: AuditStage, options: Mapping[str, Any], devices: AuditedDevices) -> Iterator[LookedAt]:
    if devices.hosts or devices.left_alone:
        yield LookedAt(Origin.DEVICE, "the inventory", {"device": stage.seen[Origin.DEVICE]})
    if options["images"]:
        yield LookedAt(Origin.IMAGE, options["images"], {"image": stage.seen[Origin.IMAGE]})
    if options["scans"]:
        yield LookedAt(Origin.SCAN, options["scans"], {"scan": stage.seen[Origin.SCAN]})


def _compare(stage: AuditStage, ledger: Ledger, options: Mapping[str, Any], notes: list[str]) -> list[LookedAt]:
    """Find what does not agree, and return what was looked at for it."""
    name = printable(ledger.location)
    own = Location.parse(options["ledger"])
    names, looked_at = [], []
    for number, place in enumerate(options["ledgers"] or ()):
        before = stage.seen[Origin.OTHER_LEDGER]
        names.append(take_other(stage, number, place, own, partial(_check, stage, Origin.OTHER_LEDGER, notes)))
        looked_at.append(LookedAt(Origin.OTHER_LEDGER, names[-1], {"claim": stage.seen[Origin.OTHER_LEDGER] - before}))
    report = _check(stage, Origin.LEDGER, notes, ledger.database, name)
    if not report.claims and not any(stage.seen.values()):
        raise AuditError(f"The ledger {name} has no claims, and nothing else was looked at; see which ledger is meant.")
    try:
        for finding in _findings(stage, ledger, name, names, options):
            stage.find(finding)
    except LedgerError as error:
        if not report.findings:
            raise
        notes.append(f"{name}: what is damaged in it kept the audit from comparing everything with it: {error}")
    return [
        LookedAt(Origin.LEDGER, name, {"claim": report.claims, "event": report.events, "seal": report.seals}),
        *looked_at,
        *(LookedAt(Origin.CHECKPOINT, place, {"checkpoint": 1}) for place in options["checkpoints"] or ()),
    ]


def _check(stage: AuditStage, origin: Origin, notes: list[str], database: Database, name: str) -> IntegrityReport:
    report = check_integrity(database)
    notes += [f"{name}: {notice}" for notice in report.notices]
    if (moved_to := ledger.database.moved_to) is not None:
        notes.append(moved_sentence(name, moved_to))
    for finding in damage(report, name, origin):
        stage.find(finding)
    return report


def _findings(
    stage: AuditStage, ledger: Ledger, name: str, others: Sequence[str], options: Mapping[str, Any]
) -> Iterator[Finding]:
    if options["checkpoints"]:
        yield from checkpoint_findings(ledger, name, options["checkpoints"], options["public_key"])
    yield from half_done(ledger, name, options["unverified_hours"])
    yield from compare_others(ledger, stage, others)
    yield from compare_seen(ledger, stage)


def _left_alone(devices: AuditedDevices) -> list[str]:
    if not devices.left_alone:
        return []
    return [f"{counted(devices.left_alone, 'host')} of the inventory left alone (ioto_mode: none or firmware)."]


def _refuse_absent(ledger: Ledger) -> None:
    if ledger.is_absent:
        raise AuditError(f"There is no ledger in {printable(ledger.location)}; give the one you mean, as ioto_ledger.")


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
        parts.append(f"{claims:,} claims of {counted(len(others), 'other ledger')}")
    return f"{', '.join([*parts, *(one.much for one in own)])} of {printable(outcome.ledger)}"
