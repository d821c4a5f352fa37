# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The claims against their history: each claim has the unit and the state that its events say.

Claims and events come from the database in one order, all of one claim ID together, so that nothing has to be kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy.engine import Connection

from ..event_kinds import EventKind
from ..raw_rows import raw_columns, raw_select
from ..records import State
from ..schema import claims, events
from .findings import Findings
from .origins import MergedEvents, foreign_until
from .row_parsers import BIRTHS, CHANGES, DOUBTS, claim_problems
from .scan import scan

_SOURCE = "source "
_STATE = "state "


class _Replayed(NamedTuple):
    """A claim (`is_event` 0; `what` is its state, `detail` its source), or an event that changed or doubted one.

    `twin` and `unsettled_at` are None for an event.
    """

    claim_id: object
    is_event: int
    number: int
    product: object
    unit: object
    what: object
    detail: object
    at: object
    reason: object
    twin: object
    unsettled_at: object


def check_claims(connection: Connection, findings: Findings) -> int:
    """Look at every claim, and at what the events say of it; return how many claims there are."""
    count = 0
    for row in scan(connection, claims, findings):
        count += 1
        for problem in claim_problems(row):
            findings.add_row(claims.name, row[0], problem)
    merged = MergedEvents(connection)
    for _claim_id, grouped in groupby(_entries(connection), attrgetter("claim_id")):
        entries = list(grouped)
        sentences = list(_replay(entries))
        if sentences and any(entry.is_event and entry.number in merged for entry in entries):
            sentences = list(_replay_merged(entries))
        for sentence in sentences:
            findings.add(sentence)
    _check_heirs(connection, findings)
    if connection.dialect.name == "sqlite":
        _check_order(connection, findings)
    return count


def _check_heirs(connection: Connection, findings: Findings) -> None:
    """Look for claims instead of one that is in use; one that the ledger lacks may be elsewhere."""
    rows = raw_select(
        connection,
        f"SELECT heir.seq FROM {claims.name} AS heir JOIN {claims.name} AS gone ON gone.claim_id = heir.replaces "  # noqa: S608
        f"WHERE gone.state <> '{State.RETIRED.value}' ORDER BY heir.seq",
    )
    for (number,) in rows:
        findings.add_row(claims.name, number, "the claim that it replaces is not retired")


def _check_order(connection: Connection, findings: Findings) -> None:
    """Compare the order of the claims with that of their births.

    Whoever writes to SQLite is alone, and puts down the claims and then their events. Two who write to PostgreSQL draw
    their numbers as it comes, and a merge puts down what it finds. Schema 1, whose events have keys that were
    computed, promised no order.
    """
    births = ", ".join(f"'{kind.value}'" for kind in BIRTHS)
    rows = raw_select(
        connection,
        f"SELECT {claims.name}.seq FROM {events.name} NOT INDEXED CROSS JOIN {claims.name} USING (claim_id) "  # noqa: S608
        f"WHERE action IN ({births}) AND key LIKE '%.%' AND id > :until ORDER BY id",
        until=foreign_until(connection),
    )
    for (before,), (number,) in pairwise(rows):
        if number <= before:
            findings.add_row(claims.name, number, f"it came to be after row {before}, by the events")


def _entries(connection: Connection) -> Iterator[_Replayed]:
    dialect = connection.dialect
    # Not by an index of SQLite: the check is there to find that one is wrong.
    table, order = (" NOT INDEXED", "BINARY") if dialect.name == "sqlite" else ("", '"C"')
    names = ("seq", "product", "unit", "state", "source", "created_at", "reason", "twin", "unsettled_at")
    of_claims = raw_columns(claims, dialect, names)
    of_events = raw_columns(events, dialect, ("id", "product", "unit", "action", "detail", "at", "reason"))
    kinds = ", ".join(f"'{kind.value}'" for kind in (*CHANGES, *DOUBTS))
    rows = raw_select(
        connection,
        f"SELECT * FROM (SELECT claim_id, 0 AS is_event, {of_claims} FROM {claims.name}{table} "  # noqa: S608
        f"UNION ALL SELECT claim_id, 1, {of_events}, NULL, NULL FROM {events.name}{table} "
        f"WHERE action IN ({kinds})) AS entries ORDER BY claim_id COLLATE {order}, is_event, 3",
    )
    return (_Replayed(*row) for row in rows)


