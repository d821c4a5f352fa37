# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history against its seals: which events were changed, removed or put in since they were sealed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from itertools import pairwise

from sqlalchemy.engine import Connection

from ...display_text import counted
from ..event_kinds import EventKind
from ..raw_rows import RawRow, raw_time
from ..schema import events, seals
from ..seals import MOST_EVENTS, START, Seal, seal_hash
from .findings import Findings
from .origins import foreign_until
from .row_parsers import event_problems
from .scan import scan

_CHANGED = "its events are not what they were"
_MOST_NAMED = 20
_MOST_LOOKED_AT = 4 * MOST_EVENTS
"""Events that are held at once, whatever a damaged seal says of its last one."""


_LONG = timedelta(hours=1)
"""After which nobody is about to seal any more, nor is a clock of a line likely to be so wrong."""
_at, _action, _key = map([column.name for column in events.c].index, ("at", "action", "key"))


@dataclass
class History:
    """How much there is."""

    events: int = 0
    seals: int = 0
    unsealed: int = 0
    overdue: list[int] = field(default_factory=list)
    """The first event that has waited long for its seal, and the last."""
    overdue_runs: int = 0
    """How many of them are the end of a run, after which it is sealed at once."""


class _Events:
    """The events in their order, each looked at on the way, up to where a seal ends."""

    def __init__(self, connection: Connection, findings: Findings, history: History) -> None:
        self._rows = self._parsed(scan(connection, events, findings), findings)
        self._history = history
        self._findings = findings
        # PostgreSQL gives a number to an event that is then not committed, and to no other.
        self._leaves_no_gaps = connection.dialect.name == "sqlite"
        self._foreign_until = foreign_until(connection)
        self._last = 0
        self._next = next(self._rows, None)

    def up_to(self, last: int) -> list[RawRow]:
        """Take the events up to number `last`."""
        part: list[RawRow] = []
        while self._next is not None and self._next[0] <= last and len(part) < _MOST_LOOKED_AT:
            part.append(self._next)
            self._last = self._next[0]
            self._next = next(self._rows, None)
        return part

    def count_rest(self) -> None:
        """Go through what is not sealed."""
        history, long_ago = self._history, raw_time(datetime.now(UTC) - _LONG)
        while self._next is not None:
            history.unsealed += 1
            row = self._next
            if self._leaves_no_gaps and row[0] > max(self._last, self._foreign_until) + 1:
                self._findings.add_row(
                    events.name,
                    row[0],
                    f"it comes after row {self._last}: events between them are missing, or its number was changed",
                )
            self._last = row[0]
            if isinstance(row[_at], str) and row[_at] < long_ago:
                history.overdue = [*history.overdue[:1], row[0]] if history.overdue else [row[0], row[0]]
                history.overdue_runs += _is_sealed_run(row)
            self._next = next(self._rows, None)

    def _parsed(self, rows: Iterator[RawRow], findings: Findings) -> Iterator[RawRow]:
        for row in rows:
            self._history.events += 1
            for problem in event_problems(row):
                findings.add_row(events.name, row[0], problem)
            yield row


def check_history(connection: Connection, findings: Findings) -> History:
    """Read all events, recompute the seals, and say what does not agree."""
    history = History()
    history_events = _Events(connection, findings, history)
    before, digests = START, {START.digest}
    for seal, following in pairwise((*_seals(connection, findings, history), None)):
        if seal is None:
            continue
        if seal.seq != before.seq + 1:
            findings.add_row(seals.name, seal.seq, f"the seal before it, row {seal.seq - 1}, is missing")
        # Where two seals disagree about what is between them, one of them is damaged.
        ends = sorted({seal.last_event, seal.last_event if following is None else (following.first_event or 0) - 1})
        rows: list[RawRow] = []
        verdict = ""
        for end in ends:
            rows += history_events.up_to(end)
            verdict = _verdict(seal, digests, rows)
            if verdict != _CHANGED:
                break
        if verdict == _CHANGED:
            _name_changed(seal, rows, findings)
        elif verdict:
            findings.add_row(seals.name, seal.seq, verdict)
        digests = {seal.digest, *(_recomputed(seal, digest, rows).digest for digest in digests if verdict)}
        before = seal
    history_events.count_rest()
    _tell_overdue(history, findings)
    return history


