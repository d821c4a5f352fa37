# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit has seen and found, on the disk and not in memory, however much it is.

It is in a temporary SQLite database that nobody else can open: SQLite makes one without a name, and it is gone with its
process.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, NamedTuple

from ..identity.mac_addresses import normal_serial
from ..ledger.exchange.temporary_file import temporary_file_sentences
from ..ledger.records import Claim, State
from .findings import Finding, FindingKind, Origin

_PART = 500
"""Rows that are held in memory at a time."""
_MOST_LEDGERS = 64
"""Claims of other ledgers that are held against each other."""
MOST_NAMED = 5
"""Places that a finding names; more are counted."""


class Sighting(NamedTuple):
    """One device, image or scan.

    `place` says where it was: a host, a file, a line of a file. `serial` names the unit as far as that is known; of an
    image, as its file's name has it. `said` is the serial that a label's own code holds. `host` is that of a scan.
    """

    origin: Origin
    place: str
    claim_id: str | None
    product: str | None = None
    serial: str | None = None
    said: str | None = None
    host: str | None = None
    note: str | None = None
    """Where the ID stands, if that is not where one looks for it."""
    number: str | None = None
    """Which of the unit's labels a label's own code says that it is."""

    def __repr__(self) -> str:
        """Leave out what must be in no log."""
        return f"Sighting({self.origin.value!r}, {self.place!r}, serial={self.serial!r})"


class OtherClaim(NamedTuple):
    """What another ledger says of an ID; `ledger` is its number."""

    ledger: int
    claim_id: str
    product: str
    unit: str | None
    state: State
    reason: str | None

    @property
    def is_live(self) -> bool:
        """Whether the ID is in use there, or waits to be."""
        return self.state is not State.RETIRED


class Shared(NamedTuple):
    """An ID that stands in several places; `places` are the first few of `number`."""

    origin: Origin
    claim_id: str
    places: Sequence[str]
    serials: Sequence[str]
    number: int


_TABLES = """
CREATE TABLE seen (n INTEGER PRIMARY KEY, origin TEXT, place TEXT, claim_id TEXT, product TEXT, serial TEXT, said TEXT,
                   host TEXT, note TEXT, number TEXT, unit TEXT, is_told INTEGER DEFAULT 0);
CREATE INDEX seen_id ON seen (claim_id, origin);
CREATE INDEX seen_place ON seen (origin, place);
CREATE TABLE others (n INTEGER PRIMARY KEY, ledger INTEGER, claim_id TEXT, product TEXT, unit TEXT, state TEXT,
                     reason TEXT, name TEXT);
CREATE INDEX others_id ON others (claim_id);
CREATE INDEX others_unit ON others (name, product);
CREATE TABLE findings (n INTEGER PRIMARY KEY, kind TEXT, origin TEXT, place TEXT, what TEXT, claim_id TEXT,
                       known_id TEXT, product TEXT, serial TEXT, rank INTEGER);
CREATE INDEX findings_rank ON findings (rank, n);
"""
_SHARED = """
SELECT origin, claim_id,
COUNT(DISTINCT CASE origin WHEN 'scan' THEN COALESCE(unit, host, place) ELSE place END) AS places
FROM seen WHERE claim_id IS NOT NULL GROUP BY claim_id, origin HAVING places > 1
"""
_SEEN = ", ".join(Sighting._fields)
_OTHER = ", ".join(OtherClaim._fields)
_RANKS = {kind: rank for rank, kind in enumerate(FindingKind)}


