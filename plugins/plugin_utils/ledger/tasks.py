# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks `ledger_info` and `ledger_entry` do: look up, export, import, retire, re-bind, settle.

What is done with a ledger as a whole, which nobody has open then, is in `upkeep`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

from ..claim_ids import parse, parse_product
from ..display_text import counted, printable
from ..errors import IotoError
from ..identity.mac_addresses import is_same_serial
from ..private_files import open_regular, refuse_precious, typed_path, write_private
from .change_set import not_free, taken
from .columns import shown_by_task
from .event_kinds import EventKind
from .exchange.exchange_file import is_exchange
from .exchange.tasks import compared, export_whole, import_whole
from .integrity.check import checked
from .ledger import Ledger
from .moments import parse_moment, refuse_backwards
from .naming import named_claim
from .records import Claim, ClaimConflictError, Context, Event, NewEvent, State, StateChange, parse_unit
from .rework.lookups import VoidQuery, chain_result, void_file, void_result
from .told import NO_CONFLICT, SETTLE, claim_line, conflict_line, found_lines, summary_line
from .transfer import export_claims, import_claims

_OF_OTHERS = 0o077
"""What others may do with a file."""


class LedgerTaskError(IotoError):
    """Options that do not go together, or a file that cannot be read or written."""


def refuse_absent(ledger: Ledger) -> None:
    """Raise `LedgerTaskError` where there is no ledger: what only reads would find nothing amiss in it."""
    if ledger.is_absent:
        raise LedgerTaskError(
            f"There is no ledger in {printable(ledger.location)}; give the one you mean, as ioto_ledger."
        )


