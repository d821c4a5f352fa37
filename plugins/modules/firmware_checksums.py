# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/firmware_checksums.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firmware_checksums
short_description: Write the checksum list of a batch of firmware images
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Writes C(SHA256SUMS) into each folder that the hosts of the play have images in, from what
    M(ioto.serialization.firmware_image) returned as C(ioto_outcome). C(sha256sum -c SHA256SUMS) checks it.
  - Lines of other images that are still there stay, so that a part of a batch can be run; lines of images that are gone
    are removed.
extends_documentation_fragment:
  - ioto.serialization.attributes.ledger
"""

EXAMPLES = r"""
- name: Write the checksum list
  ioto.serialization.firmware_checksums:
"""

RETURN = r"""
paths:
  description: The lists.
  returned: success
  type: list
  elements: str
  sample: [/srv/firmware/out/SHA256SUMS]
"""
