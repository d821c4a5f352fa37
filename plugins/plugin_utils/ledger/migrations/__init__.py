# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a ledger of an older version becomes one of today's, by steps that are written once and never changed.

A step is frozen: it says its tables and rules itself, because those of `schema` move on. One that was published is
corrected by the next.
"""
