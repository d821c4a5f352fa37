# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a run's report can be made is found out before the run, since nobody wants to hear it afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.report.options import run_report


def told(hosts: dict[str, dict[str, Any]]) -> list[str]:
    return [str(problem) for problem in run_report(hosts, complete)[1]]


def test_a_run_has_the_report_that_any_of_its_hosts_asks_for(tmp_path: Path) -> None:
    dest = str(tmp_path / "new" / "day.html")
    hosts = {"a": {}, "b": {"ioto_report_dest": dest, "ioto_report_title": "Batch 17"}, "c": {"ioto_report_dest": dest}}
    assert run_report(hosts, complete) == (
        {"dest": dest, "title": "Batch 17", "pictures": 1000, "reveal": False},
        [],
    )


def test_nobody_gets_a_report_who_asked_for_none() -> None:
    assert run_report({"a": {}, "b": {"ioto_report_title": "Batch 17", "ioto_report_dest": ""}}, complete) == (None, [])


def test_two_reports_of_one_run_are_refused(tmp_path: Path) -> None:
    hosts = {name: {"ioto_report_dest": str(tmp_path / f"{name}.html")} for name in ("a", "b", "c")}
    assert told(hosts) == [
        f"{name}: ioto_report_dest is not that of a, and a run has one report; give one for all." for name in ("b", "c")
    ]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"ioto_report_dest": "day.pdf"}, "'day.pdf' does not name one; let its name end in .html (ioto_report_dest)."),
        ({"ioto_report_dest": "folder.html"}, "which is a folder; name a file in it (ioto_report_dest)."),
        ({"ioto_report_dest": f"{'x' * 300}.html"}, "(File name too long); give another place (ioto_report_dest)."),
        ({"ioto_report_dest": "file/day.html"}, "give another place, or the right to (ioto_report_dest)."),
        ({"ioto_report_dest": "day.html", "ioto_report_pictures": "many"}, "ioto_report_pictures"),
        ({"ioto_report_dest": "day.html", "ioto_report_reveal": "perhaps"}, "ioto_report_reveal"),
    ],
)
def test_what_makes_no_report_is_told_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, Any], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.html").mkdir()
    Path("file").touch()
    (problem,) = told({"a": variables})
    assert problem.startswith("a: ")
    assert sentence in problem
    assert ("(ioto_report_dest)" in problem) is ("(ioto_report_dest)" in sentence)
