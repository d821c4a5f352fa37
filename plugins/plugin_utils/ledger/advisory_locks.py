# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the advisory locks of a PostgreSQL database are ours: the first of the two numbers of each.

https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

from typing import Final

UNITS: Final = 0x10701070
"""Of whoever is alone with units, for as long as his session lasts."""
BOARDS: Final = 0x10701071
"""Of whoever binds boards, until his transaction ends."""
JOBS: Final = 0x10701072
"""Of whoever begins a slice of a job, until his transaction ends."""
