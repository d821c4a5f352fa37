# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/serialize.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: serialize
short_description: Give a device its identity
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Makes sure that the device has its own claim ID and its product ID in C(device.json5), that the ledger knows both,
    and that they were read back from the device.
  - A device that already has an ID keeps it; one that the ledger does not know is adopted.
  - The ledger knows an ID before the device does. A run that was interrupted at any instant is completed by the next.
  - Every byte of C(device.json5) that need not change stays as it is; the file's owner and mode too. A symbolic link
    is followed.
  - One task, and at most two scripts for a new device and one for a device that is done.
extends_documentation_fragment:
  - ioto.serialization.attributes
  - ioto.serialization.common.identity
  - ioto.serialization.common.config_dir
  - ioto.serialization.common.ledger
  - ioto.serialization.common.reveal
options:
  scan:
    description:
      - What was scanned from a label that was printed beforehand, in place of O(claim_id). The ID has to be one that
        the ledger has reserved for the product and given to no unit, or the unit's own; then the unit is C(labelled).
      - Lower case, blanks and hyphens are folded. What was scanned is never run or templated.
    type: str
  qr:
    description: With O(scan), the template of the label's QR code, where it holds more than the claim ID.
    type: str
  layout:
    description: With O(scan), the layout of the label, whose templates count where O(qr) is not set.
    type: str
  agent_wait:
    description: With O(source=agent), seconds to wait on the device for an ID that the agent saved.
    type: int
    default: 30
  agent_restart:
    description:
      - With O(source=agent), the command that restarts the agent, a word an element.
      - Without it, C(/etc/init.d/ioto restart), or C(systemctl restart ioto) where there is no such script.
    type: list
    elements: str
    default: []
  agent_fallback:
    description:
      - With O(source=agent), what to do when the agent has saved no ID in time, as agents 2.8 to 3.0.0 never do.
      - V(none) fails and says so; V(generated) and V(service) have the controller write an ID from that source, and
        restart the agent once more.
    type: str
    choices: [none, generated, service]
    default: none
seealso:
  - module: ioto.serialization.device_info
  - module: ioto.serialization.agent_config
  - module: ioto.serialization.ledger_info
"""

EXAMPLES = r"""
- name: Give each device an ID that the controller generates
  ioto.serialization.serialize:
    product: 01G8YJKKRNTHW213TRZYX3YH0M

- name: Give a device the ID that the operator chose
  ioto.serialization.serialize:
    claim_id: "{{ ioto_claim_id }}"
    product: "{{ ioto_product }}"
    serial: "{{ ioto_serial }}"
    properties:
      model: Blank-01

- name: Give a device the ID of the pre-printed label that was stuck on it
  ioto.serialization.serialize:
    scan: "{{ label.user_input }}"
    product: "{{ ioto_product }}"

- name: Have the agent make its own, and write one instead where it does not save it
  ioto.serialization.serialize:
    source: agent
    product: "{{ ioto_product }}"
    agent_fallback: generated

- name: Ask the factory service on the device's behalf
  ioto.serialization.serialize:
    source: service
    service_url: https://station.example.com:1234/ioto/serialize
    product: "{{ ioto_product }}"
    serial: "{{ ioto_serial }}"

- name: Give a unit another ID, deliberately
  ioto.serialization.serialize:
    product: "{{ ioto_product }}"
    force: true
"""

RETURN = r"""
claim_id:
  description: The unit's claim ID, masked but for its last two letters unless O(reveal=true).
  returned: success
  type: str
  sample: "********WQ"
product:
  description: The product ID.
  returned: success
  type: str
  sample: 01G8YJKKRNTHW213TRZYX3YH0M
serial:
  description: What names the unit in the ledger.
  returned: success
  type: str
  sample: SN-0001
source:
  description: Where the ID came from. V(given), V(generated), V(service), V(agent), or V(adopted) from the device.
  returned: success
  type: str
  sample: generated
state:
  description: How far the claim has come in the ledger. In check mode, how far it is now.
  returned: success
  type: str
  sample: verified
path:
  description: The file that holds the identity, its links followed.
  returned: success
  type: str
  sample: /etc/ioto/device.json5
previous_claim_id:
  description: The ID that was replaced, masked like RV(claim_id).
  returned: success
  type: str
  sample: null
"""
