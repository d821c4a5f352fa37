# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module `rework`, and the variables by which `playbooks/rework.yml` is told what to do."""

from __future__ import annotations

from ...option import REWORK, Option, rows
from .acts import Act

OPTIONS = (
    *rows(
        Option(
            "act",
            "What is done with the unit.",
            choices=tuple(Act),
            variable="ioto_rework",
            more=(
                "V(scrap) ends the unit: its claim ID never comes back.",
                "V(new-board): another board comes into the same case. The serial stays, the old board's ID is "
                "retired, and the claim that the new board gets says what it replaces.",
                "V(new-case): the board gets another serial, and keeps its claim ID or gets a new one, as O(keep_id) "
                "says.",
                "V(relabel): the labels of the unit are void, and a new one is due.",
                "V(came-back) records that the unit is here again, in which state and why. Nothing is issued.",
            ),
        ),
        Option("serial", "The unit's serial."),
        Option("claim_id", "The unit's claim ID, instead of its serial or beside it.", no_log=False),
        Option("product", "The unit's product ID. Needed where units of several products have that O(serial)."),
        Option("new_serial", "With V(new-case), the serial of the new case."),
        Option("keep_id", "With V(new-case), whether the claim ID stays with the board.", type="bool"),
        Option(
            "src",
            "A CSV file on the controller that says many acts, one a line, in the columns V(serial) or V(claim_id), "
            "and V(act), V(product), V(new_serial), V(keep_id), V(reason) and V(operator).",
            type="path",
            more=(
                "A column that the file lacks, or a cell that is empty, is as the option of that name says. All of the "
                "file is done, or, where a line cannot be, nothing: every such line is named.",
            ),
        ),
        modules=("rework",),
        flows=(REWORK,),
        variable="ioto_rework_{}",
    ),
    Option(
        "reason",
        "Why, for the history of the ledger. Each act needs one.",
        modules=("rework",),
        flows=(REWORK,),
    ),
)
