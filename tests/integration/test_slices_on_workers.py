# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job whose slices ansible-runner's workers do, as AWX has it: one ledger, a worker that dies, and no secret told."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Claim, State
from tests.fleet import Device, Fleet
from tests.fleet.processes import members
from tests.services.label_printer import READY, LabelPrinter
from tests.services.postgresql import PostgresqlServer
from tests.support import documents
from tests.support.ansible import MACHINE
from tests.support.labels import labels_of
from tests.support.runner import RUNNER, Done, Sender, Worker, contents, folder_of_worker

pytest.importorskip("reportlab", reason="labels need the Python package reportlab")
pytestmark = [
    pytest.mark.skipif(not RUNNER.exists(), reason="the Python package ansible-runner is not installed"),
    pytest.mark.skipif(
        os.getuid() != 0 or not shutil.which("dropbear") or not shutil.which("busybox"),
        reason="needs root and the Debian packages dropbear-bin and busybox",
    ),
]

SECRET = "Xk7-of-the-ledger-q2"
PASSWORD = rf"{SECRET}:\1"
"""With what a password file has to escape."""
USER = "line"
CANARY = "Zr4-in-the-environment"
GUIDE = "docs/docsite/rst/awx.rst"
SLOW = {"ANSIBLE_TIMEOUT": "300"}
"""A device that is frozen has the time to thaw."""


