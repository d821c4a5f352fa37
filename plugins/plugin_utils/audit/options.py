# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an audit: the variables `ioto_audit_*`, and those that it shares with others."""

from __future__ import annotations

from dataclasses import replace

from ..flows.options import LEDGER
from ..flows.options import OPTIONS as FLOW_OPTIONS
from ..option import AUDIT, VERIFY, Option, of_flow, rows

_MODULE = ("audit",)
_FLOW = (AUDIT,)
MOST_HOURS = 87_600
"""Ten years."""

OPTIONS = (
    Option(
        "dest",
        "The page, a name that ends in C(.html). The findings are beside it, as C(.csv) and C(.jsonl).",
        type="path",
        variable="ioto_audit_dest",
        required=True,
        modules=_MODULE,
        flows=_FLOW,
    ),
    *rows(
        Option(
            "devices",
            "Whether to read the devices of the inventory. Hosts whose C(ioto_mode) is C(none) or C(firmware) are left "
            "alone.",
            True,
        ),
        Option(
            "images",
            "A folder of firmware images and unpacked trees on the controller. Nothing else is in it but checksums.",
            type="path",
        ),
        Option(
            "scans",
            "A file of scanned labels on the controller, as M(ioto.serialization.verify) takes it. One a line, or CSV "
            "with the columns C(host) or C(serial), and C(scan). Lines alone are in the order of the devices that are "
            "read; without devices, they are labels of any units.",
            type="path",
        ),
        Option(
            "ledgers",
            "Other ledgers, each by its path or URL, and exports of ledgers: lists of claims, which end in C(.csv) or "
            "C(.jsonl), and whole ledgers.",
            type="list",
            elements="str",
        ),
        Option(
            "checkpoints",
            "Signed checkpoints of the ledger, files on the controller that M(ioto.serialization.checkpoint) made.",
            type="list",
            elements="str",
        ),
        Option(
            "unverified_hours",
            "After how many hours a unit that was written has to be verified.",
            24.0,
            least=0,
            most=MOST_HOURS,
        ),
        Option("title", "The title of the page.", ""),
        Option(
            "reveal",
            "Whether to have claim IDs whole in the files. They are masked otherwise, since a claim ID is a ticket for "
            "the ownership of the device.",
            False,
        ),
        variable="ioto_audit_{}",
        modules=_MODULE,
        flows=_FLOW,
    ),
    *rows(
        Option(
            "qr",
            "With O(scans), the template of the labels' QR code, where it holds more than the claim ID.",
            variable="ioto_label_qr",
            without="what the layout says",
        ),
        Option(
            "layout",
            "With O(scans), the layout of the labels, whose templates count where O(qr) is not set.",
            variable="ioto_label_layout",
            without="the QR code holds the bare claim ID",
        ),
        modules=_MODULE,
        flows=_FLOW,
    ),
    Option(
        "public_key",
        "With O(checkpoints), the file of the public key of whoever signed them.",
        type="path",
        variable="ioto_checkpoint_public_key",
        no_log=False,
        modules=_MODULE,
        flows=_FLOW,
    ),
    Option(
        "processes",
        "How many processes to read devices with, 1 or more.",
        type="int",
        least=1,
        without="up to one for each core, where that is quicker",
        modules=_MODULE,
    ),
    replace(LEDGER, more=("The hosts of the play have to have the same one.",), modules=_MODULE, flows=_FLOW),
)

OF_A_DEVICE = {
    variable: option
    for variable, option in of_flow(FLOW_OPTIONS, VERIFY).items()
    if option.name in {"config_dir", "serial", "shared_hardware", "device_timeout"}
}
"""What a host's variables say of how its device is read, by variable."""
