# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/agent_config.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_config
short_description: Set how the agent on a device serializes
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Sets the agent's serialize mode and its factory service in C(ioto.json5) (agents since 2.5) or C(config.json5)
    (older ones), whichever the device has, under the key that this file uses.
  - Every byte that need not change stays as it is.
  - Refuses a setting that C(local.json5) or the active profile overrides with another value, and names the place.
  - Does not restart the agent.
extends_documentation_fragment:
  - ioto.serialization.attributes
  - ioto.serialization.common.config_dir
options:
  serialize:
    description: How an agent without an ID gets one. Without it, the mode stays as it is.
    type: str
    choices: [auto, factory, none]
  api_serialize:
    description: The URL of the factory service that the agent asks. Without it, it stays as it is.
    type: str
seealso:
  - module: ioto.serialization.serialize
"""

EXAMPLES = r"""
- name: Let the agent make its own ID
  ioto.serialization.agent_config:
    serialize: auto

- name: Let the agent ask the factory service
  ioto.serialization.agent_config:
    serialize: factory
    api_serialize: http://192.0.2.1:1234/ioto/serialize
"""

RETURN = r"""
path:
  description: The configuration file, its links followed.
  returned: success
  type: str
  sample: /etc/ioto/ioto.json5
key:
  description: The key that holds the mode in this file.
  returned: success
  type: str
  sample: services.serialize
"""
