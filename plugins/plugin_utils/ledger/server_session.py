# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session of a PostgreSQL server: how it is set up, and what the server says of itself by the way.

**The timeline** of a primary server is one more than that of the server in whose place it was promoted. A server of a
lower one than was seen before is a primary of the past, which nobody must write to; so are connections to it.

**A pooler** gives another number for a session than the session itself. One that lends a server's session for a single
transaction leaves our settings to whoever comes next, and the locks that we hold to nobody: there it is refused. A
session that was somebody else's is told by the mark that all of us leave in it; a pooler that lends one for as long as
the connection lasts has it cleaned (`server_reset_query`) before the next one gets it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .records import LedgerError

_MARK = "ioto.session"
_SETTINGS = (
    # Looked at before it is set.
    f"SELECT pg_backend_pid(), coalesce(current_setting('{_MARK}', true), ''), {{about}}, "
    f"set_config('{_MARK}', 'used', false), "
    "set_config('lock_timeout', %(lock_timeout)s, false), "
    "set_config('statement_timeout', %(statement_timeout)s, false), "
    "set_config('idle_in_transaction_session_timeout', %(idle_in_transaction_session_timeout)s, false), "
    # So the server asks for us, too; on a Unix socket that means nothing.
    "set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false), "
    "set_config('tcp_keepalives_count', '3', false), "
    # Nor does it wait longer than we do for what it sent to be taken. From PostgreSQL 12 on.
    "CASE WHEN current_setting('tcp_user_timeout', true) IS NOT NULL "
    "THEN set_config('tcp_user_timeout', %(tcp_user_timeout)s, false) END"
)
"""For a session: who holds locks, or waits for them, and is not there any more lets go of them."""
_ABOUT_SERVER = (
    "(SELECT system_identifier::text FROM pg_control_system()), "
    "CASE WHEN pg_is_in_recovery() THEN NULL ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END"
)
_NOTHING_ABOUT_SERVER = "NULL, NULL"
_OWN_NUMBER = "SELECT pg_backend_pid()"
_PROBES = 3
_PROTOCOL_VIOLATION = "08P01"


class ServerSession(NamedTuple):
    """An open connection, and what its server said."""

    connection: Any
    number: int
    """The server's, of the session."""
    is_pooled: bool
    """Whether somebody stands between the server and us."""
    was_used: bool
    """Whether one of us had this session of the server before."""
    cluster: str | None
    """Of which the server is, where it says so: all that were copied from one another have it in common."""
    timeline: int | None
    """Of a primary, where it says so."""
    notices: list[str | None]
    """The SQLSTATE of what the server warned of."""


def set_up(connection: Any, settings: dict[str, str]) -> ServerSession:
    """Set up the session of a connection; it is closed where that fails. Raises what the driver raises."""
    notices: list[str | None] = []
    connection.add_notice_handler(lambda notice: notices.append(notice.sqlstate))
    try:
        connection.autocommit = True
        row = _settings_made(connection, settings)
        connection.autocommit = False
    except BaseException:
        connection.close()
        raise
    number, mark, cluster, timeline = row[:4]
    return ServerSession(
        connection,
        number=number,
        is_pooled=number != connection.info.backend_pid,
        was_used=bool(mark),
        cluster=cluster,
        timeline=None if timeline is None else int(timeline, 16),
        notices=notices,
    )


def is_held(session: ServerSession) -> bool:
    """Whether the server's session stays ours from one transaction to the next, as far as some of them can show."""
    for _again in range(_PROBES):
        try:
            with session.connection.transaction():
                (number,) = session.connection.execute(_OWN_NUMBER).fetchone()
        except Exception as error:
            if getattr(error, "sqlstate", None) == _PROTOCOL_VIOLATION:  # so a transaction is refused, by some
                return False
            raise
        if number != session.number:
            return False
    return True


def require_own(connection: Any, number: int, name: str) -> None:
    """Refuse where a pooler has lent another session of the server in the meantime. Within the transaction."""
    if connection.execute(_OWN_NUMBER).fetchone()[0] != number:
        raise shared_sessions(name)


def shared_sessions(name: str) -> LedgerError:
    """Say that a pooler lends sessions for less than a connection."""
    return LedgerError(
        f"The ledger {name} is reached by a pooler such as PgBouncer that lends a session of the server for one "
        "transaction at a time, and nothing was recorded: locks and deadlines of the ledger hold for a session; set "
        "pool_mode=session in PgBouncer for this database, or give the port of the PostgreSQL server itself."
    )


def _settings_made(connection: Any, settings: dict[str, str]) -> tuple[Any, ...]:
    try:
        return tuple(connection.execute(_SETTINGS.format(about=_ABOUT_SERVER), settings).fetchone())
    except Exception as error:
        # Some hosted servers do not let everybody ask; they are used all the same.
        if getattr(error, "sqlstate", None) is None or connection.closed:
            raise
        return tuple(connection.execute(_SETTINGS.format(about=_NOTHING_ABOUT_SERVER), settings).fetchone())
