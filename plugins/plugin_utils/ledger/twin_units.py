# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims of units that turned out to be twins when a run was over: the ledger was not asked for all of them in it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.engine import Connection

from .change_set import ChangeSet
from .database import Database
from .records import Context

Unit = tuple[str, str]
"""A product, and what names a unit of it."""


def hold_back_twins(database: Database, twins: Mapping[Unit, str], context: Context) -> None:
    """Have the claims of those units not count until somebody resolved it; each with the host that its twin is."""

    def hold_back(connection: Connection) -> None:
        changes = ChangeSet(connection, units=[unit for _product, unit in twins])
        for (product, unit), twin in twins.items():
            changes.hold_back(changes.live(product, unit), twin, context)
        changes.save()

    if twins:
        database.write(hold_back)