class AuditStage:
    """What was seen, what other ledgers say, and what was found. Use it as a context."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_TABLES} BEGIN")
        self.seen: Counter[Origin] = Counter()
        """How much was looked at, of each origin."""

    def __enter__(self) -> AuditStage:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()
        if isinstance(error, sqlite3.Error):
            with temporary_file_sentences():
                raise error

    # What was seen

    def add(self, seen: Sighting) -> None:
        """Take in what was seen at one place."""
        self.seen[seen.origin] += 1
        unit = None if seen.serial is None else normal_serial(seen.serial)
        marks = ", ".join("?" * (len(seen) + 1))
        self._connection.execute(f"INSERT INTO seen ({_SEEN}, unit) VALUES ({marks})", (*seen, unit))  # noqa: S608

    def name_scans(self) -> None:
        """Have each scan that names a host, or the unit in its code alone, be of that unit."""
        self._connection.execute(
            "UPDATE seen SET (serial, unit, product) = (SELECT device.serial, device.unit, "
            "COALESCE(seen.product, device.product) FROM seen AS device WHERE device.origin = 'device' "
            "AND device.place = seen.host) WHERE origin = 'scan' AND serial IS NULL AND host IS NOT NULL "
            "AND EXISTS (SELECT 1 FROM seen AS device WHERE device.origin = 'device' AND device.place = seen.host)"
        )
        for number, said in self._connection.execute(
            "SELECT n, said FROM seen WHERE origin = 'scan' AND serial IS NULL AND said IS NOT NULL"
        ).fetchall():
            self._connection.execute(
                "UPDATE seen SET serial = ?, unit = ? WHERE n = ?", (said, normal_serial(said), number)
            )

    def take_shared(self) -> Iterator[Shared]:
        """Yield each ID that several devices, images or labels have; these places are not told again."""
        for origin, claim_id, count in self._connection.execute(_SHARED).fetchall():
            about = {"origin": origin, "claim_id": claim_id}
            found = self._connection.execute(
                "SELECT place, serial FROM seen WHERE origin = :origin AND claim_id = :claim_id "
                "ORDER BY CASE origin WHEN 'scan' THEN n END, place LIMIT :most",
                {**about, "most": MOST_NAMED},
            ).fetchall()
            self._connection.execute(
                "UPDATE seen SET is_told = 1 WHERE origin = :origin AND claim_id = :claim_id", about
            )
            serials = list(dict.fromkeys(serial for _place, serial in found if serial is not None))
            yield Shared(Origin(origin), claim_id, [place for place, _serial in found], serials, count)

    def parts(self) -> Iterator[list[Sighting]]:
        """Yield all that was seen and not told, a part at a time, in its order."""
        for rows in self._pages("seen", f"{_SEEN}", "is_told = 0"):
            yield [Sighting(Origin(origin), *rest) for origin, *rest in rows]

    # What other ledgers say

    def add_other(self, ledger: int, claim: Claim) -> None:
        """Take in a claim of another ledger."""
        self.seen[Origin.OTHER_LEDGER] += 1
        name = None if claim.unit is None else normal_serial(claim.unit)
        self._connection.execute(
            f"INSERT INTO others ({_OTHER}, name) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (ledger, claim.claim_id, claim.product, claim.unit, claim.state.value, claim.reason, name),
        )

    def other_parts(self) -> Iterator[list[OtherClaim]]:
        """Yield the claims of the other ledgers, a part at a time."""
        for rows in self._pages("others", _OTHER, "1"):
            yield [_other(row) for row in rows]

    def other_holders(self, ids: Iterable[str]) -> dict[str, OtherClaim]:
        """Return what other ledgers say of IDs, the live claim first."""
        found = (self._others("claim_id = ? ORDER BY state = 'retired'", claim_id) for claim_id in set(ids))
        return {claims[0].claim_id: claims[0] for claims in found if claims}

    def other_live(self, unit: str, product: str | None) -> OtherClaim | None:
        """Return the live claim that another ledger has for a unit, of any product where that is not known."""
        live = "name = ? AND state <> 'retired'"
        if product is None:
            found = self._others(live, normal_serial(unit))
        else:
            found = self._others(f"{live} AND product = ?", normal_serial(unit), product)
        return found[0] if len(found) == 1 or (found and product is not None) else None

    def has_other(self, ledger: int, claim_id: str) -> bool:
        """Say whether the other ledger with that number knows an ID."""
        return bool(self._others("ledger = ? AND claim_id = ?", ledger, claim_id))

    def at_odds(self) -> Iterator[list[OtherClaim]]:
        """Yield the claims of other ledgers that are not each other's copies: one ID of two units, two IDs of one."""
        for query in (
            "SELECT claim_id, NULL, NULL FROM others WHERE name IS NOT NULL GROUP BY claim_id "
            "HAVING COUNT(DISTINCT product || '/' || name) > 1",
            "SELECT NULL, product, name FROM others WHERE name IS NOT NULL AND state <> 'retired' "
            "GROUP BY name, product HAVING COUNT(DISTINCT claim_id) > 1",
        ):
            for claim_id, product, name in self._connection.execute(query).fetchall():
                if claim_id is not None:
                    yield self._others("claim_id = ? AND name IS NOT NULL ORDER BY n", claim_id)
                else:
                    yield self._others("product = ? AND name = ? AND state <> 'retired' ORDER BY n", product, name)

    # What was found

    def find(self, finding: Finding) -> None:
        """Take in a finding."""
        self._connection.execute(
            "INSERT INTO findings (kind, origin, place, what, claim_id, known_id, product, serial, rank) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*finding, _RANKS[finding.kind]),
        )

    def is_found(self, kind: FindingKind, claim_ids: Iterable[str]) -> bool:
        """Say whether a finding of that kind is about one of `claim_ids`."""
        query = "SELECT 1 FROM findings WHERE kind = ? AND ? IN (claim_id, known_id)"
        return any(self._connection.execute(query, (kind, claim_id)).fetchone() for claim_id in claim_ids)

    def findings(self) -> Iterator[Finding]:
        """Yield what was found, the gravest kinds first; devices by their names, as they answer in any order."""
        query = (
            "SELECT kind, origin, place, what, claim_id, known_id, product, serial FROM findings "
            "ORDER BY rank, CASE origin WHEN 'device' THEN place END, n"
        )
        for kind, origin, *rest in self._connection.execute(query):
            yield Finding(FindingKind(kind), Origin(origin), *rest)

    def counts(self) -> dict[FindingKind, int]:
        """Return how many findings there are of each kind that there is."""
        query = "SELECT kind, COUNT(*) FROM findings GROUP BY rank ORDER BY rank"
        return {FindingKind(kind): number for kind, number in self._connection.execute(query)}

    def _others(self, where: str, *values: object) -> list[OtherClaim]:
        query = f"SELECT {_OTHER} FROM others WHERE {where} LIMIT {_MOST_LEDGERS}"  # noqa: S608
        return [_other(row) for row in self._connection.execute(query, values)]

    def _pages(self, table: str, columns: str, where: str) -> Iterator[list[tuple[Any, ...]]]:
        """Yield rows a part at a time, with nothing open between two parts."""
        last = 0
        query = f"SELECT n, {columns} FROM {table} WHERE n > ? AND {where} ORDER BY n LIMIT {_PART}"  # noqa: S608
        while rows := self._connection.execute(query, (last,)).fetchall():
            last = rows[-1][0]
            yield [row[1:] for row in rows]


def _other(row: tuple[Any, ...]) -> OtherClaim:
    ledger, claim_id, product, unit, state, reason = row
    return OtherClaim(ledger, claim_id, product, unit, State(state), reason)
