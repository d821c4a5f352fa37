# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the task `label` does: its options become a batch of labels from the ledger, what was made becomes a result."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..claim_ids import parse_product
from ..display_text import counted, printable
from ..ledger.ledger import Ledger
from ..ledger.records import Claim, Context
from . import selection
from .numbers import numbers_on
from .options import LabelTaskError, load_settings


def make_labels(ledger: Ledger, options: Mapping[str, Any], *, context: Context, check: bool) -> dict[str, Any]:
    """Make the labels that `options` (those of the module `label`) ask for, and return the task's result.

    Raises `IotoError`.
    """
    _check(options)
    settings = load_settings(options)
    from . import batch  # noqa: PLC0415  # its libraries are there now

    claims, to_reserve = _claims(ledger, options, context, check)
    labels, without = batch.compose_all(settings.job, claims, numbers_on(settings.job.layout, ledger, claims))
    number = len(labels) + to_reserve
    if without and not number:
        return _with_reasons(_result([], changed=False, msg="No label was made:"), without)
    if not number:
        return _result([], changed=False, msg=_none_is_due(ledger, options))
    if check or not labels:
        word = "would be" if check else _were(number)
        made = [label.claim for label in labels]
        result = _result(made, changed=True, msg=f"{_labels(number)} {word} made: {settings.where}.")
        return _with_reasons(result, without)
    report = settings.make(ledger, labels, context=context)
    number = len(report.made)
    confirmed = number - len(report.unconfirmed)
    what = f"{_labels(number)} {_were(number)} made"
    if report.unconfirmed:
        what = f"{_labels(number)} {_were(number)} sent, of which the printer has confirmed {confirmed}"
    result = _result(report.made, changed=True, msg=f"{what}: {settings.where}.")
    result["files"] = list(report.files)
    if report.notices:
        result["warnings"] = list(report.notices)
    if report.failure:
        result["failed"] = True
        result["missing"] = report.missing
        result["msg"] = (
            f"{report.failure} {_labels(number)} {_were(number)} printed and "
            f"{report.missing} {_were(report.missing)} not; the next run prints those, in order."
        )
    return _with_reasons(result, without)


def _with_reasons(result: dict[str, Any], without: Mapping[str, str]) -> dict[str, Any]:
    """Add to a task's result why units have no label, by unit."""
    if not without:
        return result
    by_reason: dict[str, list[str]] = {}
    for unit, reason in without.items():
        by_reason.setdefault(reason, []).append(printable(unit))
    lines = (f"- {', '.join(units)}: {reason}" for reason, units in by_reason.items())
    if result["changed"]:
        result["msg"] += f" {len(without)} {'has' if len(without) == 1 else 'have'} none:"
    return {**result, "failed": True, "not_labelled": dict(without), "msg": "\n".join([result["msg"], *lines])}


def _claims(ledger: Ledger, options: Mapping[str, Any], context: Context, check: bool) -> tuple[list[Claim], int]:
    """Return what gets a label now, and how many IDs a real run would reserve before."""
    product = parse_product(options["product"]) if options["product"] else None
    if options["preprint"] and product:
        return selection.of_roll(
            ledger,
            product,
            options["roll"],
            options["preprint"],
            reason=options["reason"],
            context=context,
            length=options["length"],
            check=check,
        )
    ids = [*(options["claim_ids"] or ())]
    ids += selection.named(ledger, options["serials"] or (), options["hosts"] or (), product=product)
    if ids:
        return selection.chosen(ledger, ids, reason=options["reason"]), 0
    of_run = selection.in_run(ledger, options["run"]) if options["run"] else None
    claims = selection.due(ledger, context=context, check=check)
    claims = [claim for claim in claims if product in {None, claim.product}]
    if of_run is not None:
        claims = [claim for claim in claims if claim.claim_id in of_run]
    if options["reprint"]:
        claims += selection.again(ledger, product=product, run=options["run"])
    if options["order"] == "serial":
        claims.sort(key=lambda claim: (claim.product, _natural(claim.unit or "")))
    return claims, 0


def _none_is_due(ledger: Ledger, options: Mapping[str, Any]) -> str:
    where = printable(ledger.location)
    if options["preprint"]:
        return f"No label is due: the roll {printable(options['roll'])} was printed before ({where})."
    of = "".join(
        f" of the {kind} {printable(options[kind])}" for kind in ("product", "run") if options[kind] is not None
    )
    return (
        f"No label is due: no unit{of} of the ledger {where} is verified and has no label; to print one again, "
        "name it in ioto_label_serials, with ioto_label_reason."
    )


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _natural(serial: str) -> list[tuple[int, int, str]]:
    """Return what sorts serial numbers as people do: SN-9 before SN-10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"([0-9]+)", serial) if part]


def _check(options: Mapping[str, Any]) -> None:
    problems = []
    if options["preprint"] is not None:
        if options["preprint"] < 1:
            problems.append("preprint is the number of labels on the roll")
        if not options["product"] or not options["roll"]:
            problems.append("preprint needs the product and the roll's name")
        problems += [
            f"{name} has no meaning with preprint"
            for name in ("claim_ids", "serials", "hosts", "run", "reprint")
            if options[name]
        ]
    elif options["roll"]:
        problems.append("roll needs preprint, the number of labels on it")
    problems += [
        f"{name} is an empty list, and without it all labels that are due are made; name somebody, or leave it out"
        for name in ("claim_ids", "serials", "hosts")
        if options[name] == []
    ]
    if options["reprint"] and not (options["product"] or options["run"]):
        problems.append("reprint needs a product or a run, for units named one by one a reason is enough")
    if problems:
        raise LabelTaskError(f"The options do not go together: {'; '.join(problems)}.")


def _labels(number: int) -> str:
    return counted(number, "label")


def _result(claims: Sequence[Claim], *, changed: bool, msg: str) -> dict[str, Any]:
    shown = [{"claim_id": claim.masked, "product": claim.product, "serial": claim.unit} for claim in claims]
    return {"changed": changed, "msg": msg, "claims": shown, "files": []}
