# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several actions of this collection need."""

from __future__ import annotations


class ModuleDocFragment:
    """`LEDGER`: what a module needs that opens the ledger."""

    LEDGER = r"""
options: {}
requirements:
  - SQLAlchemy 2.0 or later
  - psycopg 3.2 or later, for PostgreSQL
"""
