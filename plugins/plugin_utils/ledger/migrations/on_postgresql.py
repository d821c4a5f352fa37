# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrate a ledger on PostgreSQL: only when somebody says so, since it stops every line for its time."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from sqlalchemy import URL
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from ..driver_errors import DEADLOCK, INSUFFICIENT_PRIVILEGE, LOCK_NOT_AVAILABLE, sqlstate
from ..location import without_secrets
from ..records import LedgerError, LockedLedgerError
from .steps import SCHEMA_VERSION, Migration, take_steps

PATIENCE = 10
"""Seconds to wait for the transactions of others; meanwhile new ones wait as well."""

STATEMENT_PATIENCE = 1800
"""Seconds for one statement: the rewriting of a large table is one long silence."""

# A process that is gone, or a connection that we gave up, ends the statement and its locks. From PostgreSQL 14 on.
_END_WITH_CLIENT = """
SELECT set_config(name, '10s', true) FROM pg_settings WHERE name = 'client_connection_check_interval'
"""

# Writers look at the version first, and hold that lock until they are done: they are let finish, and later ones see
# the new version. Those of schema 1 do not look, but hold one of the others. In the order in which they are used.
_LOCK = "LOCK TABLE ioto_ledger, ioto_claims, ioto_events IN ACCESS EXCLUSIVE MODE"

_OWNERSHIP = """
SELECT pg_get_userbyid(relowner) AS owner, quote_ident(pg_get_userbyid(relowner)) AS quoted,
    quote_ident(nspname) AS schema, pg_has_role(relowner, 'MEMBER') AS mine, current_user AS me
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE pg_class.oid = 'ioto_ledger'::regclass
"""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose a ledger is, and whether we may act as its owner."""

    owner: str
    quoted: str
    schema: str
    mine: bool
    me: str


def outdated(connection: Connection, url: URL, location: str, version: int) -> str:
    """Return the sentence for a ledger of an older version, with the command that migrates it."""
    ownership = _ownership(connection)
    if ownership.mine:
        return (
            f"The ledger {location} is of an older version (schema {version}, this ioto.serialization needs "
            f"{SCHEMA_VERSION}); when all lines can wait, migrate it: {command(url)}"
        )
    return (
        f"The ledger {location} is of an older version (schema {version}, this ioto.serialization needs "
        f"{SCHEMA_VERSION}); {_by_owner(ownership, url)}"
    )


def command(url: URL) -> str:
    """Return the command that migrates the ledger, to be typed as it stands; it holds no password."""
    given = shlex.quote(f"action=migrate ledger={without_secrets(url)}")
    hint = " (with its password in PGPASSWORD)" if url.password or "password" in url.query else ""
    return f"ansible localhost -m ioto.serialization.ledger_entry -a {given}{hint}"


def migrate_database(connection: Connection, url: URL, location: str) -> Migration | None:
    """Bring the ledger to today's schema in the caller's transaction; None: another process did.

    Raises `LedgerError` or `DBAPIError`.
    """
    ownership = _ownership(connection)
    if not ownership.mine:
        raise LedgerError(f"The ledger {location} is migrated by its owner only; {_by_owner(ownership, url)}")
    connection.exec_driver_sql(_END_WITH_CLIENT)
    connection.exec_driver_sql(
        f"SET LOCAL lock_timeout = '{PATIENCE}s'; SET LOCAL statement_timeout = '{STATEMENT_PATIENCE}s'; "
        # New tables are the owner's, and stand where the old ones do.
        f"SET LOCAL ROLE {ownership.quoted}; SET LOCAL search_path = {ownership.schema}"
    )
    try:
        connection.exec_driver_sql(_LOCK)
        return take_steps(connection, location)
    except DBAPIError as error:
        state = sqlstate(error)
        if state in (LOCK_NOT_AVAILABLE, DEADLOCK):
            raise LockedLedgerError(
                f"The ledger {location} is in use: a transaction did not end within {PATIENCE} s, so nothing was "
                "migrated; stop the lines and the service, or end the idle one that pg_stat_activity shows, and "
                "run again."
            ) from None
        if state == INSUFFICIENT_PRIVILEGE:
            raise LedgerError(
                f"The ledger {location} cannot be migrated: its owner {ownership.owner} may not create tables in "
                f"the schema {ownership.schema}; have an administrator run GRANT CREATE ON SCHEMA "
                f"{ownership.schema} TO {ownership.quoted}, and run again."
            ) from None
        raise


def _ownership(connection: Connection) -> Ownership:
    return Ownership(*connection.exec_driver_sql(_OWNERSHIP).one())


def _by_owner(ownership: Ownership, url: URL) -> str:
    return (
        f"{ownership.me} may not alter its tables, so its owner {ownership.owner} has to migrate it, when all lines "
        f"can wait: {command(url.set(username=ownership.owner, password=None))}"
    )
