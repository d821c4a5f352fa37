# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several controllers that write one file of one device at once, and some of them are killed.

`python -m tests.support.write_races SECONDS` runs it for long, in each shell, and prints what came of it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import (
    Answer,
    RemoteFile,
    WriteFailure,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.scripts import probe, replace
from tests.fleet import processes

from .shell_device import SHELLS, available_shells, make_device

_PATH = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}


class _Script(Exception):
    """A script, in place of its answer."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class _Paper:
    """A device on which nothing runs: it keeps the script."""

    name = "bench-1"
    host_key = None

    def run(self, script: str) -> Answer:
        raise _Script(script)


class _Answered(_Paper):
    """A device that has answered already; `asked` is the script."""

    def __init__(self, asked: str, stdout: bytes) -> None:
        self._asked = asked
        self._stdout = stdout

    def run(self, script: str) -> Answer:
        # The answer carries the word of the script that was asked.
        words = [text.split("ioto_nonce=")[1].split("\n")[0].encode() for text in (self._asked, script)]
        return Answer(0, self._stdout.replace(*words))


def race(shell: Sequence[str], folder: Path, rounds: int, *, contenders: int = 3, kill: float = 0.0) -> Counter[str]:
    """Let `contenders` write what they saw at once, `rounds` times, and return how often what came of it.

    With `kill`, one of them is killed within so many seconds. Raises `AssertionError` where two succeeded, or one
    did and the file is another's, or the file is none of what was written.
    """
    device = make_device(folder)
    device.shell = shell
    counts: Counter[str] = Counter()
    for number in range(rounds):
        before = probe(device, device.config_dir).device_file
        texts = [
            f"{{ id: 'JT08FFQXWQ', round: {number}, by: {contender} }}\n".encode() for contender in range(contenders)
        ]
        scripts = [_script(before, text) for text in texts]
        running = [
            subprocess.Popen(
                shell,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_PATH,
                start_new_session=True,
            )
            for _unused in scripts
        ]
        for process, script in zip(running, scripts, strict=True):
            assert process.stdin
            process.stdin.write(script.encode())
            process.stdin.close()
        if kill:
            time.sleep(random.uniform(0, kill))
            _kill(random.choice(running).pid, everything=bool(number % 2))
            counts["killed"] += 1
        won = []
        for process, script, text in zip(running, scripts, texts, strict=True):
            assert process.stdout
            stdout = process.stdout.read()
            if process.wait() < 0 or b"ioto-end" not in stdout:
                continue
            result = replace(_Answered(script, stdout), before, text)
            if isinstance(result, WriteFailure):
                counts[result.step.value] += 1
            else:
                assert result.file.data == text
                won.append(text)
        for process in running:
            wait_for_session(process.pid)
        counts["won"] += len(won)
        found = device.file.read_bytes()
        assert len(won) <= 1, won
        assert not won or found == won[0]
        assert found in {before.data, *texts}
        assert won or kill, "nobody succeeded"
    return counts


def _kill(leader: int, *, everything: bool) -> None:
    """Kill a shell, or all that it has started as well: what it leaves alive goes on, and holds the lock."""
    with suppress(ProcessLookupError):
        (os.killpg if everything else os.kill)(leader, signal.SIGKILL)


def wait_for_session(session: int) -> None:
    """Return when nothing of a session is left but what has ended."""
    while any(stat[3] == str(session) and stat[0] not in "ZX" for stat in _processes()):
        time.sleep(0.001)


def _processes() -> Iterator[Sequence[str]]:
    for pid in processes.running():
        with suppress(OSError):
            yield Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(") ")[2].split()


def _script(before: RemoteFile, text: bytes) -> str:
    try:
        replace(_Paper(), before, text)
    except _Script as script:
        return script.text
    raise AssertionError("no script")


def main() -> None:
    """Run it in each shell for the seconds that are given, half of them with kills."""
    seconds = float(sys.argv[1])
    for name in available_shells():
        for kill in (0.0, 0.02):
            counts: Counter[str] = Counter()
            until = time.monotonic() + seconds / 2
            while time.monotonic() < until:
                with tempfile.TemporaryDirectory() as folder:
                    counts += race(SHELLS[name], Path(folder) / "device", 50, contenders=4, kill=kill)
            print(name, f"kill={kill}", dict(counts), flush=True)


if __name__ == "__main__":
    main()
