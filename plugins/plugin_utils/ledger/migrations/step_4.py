# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schema 4: the boards that live claims are on can be looked up, so that no board is a unit under two names.

What names a board stands among the details of its claim, which no index reaches. Rows that cannot be read name none:
the check of the ledger tells of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy.engine import Connection

from .grants import Grant, share

_AT_ONCE = 2000
"""Claims that are read at a time."""
_BOARDS = "CREATE TABLE ioto_boards (name TEXT NOT NULL, claim_id TEXT NOT NULL, PRIMARY KEY (name, claim_id))"
_COLUMNS = ("claim_id", "product", "details")
# As bytes: a text with a flipped bit is no error here.
_BLOBS = ", ".join(f"CAST({column} AS BLOB)" for column in _COLUMNS)
_SELECT = (
    "SELECT seq, {columns} FROM ioto_claims WHERE seq > {bound} AND state <> 'retired' AND unit IS NOT NULL "  # noqa: S608
    f"AND details <> '{{{{}}}}' ORDER BY seq LIMIT {_AT_ONCE}"
)
_INSERT = "INSERT INTO ioto_boards (name, claim_id) VALUES ({bound}, {bound})"
_SHARES = (
    # Who may write events writes this table as well, and who may read events reads it.
    Grant("ioto_boards", "SELECT", of="SELECT"),
    Grant("ioto_boards", "INSERT, DELETE", of="INSERT"),
)


def migrate(connection: Connection) -> None:
    """Bring a ledger of schema 3 to 4 in the caller's transaction."""
    is_sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql(f"{_BOARDS} WITHOUT ROWID" if is_sqlite else _BOARDS)
    bound, columns = ("?", _BLOBS) if is_sqlite else ("%s", ", ".join(_COLUMNS))
    select, last = _SELECT.format(columns=columns, bound=bound), -(2**63)
    while rows := connection.exec_driver_sql(select, (last,)).all():
        last = rows[-1][0]
        if found := [board for _seq, *texts in rows for board in _boards(*texts)]:
            connection.exec_driver_sql(_INSERT.format(bound=bound), found)
    if not is_sqlite:
        share(connection, "ioto_events", _SHARES)


def _boards(*texts: str | bytes) -> list[tuple[str, str]]:
    """Return the names of the board of a claim, each with the claim ID."""
    try:
        claim_id, product, details = (text.decode() if isinstance(text, bytes) else text for text in texts)
        known = json.loads(details)
    except (AttributeError, TypeError, ValueError, RecursionError):
        return []
    return [(name, claim_id) for name in sorted(set(_names(product, known)))] if isinstance(known, dict) else []


def _names(product: str, known: dict[str, object]) -> Iterator[str]:
    if isinstance(serial := known.get("serial"), str) and serial:
        yield f"serial {product} {serial}"
    more = known.get("macs")
    for mac in (known.get("mac"), *(more if isinstance(more, list) else ())):
        if isinstance(mac, str) and mac:
            yield f"mac {mac}"
