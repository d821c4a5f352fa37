# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks `ledger_info` and `ledger_entry` do: look up, export, import, retire, re-bind, settle."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ..claim_ids import parse, parse_product
from ..errors import IotoError
from ..identity.mac_addresses import is_same_serial
from ..private_files import write_private
from .columns import shown_by_task
from .event_kinds import EventKind
from .integrity.check import checked
from .ledger import Ledger
from .migrations.command import migrate_ledger
from .moments import parse_moment
from .records import Claim, Context, NewEvent, State, StateChange
from .transfer import export_claims, import_claims


class LedgerTaskError(IotoError):
    """Options that do not go together, or a file that cannot be read or written."""


def query_ledger(ledger: Ledger, options: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Return what `ledger_info` documents."""
    reveal = options["reveal"]
    # First: what is damaged may be what is asked for.
    integrity = checked(ledger) if options["check_integrity"] else None
    claims = _selected(ledger, options, limit=options["limit"])
    summary = ledger.summary()
    result: dict[str, Any] = {
        "changed": False,
        "ledger": ledger.location,
        "claims": [shown_by_task(claim, reveal=reveal) for claim in claims],
        "summary": {
            "total": summary.total,
            "reserved": summary.reserved,
            "states": {state.value: count for state, count in summary.states.items()},
            "products": {
                product: {state.value: count for state, count in states.items()}
                for product, states in summary.products.items()
            },
        },
        "conflicts": [
            {
                **shown_by_task(conflict.event, reveal=reveal),
                "holder": shown_by_task(conflict.holder, reveal=reveal) if conflict.holder else None,
            }
            for conflict in ledger.conflicts()
        ],
    }
    if integrity is not None:
        result["integrity"] = {
            "events": integrity.events,
            "claims": integrity.claims,
            "seals": integrity.seals,
            "unsealed": integrity.unsealed,
            "not_checked": integrity.notices,
        }
    if ledger.is_absent:
        result["warnings"] = [f"There is no ledger in {ledger.location}; see whether that is the one you mean."]
    if options["history"]:
        result["events"] = [
            shown_by_task(event, reveal=reveal) for claim in claims for event in ledger.events(claim_id=claim.claim_id)
        ]
    if options["dest"] is not None:
        text = StringIO(newline="")
        export_claims(_selected(ledger, options, limit=None), text, options["format"])
        result["changed"] = _write_if_changed(Path(options["dest"]), text.getvalue().encode(), check=check)
        result["dest"] = options["dest"]
    return result


def enter_ledger(ledger: Ledger, options: Mapping[str, Any], context: Context, *, check: bool) -> dict[str, Any]:
    """Return what `ledger_entry` documents."""
    action = options["action"]
    if action == "import":
        return _import(ledger, options, context, check=check)
    claim = _named(ledger, options)
    if action == "retire":
        after = _retired(ledger, claim, _needed(options, "reason"), context, check=check)
    elif action == "rebind":
        unit = _needed(options, "new_serial")
        if is_same_serial(claim.unit, unit):
            after = claim
        elif check:
            after = claim._replace(unit=unit)
        else:
            after = ledger.rebind(claim.claim_id, unit, reason=_needed(options, "reason"), context=context)
    elif action == "labelled":
        after = _seen_labelled(ledger, claim, _needed(options, "reason"), context, check=check)
    else:
        return _settle(ledger, claim, options, context, check=check)
    return {"changed": after != claim, "claim": shown_by_task(after, reveal=options["reveal"])}


def migrate(options: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Return what `ledger_entry` documents of the action that migrates."""
    location, migration = outcome = migrate_ledger(options["ledger"], check=check)
    result: dict[str, Any] = {"changed": migration is not None, "ledger": location, "msg": outcome.sentence}
    if migration is not None:
        if check:
            result["msg"] = (
                f"The ledger {location} would be brought from schema {migration.before} to schema {migration.after}."
            )
        kept = None if migration.copy is None else str(migration.copy)
        result["migrated"] = {"before": migration.before, "after": migration.after, "copy": kept}
    return result


def _selected(ledger: Ledger, options: Mapping[str, Any], *, limit: int | None) -> list[Claim]:
    if options["claim_ids"] is not None:
        found = ledger.holders([parse(claim_id) for claim_id in options["claim_ids"]])
        return list(found.values())
    return list(
        ledger.claims(
            states=None if options["state"] is None else [State(state) for state in options["state"]],
            product=None if options["product"] is None else parse_product(options["product"]),
            unit=options["serial"],
            host=options["host"],
            since=None if options["since"] is None else parse_moment(options["since"]),
            newest_first=limit is not None,
            limit=limit,
        )
    )


def _named(ledger: Ledger, options: Mapping[str, Any]) -> Claim:
    """The claim that the options name: by its ID, or as the one that a unit has or had last."""
    if options["claim_id"] is not None:
        claim = ledger.find(parse(options["claim_id"]))
    elif options["serial"] is not None and options["product"] is not None:
        product = parse_product(options["product"])
        claim = ledger.live_claim(product, options["serial"]) or next(
            iter(ledger.claims(product=product, unit=options["serial"], newest_first=True, limit=1)), None
        )
    else:
        raise LedgerTaskError("Nothing says which claim is meant; give claim_id, or product and serial.")
    if claim is None:
        raise LedgerTaskError(f"The ledger {ledger.location} has no such claim; see what it has with ledger_info.")
    return claim


def _retired(ledger: Ledger, claim: Claim, reason: str, context: Context, *, check: bool) -> Claim:
    if claim.state is State.RETIRED:
        return claim
    if check:
        return claim._replace(state=State.RETIRED, reason=reason)
    return ledger.retire(claim.claim_id, reason=reason, context=context)


def _seen_labelled(ledger: Ledger, claim: Claim, reason: str, context: Context, *, check: bool) -> Claim:
    if claim.state is State.LABELLED:
        return claim
    if claim.unit is None:
        raise LedgerTaskError(f"The claim {claim.masked} belongs to no unit; print its roll with a reason instead.")
    if check:
        return claim._replace(state=State.LABELLED)
    return ledger.advance(StateChange(claim.claim_id, State.LABELLED, context, f"seen on the unit: {reason}"))


def _settle(
    ledger: Ledger, claim: Claim, options: Mapping[str, Any], context: Context, *, check: bool
) -> dict[str, Any]:
    """Record that somebody looked at the conflicts about a claim."""
    open_ones = [conflict.event for conflict in ledger.conflicts() if conflict.event.claim_id == claim.claim_id]
    subjects = dict.fromkeys((event.claim_id, event.product, event.unit) for event in open_ones)
    # The device that was done first may have been read back after its twin was refused.
    has_twin = claim.twin is not None and claim.is_live
    after = claim._replace(twin=None) if has_twin else claim
    if not check:
        if has_twin:
            subjects.pop((claim.claim_id, claim.product, claim.unit), None)
            after = ledger.resolve(claim.claim_id, reason=_needed(options, "reason"), context=context)
        for about in subjects:
            ledger.record(NewEvent(EventKind.RESOLVED, context, *about, reason=_needed(options, "reason")))
    return {"changed": bool(open_ones) or has_twin, "claim": shown_by_task(after, reveal=options["reveal"])}


def _import(ledger: Ledger, options: Mapping[str, Any], context: Context, *, check: bool) -> dict[str, Any]:
    path = Path(_needed(options, "src"))
    try:
        with path.open("rb") as stream:
            done = import_claims(ledger, stream, options["format"], context=context, check_only=check)
    except OSError as error:
        raise LedgerTaskError(f"The file {path} cannot be read ({error}); see its name and owner.") from None
    return {
        "changed": bool(done.added or done.changed),
        "imported": {"added": done.added, "changed": done.changed, "unchanged": done.unchanged},
    }


def _needed(options: Mapping[str, Any], name: str) -> str:
    if options[name] is None:
        raise LedgerTaskError(f"The action {options['action']} needs {name}; give it.")
    return str(options[name])


def _write_if_changed(path: Path, data: bytes, *, check: bool) -> bool:
    """Have `path` hold `data`, readable by its owner alone; return whether that is a change."""
    try:
        if path.is_file() and path.read_bytes() == data:
            return False
        if not check:
            write_private(path, data)
    except OSError as error:
        raise LedgerTaskError(
            f"The file {path} cannot be written ({error.strerror}); see whether its directory is there and may be "
            "written."
        ) from None
    return True
