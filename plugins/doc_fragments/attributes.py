# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all actions of this collection promise alike."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of an action that talks to a device; `LEDGER` those of one that only talks to the ledger."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode, says what a real run would do, and changes nothing.
    support: full
  diff_mode:
    description: Shows what changes, with claim IDs masked.
    support: full
  idempotent:
    description: A second run with the same arguments changes nothing.
    support: full
  action:
    description: Runs on the controller, and reaches the device through its connection.
    support: full
  action_group:
    description: >-
      Takes the C(module_defaults) of these groups. C(group/ioto.serialization.ledger) is for C(ledger),
      C(group/ioto.serialization.device) for C(config_dir); C(group/ioto.serialization.all) has every module, and no
      option is common to all of them.
    support: full
    membership:
      - ioto.serialization.all
  async:
    description: Can be run in the background with O(ignore:async).
    support: none
  platform:
    description: What the device must be.
    platforms: posix
    support: full
    details: A POSIX shell and an SSH server; no Python, no SFTP.
"""

    LEDGER = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode, says what a real run would do, and changes nothing.
    support: full
  diff_mode:
    description: Shows what changes, with claim IDs masked.
    support: none
  idempotent:
    description: A second run with the same arguments changes nothing.
    support: full
  action:
    description: Runs on the controller and needs no device.
    support: full
  action_group:
    description: >-
      Takes the C(module_defaults) of these groups. C(group/ioto.serialization.ledger) is for C(ledger),
      C(group/ioto.serialization.device) for C(config_dir); C(group/ioto.serialization.all) has every module, and no
      option is common to all of them.
    support: full
    membership:
      - ioto.serialization.all
  async:
    description: Can be run in the background with O(ignore:async).
    support: none
  platform:
    description: Where it runs.
    platforms: posix
    support: full
"""