def query_ledger(ledger: Ledger, options: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Return what `ledger_info` documents. Raises `LedgerTaskError` where there is no ledger."""
    reveal = options["reveal"]
    # First: what is damaged may be what is asked for.
    integrity = checked(ledger) if options["check_integrity"] else None
    claims = _selected(ledger, options, limit=options["limit"])
    refuse_absent(ledger)  # what is wrong with the options is told first
    summary = ledger.summary()
    conflicts = ledger.conflicts()
    history = [(claim, _history(ledger, claim) if options["history"] else []) for claim in claims]
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
            for conflict in conflicts
        ],
        "lines": [*found_lines(history, reveal=reveal), summary_line(summary)],
        "conflict_lines": [
            *(conflict_line(conflict, reveal=reveal) for conflict in conflicts),
            SETTLE if conflicts else NO_CONFLICT,
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
        result["msg"] = f"The ledger {printable(ledger.location)} is sound: {integrity}."
    if options["history"]:
        result["events"] = [shown_by_task(event, reveal=reveal) for _claim, events in history for event in events]
    if options["chain"]:
        named = claims if options["claim_ids"] is not None else ()
        result |= chain_result(ledger, named, serial=options["serial"], product=_product(options), reveal=reveal)
    if options["void_labels"]:
        result |= void_result(ledger, _void_query(options), reveal=reveal)
    if options["compare_with"] is not None:
        result |= compared(options)
    if options["dest"] is not None:
        result |= (export_whole if options["whole"] else _export)(ledger, options, check=check)
    elif options["whole"]:
        raise LedgerTaskError("A whole ledger is exported to a file; give dest.")
    return result


def enter_ledger(ledger: Ledger, options: Mapping[str, Any], context: Context, *, check: bool) -> dict[str, Any]:
    """Return what `ledger_entry` documents."""
    action = options["action"]
    if action == "import":
        return _import(ledger, options, context, check=check)
    names = {name: options[name] for name in ("claim_id", "serial", "product")}
    if action == "resolve":
        return _settle(ledger, names, _needed(options, "reason"), context, check=check, reveal=options["reveal"])
    claim = named_claim(ledger, **names)
    if action == "retire":
        after = _retired(ledger, claim, _needed(options, "reason"), context, check=check)
    elif action == "rebind":
        unit = _needed(options, "new_serial")
        reason = _needed(options, "reason")
        if check:
            after = _foretell_rebound(ledger, claim, unit)
        else:
            after = ledger.rebind(claim.claim_id, unit, reason=reason, context=context)
    else:
        after = _seen_labelled(ledger, claim, _needed(options, "reason"), context, check=check)
    return _entered(after, changed=after != claim, reveal=options["reveal"])


def _entered(claim: Claim, *, changed: bool, reveal: bool) -> dict[str, Any]:
    return {
        "changed": changed,
        "claim": shown_by_task(claim, reveal=reveal),
        "msg": claim_line(claim, reveal=reveal),
    }


def _history(ledger: Ledger, claim: Claim) -> list[Event]:
    return list(ledger.events(claim_id=claim.claim_id))


def _export(ledger: Ledger, options: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    path = typed_path(options["dest"]).absolute()
    refuse_precious(path)
    if options["void_labels"]:
        what = "void label"
        number, data = void_file(ledger, _void_query(options), _format(options, path))
    else:
        what = "claim"
        text = StringIO(newline="")
        number = export_claims(_selected(ledger, options, limit=None), text, _format(options, path))
        data = text.getvalue().encode()
    changed = _write_if_changed(path, data, check=check)
    told = f"{counted(number, what)} {'would be' if check and changed else 'is' if number == 1 else 'are'}"
    return {
        "changed": changed,
        "dest": options["dest"],
        "msg": f"{told} in {printable(str(path))}, with whole claim IDs; only its owner may read it.",
    }


def _format(options: Mapping[str, Any], path: Path) -> str:
    return options["format"] or ("jsonl" if path.suffix.lower() == ".jsonl" else "csv")


def _selected(ledger: Ledger, options: Mapping[str, Any], *, limit: int | None) -> list[Claim]:
    if options["claim_ids"] is not None:
        found = ledger.holders([parse(claim_id) for claim_id in options["claim_ids"]])
        return list(found.values())
    since, until = _period(options)
    return list(
        ledger.claims(
            states=None if options["state"] is None else [State(state) for state in options["state"]],
            product=_product(options),
            unit=options["serial"],
            host=options["host"],
            since=since,
            until=until,
            source=options["source"],
            run=options["run"],
            newest_first=limit is not None,
            limit=limit,
        )
    )


def _period(options: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    since = None if options["since"] is None else parse_moment(options["since"])
    until = None if options["until"] is None else parse_moment(options["until"], is_end=True)
    refuse_backwards(since, until)
    return since, until


def _void_query(options: Mapping[str, Any]) -> VoidQuery:
    return VoidQuery(*_period(options), _product(options))


def _product(options: Mapping[str, Any]) -> str | None:
    return None if options["product"] is None else parse_product(options["product"])


def _retired(ledger: Ledger, claim: Claim, reason: str, context: Context, *, check: bool) -> Claim:
    if claim.state is State.RETIRED:
        return claim
    if check:
        return claim._replace(state=State.RETIRED, reason=reason)
    return ledger.retire(claim.claim_id, reason=reason, context=context)


def _foretell_rebound(ledger: Ledger, claim: Claim, unit: str) -> Claim:
    """Return what the claim would be when it is moved to `unit`. Raises `ClaimConflictError` where it would not."""
    if not claim.is_live:
        raise ClaimConflictError(taken(claim), claim)
    unit = parse_unit(unit)
    if is_same_serial(claim.unit, unit):
        return claim
    for live in ledger.live_claims([(claim.product, unit)]).values():
        raise ClaimConflictError(not_free(unit, live), live)
    return claim._replace(unit=unit, state=State.ALLOCATED)


def _seen_labelled(ledger: Ledger, claim: Claim, reason: str, context: Context, *, check: bool) -> Claim:
    if claim.state is State.LABELLED:
        return claim
    if claim.unit is None:
        raise LedgerTaskError(f"The claim {claim.masked} belongs to no unit; print its roll with a reason instead.")
    if check:
        if not claim.is_live:
            raise ClaimConflictError(taken(claim), claim)
        return claim._replace(state=State.LABELLED)
    return ledger.advance(StateChange(claim.claim_id, State.LABELLED, context, f"seen on the unit: {reason}"))


def _settle(
    ledger: Ledger, names: Mapping[str, str | None], reason: str, context: Context, *, check: bool, reveal: bool
) -> dict[str, Any]:
    """Record that somebody looked at the conflicts about a claim, or about an ID that no claim has."""
    conflicts = ledger.conflicts()
    about = None if names["claim_id"] is None else parse(names["claim_id"])
    unheld = [conflict.event for conflict in conflicts if conflict.holder is None]
    asked = next((event for event in unheld if event.unit is not None and event.claim_id == about), None)
    if about is not None and asked is not None:
        # Its unit has another one.
        names = {"claim_id": None, "serial": asked.unit, "product": asked.product}
    claim = named_claim(ledger, **names)
    open_ones = [conflict.event for conflict in conflicts if conflict.event.claim_id in {claim.claim_id, about}]
    open_ones += [event for event in unheld if (event.product, event.unit) == (claim.product, claim.unit)]
    subjects = dict.fromkeys((event.claim_id, event.product, event.unit) for event in open_ones)
    # The device that was done first may have been read back after its twin was refused.
    has_twin = claim.twin is not None and claim.is_live
    after = claim._replace(twin=None) if has_twin else claim
    if not check:
        if has_twin:
            subjects.pop((claim.claim_id, claim.product, claim.unit), None)
            after = ledger.resolve(claim.claim_id, reason=reason, context=context)
        for subject in subjects:
            ledger.record(NewEvent(EventKind.RESOLVED, context, *subject, reason=reason))
    return _entered(after, changed=bool(open_ones) or has_twin, reveal=reveal)


def _import(ledger: Ledger, options: Mapping[str, Any], context: Context, *, check: bool) -> dict[str, Any]:
    path = typed_path(_needed(options, "src")).absolute()
    try:
        if is_exchange(path):
            return import_whole(ledger.database, path, check=check)
        with open_regular(path) as stream:
            done = import_claims(ledger, stream, _format(options, path), context=context, check_only=check)
    except OSError as error:
        raise LedgerTaskError(f"The file {path} cannot be read ({error.strerror}); check its name and owner.") from None
    return {
        "changed": bool(done.added or done.changed),
        "imported": {"added": done.added, "changed": done.changed, "unchanged": done.unchanged},
        "msg": (
            f"Of {counted(done.added + done.changed + done.unchanged, 'claim')} in {printable(str(path))}, "
            f"{done.added} {'would be' if check else 'were'} added, {done.changed} changed, and {done.unchanged} known "
            "already."
        ),
    }


def _needed(options: Mapping[str, Any], name: str) -> str:
    if options[name] is None or not str(options[name]).strip():
        raise LedgerTaskError(f"The action {options['action']} needs {name}; give it.")
    return str(options[name])


def _write_if_changed(path: Path, data: bytes, *, check: bool) -> bool:
    """Have `path` hold `data`, readable by its owner alone; return whether that is a change."""
    try:
        if path.is_file() and not path.stat().st_mode & _OF_OTHERS and path.read_bytes() == data:
            return False
        if not check:
            write_private(path, data)
    except OSError as error:
        raise LedgerTaskError(
            f"The file {path} cannot be written ({error.strerror}); see whether its directory is there and may be "
            "written."
        ) from None
    return True
