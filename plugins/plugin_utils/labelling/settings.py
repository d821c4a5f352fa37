# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How and where labels are made: options become a job, and a printer or a place for files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..display_text import quoted
from ..labels import layout
from ..labels.errors import LabelError
from ..labels.sheets import Sheet, parse_sheet
from ..ledger.ledger import Ledger
from ..ledger.records import Context
from ..private_files import obstacle_to, typed_path
from . import batch
from .printers import Printer, open_printer

_MAX_COPIES = 1000
_OF_FILES = ("pdf", "zpl")
"""Formats that hold all labels in one file."""


class LabelSettingsError(LabelError):
    """Options that do not go together."""


@dataclass(frozen=True, slots=True)
class LabelSettings:
    """What is to stand on labels, and where they go: to `printer`, else into `dest`."""

    job: batch.LabelJob
    printer: Printer | None
    dest: Path
    format: str
    sheet: Sheet | None
    sheet_start: int
    is_reprint: bool = False
    """Whether labels that are there already are made again."""

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> LabelSettings:
        """Return the settings that `options` (those of the module `label`, complete) describe. Raises `IotoError`."""
        _check(options)
        dest = typed_path(options["dest"] or ".").absolute()
        if options["dest"]:
            _check_dest(dest, options["format"])
        job = parse_job(options)
        sheet = parse_sheet(options["sheet"]) if options["sheet"] else None
        if sheet is not None:
            sheet.check(job.layout.width, job.layout.height, options["sheet_start"])
        return cls(
            job=job,
            printer=open_printer(options["printer"], timeout=options["printer_timeout"])
            if options["printer"]
            else None,
            dest=dest,
            format=options["format"],
            sheet=sheet,
            sheet_start=options["sheet_start"],
            is_reprint=options["reprint"],
        )

    @property
    def where(self) -> str:
        """Where the labels go, for messages."""
        return self.printer.name if self.printer else str(self.dest)

    @property
    def queue(self) -> tuple[object, ...]:
        """What labels share that go out one after the other, whatever stands on each."""
        return (self.printer.name,) if self.printer else (self.dest, self.format, self.sheet, self.sheet_start)

    def make(self, ledger: Ledger, labels: Sequence[batch.Label], *, context: Context) -> batch.LabelReport:
        """Print or write `labels`, in their order, and record them. Raises `IotoError`."""
        if self.printer is not None:
            return batch.print_labels(ledger, labels, printer=self.printer, context=context)
        return batch.write_files(
            ledger,
            labels,
            dest=self.dest,
            format=self.format,
            context=context,
            sheet=self.sheet,
            start=self.sheet_start,
        )


def parse_job(options: Mapping[str, Any]) -> batch.LabelJob:
    """Return what is to stand on labels by the complete `options`, wherever they go. Raises `IotoError`."""
    return batch.LabelJob(
        layout=layout.load(options["layout"]).with_dpi(options["dpi"]).with_qr(options["qr"]),
        brand=options["brand"],
        product_name=options["product_name"],
        product_names=_texts(options["product_names"]),
        logo=options["logo"],
        copies=options["copies"],
        reason=options["reason"],
    )


def _texts(names: Mapping[Any, Any]) -> Mapping[str, str]:
    """Return `names` where they are texts: of 0012, YAML has made 10, which is another unit. Raises `IotoError`."""
    for strange in (text for pair in names.items() for text in pair if not isinstance(text, str)):
        raise LabelSettingsError(
            f"product_names (ioto_label_product_names) has {quoted(strange)}, which YAML does not take for a text; put "
            "it in quotes."
        )
    return names


def _check(options: Mapping[str, Any]) -> None:
    problems = []
    if bool(options["dest"]) == bool(options["printer"]):
        problems.append(
            "give one of dest (ioto_label_dest, a file or folder) and printer (ioto_label_printer, such as "
            "socket://HOST:9100), which ioto.serialization.labels takes from the group all of the inventory or from -e"
        )
    if not 1 <= options["copies"] <= _MAX_COPIES:
        problems.append(f"copies must be 1 to {_MAX_COPIES}")
    if options["copies"] > 1 and not options["printer"] and options["format"] not in _OF_FILES:
        problems.append("copies are made by a printer, or in a PDF or ZPL; of SVG and PNG each label is one file")
    if options["sheet"] and (options["printer"] or options["format"] != "pdf"):
        problems.append("a sheet is a PDF in a dest")
    if options["reprint"] and not options["reason"].strip():
        problems.append("reprint needs a reason (ioto_label_reason), which is recorded")
    if problems:
        raise LabelSettingsError(f"The options of the labels do not go together: {'; '.join(problems)}.")


def _check_dest(dest: Path, format: str) -> None:
    """Refuse a place where the labels cannot be written, as far as one sees before. Raises `LabelSettingsError`."""
    is_file, ending = format in _OF_FILES, f".{format}"
    # Not Path.is_dir: in most releases it fails where nobody may look.
    if not is_file and dest.suffix.lower() in {".pdf", ".zpl", ending} and not os.path.isdir(dest):  # noqa: PTH112
        raise LabelSettingsError(
            f"The labels are to be {format.upper()}, a file each, and {quoted(dest.name)} is the name of one file; let "
            "ioto_label_dest be a folder, or give another ioto_label_format."
        )
    if is_file and dest.suffix.lower() != ending:
        raise LabelSettingsError(
            f"The labels are to be {format.upper()}, and {quoted(dest.name)} does not name such a file; let the "
            f"name of ioto_label_dest end in {ending}, or give another ioto_label_format."
        )
    if obstacle := obstacle_to(dest if is_file else dest / f"label{ending}"):  # of a folder, a name in it
        raise LabelSettingsError(f"The labels cannot be written {obstacle} (ioto_label_dest).")
