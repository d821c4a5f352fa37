# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/device_info.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: device_info
short_description: Read the identity of a device
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Reads what a device is now. Its identity, what names its hardware, how its agent is told to serialize, and what
    overrides that.
  - Changes nothing, and needs no ledger.
extends_documentation_fragment:
  - ioto.serialization.attributes
  - ioto.serialization.common.config_dir
  - ioto.serialization.common.reveal
attributes:
  diff_mode:
    support: none
seealso:
  - module: ioto.serialization.serialize
"""

EXAMPLES = r"""
- name: Read the device
  ioto.serialization.device_info:
  register: device

- name: See what overrides its configuration
  ansible.builtin.debug:
    var: device.agent.overrides
"""

RETURN = r"""
claim_id:
  description: The claim ID in C(device.json5), masked but for its last two letters unless O(reveal=true).
  returned: success
  type: str
  sample: "********WQ"
product:
  description: The product ID in C(device.json5).
  returned: success
  type: str
  sample: 01G8YJKKRNTHW213TRZYX3YH0M
serial:
  description: What names the unit where no serial is given. Its device-tree serial, else its MAC address.
  returned: success
  type: str
  sample: 1000000023b4c5d6
hardware:
  description: The device-tree C(serial) and the C(mac), each where the unit has one of its own.
  returned: success
  type: dict
  sample: {"serial": "1000000023b4c5d6", "mac": "00:11:22:33:44:55"}
path:
  description: The file that holds the identity, its links followed; null where there is none.
  returned: success
  type: str
  sample: /etc/ioto/device.json5
document:
  description: The whole of C(device.json5), with its C(id) masked like RV(claim_id).
  returned: success
  type: dict
  sample: {"id": "********WQ", "product": "01G8YJKKRNTHW213TRZYX3YH0M"}
agent:
  description: What the agent's configuration says; null where there is none.
  returned: success
  type: dict
  contains:
    config_file:
      description: The main configuration file.
      type: str
      sample: /etc/ioto/ioto.json5
    key:
      description: The key that holds the mode in this file.
      type: str
      sample: services.serialize
    mode:
      description: How an agent without an ID gets one.
      type: str
      sample: auto
    url:
      description: The factory service that the agent asks.
      type: str
      sample: http://192.0.2.1:1234/ioto/serialize
    overrides:
      description: Settings in C(local.json5) or the active profile that win over it, each with path, key and value.
      type: list
      elements: dict
      sample: [{"path": "/etc/ioto/local.json5", "key": "services.serialize", "value": "none"}]
provisioned:
  description: Whether the device has been claimed and provisioned (C(provision.json5) is there).
  returned: success
  type: bool
  sample: false
"""
