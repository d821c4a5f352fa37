# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/verify.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify
short_description: Compare a unit's label with its device and the ledger
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - The three-way check. The claim ID that was scanned or typed from the unit's label, the one that its device answers
    over SSH, and the one that the ledger has for the unit, must be the same.
  - Says C(PASS) or C(FAIL) in one line with all that is wrong. The task fails unless all agree.
  - Every mismatch is recorded in the ledger (C(mismatch)), and an ID that was found with the wrong unit is one of the
    conflicts that M(ioto.serialization.ledger_info) lists, until a later check of the unit passes. A check that passes
    is recorded too (C(checked)).
  - Nothing is written to the device. What was scanned is never shown, run or templated.
extends_documentation_fragment:
  - ioto.serialization.attributes
  - ioto.serialization.common.config_dir
  - ioto.serialization.common.ledger
attributes:
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: A second run changes neither device nor claim; each check is an event of its own.
options:
  scan:
    description:
      - What was scanned from the QR code of the label, or the claim ID as somebody typed it. Lower case, spaces and
        hyphens are folded.
    type: str
  image:
    description:
      - A PNG or JPEG of the label, as a camera takes it. Its Code 128, where it can be read, must be the unit's serial
        number. A picture that shows several labels is refused.
    type: path
  scans:
    description:
      - A file of scans. One a line, as many as the play has hosts and in their order, or CSV with the columns C(host)
        or C(serial), and C(scan), as a spreadsheet saves it.
    type: path
  qr:
    description: The template of the label's QR code, where it holds more than the claim ID.
    type: str
  layout:
    description: The layout of the label, whose templates count where O(qr) is not set.
    type: str
  product:
    description: The product that the unit has to be, a ULID. Without it, the one that the device answers.
    type: str
  serial:
    description: What names the unit. Without it, its device-tree serial, then its MAC address.
    type: str
requirements:
  - zxing-cpp 2.2 or later and Pillow, for O(image)
seealso:
  - module: ioto.serialization.label
  - module: ioto.serialization.ledger_info
"""

EXAMPLES = r"""
- name: Check each unit as it is packed
  hosts: bench
  serial: 1
  gather_facts: false
  tasks:
    - name: Ask for the label
      ansible.builtin.pause:
        prompt: "Scan the label of {{ inventory_hostname }}"
        echo: false
      register: label
    - name: Compare label, device and ledger
      ioto.serialization.verify:
        scan: "{{ label.user_input }}"

- name: Check units by photographs of their labels
  hosts: packed
  gather_facts: false
  tasks:
    - name: Compare label, device and ledger
      ioto.serialization.verify:
        image: "photos/{{ inventory_hostname }}.jpg"
        qr: https://example.com/claim?id={claim_id}
"""

RETURN = r"""
passed:
  description: Whether label, device and ledger agree.
  returned: always
  type: bool
  sample: true
msg:
  description: The verdict.
  returned: always
  type: str
  sample: "PASS  bench-1, unit SN-0001: label, device and ledger have ********WQ."
problems:
  description: What does not agree, or could not be read.
  returned: always
  type: list
  elements: str
  sample: []
claim_id:
  description: The claim ID on the label, masked but for its last two characters; null where none could be read.
  returned: always
  type: str
  sample: "********WQ"
product:
  description: The product ID of the unit.
  returned: always
  type: str
  sample: 01G8YJKKRNTHW213TRZYX3YH0M
serial:
  description: What names the unit.
  returned: always
  type: str
  sample: SN-0001
"""
