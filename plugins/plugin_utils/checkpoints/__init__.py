# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed checkpoints: what the ledger was, and which unit got which ID, for whoever has the public key alone.

Verifying one needs `cryptography` and nothing else, neither Ansible nor a database: only `making` and `against_ledger`
import the ledger.
"""
