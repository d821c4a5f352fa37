# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A transaction of PostgreSQL in two round trips: what it asks goes out together, and what it writes with its commit.

A line may be a fifth of a second away from its ledger, and a transaction of ours has ten statements. So whoever works
in a pipeline asks all that he needs to know before he takes the first answer, by `bulk_rows` alone, and then writes.
The server does one statement after the other and, after one that fails, none of those that were sent with it: a commit
behind an error is not done.

https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import Any, Final

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

ISOLATION: Final = "READ COMMITTED"
"""Whatever the server's default: who waited for a migration has to see what is there then."""
_PIPELINE = "ledger_pipeline"
"""Where the `info` of a connection has its pipeline."""
_BEGIN = f"BEGIN ISOLATION LEVEL {ISOLATION}"
_COMMIT = "COMMIT"


class DriverErrors:
    """Where what the driver raises is raised as SQLAlchemy does. A small transaction enters it ten times."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        """Raise the driver's error as SQLAlchemy's."""
        if error is None:
            return
        error_type = _error_type(self._connection)
        if isinstance(error, error_type):
            raise DBAPIError.instance(None, None, error, error_type, dialect=self._connection.dialect) from None


class Pipeline:
    """A transaction of a connection that commits by itself. Leaving the `with` block without `commit` leaves it open.

    Whoever lends the connection undoes it then.
    """

    def __init__(self, connection: Connection) -> None:
        """Ask by `connection`."""
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection
        self._info = connection.info  # of one that was given up, SQLAlchemy would connect anew to say it
        self._open = ExitStack()

    def __enter__(self) -> Pipeline:
        with DriverErrors(self._connection), ExitStack() as opened:
            self._pipeline = opened.enter_context(self._driver.pipeline())
            self._driver.execute(_BEGIN)
            self._open = opened.pop_all()
        self._info[_PIPELINE] = self
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        self._info.pop(_PIPELINE, None)
        if error is None:
            self.leave()
            return
        # What is still to come is not asked for any more; the driver would log what it says of that.
        with suppress(_error_type(self._connection)):
            self._pipeline.sync()
        with suppress(DBAPIError):
            self.leave()

    def wait_for(self, cursor: Any) -> None:
        """Take the answers to all that was asked, unless that of `cursor` has come.

        The server is told that there is no more for now: else it would take no time for idle, and who is cut off here
        would keep his locks until the server finds his machine gone.
        """
        if cursor.pgresult is None:
            self._pipeline.sync()

    def leave(self) -> None:
        """Take all answers, and have each statement from now on wait for its own."""
        with DriverErrors(self._connection):
            self._open.close()

    def commit(self) -> None:
        """Commit, along with what is written. Raises `DBAPIError` where that did not happen, or nobody can say it."""
        with DriverErrors(self._connection):
            done = self._driver.execute(_COMMIT)
            self._open.close()
            if done.statusmessage != _COMMIT:
                loaded: Any = self._connection.dialect.loaded_dbapi
                raise loaded.OperationalError("the commit was not answered by one")


def wait_for(connection: Connection, cursor: Any) -> None:
    """Where `connection` works in a pipeline, have the answer of `cursor` be there. Raises what the driver raises."""
    pipeline = connection.info.get(_PIPELINE)
    if pipeline is not None:
        pipeline.wait_for(cursor)


def leave_pipeline(connection: Connection) -> None:
    """Where `connection` works in a pipeline, have it be used as any other from now on; raises what went wrong by then.

    SQLAlchemy's own statements need that.
    """
    pipeline = connection.info.pop(_PIPELINE, None)
    if pipeline is not None:
        pipeline.leave()


def _error_type(connection: Connection) -> type[Exception]:
    loaded: Any = connection.dialect.loaded_dbapi
    error_type: type[Exception] = loaded.Error
    return error_type
