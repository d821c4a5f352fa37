# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/ledger_entry.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_entry
short_description: Import, retire or re-bind claims in the ledger
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Changes what the ledger says, and keeps in its history who did that, when and why. No device is touched.
extends_documentation_fragment:
  - ioto.serialization.attributes.ledger
  - ioto.serialization.common.ledger
  - ioto.serialization.common.reveal
options:
  action:
    description:
      - V(import) takes over the claims of a file; every bad line is reported, and nothing is imported then.
      - V(retire) takes a claim ID out of use for ever, such as that of a scrapped unit.
      - V(rebind) moves a claim to the unit O(new_serial), such as when a board moves to another case.
      - V(resolve) records that somebody has looked at the conflicts about a claim.
    type: str
    choices: [import, retire, rebind, resolve]
    required: true
  claim_id:
    description: The claim. Instead, O(product) and O(serial) can name it.
    type: str
  product:
    description: The product of the unit that has the claim.
    type: str
  serial:
    description: The unit that has the claim.
    type: str
  new_serial:
    description: With O(action=rebind), the unit that gets the claim.
    type: str
  reason:
    description: Why. Needed for all actions but V(import).
    type: str
  src:
    description:
      - With O(action=import), the file on the controller, in UTF-8 or UTF-16.
      - CSV may be separated by commas, semicolons, tabs or C(|). Every bad line is named, and then nothing is imported.
    type: path
  format:
    description: The format of the file, CSV or JSON Lines.
    type: str
    choices: [csv, jsonl]
    default: csv
seealso:
  - module: ioto.serialization.ledger_info
"""

EXAMPLES = r"""
- name: Retire the claim ID of a scrapped unit
  ioto.serialization.ledger_entry:
    action: retire
    product: 01G8YJKKRNTHW213TRZYX3YH0M
    serial: SN-0001
    reason: scrapped, see report 4711
  run_once: true

- name: Take over the records of an older line
  ioto.serialization.ledger_entry:
    action: import
    src: /srv/records/2025.csv
  run_once: true
"""

RETURN = r"""
claim:
  description: The claim as it is now.
  returned: when O(action) is not V(import)
  type: dict
  contains:
    claim_id:
      description: The claim ID, masked unless O(reveal=true).
      type: str
      sample: "********WQ"
    product:
      description: The product ID.
      type: str
      sample: 01G8YJKKRNTHW213TRZYX3YH0M
    serial:
      description: What names the unit; null for an ID that is reserved.
      type: str
      sample: SN-0001
    state:
      description: How far the claim has come.
      type: str
      sample: verified
    source:
      description: Where the ID came from.
      type: str
      sample: generated
    created_at:
      description: When the ledger got to know it.
      type: str
      sample: "2026-11-23T08:00:00+00:00"
    updated_at:
      description: When it changed last.
      type: str
      sample: "2026-11-23T08:00:01+00:00"
    host:
      description: The inventory name under which the unit was last seen.
      type: str
      sample: bench-1
    reason:
      description: Why it was retired or moved.
      type: str
      sample: null
    details:
      description: What the unit's hardware said.
      type: dict
      sample: {"mac": "00:11:22:33:44:55"}
imported:
  description: How many claims were added, changed, and known already.
  returned: when O(action=import)
  type: dict
  sample: {"added": 60, "changed": 0, "unchanged": 0}
"""
