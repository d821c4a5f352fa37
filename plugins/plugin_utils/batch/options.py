# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the tasks that a run of a batch begins and ends with."""

from __future__ import annotations

from ..option import PLAYBOOKS, Option

OPTIONS = (
    Option(
        "modes",
        "Look at those hosts alone whose C(ioto_mode) is one of these; at all by default, and those without one.",
        ["manual", "auto", "factory", "firmware", "none"],
        choices=("manual", "auto", "factory", "firmware", "none"),
        elements="str",
        modules=("preflight",),
    ),
    Option(
        "names_only",
        "Look at the names of variables alone, and at what says how many units there are; for a playbook that gives no "
        "unit its identity.",
        False,
        modules=("preflight",),
    ),
    Option(
        "ledger_job",
        "With O(names_only=true), look also at what says the job of C(playbooks/ledger.yml).",
        False,
        modules=("preflight",),
    ),
    Option(
        "scan_files",
        "With O(names_only=true), look also at the files of scans and the pictures that the variables name, each once.",
        False,
        modules=("preflight",),
    ),
    Option(
        "not_read",
        "Variables that this playbook does not read and others do, each with what to do instead. A host that has one "
        "is a problem, since what it says would be ignored without a word.",
        {},
        type="dict",
        modules=("preflight",),
    ),
    Option(
        "step",
        "Which step of a job this is, whose steps may be on several machines. V(check) begins one; V(provision) takes "
        "some of its hosts, as a slice, and refuses those that were not checked as they are or that another slice has; "
        "V(finish) has all of them.",
        without="the play does all three by itself",
        choices=("check", "provision", "finish"),
        modules=("preflight",),
    ),
    Option(
        "slice",
        "The number of the slice of a job that ends, as M(ioto.serialization.preflight) returned it.",
        without="the run ends, or the whole job where C(ioto_job) is set",
        modules=("summary",),
    ),
    Option(
        "started",
        "When the run began, as M(ioto.serialization.preflight) returned it.",
        without="what failed is recorded, and not the run",
        modules=("summary",),
    ),
    Option("msg", "Why the host is not done.", required=True, modules=("fail",)),
    Option(
        "unreachable",
        "Whether it could not be reached: the host counts as unreachable, and not as failed.",
        False,
        modules=("fail",),
    ),
    Option(
        "own_variables",
        "Variables of your own whose names begin with C(ioto_). The batch check refuses others that it does not know.",
        [],
        elements="str",
        flows=(PLAYBOOKS,),
    ),
)

RESULTS = ("ioto_outcome", "ioto_fleet", "ioto_labels", "ioto_verdict")
"""What our roles register, and plays of one's own as the modules' examples do."""
