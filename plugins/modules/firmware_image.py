# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/firmware_image.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firmware_image
short_description: Make a unit's own firmware image
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Makes a copy of a base image in which C(device.json5) holds the unit's claim ID and product ID. The same transaction
    and ledger as with M(ioto.serialization.serialize), on an image in place of a device.
  - Needs no root and mounts nothing. Owners, modes, timestamps, links and all other files in the image stay. What
    C(device.json5) holds already is edited in place; a new one has mode 0600 and the owner of its directory.
  - The ledger knows unit and ID before the image is written. The image appears as O(dest) when it is complete, on the
    disk and read back; killed at any instant and run again, the next run completes it.
  - An image that is there already is looked at and kept. One that is older than O(base) is refused.
  - The image is readable by its owner only (0600), since it holds a claim ID.
  - Checksum files beside the base (C(.md5), C(.sha1), C(.sha256), C(.sha512), also with C(sum) behind) are made for the
    image as well.
extends_documentation_fragment:
  - ioto.serialization.attributes.ledger
  - ioto.serialization.common.identity
  - ioto.serialization.common.ledger
  - ioto.serialization.common.reveal
attributes:
  diff_mode:
    support: full
requirements:
  - e2fsprogs, for ext2, ext3 and ext4
  - mtools and dosfstools, for FAT
  - squashfs-tools 4.5 or later and fakeroot, for SquashFS
  - fdisk (sfdisk), for disks
  - zstd, for tar.zst
options:
  base:
    description:
      - The base image, or the folder of an unpacked tree, on the controller.
      - Without it, an overlay archive (tar.gz) is made that holds nothing but C(device.json5).
    type: path
  dest:
    description:
      - Where the image goes, on the controller. With a slash at its end, or where it is a folder and O(base) is none,
        the image is put in it and named after O(serial), with the suffix of O(base).
    type: path
    required: true
  format:
    description:
      - What O(base) has to be. It is found by its content; where the two differ, that is an error.
      - V(tar) is plain or compressed with gzip, xz or zstd. V(overlay) is the same, meant to be unpacked over a system
        as with C(sysupgrade -r) of OpenWrt, so that the directory need not be in it. V(disk) has an MBR or a GPT.
        V(uimage) is a legacy image of U-Boot, around one of the others.
    type: str
    choices: [tree, tar, overlay, ext, fat, squashfs, disk, uimage]
  config_dir:
    description:
      - The agent's configuration directory in the image, an absolute path.
      - Without it, the first of C(/etc/ioto), C(/upper/etc/ioto), C(/state/config), C(/usr/local/etc/ioto), C(/ioto),
        C(/config) that is there.
    type: path
  partition:
    description:
      - With a disk, the number of the partition. Without it, the one partition that has the directory.
    type: int
  source:
    description:
      - Where the claim ID comes from. As in M(ioto.serialization.serialize), but an image has no agent that runs.
    type: str
    choices: [given, generated, service]
  serial:
    description: What names the unit in the ledger. An image has no hardware to ask.
    type: str
    required: true
seealso:
  - module: ioto.serialization.serialize
"""

EXAMPLES = r"""
- name: Make the image of one unit
  ioto.serialization.firmware_image:
    base: /srv/firmware/base.img
    dest: /srv/firmware/out/SN-0001.img
    product: 01G8YJKKRNTHW213TRZYX3YH0M
    serial: SN-0001

- name: Make a small overlay for OpenWrt's sysupgrade
  ioto.serialization.firmware_image:
    dest: /srv/firmware/overlays/
    product: "{{ ioto_product }}"
    serial: "{{ ioto_serial }}"

- name: Use the second partition of a disk
  ioto.serialization.firmware_image:
    base: /srv/firmware/disk.img
    dest: /srv/firmware/out/
    partition: 2
    config_dir: /opt/ioto/config
    product: "{{ ioto_product }}"
    serial: "{{ ioto_serial }}"
"""

RETURN = r"""
claim_id:
  description: The unit's claim ID, masked but for its last two letters unless O(reveal=true).
  returned: success
  type: str
  sample: "********WQ"
path:
  description: The image.
  returned: success
  type: str
  sample: /srv/firmware/out/SN-0001.img
sha256:
  description: The image's SHA-256; none for a tree, and none in check mode.
  returned: success
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
device_file:
  description: The file in the image that holds the identity, its links followed.
  returned: success
  type: str
  sample: /etc/ioto/device.json5
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
  description: Where the ID came from. V(given), V(generated), V(service), or V(adopted) from the base.
  returned: success
  type: str
  sample: generated
state:
  description: How far the claim has come in the ledger.
  returned: success
  type: str
  sample: verified
previous_claim_id:
  description: The ID that was replaced, masked like RV(claim_id).
  returned: success
  type: str
  sample: null
"""
