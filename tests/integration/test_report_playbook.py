# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run ends with its report, and the report of a run can be made later from the ledger alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import Fleet
from tests.support.ansible import ROOT, provision

pytest.importorskip("reportlab", reason="labels need the Python package reportlab")
pytestmark = pytest.mark.ansible

FILE = "/etc/ioto/device.json5"


def lines(page: Path) -> dict[str, dict[str, Any]]:
    """What the report says of each host."""
    found = map(json.loads, page.with_suffix(".jsonl").read_text().splitlines())
    return {line["host"]: line for line in found}


def test_a_run_ends_with_the_report_of_its_hosts_and_the_ledger_tells_the_same_later(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2, "auto": 1}) as fleet:
        fleet["manual-2"].write(FILE, "{ product: ")
        page, later, day = (tmp_path / f"{name}.html" for name in ("page", "later", "day"))

        run = provision(home, "-i", fleet.inventory, "-e", f"ioto_report_dest={page}")

    assert run.status == 2, run.output
    assert run.failed == {"manual-2"}
    told = lines(page)
    assert {host: line["result"] for host, line in told.items()} == {
        "manual-1": "done",
        "manual-2": "failed",
        "auto-1": "done",
    }
    assert [line["flow"] for line in told.values()] == ["manual", "manual", "auto"]
    assert told["manual-2"]["failures"][0]["reason"] in run.output
    assert "manual-2" in page.read_text()

    report = ROOT / "playbooks/report.yml"
    again = provision(home, "-e", f"ioto_report_dest={later}", playbook=report)
    assert again.status == 0, again.output
    whole = provision(home, "-e", f"ioto_report_dest={day} ioto_report_since=2020-01-01", playbook=report)
    assert whole.status == 0, whole.output
    for other in (later, day):
        assert {host: (line["result"], line["failures"]) for host, line in lines(other).items()} == {
            host: (line["result"], line["failures"]) for host, line in told.items()
        }
