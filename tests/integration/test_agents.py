# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What agents do with their claim ID: the stand-in of the tests, and by hand real ones, in the same cases.

IOTO_AGENTS names the programs of real agents, separated by colons. They register with their cloud when they start, so
run the tests where there is no network but loopback:

    unshare -n sh -c 'ip link set lo up; IOTO_AGENTS=/path/to/ioto pytest tests/integration/test_agents.py'
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import json5
import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import is_valid
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.state import DeviceState
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.request import Request
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.generated import Generated
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.transaction import serialize
from tests.fleet import agent as stand_in
from tests.support.shell_device import PRODUCT, ShellDevice

VERSIONS = ("2.6.0", "2.7.0", "3.0.0")
REAL = [path for path in os.environ.get("IOTO_AGENTS", "").split(":") if path]
DEADLINE_SECONDS = 15.0
ID, OTHER_ID, THIRD_ID = "JT08FFQXWQ", "S9S9D443TP", "AAAAAAAAAA"
LOGGED = re.compile(r"Device Claim ID: (\S+)")
# No service but that of the claim ID: an agent shall do nothing else here.
QUIET = dict.fromkeys(("ai", "database", "mqtt", "provision", "register", "sync", "update", "web"), False)


@dataclass
class AgentUnderTest:
    """An agent of a version in a folder: the stand-in, or a real one whose program is `real`."""

    folder: Path
    version: str
    real: str | None = None
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "etc/ioto"

    @property
    def file(self) -> Path:
        return self.config / "device.json5"

    @property
    def saves_its_own(self) -> bool:
        return self.version < "2.8"

    @property
    def saves_an_answer(self) -> bool:
        return self.version.startswith("2.7")

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @property
    def claim_id(self) -> str | None:
        """The last ID that it logged."""
        found = LOGGED.findall(self.log)
        return found[-1] if found else None

    def prepare(self) -> None:
        self.config.mkdir(parents=True)
        (self.folder / "proc").mkdir()
        (self.folder / "state").mkdir()
        (self.folder / "log").touch()
        if self.real is None:
            for path, text, mode in stand_in.files(self.version, str(self.config)):
                target = self.folder / path.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
                target.chmod(mode)

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.config / name).write_text(text)

    def configure(self, settings: Mapping[str, object] | None = None, **services: object) -> None:
        """Write an ioto.json5 of these settings and services."""
        self.write({"ioto.json5": json.dumps({"services": {**QUIET, **services}, **(settings or {})})})

    def start(self) -> subprocess.Popen[bytes]:
        program = str(self.folder / "usr/bin/ioto") if self.real is None else self.real
        arguments = [] if self.real is None else ["--config", str(self.config), "--state", str(self.folder / "state")]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [program, *arguments],
                cwd=self.folder / "state",
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            )
        self.processes.append(process)
        if self.real is not None:
            # The stand-in tells the device's own folder of processes by itself.
            (self.folder / f"proc/{process.pid}").symlink_to(f"/proc/{process.pid}")
        return process

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            entry = self.folder / f"proc/{process.pid}"
            if entry.is_symlink():
                entry.unlink()
            elif entry.exists():
                shutil.rmtree(entry)
        self.processes.clear()


