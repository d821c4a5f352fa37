# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an image that a device has not: its base, its place, its format."""

from __future__ import annotations

from ..flows.options import OPTIONS as FLOW_OPTIONS
from ..option import FIRMWARE, Option, of_flow
from ..serialization.sources.table import STORED_CHOICES

_MODULE = ("firmware_image",)
_FLOW = (FIRMWARE,)

OPTIONS = (
    Option(
        "dest",
        "Where the image goes, on the controller. With a slash at its end, or where it is a folder and O(base) is "
        "none, the image is put in it and named after O(serial), with the suffix of O(base).",
        "ioto_firmware_dest",
        type="path",
        required=True,
        more=("The variable is always a folder.",),
        modules=_MODULE,
        convert=lambda folder: f"{folder}/",
    ),
    Option(
        "dest",
        "The folder for the images, on the controller. Each is named after its unit's serial.",
        "ioto_firmware_dest",
        type="path",
        required=True,
        flows=_FLOW,
        convert=lambda folder: f"{folder}/",
    ),
    Option(
        "base",
        "The base image, or the folder of an unpacked tree, on the controller.",
        "ioto_firmware_base",
        type="path",
        without="an overlay archive (tar.gz) is made that holds nothing but C(device.json5)",
        modules=_MODULE,
        flows=_FLOW,
    ),
    Option(
        "format",
        "What O(base) has to be. It is found by its content; where the two differ, that is an error.",
        "ioto_firmware_format",
        choices=("tree", "tar", "overlay", "ext", "fat", "squashfs", "disk", "uimage"),
        more=(
            "V(tar) is plain or compressed with gzip, xz or zstd. V(overlay) is the same, meant to be unpacked over a "
            "system as with C(sysupgrade -r) of OpenWrt, so that the directory need not be in it. V(disk) has an MBR "
            "or a GPT. V(uimage) is a legacy image of U-Boot, around one of the others.",
        ),
        modules=_MODULE,
        flows=_FLOW,
    ),
    Option(
        "partition",
        "With a disk, the number of the partition.",
        "ioto_firmware_partition",
        type="int",
        without="the one partition that has the directory",
        modules=_MODULE,
        flows=_FLOW,
    ),
    Option(
        "config_dir",
        "The agent's configuration directory in the image, an absolute path.",
        "ioto_config_dir",
        type="path",
        without="the first of C(/etc/ioto), C(/upper/etc/ioto), C(/state/config), C(/usr/local/etc/ioto), C(/ioto), "
        "C(/config) that is there",
        modules=_MODULE,
        flows=_FLOW,
    ),
    Option(
        "source",
        "Where the claim ID comes from. As in M(ioto.serialization.serialize), but an image has no agent that runs.",
        choices=tuple(STORED_CHOICES),
        modules=_MODULE,
    ),
    Option(
        "serial",
        "What names the unit in the ledger. An image has no hardware to ask.",
        "ioto_serial",
        required=True,
        modules=_MODULE,
        flows=_FLOW,
    ),
)

OF_THE_FLOW = of_flow((*OPTIONS, *FLOW_OPTIONS), FIRMWARE)
"""The options that a host's variables say, by variable."""

VARIABLES = ("ioto_mode", *OF_THE_FLOW)
"""What has to be known of each host."""
