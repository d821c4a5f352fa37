# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the ledger's own actions, and the variables by which `playbooks/ledger.yml` is told what to do."""

from __future__ import annotations

from ..option import LEDGER, Option, of_flow, rows

_ENTRY = ("ledger_entry",)
_INFO = ("ledger_info",)
_ON_LEDGER = (LEDGER,)
_STATES = ("allocated", "written", "verified", "labelled", "retired")
_SOURCES = ("given", "generated", "adopted", "service", "agent", "imported", "reserved")
_FORMATS = ("csv", "jsonl")
KEPT_BACKUPS = 14
JOBS = (
    *("find", "chain", "void-labels", "conflicts", "export", "import", "retire", "rebind", "labelled", "resolve"),
    *("check", "backup", "restore", "migrate", "move", "merge", "compare"),
    *("checkpoint", "verify", "new-key"),
)
"""What `playbooks/ledger.yml` can be told to do."""
JOB = "ioto_ledger_job"
"""The variable that says it."""

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
                "V(backup) copies the ledger into the folder O(dest), also while others use it.",
                "V(restore) checks the backup O(src) and puts it where the ledger is, which is kept beside it. "
                "End whatever uses the ledger before.",
                "V(migrate) brings a ledger of an older version to what this one needs. A file is migrated without "
                "it, when it is opened to be written; a ledger on PostgreSQL only by it, because all lines wait "
                "meanwhile.",
                "V(move) moves the ledger with its whole history to O(to), compares both row for row, and has whoever "
                "still writes to the old place be refused. It goes on where it was interrupted.",
                "V(merge) takes over the whole histories of O(sources). Every conflict is reported, and nothing is "
                "merged then; what is there already changes nothing.",
            ),
            choices=(
                *("import", "retire", "rebind", "labelled", "resolve"),
                *("backup", "restore", "migrate", "move", "merge"),
            ),
            required=True,
        ),
        Option("claim_id", "The claim. Instead, O(serial) can name it."),
        Option(
            "product",
            "The product of the unit that has the claim. Needed where units of several products have that O(serial).",
        ),
        Option("serial", "The unit that has the claim."),
        Option("new_serial", "With O(action=rebind), the unit that gets the claim."),
        Option(
            "reason", "Why. Needed for O(action=retire), O(action=rebind), O(action=labelled) and O(action=resolve)."
        ),
        Option(
            "src",
            "The file on the controller. With O(action=import), in UTF-8 or UTF-16; with O(action=restore), a backup.",
            type="path",
            more=(
                "A whole ledger, as M(ioto.serialization.ledger_info) exports it with O(ioto.serialization.ledger_info"
                "#module:whole=true), is imported as it is, into a ledger that holds nothing or an older state of it.",
                "CSV may be separated by commas, semicolons, tabs or C(|). Every bad line is named, and then nothing "
                "is imported.",
            ),
        ),
        Option(
            "format",
            "The format of the file, CSV or JSON Lines.",
            choices=_FORMATS,
            without="JSON Lines where its name ends in C(.jsonl), else CSV",
        ),
        Option(
            "to",
            "With O(action=move), the place where the ledger will be, a path or a URL, which holds nothing or an older "
            "state of this ledger.",
            more=("The place where it is has a ledger stay whose move never went through.",),
        ),
        Option(
            "sources",
            "With O(action=merge), the ledgers that are merged into this one, by their paths or URLs, or files to "
            "which whole ledgers were exported.",
            type="list",
            elements="str",
        ),
        Option(
            "dest",
            "With O(action=backup), the folder on the controller. It is made, for its owner alone.",
            type="path",
        ),
        Option(
            "keep",
            "With O(action=backup), how many backups stay in the folder. An older one is removed only where a newer "
            "one holds everything that is in it.",
            KEPT_BACKUPS,
            least=1,
        ),
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
            choices=_STATES,
            elements="str",
        ),
        Option(
            "since",
            "Only claims that changed last at this time or later, such as V(2026-11-23) or V(2026-11-23T08:00:00). "
            "Without a time zone it is the controller's.",
        ),
        Option("until", "Only claims that changed last before this time, or on this day or before."),
        Option("source", "Only claims whose ID came from there.", choices=_SOURCES),
        Option("run", "Only claims to which something happened in the run with this number."),
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
            "chain",
            "Return the chains of the claims that O(claim_ids) names, or of the unit O(serial): which claim came in "
            "place of which, and what was done in between. A unit is found by a serial that it had, too.",
            False,
        ),
        Option(
            "void_labels",
            "Return the labels that became void from O(since) to O(until), of O(product). With O(dest), the file lists "
            "them, for whoever destroys them.",
            False,
        ),
        Option(
            "dest",
            "Export the claims to this file on the controller, with whole claim IDs, readable by its owner alone.",
            type="path",
        ),
        Option(
            "whole",
            "Export the whole ledger to O(dest), with its history and its seals, as JSON Lines.",
            False,
        ),
        Option(
            "compare_with",
            "Compare this ledger with another one, by its path or URL, or with a file to which a whole ledger was "
            "exported, and fail with all that this one lacks or has otherwise.",
        ),
        Option(
            "format",
            "The format of the export, CSV or JSON Lines.",
            choices=_FORMATS,
            without="JSON Lines where the name of O(dest) ends in C(.jsonl), else CSV",
        ),
        modules=_INFO,
    ),
    *rows(
        Option("job", "What to do.", choices=JOBS, required=True),
        Option(
            "claim_id", "The claim ID, or for V(find) and V(export) several with commas between them.", no_log=False
        ),
        Option("serial", "The unit's serial."),
        Option("product", "The unit's product ID."),
        Option("host", "The inventory name under which the unit was last seen."),
        Option("state", "The states, with commas between them.", type="list", elements="str", choices=_STATES),
        Option("source", "Where the claim IDs came from.", choices=_SOURCES),
        Option("run", "The number of a run."),
        Option("since", "From when on, such as C(2026-11-23) or C(2026-11-23T08:00)."),
        Option("until", "Until when; a day is whole."),
        Option("limit", "How many claims to show, the newest ones.", 100, least=1),
        Option("history", "Whether to show what happened to the claims, too.", False),
        Option("reveal", "Whether to show claim IDs whole.", False),
        Option("new_serial", "The serial of the unit that gets the claim."),
        Option("dest", "The file of an export, or the folder of backups, on the controller.", type="path"),
        Option(
            "src",
            "The file to import, the backup to restore or the checkpoint to verify, on the controller.",
            type="path",
        ),
        Option(
            "format",
            "The format of the file that is exported or imported.",
            choices=_FORMATS,
            without="C(jsonl) where its name ends so, else C(csv)",
        ),
        Option("keep", "How many backups to keep in the folder.", KEPT_BACKUPS, least=1),
        Option("whole", "Whether to export the whole ledger with its history, as JSON Lines.", False),
        Option("to", "Where to move the ledger, a path or a URL."),
        Option(
            "from",
            "The ledgers to merge into this one, paths, URLs or files of whole ledgers, with commas between them.",
            type="list",
            elements="str",
        ),
        Option("with", "The ledger to compare with, a path, a URL or the file of a whole ledger."),
        variable="ioto_ledger_{}",
        flows=_ON_LEDGER,
    ),
    Option("reason", "Why, for the history of the ledger.", flows=_ON_LEDGER),
)

OF_THE_PLAYBOOK = of_flow(OPTIONS, LEDGER)
"""What `playbooks/ledger.yml` reads, by variable."""
