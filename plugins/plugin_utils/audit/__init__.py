# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not agree with a ledger: of devices, images, scans of labels and other ledgers, and in the ledger itself.

`sources` reads what there is, into the `stage`, which is on the disk; `comparison` and `checks` say what is wrong, in
the words of `findings`; `page` and `tables` hand it over.
"""
