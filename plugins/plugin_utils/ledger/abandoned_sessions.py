# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of a PostgreSQL server whose client went away in the middle of what it sent, and that hold locks still.

A server ends a session that is silent in a transaction (`idle_in_transaction_session_timeout`), but takes no time
while it waits for the rest of a pipeline, nor does a time-out of a statement count there. The system finds a machine
that is gone, but not who is cut off behind a proxy, a pooler or a firewall that keeps the connection: its locks would
be held for ever. So whoever waited for a lock in vain ends such sessions, and tries once more. What they did is undone;
a client of theirs that lives after all is told that it lost the connection.

https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from . import advisory_locks
from .driver_errors import LOCK_NOT_AVAILABLE, sqlstate
from .records import LedgerError, LockedLedgerError, LocksFreedError

SILENT_SECONDS: Final = 6
"""After which a client is taken for gone: it sends a transaction's statements one right behind the other."""
_AS_WHO_CONNECTED = "BEGIN; SET LOCAL ROLE NONE"
"""An administrator may have a user act as another one, who may not see or end the sessions of the first."""
_END = f"""
SELECT pg_terminate_backend(session.pid)
  FROM pg_stat_activity AS session
 WHERE session.datname = current_database() AND session.usename = session_user AND session.pid <> pg_backend_pid()
   AND session.state = 'active' AND session.wait_event = 'ClientRead' AND session.xact_start IS NOT NULL
   AND session.query_start < clock_timestamp() - make_interval(secs => %(seconds)s)
   AND left(lower(ltrim(session.query)), 4) <> 'copy'
   AND EXISTS (
       SELECT FROM pg_locks AS lock LEFT JOIN pg_class AS locked ON locked.oid = lock.relation
        WHERE lock.pid = session.pid AND lock.granted AND (
              locked.relname LIKE 'ioto\\_%%'
           OR lock.locktype = 'advisory' AND lock.objsubid = 2
              AND lock.classid IN ({advisory_locks.UNITS}, {advisory_locks.BOARDS}, {advisory_locks.JOBS}))
   )
"""  # noqa: S608
"""Only of our own user, with locks of ours: a transaction takes those of boards before any of a table. Who copies data
in waits for his client as well, and is left alone. Who is alone with units is idle, unless he is gone."""


@contextmanager
def ending_abandoned(engine: Engine, name: str) -> Iterator[None]:
    """Where the block waits for a lock in vain, do `end_abandoned`.

    By then it should have given back its connection: it would hold its own locks meanwhile, while nobody watches over
    it, and wait for a second connection, which others of the process that hold one wait for as well.
    """
    try:
        yield
    except (DBAPIError, LockedLedgerError) as error:
        if isinstance(error, LockedLedgerError) or sqlstate(error) == LOCK_NOT_AVAILABLE:
            end_abandoned(engine, name)
        raise


def end_abandoned(engine: Engine, name: str) -> None:
    """End the sessions whose client is silent in the middle of a pipeline, as far as the server lets us.

    `engine` commits by itself; `name` is what its ledger is called. Raises `LocksFreedError` where there was one.
    """
    ended = 0
    with suppress(DBAPIError, LedgerError), engine.connect() as connection:
        connection.exec_driver_sql(_AS_WHO_CONNECTED)
        ended = connection.exec_driver_sql(_END, {"seconds": SILENT_SECONDS}).rowcount
        connection.exec_driver_sql("COMMIT")
    if ended:
        raise LocksFreedError(
            f"The ledger {name} was locked by a session whose client is gone, which is ended now; run again."
        )
