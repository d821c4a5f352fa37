# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the ledger's own actions. Nothing but the ledger itself is said by a variable."""

from __future__ import annotations

from ..option import Option, rows

_ENTRY = ("ledger_entry",)
_INFO = ("ledger_info",)

OPTIONS = (
    *rows(
        Option(
            "action",
            "What to do with the claim, or with the ledger.",
            more=(
                "V(import) takes over the claims of a file; every bad line is reported, and nothing is imported then.",
                "V(retire) takes a claim ID out of use for ever, such as that of a scrapped unit.",
                "V(rebind) moves a claim to the unit O(new_serial), such as when a board moves to another case.",
                "V(labelled) records that somebody has seen the label, of which no printer said that it was made.",
                "V(resolve) records that somebody has looked at the conflicts about a claim.",
                "V(migrate) brings a ledger of an older version to what this one needs. A file is migrated without "
                "it, when it is opened to be written; a ledger on PostgreSQL only by it, because all lines wait "
                "meanwhile.",
            ),
            choices=("import", "retire", "rebind", "labelled", "resolve", "migrate"),
            required=True,
        ),
        Option("claim_id", "The claim. Instead, O(product) and O(serial) can name it."),
        Option("product", "The product of the unit that has the claim."),
        Option("serial", "The unit that has the claim."),
        Option("new_serial", "With O(action=rebind), the unit that gets the claim."),
        Option("reason", "Why. Needed for all actions but V(import) and V(migrate)."),
        Option(
            "src",
            "With O(action=import), the file on the controller, in UTF-8 or UTF-16.",
            type="path",
            more=(
                "CSV may be separated by commas, semicolons, tabs or C(|). Every bad line is named, and then nothing "
                "is imported.",
            ),
        ),
        Option("format", "The format of the file, CSV or JSON Lines.", "csv", choices=("csv", "jsonl")),
        modules=_ENTRY,
    ),
    *rows(
        Option("claim_ids", "Only these claim IDs. Other conditions do not count then.", type="list", elements="str"),
        Option("product", "Only claims of this product."),
        Option("serial", "Only claims of this unit, retired ones too."),
        Option("host", "Only claims of units that were last seen under this inventory name."),
        Option(
            "state",
            "Only claims in these states.",
            type="list",
            choices=("allocated", "written", "verified", "labelled", "retired"),
            elements="str",
        ),
        Option(
            "since", "Only claims that changed at this time or later, such as V(2026-11-23) or V(2026-11-23T08:00:00)."
        ),
        Option("limit", "Return at most so many claims, the newest ones. An export has no limit.", 100),
        Option(
            "check_integrity",
            "Check the whole ledger first, and fail with all that is found.",
            False,
            more=(
                "The seals over its events, every row by itself, the claims against their events, and what the "
                "database says of its own files. It takes some seconds for each 100,000 events, and nobody waits for "
                "it.",
            ),
        ),
        Option("history", "Return the events of the claims, too.", False),
        Option(
            "dest",
            "Export the claims to this file on the controller, with whole claim IDs, readable by its owner alone.",
            type="path",
        ),
        Option("format", "The format of the export, CSV or JSON Lines.", "csv", choices=("csv", "jsonl")),
        modules=_INFO,
    ),
)
