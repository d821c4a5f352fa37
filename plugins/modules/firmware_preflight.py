# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/firmware_preflight.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firmware_preflight
short_description: Check a batch of firmware images before the first one is made
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Looks at all hosts of the play whose C(ioto_mode) is V(firmware) at once. Each base must be of a known format and
    have the configuration directory, each unit an image of its own, and the disk room for the images that are not there
    yet.
  - Reads C(ioto_firmware_base), C(ioto_firmware_dest), C(ioto_firmware_format), C(ioto_firmware_partition),
    C(ioto_config_dir) and C(ioto_serial) of each host. Lists every problem with its hosts and remedy.
extends_documentation_fragment:
  - ioto.serialization.attributes.ledger
"""

EXAMPLES = r"""
- name: Check the images of this play
  ioto.serialization.firmware_preflight:
"""

RETURN = r"""
images:
  description: How many images were checked.
  returned: success
  type: int
  sample: 100
"""
