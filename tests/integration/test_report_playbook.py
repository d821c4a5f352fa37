# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run ends with its report, which says of no device what is not true, and can be made later from the ledger alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context
from tests.fleet import Fleet
from tests.support.ansible import ROOT, provision

pytest.importorskip("reportlab", reason="labels need the Python package reportlab")
pytestmark = pytest.mark.ansible

FILE = "/etc/ioto/device.json5"


def lines(page: Path) -> dict[str, dict[str, Any]]:
    """What the report says of each host."""
    found = map(json.loads, page.with_suffix(".jsonl").read_text().splitlines())
    return {line["host"]: line for line in found}


def test_a_run_ends_with_the_report_of_its_hosts_and_the_ledger_tells_the_same_later(
    tmp_path: Path, home: Path
) -> None:
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


def test_who_stands_at_the_line_is_in_every_event_of_both_engines_and_in_the_report(tmp_path: Path, home: Path) -> None:
    page, later = tmp_path / "page.html", tmp_path / "later.html"
    variables = {
        "ioto_operator": "<b>4711</b>\x1b[31m",
        "ioto_report_dest": str(page),
        "ioto_label_dest": str(tmp_path / "labels.pdf"),
    }
    engine = tmp_path / "engine.yml"
    engine.write_text(
        "all: {hosts: {manual-2: {ioto_engine: fleet}, manual-3: {ioto_product: 01G8YJKKRNTHW213TRZYX3YH0M}}}"
    )
    with Fleet.start(tmp_path / "fleet", groups={"manual": 3, "auto": 1}) as fleet:
        fleet["manual-3"].write(FILE, "{ product: ")
        run = provision(home, "-i", fleet.inventory, "-i", engine, "-e", json.dumps(variables))
    again = provision(home, "-e", f"ioto_report_dest={later}", playbook=ROOT / "playbooks/report.yml")

    assert run.failed == {"manual-3"}, run.output
    assert again.status == 0, again.output
    with Ledger(home / ".local/share/ioto/ledger.db", read_only=True) as ledger:
        events = list(ledger.events())
    assert {"run", "verified", "labelled", "failed"} <= {event.kind for event in events}
    here = Context.here()
    assert {(event.operator, event.actor) for event in events} == {("<b>4711</b> [31m", here.actor)}
    # Every worker of one ansible-playbook belongs to one run, which is not that of this process.
    assert len({event.run for event in events} - {None, here.run}) == len({event.run for event in events}) == 1
    by = f"<b>4711</b> [31m, {here.actor}"
    for found in (page, later):
        assert {line["by"] for line in lines(found).values()} == {by}
        assert f"<td>&lt;b&gt;4711&lt;/b&gt; [31m<small>{here.actor}</small>" in found.read_text()


@pytest.mark.parametrize("limit", [(), ("--limit", "manual-1")])
def test_a_report_that_cannot_be_written_fails_the_run_and_no_device_that_is_done(
    tmp_path: Path, home: Path, limit: tuple[str, ...]
) -> None:
    # The longest name that a file may have: what is written before it takes its place needs a longer one.
    dest = tmp_path / f"{'x' * 250}.html"
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}) as fleet:
        run = provision(home, "-i", fleet.inventory, "-e", f"ioto_report_dest={dest}", *limit)

    assert run.status == 2, run.output
    assert "The report cannot be written to" in run.output
    assert f"{'1 device: 1' if limit else '2 devices: 2'} done, 0 already done, 0 failed" in run.output
    # Ansible leaves the controller out of a limit.
    assert run.failed == ({"manual-1"} if limit else {"localhost"})


def test_a_report_that_nobody_could_write_is_refused_before_the_first_device(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as fleet:
        run = provision(home, "-i", fleet.inventory, "-e", f"ioto_report_dest={tmp_path}/report.pdf")
        assert run.status == 2, run.output
        assert "no device was touched" in run.output
        assert "let its name end in .html" in run.output
        assert not (home / ".local/share/ioto/ledger.db").exists()
