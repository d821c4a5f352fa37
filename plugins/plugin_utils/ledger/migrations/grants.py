# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use a new table: on PostgreSQL, rights that were given for an old one say so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True)
class Grant:
    """Rights on a new table or sequence, for whoever has the right `of` on the old table."""

    on: str
    rights: str
    of: str
    kind: str = "TABLE"


def share(connection: Connection, old_table: str, grants: Iterable[Grant]) -> None:
    """Give each of `grants` to those who have its right on `old_table`; the owner has all of them anyway."""
    holders: dict[str, list[str]] = {}
    rows = connection.exec_driver_sql(
        "SELECT privilege_type, CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END "
        "FROM pg_class, aclexplode(relacl) WHERE oid = %s::regclass AND grantee <> relowner",
        (old_table,),
    )
    for right, role in rows:
        holders.setdefault(right, []).append(role)
    for grant in grants:
        if roles := holders.get(grant.of):
            connection.exec_driver_sql(f"GRANT {grant.rights} ON {grant.kind} {grant.on} TO {', '.join(roles)}")
