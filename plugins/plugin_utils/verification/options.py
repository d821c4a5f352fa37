# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the three-way check: what was scanned, and what the unit has to be."""

from __future__ import annotations

from ..option import MANUAL, VERIFY, Option, rows

_MODULE = ("verify",)
_FLOW = (VERIFY,)

OPTIONS = (
    Option(
        "scan",
        "What was scanned from the QR code of the label, or the claim ID as somebody typed it. Lower case, "
        "spaces and hyphens are folded.",
        no_log=False,
        modules=_MODULE,
        flows=_FLOW,
        unless=("image", "scans"),
    ),
    Option(
        "image",
        "A picture of the label instead, PNG or JPEG, as a camera takes it. Its Code 128, where it can be "
        "read, must be the unit's serial number. A picture that shows several labels is refused.",
        type="path",
        variable="ioto_scan_image",
        modules=_MODULE,
        flows=_FLOW,
        unless=("scan", "scans"),
    ),
    Option(
        "scans",
        "A file of scans instead. One a line, as many as the play has hosts and in their order, or CSV with "
        "the columns C(host) or C(serial), and C(scan), as a spreadsheet saves it.",
        type="path",
        modules=_MODULE,
        flows=_FLOW,
        unless=("scan", "image"),
    ),
    Option(
        "ask_again",
        "Where another scan may help, do not fail and record nothing: C(msg) says why, with RV(scan_refused).",
        False,
        modules=("verify", "serialize"),
    ),
    Option(
        "scan_echo",
        "Show on the terminal what is typed at the prompt for a label.",
        type="bool",
        variable="ioto_scan_echo",
        without="V(false)",
        flows=(VERIFY, MANUAL),
    ),
    *rows(
        Option(
            "verdict_only",
            "Tell the verdict and do not fail; what comes after looks at C(ioto_verdict).",
            type="bool",
            without="V(false)",
        ),
        flows=_FLOW,
    ),
    Option(
        "product",
        "The product that the unit has to be, a ULID.",
        without="the one that the device answers",
        modules=_MODULE,
        flows=_FLOW,
    ),
)
