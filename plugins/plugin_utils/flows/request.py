# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks that give an identity have in common: options become a `Request`, a `UnitOutcome` becomes a result.

The option names are those of the module `serialize`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import claim_ids
from ..display_text import printable, quoted
from ..errors import IotoError
from ..identity.marks import IdentifyingMarks
from ..labels.qr_templates import qr_templates
from ..serialization.options import REPLACING
from ..serialization.replacing import Replacing
from ..serialization.request import Request, UnitOutcome
from ..serialization.sources.source import ClaimSource
from ..serialization.sources.table import choose


class OptionError(IotoError):
    """Options that do not go together."""


def build_request(options: Mapping[str, Any], *, check: bool) -> Request:
    """Return the request that `options` describe. Raises `IotoError` where they do not go together."""
    if not options["config_dir"].startswith("/"):
        raise OptionError(
            f"The config_dir {quoted(options['config_dir'])} is not an absolute path; give one such as /etc/ioto "
            "(ioto_config_dir)."
        )
    return Request(
        source=_source(options),
        product=options["product"],
        serial=options["serial"],
        properties=options["properties"] or {},
        config_dir=options["config_dir"].rstrip("/") or "/",
        replacing=_replacing(options),
        restart=options.get("agent_restart") or (),
        volatile=options.get("volatile", False),
        unsynced=options.get("unsynced", False),
        rewrite=options.get("rewrite", False),
        length=options["length"],
        marks=IdentifyingMarks.without(options.get("shared_hardware") or ()),
        check=check,
    )


def present_outcome(outcome: UnitOutcome, *, reveal: bool, diff: bool) -> dict[str, Any]:
    """Return the result of a task; claim IDs are masked unless `reveal`."""

    def shown(claim_id: str | None) -> str | None:
        return claim_id if claim_id is None or reveal else claim_ids.mask(claim_id)

    result: dict[str, Any] = {
        "changed": outcome.changed,
        "claim_id": shown(outcome.claim_id),
        "product": outcome.product,
        "serial": outcome.serial,
        "source": outcome.source,
        "state": outcome.state,
        "path": outcome.path,
        "previous_claim_id": shown(outcome.previous_claim_id),
    }
    if outcome.replaced:
        gone = outcome.replaced
        facts = {
            "retired_claim_id": shown(gone.retired_id),
            "foreign_claim_id": None if gone.claim_id == gone.retired_id else shown(gone.claim_id),
            "product": gone.product and printable(gone.product),
            "board": gone.board and printable(gone.board),
        }
        result["replaced"] = {name: fact for name, fact in facts.items() if fact is not None}
    if outcome.adopted:
        result["adopted"] = True
    if outcome.note is not None:
        result["not_confirmed"] = outcome.note
    if outcome.hardware:
        result["hardware"] = dict(outcome.hardware)
    if outcome.rewritten:
        result["rewritten"] = True
    if outcome.notices:
        result["notices"] = list(outcome.notices)
    if outcome.note or outcome.notices:
        result["warnings"] = [*filter(None, [outcome.note]), *outcome.notices]
    if outcome.readable_by_others:
        result["readable_by_others"] = True
    if diff and outcome.before != outcome.after:
        result["diff"] = {
            "before_header": outcome.path,
            "after_header": outcome.path,
            "before": outcome.shown(outcome.before),
            "after": outcome.shown(outcome.after),
        }
    return result


def _replacing(options: Mapping[str, Any]) -> Replacing:
    said = {name: options.get(name) for name in REPLACING}
    reason = printable(options.get("reason") or "")
    for name, value in said.items():
        if value is not None and not reason:
            raise OptionError(f"With ioto_{name} the ledger keeps why; give ioto_reason.")
    product, claim_id, board = (value.strip() if value else None for value in said.values())
    return Replacing(product, claim_id, board, reason or None)


def _source(options: Mapping[str, Any]) -> ClaimSource:
    source = choose(options)
    if source.is_preprinted:
        # What its QR code says stands in the label's layout, of which a source knows nothing.
        options = {**options, "qr": qr_templates(options["qr"], options["layout"])}
    return source.from_options(options)
