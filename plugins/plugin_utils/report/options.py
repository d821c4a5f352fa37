# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the report that a run ends with: the variables `ioto_report_*` of its hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..batch.problem import Problem
from ..errors import IotoError
from ..flows.options import LEDGER
from ..option import REPORT, Option, given_by, of_flow, rows, specs
from .page_place import page_path

_MODULE = ("report",)
_FLOW = (REPORT,)
_RUN = "run"
"""Not a flow: what a run that ends with a report takes from the variables of its hosts."""

OPTIONS = (
    Option(
        "dest",
        "The page, a name that ends in C(.html). The tables are beside it, as C(.csv) and C(.jsonl).",
        type="path",
        variable="ioto_report_dest",
        required=True,
        modules=_MODULE,
        flows=(_RUN,),
    ),
    Option(
        "started",
        "When the run began, as M(ioto.serialization.preflight) returned it; report that run.",
        modules=_MODULE,
    ),
    Option(
        "run",
        "Report the run with this number, which its summary says.",
        without="the last run is reported, also one that was cut off, as far as it went",
        variable="ioto_report_run",
        modules=_MODULE,
        flows=_FLOW,
    ),
    *rows(
        Option(
            "since", "Report from this time on, such as V(2026-11-23) or V(2026-11-23T08:00:00), local without a zone."
        ),
        Option("until", "Report until this time. A date is meant with its whole day."),
        variable="ioto_report_{}",
        modules=_MODULE,
        flows=_FLOW,
    ),
    *rows(
        Option("title", "The title of the page.", ""),
        Option(
            "pictures", "How many labels are drawn at most. A picture takes about 4 kB; V(0) draws none.", 1000, least=0
        ),
        Option(
            "reveal",
            "Show claim IDs whole. They are masked otherwise, since a claim ID is a ticket for the ownership of "
            "the device.",
            False,
        ),
        variable="ioto_report_{}",
        modules=_MODULE,
        flows=(_RUN, REPORT),
    ),
    replace(
        LEDGER,
        more=("A run is reported from the ledger of each of its hosts.",),
        modules=_MODULE,
        flows=_FLOW,
        unless=("started",),
    ),
)

_OF_A_RUN = of_flow(OPTIONS, _RUN)
VARIABLES = tuple(_OF_A_RUN)
"""The variables of a host that say what its run's report is."""

Complete = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
"""Checks arguments against their specification, and returns them with their defaults. Raises `IotoError`."""


def run_report(
    hosts: Mapping[str, Mapping[str, Any]], complete: Complete
) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Return the options of the report of a run of `hosts`, None where nobody wants one, and what is wrong with them.

    A run has one report: hosts that want different ones are a problem.
    """
    wanted: dict[str, list[str]] = {}
    for host, variables in hosts.items():
        if variables.get("ioto_report_dest"):
            wanted.setdefault(str(variables["ioto_report_dest"]), []).append(host)
    if not wanted:
        return None, []
    first, *others = wanted.values()
    another = f"ioto_report_dest is not that of {first[0]}, and a run has one report; give one for all."
    problems = [Problem(tuple(found), another) for found in others]
    given = {name: hosts[first[0]][name] for name in VARIABLES if name in hosts[first[0]]}
    try:
        # By their names in the inventory, so that a sentence names what somebody has to correct.
        options = given_by(_OF_A_RUN, complete(given, specs(_OF_A_RUN)))
    except IotoError as error:
        return None, [*problems, Problem(tuple(first), str(error))]
    try:
        page_path(options["dest"])
    except IotoError as error:
        return None, [*problems, Problem(tuple(first), f"{str(error).removesuffix('.')} (ioto_report_dest).")]
    return options, problems
