# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schema 3: what makes a claim count for less, and the run in which its device asked, are columns of the claim.

They stood among its details, where nobody declares, checks or documents them: `run`, `twins` and `unsettled`. What
casts doubt on a claim is told by an event as well from now on, so that the check of a ledger can compare the two;
for the doubts that there are, the migration writes these events, each with the time of its claim and a key that
follows from it: two copies that are migrated apart agree.

Details that cannot be read stay as they are, for the check to name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

_AT_ONCE = 2000
"""Claims that are read and written at a time."""
_MAX_TEXT = 2000
_KEY_LENGTH = 32

_RUN, _TWINS, _UNSETTLED = "run", "twins", "unsettled"
_GUARD = "ioto_claims_fixed"
"""What keeps retired claims as they are: these change here as the others do."""

_HOLD_ONE = " OR ".join(f"{{find}}(details, '\"{word}\"') > 0" for word in (_RUN, _TWINS, _UNSETTLED))
_SELECT = (
    "SELECT seq, {claim_id}, {details} FROM ioto_claims "  # noqa: S608
    f"WHERE seq > {{bound}} AND ({_HOLD_ONE}) ORDER BY seq LIMIT {_AT_ONCE}"
)
_EVENT = (
    "INSERT INTO ioto_events (at, action, claim_id, product, unit, actor, host, detail, key) "
    "SELECT updated_at, '{kind}', claim_id, product, unit, 'migration to schema 3', host, {detail}, {bound} "
    "FROM ioto_claims WHERE seq = {bound}"
)

# As bytes: a text with a flipped bit is no error here.
_SELECT_ON_SQLITE = _SELECT.format(
    claim_id="CAST(claim_id AS BLOB)", details="CAST(details AS BLOB)", find="instr", bound="?"
)
_SELECT_ON_POSTGRESQL = _SELECT.format(claim_id="claim_id", details="details", find="strpos", bound="%s")
_UPDATE_ON_SQLITE = (
    "UPDATE ioto_claims SET details = ?, run = ?, twin = ?, unsettled_at = CASE WHEN ? THEN updated_at END "
    "WHERE seq = ?"
)
# `twins` was the host that the claim was given to, and the event of the conflict says which other one asked.
_OTHER_HOST = (
    "UPDATE ioto_claims SET twin = coalesce((SELECT host FROM ioto_events AS asked WHERE asked.action = 'conflict' "
    "AND asked.claim_id = ioto_claims.claim_id AND asked.host <> ioto_claims.twin ORDER BY id DESC LIMIT 1), twin) "
    "WHERE seq = {bound}"
)
_UPDATE_ON_POSTGRESQL = (
    "UPDATE ioto_claims AS old SET details = new.details, run = new.run, twin = new.twin, "
    "unsettled_at = CASE WHEN new.is_unsettled THEN old.updated_at END "
    "FROM unnest(%s::text[], %s::text[], %s::text[], %s::boolean[], %s::bigint[]) "
    "AS new (details, run, twin, is_unsettled, seq) WHERE old.seq = new.seq"
)


class MovedDetails(NamedTuple):
    """Details of a claim without what stands in columns now, and what that is."""

    details: dict[str, object]
    run: str | None
    twin: str | None
    is_unsettled: bool


def moved(details: Mapping[str, object]) -> MovedDetails | None:
    """Return what becomes of `details` as schema 2 had them; None where they stay as they are."""
    words = {_TWINS, _UNSETTLED}
    if isinstance(details.get(_RUN), str):  # what is not a text was no number of a run to schema 2, either
        words.add(_RUN)
    rest = {key: value for key, value in details.items() if key not in words}
    if len(rest) == len(details):
        return None
    run = details[_RUN] if _RUN in words else None
    return MovedDetails(rest, _text(run), _text(details.get(_TWINS)), bool(details.get(_UNSETTLED)))


def migrate(connection: Connection) -> None:
    """Bring a ledger of schema 2 to 3 in the caller's transaction."""
    is_sqlite = connection.dialect.name == "sqlite"
    for column in ("run TEXT", "twin TEXT", f"unsettled_at {'DATETIME' if is_sqlite else 'TIMESTAMP WITH TIME ZONE'}"):
        connection.exec_driver_sql(f"ALTER TABLE ioto_claims ADD COLUMN {column}")
    with _without_guard_on_sqlite(connection) if is_sqlite else _without_guard_on_postgresql(connection):
        for part in _parts(connection, _SELECT_ON_SQLITE if is_sqlite else _SELECT_ON_POSTGRESQL):
            values = [
                (json.dumps(found.details, sort_keys=True), found.run, found.twin, found.is_unsettled, seq)
                for seq, _claim_id, found in part
            ]
            if is_sqlite:
                connection.exec_driver_sql(_UPDATE_ON_SQLITE, values)
            else:
                connection.exec_driver_sql(_UPDATE_ON_POSTGRESQL, tuple(map(list, zip(*values, strict=True))))
            _tell(connection, part, "?" if is_sqlite else "%s")


_Part = Sequence[tuple[int, bytes, MovedDetails]]


def _parts(connection: Connection, select: str) -> Iterator[_Part]:
    """Yield the number and the ID of each claim whose details change, and to what, some at a time."""
    last = -(2**63)
    while rows := connection.exec_driver_sql(select, (last,)).all():
        last = rows[-1][0]
        if part := [(seq, _bytes(claim_id), found) for seq, claim_id, text in rows if (found := _moved(text))]:
            yield part


def _moved(text: Any) -> MovedDetails | None:
    try:
        details = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return moved(details) if isinstance(details, dict) else None


def _tell(connection: Connection, part: _Part, bound: str) -> None:
    """Have an event for each doubt."""
    for seq, claim_id, found in part:
        if found.twin is not None:
            connection.exec_driver_sql(_OTHER_HOST.format(bound=bound), (seq,))
        for kind, detail, applies in ((_TWINS, "twin", found.twin), (_UNSETTLED, "NULL", found.is_unsettled)):
            if applies:
                key = hashlib.sha256(b"schema 3, %b: %b" % (kind.encode(), claim_id)).hexdigest()[:_KEY_LENGTH]
                insert = _EVENT.format(kind=kind, detail=detail, bound=bound)
                connection.exec_driver_sql(insert, (key, seq))


@contextmanager
def _without_guard_on_sqlite(connection: Connection) -> Iterator[None]:
    query = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?"
    found = connection.exec_driver_sql(query, (_GUARD,)).scalars().all()
    for _definition in found:
        connection.exec_driver_sql(f"DROP TRIGGER {_GUARD}")
    yield
    for definition in found:
        connection.exec_driver_sql(definition)


@contextmanager
def _without_guard_on_postgresql(connection: Connection) -> Iterator[None]:
    query = "SELECT tgenabled::text FROM pg_trigger WHERE tgrelid = 'ioto_claims'::regclass AND tgname = %s"
    found = connection.exec_driver_sql(query, (_GUARD,)).scalars().all()
    enable = {"O": "ENABLE", "A": "ENABLE ALWAYS"}
    for _mode in found:
        connection.exec_driver_sql(f"ALTER TABLE ioto_claims DISABLE TRIGGER {_GUARD}")
    yield
    for mode in found:
        if mode in enable:
            connection.exec_driver_sql(f"ALTER TABLE ioto_claims {enable[mode]} TRIGGER {_GUARD}")


def _text(value: object) -> str | None:
    """Return `value` as a column of text takes it."""
    if not value:
        return None
    return str(value)[:_MAX_TEXT].encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
