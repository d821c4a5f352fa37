# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback `station` on real runs of ansible-playbook with simulated devices: what comes onto the tiles."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fleet import Fleet
from tests.services.factory_service import RunningService
from tests.services.factory_service_fixture import ServiceMaker, service_with
from tests.services.reserved_port import refusing_port
from tests.support.ansible import ROOT, Run, copy_with_a_defect, environment, provision, sampled
from tests.support.slots import SLOTS, STATION_TOKEN, service_of_a_line, tell

__all__ = ["service_with"]

pytestmark = pytest.mark.ansible

CLOCK = """

def _timed(name, method):
    def timed(self, *arguments, **named):
        import time
        began = time.monotonic()
        try:
            return method(self, *arguments, **named)
        finally:
            CallbackModule.seconds += time.monotonic() - began
            if name == "v2_playbook_on_stats":
                with open({file!r}, "w") as file:
                    file.write(str(CallbackModule.seconds))
    return timed

CallbackModule.seconds = 0.0
for _name in [name for name in vars(CallbackModule) if name.startswith("v2_")] + ["set_options"]:
    setattr(CallbackModule, _name, _timed(_name, vars(CallbackModule)[_name]))
"""
"""Measures what all of the callback costs a run, and writes it down at its end."""


class Recorder(ThreadingHTTPServer):
    """A service that writes down what it is told, and takes it."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Taking)

    def of(self, slot: str) -> list[dict[str, Any]]:
        return [told for told in self.told if told["slot"] == slot]


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Recorder)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["Authorization"] == f"Bearer {STATION_TOKEN}"
        self.server.told += body["slots"]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as started:
        threading.Thread(target=started.serve_forever, daemon=True).start()
        yield started
        started.shutdown()


@pytest.fixture
def silent_url() -> Iterator[str]:
    """The URL of what takes connections and never answers: nobody accepts, and the kernel takes them all."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "station-token"
    path.touch(mode=0o600)
    path.write_text(f"{STATION_TOKEN}\n")
    return path


def told_of(url: str, token_file: Path, **arrivals: int) -> dict[str, str]:
    """Return what the station puts into the environment of a run; a slot `manual_1` is the host `manual-1`."""
    return {
        "ANSIBLE_CALLBACKS_ENABLED": "ioto.serialization.station",
        "IOTO_STATION_ARRIVALS": json.dumps({slot.replace("_", "-"): number for slot, number in arrivals.items()}),
        "IOTO_STATION_URL": url,
        "IOTO_STATION_NAME": "line-1",
        "IOTO_STATION_TOKEN_FILE": str(token_file),
    }


@pytest.fixture
def hole(tmp_path: Path) -> Iterator[Path]:
    """An inventory with a slot where no board answers."""
    path = tmp_path / "hole.yml"
    with refusing_port() as port:
        slot = {"ansible_host": "127.0.0.1", "ansible_port": port, "ioto_mode": "manual"}
        path.write_text(yaml.safe_dump({"all": {"children": {"manual": {"hosts": {"hole": slot}}}}}))
        yield path


def board(service: RunningService) -> dict[str, dict[str, Any]]:
    return {slot["slot"]: slot for slot in service.get(SLOTS).body["slots"]}


def test_boards_come_to_be_pass_and_fail_on_the_page(
    tmp_path: Path, home: Path, service_with: ServiceMaker, token_file: Path, hole: Path
) -> None:
    service = service_of_a_line(service_with)
    # A board was swapped while its run started: of this one nothing must be shown.
    tell(service, [{"slot": "manual-2", "arrival": 99, "state": "working"}])
    with Fleet.start(tmp_path / "fleet", groups={"manual": 3}) as fleet:
        told = told_of(f"http://127.0.0.1:{service.port}", token_file, manual_1=17, manual_2=18, hole=19)
        done = provision(home, "-i", fleet.inventory, "-i", hole, **told)
        claim_id = str(fleet["manual-1"].claim_id())
    assert done.unreachable == {"hole"}, done.output
    found = board(service)
    assert set(found) == {"manual-1", "manual-2", "hole"}, "manual-3 is no slot"
    first = found["manual-1"]
    assert (first["state"], first["arrival"], first["claim_id_end"]) == ("pass", 17, claim_id[-2:])
    assert first["serial"]
    assert (found["manual-2"]["state"], found["manual-2"]["arrival"]) == ("working", 99)
    assert found["hole"]["state"] == "fail"
    assert found["hole"]["reason"] == "The board does not answer."
    assert "Connection refused" in found["hole"]["detail"]
    assert "plug it in again" in found["hole"]["remedy"]
    assert claim_id not in json.dumps(found)
    assert "page of the line" not in done.output


