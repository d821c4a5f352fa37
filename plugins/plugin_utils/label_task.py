# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the task `label` does: its options become a batch of labels, what was made becomes a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .claim_ids import parse_product
from .errors import IotoError
from .ledger import Claim, Context, Ledger


class LabelTaskError(IotoError):
    """Options that do not go together."""


def make_labels(
    ledger: Ledger,
    options: Mapping[str, Any],
    hosts: Mapping[str, Mapping[str, Any]],
    *,
    context: Context,
    check: bool,
) -> dict[str, Any]:
    """Make the labels that `options` (those of the module `label`) ask for, and return the task's result.

    `hosts` maps each host of the play to what its flow registered (`ioto_outcome`), for `scope: play`.
    Raises `IotoError`.
    """
    _check(options)
    try:
        # Imported here, so that what makes no labels does without their libraries.
        from .labels import batch, layout, printing, sheets  # noqa: PLC0415
    except ImportError as error:
        raise LabelTaskError(
            f"Labels need the Python package {error.name}; install segno, reportlab, uharfbuzz, freetype-py and pillow "
            "for the Python that runs Ansible."
        ) from error
    units, names = _of_play(options, hosts)
    job = batch.Job(
        layout=layout.load(options["layout"]).with_dpi(options["dpi"]).with_qr(options["qr"]),
        brand=options["brand"],
        product_name=options["product_name"],
        product_names=names,
        logo=options["logo"],
        copies=options["copies"],
        reason=options["reason"],
    )
    printer = (
        printing.open_printer(options["printer"], timeout=options["printer_timeout"]) if options["printer"] else None
    )
    sheet = sheets.parse_sheet(options["sheet"]) if options["sheet"] else None
    if sheet is not None:
        sheet.check(job.layout.width, job.layout.height, options["sheet_start"])

    if options["preprint"] and check:
        return _result([], changed=True, msg=f"{options['preprint']} labels would be made.")
    claims = _claims(ledger, options, units, context, check)
    labels = batch.compose_all(job, claims)
    if check or not labels:
        return _result(
            claims, changed=bool(labels), msg=f"{len(labels)} labels {'would be' if check else 'were'} made."
        )
    if printer is not None:
        report = batch.print_labels(ledger, job, labels, printer=printer, context=context)
    else:
        report = batch.write_files(
            ledger,
            job,
            labels,
            dest=Path(options["dest"]),
            format=options["format"],
            context=context,
            sheet=sheet,
            start=options["sheet_start"],
        )
    where = printer.name if printer else options["dest"]
    result = _result(report.made, changed=True, msg=f"{len(report.made)} labels were made: {where}.")
    result["files"] = list(report.files)
    if report.notices:
        result["warnings"] = list(report.notices)
    if report.failure:
        result["failed"] = True
        result["missing"] = report.missing
        result["msg"] = (
            f"{report.failure} {len(report.made)} labels were printed and {report.missing} were not; "
            "the next run prints those, in order."
        )
    return result


def _of_play(
    options: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]]
) -> tuple[list[tuple[str, str]] | None, dict[str, str]]:
    """Return the units that the play's flows handled (None: all of the ledger), and the product names to print."""
    names = dict(options["product_names"])
    if options["scope"] != "play":
        return None, names
    units = []
    for facts in hosts.values():
        outcome = facts.get("ioto_outcome")
        if isinstance(outcome, Mapping) and outcome.get("product") and outcome.get("serial"):
            units.append((outcome["product"], outcome["serial"]))
            if facts.get("ioto_label_product_name"):
                names.setdefault(outcome["serial"], facts["ioto_label_product_name"])
    return units, names


def _claims(
    ledger: Ledger, options: Mapping[str, Any], units: list[tuple[str, str]] | None, context: Context, check: bool
) -> list[Claim]:
    from .labels import batch  # noqa: PLC0415

    product = parse_product(options["product"]) if options["product"] else None
    if options["preprint"] and product:
        return batch.beforehand(ledger, product, options["preprint"], context=context)
    if options["claim_ids"]:
        return batch.chosen(ledger, options["claim_ids"], reason=options["reason"])
    claims = batch.due(ledger, context=context, units=units, check=check)
    return [claim for claim in claims if product in {None, claim.product}]


def _check(options: Mapping[str, Any]) -> None:
    problems = []
    if bool(options["dest"]) == bool(options["printer"]):
        problems.append("give one of dest and printer")
    if not 1 <= options["copies"] <= 1000:
        problems.append("copies must be 1 to 1000")
    if options["sheet"] and (options["printer"] or options["format"] != "pdf"):
        problems.append("a sheet is a PDF in a dest")
    if options["preprint"] is not None and (options["preprint"] < 1 or not options["product"] or options["claim_ids"]):
        problems.append("preprint is the number of labels to make, and needs a product and no claim_ids")
    if problems:
        raise LabelTaskError(f"The options do not go together: {'; '.join(problems)}.")


def _result(claims: Sequence[Claim], *, changed: bool, msg: str) -> dict[str, Any]:
    shown = [{"claim_id": claim.masked, "product": claim.product, "serial": claim.unit} for claim in claims]
    return {"changed": changed, "msg": msg, "claims": shown, "files": []}
