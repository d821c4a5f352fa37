# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schema 5: a claim says which retired claim ID it replaces, so that the chain of a reworked unit can be followed.

No older ledger knew it: a unit whose ID was replaced before has two claims, and nothing says that one follows the
other. So the column stays empty in every row that there is.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection


def migrate(connection: Connection) -> None:
    """Bring a ledger of schema 4 to 5 in the caller's transaction."""
    connection.exec_driver_sql("ALTER TABLE ioto_claims ADD COLUMN replaces TEXT")
    connection.exec_driver_sql("CREATE INDEX ioto_claims_replaces ON ioto_claims (replaces) WHERE replaces IS NOT NULL")