def test_steps_are_told_in_their_order_and_a_failure_once(
    tmp_path: Path, home: Path, recorder: Recorder, token_file: Path, hole: Path
) -> None:
    url = f"http://127.0.0.1:{recorder.server_port}"
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}) as fleet:
        fleet["manual-2"].path("/etc/ioto/device.json5").write_text("{ broken")
        told = told_of(url, token_file, manual_1=17, manual_2=18, hole=19)
        labels = ("-e", f"ioto_label_dest={tmp_path}/labels.pdf")
        done = provision(home, "-i", fleet.inventory, "-i", hole, *labels, **told)
    assert (done.failed, done.unreachable) == ({"manual-2"}, {"hole"}), done.output
    steps = [told.get("step") for told in recorder.of("manual-1") if told["state"] == "working"]
    assert list(dict.fromkeys(steps))[-3:] == ["Writing the ID and reading it back", "Printing the label", "Recording"]
    assert recorder.of("manual-1")[-1]["state"] == "pass"
    for slot in ("manual-2", "hole"):
        assert [told["state"] for told in recorder.of(slot)].count("fail") == 1
        assert recorder.of(slot)[-1]["state"] == "fail"
    assert recorder.of("manual-2")[-1]["reason"] == "Something on the board is broken."
    assert "device.json5" in recorder.of("manual-2")[-1]["detail"]


def test_a_label_that_was_not_made_is_no_label(
    tmp_path: Path, home: Path, recorder: Recorder, token_file: Path
) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as fleet, refusing_port() as port:
        printer = f"socket://127.0.0.1:{port}"
        told = told_of(f"http://127.0.0.1:{recorder.server_port}", token_file, manual_1=17)
        done = provision(home, "-i", fleet.inventory, "-e", f"ioto_label_printer={printer}", **told)
    assert done.failed == {"manual-1"}, done.output
    last = recorder.of("manual-1")[-1]
    assert last["state"] == "no_label"
    assert printer in last["detail"] and "See to the printer" in last["remedy"]
    assert {told["state"] for told in recorder.told} == {"working", "no_label"}


def test_a_batch_that_is_refused_and_one_in_check_mode(
    tmp_path: Path, home: Path, recorder: Recorder, token_file: Path
) -> None:
    url = f"http://127.0.0.1:{recorder.server_port}"
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}) as fleet:
        told = told_of(url, token_file, manual_1=17, manual_2=18)
        provision(home, "-i", fleet.inventory, "--check", **told)
        assert recorder.told == []
        provision(home, "-i", fleet.inventory, "-e", "ioto_prodct=1", **told)
        for slot in ("manual-1", "manual-2"):
            last = recorder.of(slot)[-1]
            assert (last["state"], last["remedy"]) == ("fail", "Stop, and call the technician.")
            assert "ioto_prodct" in last["detail"] and "ioto_prodct" not in last["reason"]


def test_the_engine_for_all_devices_is_told_as_well(
    tmp_path: Path, home: Path, recorder: Recorder, token_file: Path
) -> None:
    pytest.importorskip("paramiko", reason="the extra fleet is not installed")
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}) as fleet:
        told = told_of(f"http://127.0.0.1:{recorder.server_port}", token_file, manual_1=17, manual_2=18)
        done = provision(home, "-i", fleet.inventory, "-e", "ioto_engine=fleet", **told)
    assert done.status == 0, done.output
    for slot in ("manual-1", "manual-2"):
        assert recorder.of(slot)[-1]["state"] == "pass"
        assert recorder.of(slot)[-1]["serial"]


