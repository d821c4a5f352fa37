# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arrivals of a line as events: the source by itself, and the rulebook in the real ansible-rulebook."""

from __future__ import annotations

import asyncio
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from tests.fleet import Fleet
from tests.fleet.jig import Jig
from tests.services.line_station import PATIENCE, eventually

pytestmark = pytest.mark.ansible

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "extensions/eda/plugins/event_source/arrivals.py"
RULEBOOK = ROOT / "extensions/eda/rulebooks/line.yml"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}) as fleet:
        yield fleet


def settings(folder: Path, jig: Jig, **more: object) -> Path:
    file = folder / "line.toml"
    said = {"inventory": [str(jig.inventory)], **more}
    file.write_text("\n".join(f"{name} = {json.dumps(value)}" for name, value in said.items()), encoding="utf-8")
    return file


def why_no_rulebook() -> str:
    """Return why the real thing cannot run here, or nothing."""
    if shutil.which("ansible-rulebook") is None:
        return "ansible-rulebook is not installed"
    if shutil.which("java") is None:
        return "Java is not installed"
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    return "" if version and int(version[1]) >= 17 else "Java is older than 17"


def test_the_source_tells_who_comes_and_goes_and_stops_a_slot_with_too_many_boards(
    tmp_path: Path, fleet: Fleet
) -> None:
    jig = Jig(fleet, slots=2)
    file = settings(tmp_path, jig, most_arrivals=2)
    main = runpy.run_path(str(SOURCE))["main"]

    async def story() -> list[dict[str, Any]]:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        source = asyncio.create_task(main(queue, {"settings": str(file)}))
        seen = []
        for _ in range(3):
            await asyncio.to_thread(jig.plug, "slot-1", fleet.devices[0])
            seen.append(await asyncio.wait_for(queue.get(), PATIENCE))
            await asyncio.to_thread(jig.pull, "slot-1")
            if seen[-1]["line"]["event"] == "arrived":
                seen.append(await asyncio.wait_for(queue.get(), PATIENCE))
        source.cancel()
        await asyncio.gather(source, return_exceptions=True)
        assert queue.empty()
        return seen

    events = asyncio.run(story())
    assert [event["line"]["event"] for event in events] == ["arrived", "left", "arrived", "left", "stopped"]
    assert [event.get("meta") for event in events] == [{"hosts": "slot-1"}, None, {"hosts": "slot-1"}, None, None]
    numbers = [event["line"]["arrival"] for event in events]
    assert numbers[0] == numbers[1] < numbers[2] == numbers[3] < numbers[4]
    assert events[0]["line"]["address"] == jig.places["slot-1"]
    assert "more than 2 boards within an hour" in events[-1]["line"]["reason"]


def test_the_source_refuses_settings_in_a_sentence(tmp_path: Path) -> None:
    main = runpy.run_path(str(SOURCE))["main"]
    with pytest.raises(ValueError, match=r"no-such\.toml cannot be read: .*; correct the path\."):
        asyncio.run(main(asyncio.Queue(), {"settings": str(tmp_path / "no-such.toml")}))


def test_the_rulebook_names_no_host_and_locks_each_slot() -> None:
    (ruleset,) = yaml.safe_load(RULEBOOK.read_text(encoding="utf-8"))
    assert ruleset["hosts"] == "ioto_line_nobody"
    actions = [rule["action"] for rule in ruleset["rules"] if "run_playbook" in rule["action"]]
    assert [action["run_playbook"]["lock"] for action in actions] == ["{{ event.line.slot }}"]


def test_the_real_ansible_rulebook_serializes_the_boards_that_come(tmp_path: Path, fleet: Fleet) -> None:
    if reason := why_no_rulebook():
        pytest.skip(reason)
    jig = Jig(fleet, slots=2, ioto_ledger=str(tmp_path / "ledger.db"))
    variables = tmp_path / "variables.yml"
    variables.write_text(yaml.safe_dump({"ioto_line_settings": str(settings(tmp_path, jig))}), encoding="utf-8")
    log = tmp_path / "rulebook.log"
    program = str(shutil.which("ansible-rulebook"))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "-r", "ioto.serialization.line", "-i", str(jig.inventory), "-e", str(variables)],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{Path(program).parent}:{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "JAVA_TOOL_OPTIONS": "-Xrs",
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks/collections"),
                "ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o ControlPath=none -o BatchMode=yes",
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        jig.plug("slot-1", fleet.devices[0])
        jig.plug("slot-2", fleet.devices[1])
        for device in fleet.devices:
            eventually(lambda device=device: device.claim_id(), 3 * PATIENCE, lambda: log.read_text(encoding="utf-8"))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
    with Ledger(tmp_path / "ledger.db", read_only=True) as ledger:
        assert {claim.claim_id for claim in ledger.claims()} == {device.claim_id() for device in fleet.devices}
