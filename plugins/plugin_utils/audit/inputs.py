# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that an audit is given beside devices: it is read before the first device, and all that is wrong is said at once.

What a device answers cannot be asked for again for nothing, so nothing that can be known before ends an audit after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..batch.results import some_of
from ..display_text import counted, printable
from ..errors import IotoError
from ..labels.qr_templates import qr_templates
from ..ledger.database import Database
from ..ledger.integrity.check import IntegrityReport, check_integrity
from ..ledger.ledger import Ledger
from ..ledger.location import Location
from ..ledger.migrations.version import moved_sentence
from ..report.page_place import page_path
from .checks import damage
from .findings import Origin
from .others import take_other
from .page import LookedAt
from .sources import AuditError, take_images, take_scans
from .stage import AuditStage
from .tables import FIRST_COLUMNS

if TYPE_CHECKING:
    from ..checkpoints.checkpoint import Checkpoint


@dataclass(slots=True)
class Inputs:
    """What was read into the stage, and what is left to compare: signed checkpoints, each with its file."""

    html: Path = Path()
    own: Location = field(default_factory=Location)
    checkpoints: list[tuple[str, Checkpoint]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """How the other ledgers are shown, by their numbers."""
    looked_at: list[LookedAt] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_inputs(stage: AuditStage, options: Mapping[str, Any], hosts: Sequence[str]) -> Inputs:
    """Read images, scans, other ledgers and checkpoints. Raises `IotoError` with all that is wrong with them."""
    inputs = Inputs()
    steps: list[Callable[[], None]] = [
        partial(_page, inputs, options),
        partial(_own, inputs, options),
        partial(_images, stage, inputs, options),
        partial(_scans, stage, inputs, options, hosts),
        *(partial(_other, stage, inputs, place) for place in options["ledgers"] or ()),
        *_checkpoints(inputs, options),
    ]
    problems: dict[str, IotoError] = {}
    for step in steps:
        try:
            step()
        except IotoError as error:
            problems.setdefault(str(error), error)
    if len(problems) == 1:
        raise next(iter(problems.values()))
    if problems:
        lines = "\n".join(f"- {sentence}" for sentence in problems)
        raise AuditError(f"No device was asked, because of {counted(len(problems), 'problem')}:\n{lines}")
    return inputs


def check_ledger(stage: AuditStage, origin: Origin, notes: list[str], database: Database, name: str) -> IntegrityReport:
    """Check a whole ledger, the audited one or another; what is wrong is found. Raises `LedgerError`."""
    report = check_integrity(database)
    notes += [f"{name}: {notice}" for notice in report.notices]
    if (moved_to := database.moved_to) is not None:
        notes.append(moved_sentence(name, moved_to))
    for finding in damage(report, name, origin):
        stage.find(finding)
    return report


def refuse_absent(ledger: Ledger) -> None:
    """Raise `AuditError` where there is no ledger."""
    if ledger.is_absent:
        raise AuditError(f"There is no ledger in {printable(ledger.location)}; give the one you mean, as ioto_ledger.")


def _page(inputs: Inputs, options: Mapping[str, Any]) -> None:
    try:
        inputs.html = page_path(options["dest"], FIRST_COLUMNS)
    except IotoError as error:
        raise AuditError(f"{str(error).removesuffix('.')} (ioto_audit_dest).") from None


def _own(inputs: Inputs, options: Mapping[str, Any]) -> None:
    inputs.own = Location.parse(options["ledger"])
    # Not kept: a ledger is not shared with the processes that read devices.
    with Ledger(options["ledger"], read_only=True) as ledger:
        refuse_absent(ledger)


def _images(stage: AuditStage, inputs: Inputs, options: Mapping[str, Any]) -> None:
    if options["images"]:
        hidden = take_images(stage, options["images"])
        if hidden:
            number = counted(len(hidden), "hidden file")
            inputs.notes.append(f"{number} of {printable(options['images'])} not looked at: {some_of(hidden)}.")
        inputs.looked_at.append(LookedAt(Origin.IMAGE, options["images"], {"image": stage.seen[Origin.IMAGE]}))


def _scans(stage: AuditStage, inputs: Inputs, options: Mapping[str, Any], hosts: Sequence[str]) -> None:
    if options["scans"]:
        take_scans(stage, options["scans"], qr_templates(options["qr"], options["layout"]), hosts)
        inputs.looked_at.append(LookedAt(Origin.SCAN, options["scans"], {"scan": stage.seen[Origin.SCAN]}))


def _other(stage: AuditStage, inputs: Inputs, place: str) -> None:
    before = stage.seen[Origin.OTHER_LEDGER]
    check = partial(check_ledger, stage, Origin.OTHER_LEDGER, inputs.notes)
    name = take_other(stage, len(inputs.others), place, inputs.own, check)
    inputs.others.append(name)
    amounts = {"claim": stage.seen[Origin.OTHER_LEDGER] - before}
    inputs.looked_at.append(LookedAt(Origin.OTHER_LEDGER, name, amounts))


def _checkpoints(inputs: Inputs, options: Mapping[str, Any]) -> list[Callable[[], None]]:
    """Return what reads each checkpoint. The key is read for each, and what is wrong with it is told once."""

    def read(path: str) -> None:
        # Not at the top: nothing else needs the library.
        from ..checkpoints.checkpoint import read_checkpoint  # noqa: PLC0415
        from ..checkpoints.keys import public_key  # noqa: PLC0415

        if not options["public_key"]:
            raise AuditError(
                "The checkpoints are held against nothing without the public key of whoever signed them; give its file "
                "(ioto_checkpoint_public_key)."
            )
        key = public_key(options["public_key"])
        try:
            signed = read_checkpoint(path, key)
        except IotoError as error:
            raise AuditError(f"{printable(path)}: {error}") from None
        # Its units, which are many, are held against devices alone.
        inputs.checkpoints.append((path, replace(signed, units=None)))

    return [partial(read, path) for path in options["checkpoints"] or ()]