def test_a_service_that_never_answers_costs_a_run_three_tenths_of_a_second(
    tmp_path: Path, home: Path, silent_url: str, token_file: Path
) -> None:
    measured = tmp_path / "seconds"
    clone = copy_with_a_defect(tmp_path, "plugins/callback/station.py", CLOCK.format(file=str(measured)))
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as fleet:
        told = told_of(silent_url, token_file, manual_1=17)
        done = provision(home, "-i", fleet.inventory, playbook=clone / "playbooks/provision.yml", **told)
    assert done.status == 0, done.output
    seconds = float(measured.read_text())
    print(f"the callback took {seconds:.3f} s of the run")
    assert 0.25 < seconds < 2.0, "an exchange would have two"
    assert "The page of the line was not told all of this run" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("changed", "sentence"),
    sampled(
        [
            ({"IOTO_STATION_ARRIVALS": "slot-1"}, "IOTO_STATION_ARRIVALS is not a JSON object of whole numbers"),
            (
                {"IOTO_STATION_ARRIVALS": '{"slot-1": "x"}'},
                "IOTO_STATION_ARRIVALS is not a JSON object of whole numbers",
            ),
            ({"IOTO_STATION_URL": "ftp://x"}, "is not valid; write one such as http://127.0.0.1:1234"),
            ({"IOTO_STATION_TOKEN_FILE": "/nowhere/token"}, "There is no token in /nowhere/token"),
        ]
    ),
)
def test_what_is_set_wrongly_is_one_warning_and_stops_nothing(
    tmp_path: Path, home: Path, token_file: Path, changed: dict[str, str], sentence: str
) -> None:
    done = play(tmp_path, home, {**told_of("http://127.0.0.1:1", token_file, localhost=1), **changed})
    assert done.status == 0, done.output
    assert sentence in " ".join(done.output.split())
    assert done.output.count("is not told of this run") == 1


def test_a_token_that_others_can_read_is_not_sent(tmp_path: Path, home: Path, token_file: Path) -> None:
    token_file.chmod(0o644)
    done = play(tmp_path, home, told_of("http://127.0.0.1:1", token_file, localhost=1))
    assert "can be read by others than its user" in " ".join(done.output.split())


def test_without_arrivals_nothing_is_told(tmp_path: Path, home: Path, recorder: Recorder, token_file: Path) -> None:
    told = told_of(f"http://127.0.0.1:{recorder.server_port}", token_file)
    for arrivals in ("", None):
        told.pop("IOTO_STATION_ARRIVALS", None)
        done = play(tmp_path, home, told if arrivals is None else {**told, "IOTO_STATION_ARRIVALS": arrivals})
        assert done.status == 0 and "WARNING" not in done.output, done.output
    assert recorder.told == []


def test_its_documentation_says_what_it_needs() -> None:
    program = Path(sys.executable).parent / "ansible-doc"
    done = subprocess.run(
        [program, "-t", "callback", "ioto.serialization.station", "--json"],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks/collections")},
        capture_output=True,
        text=True,
        check=True,
    )
    options = json.loads(done.stdout)["ioto.serialization.station"]["doc"]["options"]
    assert set(options) >= {"arrivals", "url", "station", "token_file", "ca_file"}


def play(folder: Path, home: Path, told: dict[str, str]) -> Run:
    """Run a playbook that touches no device."""
    (folder / "play.yml").write_text(
        "- hosts: localhost\n  gather_facts: false\n  tasks: [{ansible.builtin.debug: {msg: here}}]\n"
    )
    collections = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks/collections")}
    assert "ANSIBLE_COLLECTIONS_PATH" not in environment(home)
    return provision(home, "-i", "localhost,", playbook=folder / "play.yml", **told, **collections)
