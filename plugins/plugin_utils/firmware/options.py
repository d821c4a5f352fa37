# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an image that a device has not: its base, its place, its format."""

from __future__ import annotations

from ..display_text import printable
from ..errors import IotoError
from ..flows.options import OPTIONS as FLOW_OPTIONS
from ..option import FIRMWARE, PLAYBOOKS, Option, of_flow, rows
from ..serialization.sources.table import STORED_CHOICES

_MODULE = ("firmware_image",)
_FLOW = (FIRMWARE,)


MOST_UNITS = 100_000
"""Images of a run: more are mistyped."""
_SHOWN_CHARACTERS = 40


class SerialPatternError(IotoError):
    """What makes no serials of numbers."""


def _folder(path: str) -> str:
    return f"{path}/"


def parse_pattern(pattern: str) -> str:
    """Return what makes serials of numbers, as C's `printf` writes it. Raises `SerialPatternError`."""
    try:
        made = {pattern % number for number in (1, 2)}
    except (TypeError, ValueError, OverflowError):
        made = set()
    if len(made) < 2:
        raise SerialPatternError(
            f"ioto_firmware_serial is {printable(pattern[:_SHOWN_CHARACTERS])}; give a text with one number in it as "
            "printf writes it, such as SN-%06d."
        )
    return pattern


OPTIONS = (
    Option(
        "dest",
        "Where the image goes, on the controller. With a slash at its end, or where it is a folder and "
        "O(base) is not, the image is put in it and named after O(serial), with the suffix of O(base).",
        type="path",
        variable="ioto_firmware_dest",
        more=("The variable is always a folder.",),
        required=True,
        modules=_MODULE,
        convert=_folder,
    ),
    Option(
        "dest",
        "The folder for the images, on the controller. Each is named after its unit's serial.",
        type="path",
        variable="ioto_firmware_dest",
        required=True,
        flows=_FLOW,
        convert=_folder,
    ),
    *rows(
        Option(
            "base",
            "The base image, or the folder of an unpacked tree, on the controller.",
            type="path",
            variable="ioto_firmware_base",
            without="an overlay archive (tar.gz) is made that holds nothing but C(device.json5)",
        ),
        Option(
            "format",
            "What O(base) has to be. It is found by its content; where the two differ, that is an error.",
            variable="ioto_firmware_format",
            more=(
                "V(tar) is plain or compressed with gzip, xz or zstd. V(overlay) is the same, meant to be unpacked "
                "over a system as with C(sysupgrade -r) of OpenWrt, so that the directory need not be in it. V(disk) "
                "has an MBR or a GPT. V(uimage) is a legacy image of U-Boot, around one of the others.",
            ),
            choices=("tree", "tar", "overlay", "ext", "fat", "squashfs", "disk", "uimage"),
        ),
        Option(
            "partition",
            "With a disk, the number of the partition.",
            type="int",
            least=1,
            variable="ioto_firmware_partition",
            without="the one partition that has the directory",
        ),
        Option(
            "config_dir",
            "The agent's configuration directory in the image, an absolute path.",
            type="path",
            without="the first of C(/etc/ioto), C(/upper/etc/ioto), C(/state/config), C(/usr/local/etc/ioto), "
            "C(/ioto), C(/config) that is there",
        ),
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
        required=True,
        modules=_MODULE,
        flows=_FLOW,
    ),
    *rows(
        Option(
            "count",
            "How many units C(ioto.serialization.firmware) makes images for where no inventory has them.",
            0,
            least=0,
            most=MOST_UNITS,
        ),
        Option("first", "The number of the first of these units.", 1, least=0),
        Option(
            "serial",
            "How the number becomes the serial of a unit, as C(printf) writes it.",
            "SN-%06d",
            convert=parse_pattern,
        ),
        variable="ioto_firmware_{}",
        flows=(PLAYBOOKS,),
    ),
)

OF_THE_FLOW = of_flow((*OPTIONS, *FLOW_OPTIONS), FIRMWARE)
"""The options that a host's variables say, by variable."""

NUMBERED = of_flow(OPTIONS, PLAYBOOKS)
"""The options that say how many units there are where no inventory says it, by variable."""

VARIABLES = ("ioto_mode", *OF_THE_FLOW)
"""What has to be known of each host."""
