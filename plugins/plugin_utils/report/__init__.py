# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report of a batch: every unit of a run or a period, from the ledger, as one page, CSV and JSON Lines.

`collect` reads the ledger, `records` says what is read, `page` with `chart` and `pictures` draws it, `tables` lists it.
"""
