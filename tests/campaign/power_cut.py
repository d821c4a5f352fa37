# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut the power of every unit that is reported verified, and see which ID its real agent uses from then on.

As root, with the programs of the agents; they run where there is no network but loopback, since they register with
their cloud:

    PYTHONPATH=playbooks/collections IOTO_AGENTS=/path/to/ioto:/path/to/another python -m tests.campaign.power_cut

A unit's storage is an ext4 of its own on a loop device. At the instant at which the unit is reported verified, whatever
runs on it is killed with SIGKILL, and the file behind the loop device is copied: what was not on the storage by then is
lost. Its agent is started on the copy, which is copied again at the next SIGKILL, and so on, five times.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import zxingcpp
from PIL import Image

from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware.image_device import open_device
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling import batch
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels import layout
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.output_png import png
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context, State
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.request import Request
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.agent import Agent
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.factory_service import (
    FactoryService,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.generated import Generated
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.given import Given
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.source import ClaimSource
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.transaction import serialize
from tests.fleet import processes
from tests.services.factory_service import RunningService
from tests.support.block_devices import unwritten_ext4
from tests.support.firmware import make_ext
from tests.support.shell_device import PRODUCT, ShellDevice

AGENT_SECONDS = 30.0
_LOGGED = re.compile(r"Device Claim ID: (\S+)")
_INSIDE = "IOTO_INSIDE"
_CONTEXT = Context("tester@bench", "bench-1")
_QUIET = dict.fromkeys(("ai", "database", "mqtt", "provision", "register", "sync", "update", "web"), False)


class PowerCutError(AssertionError):
    """A unit that was reported verified and is not."""


@dataclass
class Unit:
    """A unit whose storage is mounted at `root`; `program` is its agent, and what that logs is kept elsewhere."""

    root: Path
    program: str
    log: Path
    serial: str

    @property
    def config(self) -> Path:
        """Where its configuration is."""
        return self.root / "etc/ioto"

    @property
    def device(self) -> ShellDevice:
        """Its shell. No agent but its own runs in this namespace of processes."""
        return ShellDevice(self.root, proc="/proc")

    @property
    def restart(self) -> Sequence[str]:
        """The command that ends the agent and starts another one."""
        end = (
            'for ioto in /proc/[0-9]*; do read -r name <"$ioto/comm" && [ "$name" = ioto ] && kill -9 "${ioto##*/}"; '
            "done 2>/dev/null"
        )
        state, log = shlex.quote(str(self.root / "state")), shlex.quote(str(self.log))
        words = shlex.join([self.program, "--config", str(self.config), "--state", str(self.root / "state")])
        return ("sh", "-c", f"{end}; cd {state} && setsid {words} </dev/null >>{log} 2>&1 &")

    def make(self, mode: str, service: str | None) -> None:
        """Put an agent's configuration on the storage, and have all that is there by now outlive a power cut."""
        self.config.mkdir(parents=True)
        (self.root / "state").mkdir()
        settings: dict[str, object] = {"services": {**_QUIET, "serialize": mode}}
        if service is not None:
            settings["api"] = {"serialize": service}
        (self.config / "ioto.json5").write_text(json.dumps(settings))
        device = f"// of the line\n{{ product: '{PRODUCT}', serial: '{self.serial}', }}\n"
        (self.config / "device.json5").write_text(device)
        os.sync()

    def start(self) -> None:
        """Start the agent."""
        subprocess.run(self.restart, check=True)

    def logged_id(self) -> str:
        """Return the ID that the agent says it uses."""
        deadline = time.monotonic() + AGENT_SECONDS
        while not (found := _LOGGED.findall(self.log.read_text(errors="replace"))):
            if time.monotonic() > deadline:
                raise PowerCutError(f"{self.serial}: the agent uses no ID: {self.log.read_text(errors='replace')}")
            time.sleep(0.01)
        return str(found[-1])


class Refusing:
    """A service that refuses, so that an agent waits."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                asked.set()
                self.send_error(503)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/ioto/serialize"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()


@dataclass
class Line:
    """What all units have in common."""

    folder: Path
    ledger: Ledger
    service: RunningService
    refusing: Refusing
    program: str
    version: str
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Flow:
    """How a unit gets its ID: from `source`, its agent in `mode`; `waits` where one runs, and waits, before."""

    mode: str
    source: Callable[[Line], ClaimSource]
    asks: Callable[[Line], str] | None = None
    waits: bool = False
    given: str | None = None


def _service(line: Line) -> FactoryService:
    return FactoryService(line.service.url, retries=0, token=line.service.token)


def _saves(line: Line, mode: str) -> bool:
    # 2.5 to 2.7 save what they make, 2.7 alone what it is answered.
    return line.version.startswith("2.7") if mode == "factory" else line.version < "2.8"


def _agent(line: Line, mode: str) -> Agent:
    if _saves(line, mode):
        return Agent(seconds=20, checked_by=_service(line) if mode == "factory" else None)
    return Agent(
        seconds=4,
        fallback=_service(line) if mode == "factory" else Generated(),
        checked_by=_service(line) if mode == "factory" else None,
    )


FLOWS: Mapping[str, Flow] = {
    "manual": Flow("none", lambda line: Given(f"W0{line.counts['units']:08}"), waits=True),
    "manual, agent waits for its service": Flow(
        "factory", lambda _line: Generated(), lambda line: line.refusing.url, waits=True
    ),
    "auto": Flow("auto", lambda line: _agent(line, "auto")),
    "factory by controller": Flow("factory", _service, lambda line: line.refusing.url, waits=True),
    "factory with agent": Flow("factory", lambda line: _agent(line, "factory"), lambda line: line.service.url),
}
IMAGE = "firmware image"


def kill_agents() -> None:
    """End every agent of this namespace with SIGKILL."""
    for pid in processes.running():
        with suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text() == "ioto\n":
                os.kill(pid, signal.SIGKILL)


def verified(line: Line, unit: Unit, flow: Flow) -> str:
    """Have the unit get its ID, and return it. Raises `IotoError`."""
    unit.make(flow.mode, flow.asks(line) if flow.asks else None)
    if flow.waits:
        line.refusing.asked.clear()
        unit.start()
        if flow.mode == "factory" and not line.refusing.asked.wait(AGENT_SECONDS):
            raise PowerCutError(f"{unit.serial}: the agent asks no service")
    request = Request(
        flow.source(line),
        PRODUCT,
        serial=unit.serial,
        config_dir=str(unit.config),
        restart=unit.restart,
    )
    outcome = serialize(unit.device, request, line.ledger, _CONTEXT)
    if outcome.state != State.VERIFIED.value:
        raise PowerCutError(f"{unit.serial}: {outcome.state} was reported")
    return str(outcome.claim_id)


def label_of(ledger: Ledger, serial: str) -> str:
    """Return what a camera reads from the QR code of the unit's label."""
    claim = ledger.live_claim(PRODUCT, serial)
    assert claim is not None
    drawing = batch.compose(batch.LabelJob(layout.load("standard")), claim).drawing
    image = Image.open(BytesIO(png(drawing))).convert("L")
    return next(code.text for code in zxingcpp.read_barcodes(image) if "QR" in code.format.name)


def power_cuts(line: Line, image: Path, serial: str, claim_id: str, starts: int) -> None:
    """Start the unit's agent on what outlived the cut, and cut the power again; each time it has to use its ID."""
    claim = line.ledger.live_claim(PRODUCT, serial)
    assert claim is not None
    ids = {"ledger": claim.claim_id, "label": label_of(line.ledger, serial), "report": claim_id}
    for number in range(starts):
        rest = image.with_name(f"{image.name}-{number}")
        log = line.folder / f"{serial}-{number}.log"
        log.touch()
        with unwritten_ext4(image, line.folder / f"{serial}-{number}") as root:
            unit = Unit(root, line.program, log, serial)
            (root / "state").mkdir(exist_ok=True)
            unit.start()
            ids["agent"] = unit.logged_id()
            kill_agents()
            copy(image, rest)
        differ = {ids["agent"], ids["ledger"], ids["report"]}
        if len(differ) > 1 or claim.claim_id not in ids["label"]:
            raise PowerCutError(f"{serial}, start {number + 1}: {ids}")
        image.unlink()
        image = rest
        line.counts["starts"] += 1
    image.unlink()


def copy(image: Path, to: Path) -> None:
    """Copy what is on a storage at this instant."""
    shutil.copyfile(image, to)


def one_unit(line: Line, name: str, flow: Flow, serial: str, starts: int) -> None:
    """Take one unit through `flow`, and cut its power."""
    image, after = line.folder / f"{serial}.ext4", line.folder / f"{serial}.after"
    with image.open("wb") as file:
        file.truncate(16 * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    log = line.folder / f"{serial}.log"
    log.touch()
    with unwritten_ext4(image, line.folder / serial) as root:
        claim_id = None
        try:
            claim_id = verified(line, Unit(root, line.program, log, serial), flow)
        except IotoError as error:
            print(f"  {name}, {serial}: not verified: {error}", flush=True)
            line.counts["not verified"] += 1
        kill_agents()
        copy(image, after)
    image.unlink()
    if claim_id is not None:
        line.counts["verified"] += 1
        power_cuts(line, after, serial, claim_id, starts)


def one_image(line: Line, serial: str, starts: int) -> None:
    """Make a firmware image on a storage, cut the power of that, and have the image be the storage of the unit."""
    tree, base = line.folder / f"{serial}-tree", line.folder / f"{serial}.base"
    Unit(tree, line.program, line.folder / "none", serial).make("auto", None)
    make_ext(tree, base)
    image, after, unit = (line.folder / f"{serial}.{end}" for end in ("ext4", "after", "unit"))
    with image.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    with unwritten_ext4(image, line.folder / serial) as root:
        with open_device(base, root / "unit.ext4") as device:
            request = Request(Generated(), PRODUCT, serial=serial, config_dir=device.config_dir(None))
            outcome = serialize(device, request, line.ledger, _CONTEXT)
            device.finish()
        copy(image, after)
    image.unlink()
    line.counts["verified"] += 1
    with unwritten_ext4(after, line.folder / f"{serial}-after") as root:
        copy(root / "unit.ext4", unit)
    after.unlink()
    power_cuts(line, unit, serial, str(outcome.claim_id), starts)


def control(folder: Path) -> None:
    """Have the method itself be able to fail: what nobody synced is lost by such a cut."""
    image, after = folder / "control.ext4", folder / "control.after"
    with image.open("wb") as file:
        file.truncate(16 * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    with unwritten_ext4(image, folder / "control") as root:
        (root / "file").write_text("old\n")
        os.sync()
        (root / "new").write_text("new\n")
        (root / "new").rename(root / "file")
        copy(image, after)
    with unwritten_ext4(after, folder / "control-after") as root:
        if (root / "file").read_text() != "old\n":
            raise PowerCutError("What nobody synced outlived the cut: the cut is none")
    print("control: a file that nobody synced was lost by the cut", flush=True)


@contextmanager
def _line(folder: Path, program: str) -> Iterator[Line]:
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    folder.mkdir()
    service_ledger = folder / "service.db"
    with RunningService(service_ledger, folder / "service.log") as service, Ledger(folder / "ledger.db") as ledger:
        yield Line(folder, ledger, service, Refusing(), program, version)


def main() -> int:
    """Run each flow with each agent, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=5, help="units of each flow and agent")
    parser.add_argument("--starts", type=int, default=5, help="power cuts of each unit, each followed by a start")
    given = parser.parse_args()
    programs = [path for path in os.environ.get("IOTO_AGENTS", "").split(":") if path]
    if not programs:
        parser.error("IOTO_AGENTS names no program of a real agent")
    if _INSIDE not in os.environ:
        os.environ[_INSIDE] = "yes"
        inside = [sys.executable, "-m", "tests.campaign.power_cut", *sys.argv[1:]]
        os.execvp("unshare", ["unshare", "-n", "-p", "-f", "--mount-proc", *inside])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if os.getpid() != 1 or [name for _unused, name in socket.if_nameindex()] != ["lo"]:
        parser.error("this is no namespace of its own")
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="ioto-power-cut-") as scratch:
        control(Path(scratch))
        for program in programs:
            with _line(Path(scratch) / f"line-{programs.index(program)}", program) as line:
                for name in [*FLOWS, IMAGE]:
                    wrong += run_flow(line, name, given.units, given.starts)
    return 1 if wrong else 0


def run_flow(line: Line, name: str, units: int, starts: int) -> int:
    """Take `units` through a flow; return how many are not what was reported of them."""
    wrong = 0
    line.counts = Counter(units=line.counts["units"])
    for _unused in range(units):
        line.counts["units"] += 1
        serial = f"SN-{line.counts['units']:04}"
        try:
            if name == IMAGE:
                one_image(line, serial, starts)
            else:
                one_unit(line, name, FLOWS[name], serial, starts)
        except PowerCutError as error:
            wrong += 1
            print(f"  {name}, {error}", flush=True)
        finally:
            kill_agents()
    counts = ", ".join(f"{line.counts[what]} {what}" for what in ("verified", "not verified", "starts"))
    print(f"agent {line.version}, {name}: {units} units, {counts}, {wrong} wrong", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
