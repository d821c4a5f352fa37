# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/firmware_batch.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firmware_batch
short_description: Make the firmware images of all hosts of a play in one task
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Does what M(ioto.serialization.firmware_image) does for every host of the play's batch, as many at a time as
    C(forks) says. Ansible runs it once for all hosts, and the tools of an image's format run once for each base.
  - What is to be done for a host is said by its C(ioto_*) variables, those of the role C(firmware). They have to be set
    for hosts or groups, or with C(-e). A host whose C(ioto_mode) is set, and is not C(firmware), is left out.
  - First the batch is checked as M(ioto.serialization.firmware_preflight) does it.
  - From each base one image is made with the tools of its format, with letters in the place of C(device.json5), and
    checked. The images of the units are copies of it with their own bytes at that place. Each is compared with it, byte
    by byte, and its C(device.json5) is read back with the tool of the format. Where a format does not allow that (a
    compressed tar, a tree, an inode with inline data), each image is made and checked as
    M(ioto.serialization.firmware_image) does it.
  - Writes C(SHA256SUMS) into each folder that images are in. C(sha256sum -c SHA256SUMS) checks it. Lines of other
    images that are still there stay; lines of images that are gone are removed.
  - An image that fails fails alone. All others are made, and then the task fails.
extends_documentation_fragment:
  - ioto.serialization.attributes
  - ioto.serialization.common.reveal
notes:
  - While the task goes on, each image is shown as it ends, as an item of the task.
  - Where Ansible itself is killed, the task ends after the images that are under way; run again.
seealso:
  - module: ioto.serialization.firmware_image
"""

EXAMPLES = r"""
- name: Make the images of a production order
  hosts: order
  gather_facts: false
  tasks:
    - name: Make all images
      ioto.serialization.firmware_batch:
      register: ioto_fleet
"""

RETURN = r"""
msg:
  description: The counts in a sentence.
  returned: when the batch could begin
  type: str
  sample: "100 images: 63 changed, 37 already done, 0 failed, 0 unreachable."
results:
  description:
    - What became of each host, sorted by name. RV(results[].host), and what M(ioto.serialization.firmware_image)
      returns; or RV(results[].failed) and RV(results[].msg).
  returned: when the batch could begin
  type: list
  elements: dict
  contains:
    host:
      description: The inventory name.
      type: str
      sample: SN-000001
    changed:
      description: Whether the image or what the ledger knows of it was changed.
      type: bool
      sample: true
    failed:
      description: Whether the image was not made.
      type: bool
      sample: true
    msg:
      description: What is wrong and what to do.
      type: str
      sample: The image base.img has no room for device.json5; make it larger.
    path:
      description: The image.
      type: str
      sample: /srv/firmware/out/SN-000001.img
    sha256:
      description: The image's SHA-256; none for a tree, and none in check mode.
      type: str
      sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  sample: [{"host": "SN-000001", "changed": true, "claim_id": "********WQ", "state": "verified"}]
lists:
  description: The checksum lists.
  returned: when the batch could begin
  type: list
  elements: str
  sample: [/srv/firmware/out/SHA256SUMS]
"""