def _replay(entries: Sequence[_Replayed]) -> Iterator[str]:
    """Yield what does not agree between a claim and its events."""
    holders = [entry for entry in entries if not entry.is_event]
    told = [entry for entry in entries if entry.is_event]
    history = [event for event in told if event.what not in DOUBTS]
    if not holders:
        # Somebody may have looked into a conflict about an ID that the ledger does not know.
        for event in (event for event in told if event.what != EventKind.RESOLVED):
            yield f"Row {event.number} of {events.name}: {claims.name} does not have the claim that it tells of."
            break
        return
    claim = holders[0]
    for other in holders[1:]:
        yield f"Rows {claim.number} and {other.number} of {claims.name}: both have the same claim ID."
    if not history or history[0].what not in BIRTHS:
        yield f"Row {claim.number} of {claims.name}: no event tells how the claim came to be."
        return
    for event in history[1:]:
        if event.what in BIRTHS:
            yield f"Row {event.number} of {events.name}: the claim that it tells of was there already."
    for name, is_so, last in (
        ("product", all(event.product == claim.product for event in history), history[-1]),
        ("unit", history[-1].unit == claim.unit, history[-1]),
        ("state", _state(history) in (claim.what, None), history[-1]),
        ("source", _source(history[0]) in (claim.detail, None), history[-1]),
        ("created_at", history[0].what == EventKind.IMPORTED or history[0].at == claim.at, history[-1]),
        ("reason", _has_its_reason(claim, history), history[-1]),
        ("twin", _has_its_twin(claim, told), told[-1]),
        ("unsettled_at", (claim.unsettled_at is not None) == _is_unsettled(told), told[-1]),
    ):
        if not is_so:
            yield f"Row {claim.number} of {claims.name}: its {name} is not what its events say (row {last.number})."


def _replay_merged(entries: Sequence[_Replayed]) -> Iterator[str]:
    """Yield what does not agree where several ledgers told of one claim: their events are in no common order."""
    claim, *others = entries
    history = [event for event in others if event.is_event and event.what not in DOUBTS]
    if claim.is_event or any(not entry.is_event for entry in others):
        yield from _replay(entries)
        return
    births = [event for event in history if event.what in BIRTHS]
    if not births:
        yield f"Row {claim.number} of {claims.name}: no event tells how the claim came to be."
        return
    here = [event for event in history if event.unit == claim.unit]
    states = {_state([event]) for event in here if event.what != EventKind.BOUND} | {State.ALLOCATED.value}
    is_retired = any(event.what == EventKind.RETIRED for event in history)
    reasons = {None, *(event.reason for event in others), *(event.detail for event in others)}
    last = others[-1]
    # Two products may have had one ID before anybody saw it; it is merged once it is retired in both.
    products = {event.product for event in history}
    for name, is_so in (
        ("product", claim.product in products and (len(products) == 1 or claim.what == State.RETIRED)),
        ("unit", bool(here)),
        ("state", claim.what == State.RETIRED if is_retired else claim.what in states or None in states),
        ("source", bool({claim.detail, None} & {_source(event) for event in births})),
        ("created_at", any(event.what == EventKind.IMPORTED or event.at == claim.at for event in births)),
        ("reason", claim.reason in reasons or births[0].what == EventKind.IMPORTED),
        ("twin", claim.twin is None or any(event.detail == claim.twin for event in others)),
        ("unsettled_at", claim.unsettled_at is None or any(e.what == EventKind.UNSETTLED for e in others)),
    ):
        if not is_so:
            yield f"Row {claim.number} of {claims.name}: its {name} is not what its events say (row {last.number})."


def _state(history: Iterable[_Replayed]) -> object:
    """Return the state that the events lead to; None where an import does not say."""
    state: object = None
    for event in history:
        if event.what == EventKind.IMPORTED:
            state = str(event.detail).removeprefix(_STATE) if str(event.detail).startswith(_STATE) else None
        elif event.what in _STARTS:
            state = State.ALLOCATED.value
        else:
            state = event.what
    return state


def _has_its_reason(claim: _Replayed, history: Sequence[_Replayed]) -> bool:
    """Say whether the reason is that of the retirement: a claim in use has none, unless it was imported with one."""
    last = history[-1]
    if last.what == EventKind.RETIRED:
        return claim.reason in (last.reason, last.detail)
    return claim.reason is None or history[0].what == EventKind.IMPORTED


def _has_its_twin(claim: _Replayed, told: Iterable[_Replayed]) -> bool:
    """Say whether the claim's twin is the one that the events tell of, unless it was resolved."""
    twin, is_resolved = None, True
    for event in told:
        if event.what == EventKind.TWINS:
            twin, is_resolved = event.detail, False
        elif event.what == EventKind.RESOLVED and event.unit == claim.unit:
            # Whoever looked into a conflict of the unit need not know which of the twins it is.
            is_resolved = True
        elif event.what == EventKind.REBOUND:
            twin, is_resolved = None, True
    return claim.twin == twin or (claim.twin is None and is_resolved)


def _is_unsettled(told: Iterable[_Replayed]) -> bool:
    last = None
    for event in told:
        if event.what in (EventKind.UNSETTLED, EventKind.SETTLED, EventKind.REBOUND):
            last = event.what
    return last == EventKind.UNSETTLED


_STARTS = (EventKind.ALLOCATED, EventKind.RESERVED, EventKind.BOUND, EventKind.REBOUND)


def _source(birth: _Replayed) -> object:
    """Return the source that a birth says; an import says none."""
    if birth.what == EventKind.RESERVED:
        return EventKind.RESERVED.value
    if birth.what == EventKind.ALLOCATED and str(birth.detail).startswith(_SOURCE):
        return str(birth.detail).removeprefix(_SOURCE)
    return None
