# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs on workers, by the real ansible-runner: what AWX does between its control node and its execution nodes.

sender = Sender(tmp_path, home)
stream = sender.transmit("slice-1", "ioto.serialization.job_provision", inventory, files={"env/ssh_key": key})
done = sender.process(Worker(stream, home, within=MACHINE).wait())
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.support.ansible import ROOT, environment

RUNNER = Path(sys.executable).with_name("ansible-runner")
COLLECTIONS = ROOT / "playbooks/collections"


@dataclass(frozen=True)
class Done:
    """A job that `process` has taken in: what is in its folder of artifacts."""

    artifacts: Path

    @property
    def status(self) -> int:
        """The exit status of ansible-playbook on the worker."""
        return int((self.artifacts / "rc").read_text(encoding="ascii"))

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """The events, in their order."""
        found = [json.loads(path.read_bytes()) for path in (self.artifacts / "job_events").glob("*.json")]
        return sorted(found, key=lambda event: int(event["counter"]))

    @property
    def output(self) -> str:
        """What the job printed."""
        return "\n".join(event["stdout"] for event in self.events)

    @property
    def handed_on(self) -> dict[str, Any]:
        """What its plays gave to `set_stats`: AWX makes extra variables of it for the next nodes of a workflow."""
        found: dict[str, Any] = {}
        for event in self.events:
            found |= event.get("event_data", {}).get("artifact_data", {})
        return found


class Worker:
    """A worker that takes one stream, in a folder of its own, and writes another.

    `within` is a command that runs the one behind it.
    """

    def __init__(self, stream: Path, home: Path, *, within: Sequence[str | Path] = (), **more: str) -> None:
        self.stream = stream
        self.folder = folder_of_worker(stream)
        self.written = stream.with_suffix(".written")
        with stream.open("rb") as source, self.written.open("wb") as sink:
            self.process = subprocess.Popen(
                (*within, RUNNER, "worker", "--private-data-dir", self.folder, "--delete"),
                stdin=source,
                stdout=sink,
                stderr=sink,
                cwd=home,
                env=environment(home, ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS), **more),
                start_new_session=True,
            )

    def wait(self, timeout: float = 300.0) -> Worker:
        """Return when it has ended."""
        self.process.wait(timeout)
        return self

    def kill(self) -> None:
        """Kill it; within `MACHINE` with all that it has started, as when its machine loses power.

        ansible-playbook has a session of its own, and lives on where its runner is killed alone.
        """
        self.process.kill()
        self.process.wait()


class Sender:
    """The machine that sends jobs and takes in what comes back."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder = folder
        self._home = home

    def transmit(
        self,
        name: str,
        playbook: str,
        inventory: Mapping[str, Any],
        *,
        variables: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
    ) -> Path:
        """Return the file with the stream of a job. `files` are put into its private data, by their paths there."""
        private = self._folder / name
        for path, text in {
            "inventory/hosts.yml": yaml.safe_dump(dict(inventory), sort_keys=False),
            "env/extravars": json.dumps(dict(variables or {})),
            "env/envvars": json.dumps(dict(environ or {})),
            # It waits so long for a line of a terminal that the masters of ssh hold open behind ansible-playbook.
            "env/settings": json.dumps({"pexpect_timeout": 0.2}),
            "project/README": "The playbooks are in the collection.\n",
            **(files or {}),
        }.items():
            (private / path).parent.mkdir(parents=True, exist_ok=True)
            (private / path).write_text(text, encoding="utf-8")
            (private / path).chmod(0o600)
        stream = self._folder / f"{name}.stream"
        with stream.open("wb") as sink:
            self._run("transmit", private, "--ident", name, "-p", playbook, stdout=sink)
        return stream

    def process(self, worker: Worker) -> Done:
        """Take in what `worker` wrote."""
        name = worker.stream.stem
        private = self._folder / f"{name}.processed"
        with worker.written.open("rb") as source:
            self._run("process", private, "--ident", name, stdin=source, stdout=subprocess.DEVNULL)
        return Done(private / "artifacts" / name)

    def _run(self, *arguments: str | Path, **streams: Any) -> None:
        streams = {"stdin": subprocess.DEVNULL, **streams}
        subprocess.run(
            (RUNNER, *arguments), cwd=self._home, env=environment(self._home), check=True, timeout=300, **streams
        )


def folder_of_worker(stream: Path) -> Path:
    """Return where the worker of a stream has its private data while it lives, as AWX's have it in /runner."""
    return stream.with_suffix(".worker")


def contents(stream: Path) -> Iterator[tuple[str, bytes]]:
    """Return what a stream holds: its lines of JSON (named `line`), and each file of its archives."""
    with stream.open("rb") as source:
        while line := source.readline():
            yield "line", line
            # That of a worker that was killed ends anywhere.
            if line.startswith(b'{"zipfile": ') and line.endswith(b"}\n"):
                size = json.loads(line)["zipfile"]
                archive = base64.b64decode(source.read((size + 2) // 3 * 4))
                with zipfile.ZipFile(io.BytesIO(archive)) as files:
                    for name in files.namelist():
                        yield name, files.read(name)
