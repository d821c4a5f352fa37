# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The station of a hands-free line as a process of its own: `with RunningStation(folder, jig) as station`."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tests.fleet import processes
from tests.fleet.jig import Jig

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Seconds for what takes a second or two on a machine that has nothing else to do."""


class RunningStation:
    """A station for `jig`, with its files in `folder` and the given settings."""

    def __init__(self, folder: Path, jig: Jig, *, root: Path = ROOT, **settings: object) -> None:
        """`root` is that of the collection, another where it is installed."""
        self._folder = folder
        self._root = root
        self._settings = folder / "line.toml"
        self.log = folder / "station.log"
        self._read = 0
        self._process: subprocess.Popen[bytes] | None = None
        said = {"inventory": [str(jig.inventory)], "work_directory": "work", **settings}
        if jig.extra_vars:
            said["extra_vars"] = [str(jig.extra_vars)]
        lines = [f"{name} = {json.dumps(value)}" for name, value in said.items()]
        self._settings.write_text("\n".join(lines), encoding="utf-8")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        if error is not None:
            error.add_note(self.log_text)

    @property
    def log_text(self) -> str:
        """All that the station has said."""
        return self.log.read_text(encoding="utf-8")

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and return when it watches its slots."""
        environment = {
            **os.environ,
            "HOME": str(self._folder),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "LANG": "C.UTF-8",
        }
        environment.pop("XDG_DATA_HOME", None)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "plugins.plugin_utils.line", str(self._settings)],
                cwd=self._root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.wait_for(r" watches ")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.stop(signal.SIGKILL)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(PATIENCE)

    def signal(self, how: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, how)

    def has_run(self) -> bool:
        """Say whether a run goes on."""
        return bool(processes.descendants(self.pid))

    def cpu_seconds(self) -> float:
        """Return what it has used, and its runs that have ended."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")

    def wait_for(self, pattern: str, seconds: float = PATIENCE) -> str:
        """Return the next line of the log that `pattern` is found in; those before it are passed over."""

        def found() -> str | None:
            data = self.log.read_bytes()
            while (end := data.find(b"\n", self._read)) >= 0:
                line = data[self._read : end].decode()
                self._read = end + 1
                if re.search(pattern, line):
                    return line
            assert self._process is None or self._process.poll() is None, f"the station ended: {self.log_text}"
            return None

        return eventually(found, seconds, lambda: f"no line with {pattern!r} in {self.log_text}")

    def wait_for_each(self, patterns: set[str], seconds: float = PATIENCE) -> None:
        """Return when the log has had a line for each of `patterns`, in any order, from here on."""
        missing = set(patterns)
        while missing:
            line = self.wait_for("|".join(f"(?:{pattern})" for pattern in missing), seconds)
            missing = {pattern for pattern in missing if not re.search(pattern, line)}


def eventually(found: Callable[[], T | None], seconds: float, complaint: Callable[[], str]) -> T:
    """Return what `found` returns once that is something."""
    deadline = time.monotonic() + seconds
    while (value := found()) is None:
        if time.monotonic() > deadline:
            raise AssertionError(complaint())
        select.select([], [], [], 0.02)  # between two questions, not in place of the answer
    return value
