# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/ledger_info.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_info
short_description: Look up claims and units in the ledger
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Lists and counts claims, tells which unit has which claim ID and what became of it, and which units asked for an ID
    that they could not have (conflicts).
  - Can export the claims it finds as CSV or JSON Lines.
extends_documentation_fragment:
  - ioto.serialization.attributes.ledger
  - ioto.serialization.common.ledger
  - ioto.serialization.common.reveal
options:
  claim_ids:
    description: Only these claim IDs. Other conditions do not count then.
    type: list
    elements: str
  product:
    description: Only claims of this product.
    type: str
  serial:
    description: Only claims of this unit, retired ones too.
    type: str
  host:
    description: Only claims of units that were last seen under this inventory name.
    type: str
  state:
    description: Only claims in these states.
    type: list
    elements: str
    choices: [allocated, written, verified, labelled, retired]
  since:
    description: Only claims that changed at this time or later, such as V(2026-11-23) or V(2026-11-23T08:00:00).
    type: str
  limit:
    description: Return at most so many claims, the newest ones. An export has no limit.
    type: int
    default: 100
  history:
    description: Return the events of the claims, too.
    type: bool
    default: false
  dest:
    description:
      - Export the claims to this file on the controller, with whole claim IDs, readable by its owner alone.
    type: path
  format:
    description: The format of the export, CSV or JSON Lines.
    type: str
    choices: [csv, jsonl]
    default: csv
seealso:
  - module: ioto.serialization.ledger_entry
"""

EXAMPLES = r"""
- name: See what was done today
  ioto.serialization.ledger_info:
    since: "{{ now(fmt='%Y-%m-%d') }}"
  run_once: true
  register: ledger

- name: See who has a claim ID
  ioto.serialization.ledger_info:
    claim_ids: [JT08FFQXWQ]
    history: true
  run_once: true

- name: Export all that is verified
  ioto.serialization.ledger_info:
    state: [verified, labelled]
    dest: /srv/records/verified.csv
  run_once: true
"""

RETURN = r"""
claims:
  description: The claims, the newest first.
  returned: success
  type: list
  elements: dict
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
summary:
  description: How many claims the whole ledger has, how many are reserved, and how many are in each state.
  returned: success
  type: dict
  sample: {"total": 60, "reserved": 0, "states": {"verified": 60}, "products": {}}
conflicts:
  description: Units that asked for an ID they could not have, and who holds it; until they are settled.
  returned: success
  type: list
  elements: dict
events:
  description:
    - The history of the claims; C(action) says what happened.
    - "To a claim: C(allocated), C(reserved), C(bound) (a reserved ID got its unit), C(rebound) (to another unit),
      C(imported), C(written), C(verified), C(labelled), C(retired)."
    - "About an ID that could not be had: C(conflict), and C(resolved) once somebody has looked at it; C(host key) for
      a device whose SSH host key became another one that was accepted."
    - "By the three-way check: C(checked), C(mismatch)."
    - "About labels: C(print-started), C(print-failed), C(print-unsure) (it may be there), C(preprinted) (before its
      unit), C(reprint), C(not-labelled)."
    - "By the end of a run: C(failed), C(unreachable), C(run)."
  returned: when O(history=true)
  type: list
  elements: dict
ledger:
  description: Where the ledger is.
  returned: success
  type: str
  sample: /home/line/.local/share/ioto/ledger.db
dest:
  description: The exported file.
  returned: when O(dest) is given
  type: str
"""