def eventually(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def version_of(program: str) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()


@pytest.fixture(params=[*VERSIONS, *(REAL or ["real"])])
def agent(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AgentUnderTest]:
    if request.param == "real":
        pytest.skip("IOTO_AGENTS names no program of a real agent")
    is_real = request.param not in VERSIONS
    if is_real:
        names = [name for _, name in socket.if_nameindex()]
        assert names == ["lo"], f"there is a network ({names}), and an agent registers with its cloud"
    found = AgentUnderTest(
        tmp_path, version_of(request.param) if is_real else request.param, request.param if is_real else None
    )
    found.prepare()
    yield found
    found.stop()


class Factory:
    """A service that refuses with 503 until it is told what to answer; it keeps the bodies as they came."""

    def __init__(self) -> None:
        self.answer: str | None = None
        self.bodies: list[bytes] = []
        self.types: list[str] = []
        factory = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                factory.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                factory.types.append(self.headers["Content-Type"])
                reply = b"" if factory.answer is None else f'{{id:"{factory.answer}"}}'.encode()
                self.send_response(200 if reply else 503)
                self.send_header("Content-Type", "application-json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/ioto/serialize?key=1"
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def factory() -> Iterator[Factory]:
    found = Factory()
    yield found
    found.close()


def test_an_agent_makes_an_id_and_saves_it_or_does_not_by_its_version(agent: AgentUnderTest) -> None:
    agent.configure(serialize="auto")
    text = f"// ours\n{{ product: '{PRODUCT}', name: \"Ray's\", limits: {{rate: 3}} }}\n"
    agent.write({"device.json5": text})

    agent.start()
    eventually(lambda: is_valid(agent.claim_id))

    if agent.saves_its_own:
        saved = json5.loads(agent.file.read_text())
        assert saved == {"product": PRODUCT, "name": "Ray's", "limits": {"rate": 3}, "id": agent.claim_id}
        assert "ours" not in agent.file.read_text()
        assert agent.file.stat().st_mode & 0o7777 == 0o600
    else:
        # An agent saves before it logs.
        assert agent.file.read_text() == text
        first = agent.claim_id
        agent.stop()
        agent.start()
        eventually(lambda: agent.claim_id != first)


def test_an_agent_that_saves_replaces_a_link_by_a_file(agent: AgentUnderTest) -> None:
    if not agent.saves_its_own:
        pytest.skip(f"{agent.version} saves nothing")
    agent.configure(serialize="auto")
    elsewhere = agent.folder / "persistent.json5"
    elsewhere.write_text(f"{{ product: '{PRODUCT}' }}")
    agent.file.symlink_to(elsewhere)

    agent.start()
    eventually(lambda: is_valid(agent.claim_id))

    assert not agent.file.is_symlink()
    assert json5.loads(agent.file.read_text())["id"] == agent.claim_id
    assert "id" not in json5.loads(elsewhere.read_text())


@pytest.mark.parametrize(
    "services",
    ["", "serialize: false", "serialize: ''", "serialize: 'Factory'", "cloud: { serialize: 'none' }"],
    ids=["absent", "false", "empty", "another word", "nested"],
)
def test_a_mode_that_is_none_of_the_words_is_auto(agent: AgentUnderTest, services: str) -> None:
    # Where nothing is said of the mode, a real agent makes an ID only if its cloud provisions it.
    cloud = "provision: true, mqtt: true" if not services.startswith("serialize") else "provision: false"
    agent.write(
        {
            "ioto.json5": f"{{ services: {{ {cloud}, register: false, web: false, database: false, {services} }} }}",
            "device.json5": f"{{ product: '{PRODUCT}' }}",
        }
    )

    agent.start()

    eventually(lambda: is_valid(agent.claim_id))


def test_with_none_an_agent_without_an_id_waits(agent: AgentUnderTest) -> None:
    agent.configure(serialize="none")
    text = f"{{ product: '{PRODUCT}' }}"
    agent.write({"device.json5": text})

    process = agent.start()
    eventually(lambda: agent.log)

    assert agent.file.read_text() == text
    assert process.poll() is None
    assert agent.claim_id is None


FILES = [
    ({}, ID),
    ({"local.json5": f"{{ device: {{ id: '{OTHER_ID}' }} }}"}, OTHER_ID),
    ({"local.json5": f"{{ conditional: {{ profile: {{ dev: {{ device: {{ id: '{OTHER_ID}' }} }} }} }} }}"}, OTHER_ID),
    ({"local.json5": f"{{ conditional: {{ profile: {{ prod: {{ device: {{ id: '{OTHER_ID}' }} }} }} }} }}"}, ID),
    ({"ioto": f"device: {{ id: '{OTHER_ID}' }}"}, ID),
    ({"ioto": f"device: {{ id: '{OTHER_ID}' }}", "device": "model: 'P'"}, OTHER_ID),
    ({"ioto": f"conditional: {{ profile: {{ dev: {{ device: {{ id: '{OTHER_ID}' }} }} }} }}"}, ID),
    ({"device": f"id: '{ID}', conditional: {{ profile: {{ dev: {{ id: '{OTHER_ID}' }} }} }}"}, OTHER_ID),
    ({"device": f"id: '{ID}', conditional: {{ profile: {{ dev: {{ '?id': '{OTHER_ID}' }} }} }}"}, ID),
    ({"device": f"model: 'P', conditional: {{ profile: {{ dev: {{ '?id': '{OTHER_ID}' }} }} }}"}, OTHER_ID),
    (
        {"device": f"id: '{ID}', model: 'P', conditional: {{ 'device.model': {{ P: {{ id: '{OTHER_ID}' }} }} }}"},
        OTHER_ID,
    ),
    (
        {
            "ioto": "profile: 'x', conditional: { profile: { y: { board: 'B' } } }",
            "local.json5": f"{{ profile: 'y', conditional: {{ board: {{ B: {{ device: {{ id: '{ID}' }} }} }} }} }}",
            "device": f"id: '{OTHER_ID}'",
        },
        OTHER_ID,
    ),
    (
        {
            "ioto": "profile: 'x'",
            "local.json5": "{ profile: 'y' }",
            "device": f"conditional: {{ profile: {{ y: {{ id: '{OTHER_ID}' }}, x: {{ id: '{THIRD_ID}' }} }} }}",
        },
        OTHER_ID,
    ),
    ({"device": f"id: {ID}, note: 'two\nlines', a: `b`,,"}, ID),
    ({"device": f"id: '{OTHER_ID}', id: '{ID}'"}, ID),
]


@pytest.mark.parametrize(("files", "taken"), FILES)
def test_an_agent_takes_the_id_that_our_model_says(agent: AgentUnderTest, files: dict[str, str], taken: str) -> None:
    services = ", ".join(f"{name}: false" for name in QUIET)
    device = files.get("device", f"id: '{ID}'")
    agent.write(
        {
            "ioto.json5": f"{{ services: {{ serialize: 'auto', {services} }}, {files.get('ioto', '')} }}",
            "device.json5": f"{{ product: '{PRODUCT}', {device} }}",
            **{name: text for name, text in files.items() if name.endswith(".json5")},
        }
    )
    state = DeviceState.read(ShellDevice(agent.folder), str(agent.config))

    agent.start()
    eventually(lambda: agent.claim_id is not None)

    assert agent.claim_id == taken
    if "', id: '" in device:
        return  # a key that stands twice is refused, and by which an agent goes is no matter
    override = state.overrides.get("id")
    assert (state.claim_id if override is None else override.value) == taken


def test_an_id_that_is_lost_by_its_prefix_is_told(agent: AgentUnderTest) -> None:
    agent.configure(serialize="auto")
    lost = f"conditional: {{ profile: {{ dev: {{ '=id': '{OTHER_ID}' }} }} }}"
    agent.write({"device.json5": f"{{ product: '{PRODUCT}', id: '{ID}', {lost} }}"})
    state = DeviceState.read(ShellDevice(agent.folder), str(agent.config))

    agent.start()
    eventually(lambda: agent.claim_id is not None)

    assert agent.claim_id not in {ID, OTHER_ID}
    assert state.overrides["id"].value is None


def test_an_agent_asks_its_service_until_it_is_answered_and_saves_by_its_version(
    agent: AgentUnderTest, factory: Factory
) -> None:
    agent.configure({"api": {"serialize": factory.url}}, serialize="factory")
    text = f"{{ product: '{PRODUCT}', serial: 'SN-1', note: 'two\nlines' }}"
    agent.write({"device.json5": text})

    agent.start()
    eventually(lambda: len(factory.bodies) >= 2)
    factory.answer = ID
    eventually(lambda: agent.claim_id == ID)

    # Before 2.8 what is sent is no strict JSON.
    assert (b"two\nlines" in factory.bodies[0]) is (agent.version < "2.8")
    body = json.loads(factory.bodies[0], strict=False)
    assert body == {"product": PRODUCT, "serial": "SN-1", "note": "two\nlines"}
    assert factory.types[0] == "application/json"
    if agent.saves_an_answer:
        assert "two\nlines" in agent.file.read_text()
        assert DeviceState.read(ShellDevice(agent.folder), str(agent.config)).claim_id == ID
    else:
        assert agent.file.read_text() == text


def test_an_agent_that_waits_overwrites_what_was_written_meanwhile(agent: AgentUnderTest, factory: Factory) -> None:
    agent.configure({"api": {"serialize": factory.url}}, serialize="factory")
    agent.write({"device.json5": f"{{ product: '{PRODUCT}' }}"})
    agent.start()
    eventually(lambda: factory.bodies)

    ours = f"{{ product: '{PRODUCT}', id: '{OTHER_ID}' }}"
    agent.write({"device.json5": ours})
    factory.answer = ID
    eventually(lambda: agent.claim_id == ID)

    if agent.saves_an_answer:
        assert ID in agent.file.read_text()
        assert OTHER_ID not in agent.file.read_text()
    else:
        assert agent.file.read_text() == ours


def test_an_agent_that_waits_is_started_again_with_the_id_that_we_wrote(
    agent: AgentUnderTest, factory: Factory
) -> None:
    agent.configure({"api": {"serialize": factory.url}}, serialize="factory")
    agent.write({"device.json5": f"{{ product: '{PRODUCT}' }}"})
    old = agent.start()
    eventually(lambda: factory.bodies)

    class Started(ShellDevice):
        """Ends the old agent and starts a new one beside the script that is told to."""

        def run(self, script: str):  # type: ignore[no-untyped-def]
            if "ioto_remain" in script:
                agent.stop()
                agent.start()
            return super().run(script)

    request = Request(Generated(), PRODUCT, serial="SN-1", config_dir=str(agent.config), restart=("true",))
    with Ledger(agent.folder / "ledger.db") as ledger:
        outcome = serialize(Started(agent.folder), request, ledger, Context("tester@bench", "bench-1"))

    assert outcome.state == "verified"
    assert old.poll() is not None
    factory.answer = ID
    eventually(lambda: agent.claim_id == outcome.claim_id)
    for _ in range(5):
        agent.stop()
        (agent.folder / "log").write_text("")
        agent.start()
        eventually(lambda: agent.claim_id == outcome.claim_id)


def test_from_2_8_on_an_agent_without_an_id_has_the_one_that_it_was_provisioned_with(agent: AgentUnderTest) -> None:
    agent.configure(serialize="auto")
    agent.write({"device.json5": f"{{ product: '{PRODUCT}' }}", "provision.json5": f"{{ id: '{ID}' }}"})

    agent.start()
    eventually(lambda: agent.claim_id is not None)

    assert (agent.claim_id == ID) is (agent.version >= "2.8")