@dataclass(frozen=True)
class Job:
    """A job's devices, in the order of the line, and what sends it."""

    fleet: Fleet
    sender: Sender
    folder: Path
    home: Path
    ledger: str
    printer: str

    def stream(self, name: str, step: str, hosts: Collection[str], *, passfile: bool = False, **variables: str) -> Path:
        """Return the stream of a step for `hosts`, as AWX makes it: an inventory that has no others.

        With `passfile` the ledger's password goes with it in a file, as the guide has a credential of AWX inject it.
        """
        files = {"env/ssh_key": self.fleet.devices[0].key.read_text(), "env/cmdline": "-vvv"}
        environ = {"IOTO_TEST_CANARY": CANARY}
        if passfile:
            place = folder_of_worker(self.folder / f"{name}.stream") / "env/injected"
            files["env/injected"], more = injected(place, self.ledger)
            environ |= more["env"]
            variables |= more["extra_vars"]
        return self.sender.transmit(
            name,
            f"ioto.serialization.job_{step}",
            self._inventory(hosts),
            variables={"ioto_ledger": self.ledger, "ioto_label_printer": self.printer, **variables},
            environ=environ,
            files=files,
        )

    def done(self, stream: Path, **environ: str) -> Done:
        """Return how a job ended on a worker that has what it is given."""
        return self.sender.process(self.begun(stream, **environ).wait())

    def begun(self, stream: Path, **environ: str) -> Worker:
        """Return a worker, on a machine of its own, that has begun with a job."""
        return Worker(stream, self.home, within=MACHINE, **environ)

    def claims(self) -> dict[str, Claim]:
        """What the ledger has of each unit."""
        with Ledger(self.ledger, read_only=True) as ledger:
            return {str(claim.unit): claim for claim in ledger.claims()}

    def _inventory(self, hosts: Collection[str]) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(self.fleet.inventory.read_text())
        # The key comes by an agent, as that of a machine credential does.
        found["all"]["vars"] = {
            "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        }
        for group in found["all"]["children"].values():
            group["vars"].pop("ansible_ssh_private_key_file")
            group["hosts"] = {host: facts for host, facts in group["hosts"].items() if host in hosts}
            for host in {"manual-1", "manual-3"} & group["hosts"].keys():
                group["hosts"][host] = {**group["hosts"][host], "ioto_engine": "fleet"}
        return found


def injected(place: Path, ledger: str) -> tuple[str, dict[str, dict[str, str]]]:
    """Return the file that the guide's credential type injects, as `place` on the worker, and what else it does."""
    blocks = {block.name: block.text for block in documents.blocks(GUIDE)}
    injectors = yaml.safe_load(blocks["awx/injectors.yml"])
    fields = {"ledger": ledger, "password": PASSWORD}
    assert set(fields) == {field["id"] for field in yaml.safe_load(blocks["awx/inputs.yml"])["fields"]}
    render = ImmutableSandboxedEnvironment().from_string
    known = {**fields, "tower": {"filename": str(place)}}
    more = {
        kind: {name: render(text).render(known) for name, text in injectors[kind].items()}
        for kind in ("env", "extra_vars")
    }
    return render(injectors["file"]["template"]).render(known), more


def freeze(device: Device, how: signal.Signals) -> None:
    """Have a device accept connections and say nothing (SIGSTOP), or go on (SIGCONT)."""
    for pid in members(device.root):
        os.kill(pid, how)


def eventually(holds: Any, worker: Worker) -> None:
    """Return when `holds` does, at the latest before `worker` ends."""
    deadline = time.monotonic() + 120
    while not holds():
        assert worker.process.poll() is None and time.monotonic() < deadline, worker.written.read_text()[-3000:]
        time.sleep(0.02)  # between two questions, not in place of the answer


def places(folder: Path, needle: str) -> Iterator[str]:
    """Yield where below `folder` something stands, in the files that streams and their archives hold as well."""
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        if path.suffix in {".stream", ".written"}:
            for name, content in contents(path):
                if needle.encode() in content:
                    yield f"{path.relative_to(folder)}: {name}"
        elif needle.encode() in path.read_bytes():
            yield str(path.relative_to(folder))


def test_a_job_goes_through_workers_of_which_one_dies_and_its_artifacts_tell_no_secret(
    tmp_path: Path, home: Path, postgresql_server: PostgresqlServer
) -> None:
    """The whole story at once: seven runs of ansible-playbook, each of two to three seconds, give it its 20 s."""
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    own_passfile = tmp_path / "pgpass"
    own_passfile.write_text(injected(own_passfile, "")[0])
    own_passfile.chmod(0o600)
    of_worker = {"PGPASSFILE": str(own_passfile)}
    with (
        pytest.MonkeyPatch.context() as patch,
        Fleet.start(tmp_path / "fleet", groups={"manual": 5}) as fleet,
        LabelPrinter(tmp_path / "printer", status=READY) as printer,
    ):
        patch.setenv("PGPASSFILE", str(own_passfile))  # for the questions below to the ledger
        url = postgresql_server.asking_for(PASSWORD, USER)
        job = Job(fleet, Sender(jobs, home), jobs, home, url, printer.address)
        everybody = [device.name for device in fleet.devices]
        odd, even = everybody[::2], everybody[1::2]  # as AWX deals them out

        check = job.done(job.stream("check", "check", everybody), **of_worker)
        assert check.status == 0, check.output
        number = check.handed_on["ioto_job"]
        assert number in check.output

        freeze(fleet[even[-1]], signal.SIGSTOP)
        of_first = job.stream("slice-1", "provision", odd, passfile=True, ioto_job=number)
        of_second = job.stream("slice-2", "provision", even, ioto_job=number)
        first, dying = job.begun(of_first), job.begun(of_second, **of_worker, **SLOW)
        serials = {name: fleet[name].serial for name in everybody}
        eventually(lambda: is_verified(job.claims(), serials[even[0]]), dying)
        slices = slice_numbers(job, number)
        refused = job.done(
            job.stream("overlap", "provision", even[:1], ioto_job=number, ioto_ledger=with_password(url))
        )
        dying.kill()
        freeze(fleet[even[-1]], signal.SIGCONT)

        done = job.sender.process(first.wait())
        assert done.status == 0, done.output
        assert "3 devices: 3 done, 0 already done, 0 failed, 0 unreachable." in done.output
        assert refused.status != 0
        assert f"1 host of this slice ({even[0]}) is in another one that has not ended, the slice " in refused.output
        assert [one for one in slices if f"the slice {one} (" in refused.output], refused.output
        assert not is_verified(job.claims(), serials[even[-1]])

        shutil.copy(of_second, jobs / "again.stream")  # a relaunch has the same hosts
        again = job.done(jobs / "again.stream", **of_worker)
        assert again.status == 0, again.output
        assert "2 devices: 1 done, 1 already done, 0 failed, 0 unreachable." in again.output
        assert "It took the place of the slice " in again.output

        finish = job.stream("finish", "finish", everybody, ioto_job=number)
        finished = job.done(finish, **of_worker)
        assert finished.status == 0, finished.output
        assert " 0 failed, 0 unreachable." in finished.output
        assert "Labels: 5 made, 0 there already, 0 missing." in finished.output
        shutil.copy(finish, jobs / "finish-2.stream")
        twice = job.done(jobs / "finish-2.stream", **of_worker)
        assert twice.status == 0, twice.output
        assert "Labels: 0 made, 5 there already, 0 missing." in twice.output
        assert "The job was finished before, at " in twice.output

        ids = {device.serial: str(device.claim_id()) for device in fleet.devices}
        claims = job.claims()
        assert {unit: claim.claim_id for unit, claim in claims.items()} == ids
        assert {claim.state for claim in claims.values()} == {State.LABELLED}
        with Ledger(url, read_only=True) as ledger:
            assert printer.labels() == labels_of(ledger, list(ids))
            assert len(list(ledger.events(run=number, kinds=[EventKind.RUN]))) == 1

    # What shows that the search finds what there is, and why a password has no place in the environment.
    told = {*places(jobs, CANARY)}
    assert {"slice-1.stream: env/envvars", "slice-1.written: line", "slice-1.written: command"} <= told
    assert "slice-1.processed/artifacts/slice-1/command" in told
    assert {*places(jobs, SECRET)} == {
        *("slice-1/env/injected", "slice-1.stream: env/injected"),
        *("overlap/env/extravars", "overlap.stream: env/extravars"),
    }
    for claim_id in ids.values():
        assert [*places(jobs, claim_id)] == []


def with_password(url: str) -> str:
    return url.replace(f"//{USER}@", f"//{USER}:{quote(PASSWORD, safe='')}@")


def is_verified(claims: Mapping[str, Claim], serial: str) -> bool:
    return serial in claims and claims[serial].state == State.VERIFIED


def slice_numbers(job: Job, number: str) -> set[str]:
    """The slices of the job that the ledger knows."""
    with Ledger(job.ledger, read_only=True) as ledger:
        events = ledger.events(run=number, kinds=[EventKind.SLICE])
        return {yaml.safe_load(str(event.detail))["slice"] for event in events}
