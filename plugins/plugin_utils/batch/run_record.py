# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves in the ledger beside its claims: that it was, what failed, with the reason, and a seal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from .. import claim_ids
from ..errors import IotoError
from ..flows import recording
from ..flows.recording import Recording
from ..ledger.event_kinds import EventKind
from ..ledger.ledger import Ledger
from ..ledger.records import NewEvent, parse_unit
from ..ledger.seals import seal_events
from .summary import BatchSummary, Fate, outcome_of, with_fleet

_FAILED = {Fate.UNREACHABLE: EventKind.UNREACHABLE, Fate.FAILED: EventKind.FAILED}
VARIABLES = ("ioto_product", "ioto_serial", *recording.VARIABLES)
"""What has to be known of each host, beside those of `summary`."""


def record_run(
    hosts: Mapping[str, Mapping[str, Any]],
    summary: BatchSummary,
    open_ledger: Callable[[str | None], Ledger],
    *,
    started: str | None,
    run: str | None = None,
) -> list[str]:
    """Record the run in the ledger of each of its hosts, and seal it; return a sentence for each where that failed.

    `started` is when it began, in ISO 8601; without it, what failed is recorded, and no run. `run` is its number;
    None is that of this process.
    """
    recorded: dict[Recording, dict[str, Mapping[str, Any]]] = {}
    for host, facts in with_fleet(hosts).items():
        if host in summary.fates:
            recorded.setdefault(replace(Recording.of_host(facts), run=run), {})[host] = facts
    problems = []
    for place, members in recorded.items():
        new_events = list(_failures(members, summary, place))
        if started is not None:
            counts = Counter(summary.fates[host].value for host in members)
            detail = json.dumps({"started": started, "devices": len(members), **counts})
            new_events.append(NewEvent(EventKind.RUN, place.context(), detail=detail))
        try:
            with open_ledger(place.ledger) as ledger:
                ledger.record_many(new_events)
                problems += _seal(ledger)
        except IotoError as error:
            problems.append(f"The run is not in the ledger: {error}")
    return problems


def unit_of(facts: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return product and serial of a host, as its flow found them, else as its variables say, as far as they do."""
    outcome = outcome_of(facts)
    if outcome is not None:
        return outcome["product"], outcome["serial"]
    return _parsed(claim_ids.parse_product, facts.get("ioto_product")), _parsed(parse_unit, facts.get("ioto_serial"))


def _seal(ledger: Ledger) -> list[str]:
    """Seal what the run left; return a sentence where it could not be. The next run seals it then."""
    try:
        seal_events(ledger.database)
    except IotoError as error:
        return [f"The run is in the ledger, and not sealed: {error}"]
    return []


def _failures(members: Mapping[str, Mapping[str, Any]], summary: BatchSummary, place: Recording) -> Iterator[NewEvent]:
    for host, facts in members.items():
        reason = summary.not_done.get(host)
        if reason is not None:
            product, serial = unit_of(facts)
            fate = summary.fates[host]
            kind = _FAILED.get(fate, EventKind.NOT_LABELLED)
            yield NewEvent(kind, place.context(host), product=product, unit=serial, detail=reason)


def _parsed(parse: Callable[[str], str], value: object) -> str | None:
    try:
        return parse(value) if isinstance(value, str) else None
    except IotoError:
        return None
