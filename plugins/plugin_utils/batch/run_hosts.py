# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of a run: recorded when it begins, so that it can be told later whom it did not come to.

At its end those that are done are recorded again, as the units that they are: nothing else tells of one that was done
before. An event holds some of them, as JSON: objects of `host`, `flow`, `product`, `serial`, and `result` at the end;
and of `place` in a job, whose hosts keep their order also where several ledgers have them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..ledger.event_kinds import EventKind
from ..ledger.ledger import Ledger
from ..ledger.records import Context, Event, NewEvent
from ..ledger.row_values import packed

RunHost = Mapping[str, object]
"""What is recorded of a host; what is not known is left out."""


def describe_host(
    host: str, flow: object, unit: tuple[str | None, str | None], result: str | None = None
) -> dict[str, object]:
    """Return what is to be recorded of `host`; `unit` is its product and its serial, as far as they are known."""
    known = {"host": host, "flow": flow, "product": unit[0], "serial": unit[1], "result": result}
    return {name: value for name, value in known.items() if isinstance(value, str)}


def events_of_hosts(hosts: Iterable[RunHost], context: Context) -> Iterator[NewEvent]:
    """Yield the events that tell of `hosts`."""
    for detail in packed(hosts):
        yield NewEvent(EventKind.RUN_HOSTS, context, detail=detail)


def hosts_of_run(ledger: Ledger, run: str) -> Sequence[dict[str, Any]]:
    """Return what is recorded of each host of `run`, in their order; empty for a run that an older version made."""
    found: dict[str, dict[str, Any]] = {}
    for event in ledger.events(run=run, kinds=[EventKind.RUN_HOSTS]):
        for entry in entries_of(event.detail):
            host = str(entry["host"])
            found[host] = {**found.get(host, {}), **entry}
    return list(found.values())


def done_hosts(event: Event) -> Iterator[tuple[str, str, str]]:
    """Yield host, product and serial of those that `event` says were done when a run ended, as far as it says units."""
    for entry in entries_of(event.detail) if event.kind == EventKind.RUN_HOSTS else ():
        host, product, serial = (entry.get(name) for name in ("host", "product", "serial"))
        if isinstance(host, str) and isinstance(product, str) and isinstance(serial, str) and "result" in entry:
            yield host, product, serial


def entries_of(detail: str | None) -> list[dict[str, Any]]:
    """Return what the detail of an event tells of hosts; nothing where it is not such a list."""
    try:
        entries = json.loads(detail or "[]")
    except (ValueError, RecursionError):
        return []
    return (
        [entry for entry in entries if isinstance(entry, dict) and "host" in entry] if isinstance(entries, list) else []
    )