def _tell_overdue(history: History, findings: Findings) -> None:
    """Say that seals are missing at the end, as far as that is certain.

    A run may be killed between its end and its seal, and what a task records by itself waits for the next run. That
    two runs were not sealed, one after the other, does not happen so: the second would have sealed the first.
    """
    if not history.overdue:
        return
    first, last = history.overdue
    where = f"Rows {first} to {last} of {events.name}"
    if history.overdue_runs > 1:
        findings.add(
            f"{where}: {history.overdue_runs} runs ended there more than an hour ago, and no seal covers them; the "
            f"last rows of {seals.name} are missing, or none could be written."
        )
    else:
        findings.notices.append(
            f"{where} are not sealed after more than an hour: whether one of them was changed, or a seal removed, "
            "cannot be told; the next run of ioto.serialization.provision, or the factory service, seals them."
        )


def _is_sealed_run(row: RawRow) -> bool:
    """Say whether an event is the end of a run that is sealed; schema 1, whose keys have no dot, had no seals."""
    return row[_action] == EventKind.RUN and "." in str(row[_key])


def _seals(connection: Connection, findings: Findings, history: History) -> Iterator[Seal]:
    for row in scan(connection, seals, findings):
        history.seals += 1
        seal = Seal(*row)
        if seal.is_sound:
            yield seal
        else:
            findings.add_row(seals.name, seal.seq, "it is not a seal")


def _recomputed(seal: Seal, before: str, rows: Sequence[RawRow]) -> Seal:
    return seal._replace(hash=seal_hash(seal, before, rows))


def _verdict(seal: Seal, digests: Set[str], rows: Sequence[RawRow]) -> str:
    """Return what is wrong with the seal itself, or `_CHANGED` where its events are not what they were, or nothing."""
    expected = [_recomputed(seal, digest, rows) for digest in digests]
    if any(one.hash == seal.hash for one in expected):
        return ""
    if any(one.digest == seal.digest for one in expected):
        return "its marks were changed; its events are what they were"
    if rows:
        mended = seal._replace(first_event=rows[0][0], last_event=rows[-1][0], events=len(rows))
        if any(_recomputed(mended, digest, rows).digest == seal.digest for digest in digests):
            return "it was changed; its events are what they were"
    if expected[0].marks == seal.marks:
        return "it was changed, or the seal before it; its events agree with their marks"
    return _CHANGED


def _name_changed(seal: Seal, rows: Sequence[RawRow], findings: Findings) -> None:
    """Say which events are not what they were when they were sealed, by their marks."""
    if not rows:
        verb = "is" if seal.events == 1 else "are"
        findings.add_row(
            seals.name, seal.seq, f"{counted(seal.events, 'event')} of it {verb} missing from {events.name}"
        )
        return
    marks = _recomputed(seal, "", rows).marks
    matcher = SequenceMatcher(None, seal.marks, marks, autojunk=False)
    for what, was_from, was_to, now_from, now_to in matcher.get_opcodes():
        common = 0 if what == "equal" else min(was_to - was_from, now_to - now_from)
        changed, extra = rows[now_from : now_from + common], rows[now_from + common : now_to]
        if changed:
            findings.add(f"{_rows(changed)}: changed since seal {seal.seq}.")
        if extra and what != "equal":
            findings.add(f"{_rows(extra)}: put in since seal {seal.seq}.")
        if missing := was_to - was_from - common if what != "equal" else 0:
            at = now_from + common
            after = rows[at - 1][0] if at else (seal.first_event or 0) - 1
            many = "An event is" if missing == 1 else f"{missing} events are"
            findings.add(f"{many} missing after row {after} of {events.name}, since seal {seal.seq}.")


def _rows(rows: Sequence[RawRow]) -> str:
    if len(rows) == 1:
        return f"Row {rows[0][0]} of {events.name}"
    named = ", ".join(str(row[0]) for row in rows[:_MOST_NAMED])
    more = f" and {len(rows) - _MOST_NAMED} more" if len(rows) > _MOST_NAMED else ""
    return f"Rows {named}{more} of {events.name}"
