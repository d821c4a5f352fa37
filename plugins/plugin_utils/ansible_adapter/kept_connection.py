# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection that the ssh program keeps for others (ControlPersist), held by a program of its own: the master."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..processes import programs

_PATIENCE = 5.0
"""Seconds for a master to say that it is there."""
_BRIEF = 1.0
"""Seconds for ssh to say where a master listens, or for one that cannot be seen to end by itself."""


def is_kept(connection: Any) -> bool:
    """Whether the connection that ssh has kept for `connection` is there still."""
    with suppress(OSError, subprocess.TimeoutExpired):
        return not _ask(_words_for(connection), "-O", "check", seconds=_PATIENCE).returncode
    return False


def end_kept(connection: Any) -> None:
    """End the connection that ssh has kept for `connection`, which is of no use."""
    end_master(_words_for(connection))


def end_master(words: Sequence[str]) -> None:
    """End the connection that the ssh program with these `words`, up to its host, has left for others, if any.

    It leads to a device that does not answer, and whoever comes next would wait on it. A master that is asked to end
    says that it does and may be stuck all the same, so it is killed. It shows in its title what it listens at.
    """
    with suppress(OSError, subprocess.TimeoutExpired):
        said = dict(line.partition(" ")[::2] for line in _ask(words, "-G", seconds=_BRIEF).stdout.splitlines())
        if (control := said.get("controlpath", "none")) == "none":
            return
        title = f"ssh: {control} [mux]"
        ended = [programs.kill(pid, lambda shown: " ".join(shown).startswith(title)) for pid in programs.running()]
        if not any(ended) and Path(control).exists():
            _ask(words, "-O", "exit", seconds=_BRIEF)
        Path(control).unlink(missing_ok=True)


def _words_for(connection: Any) -> list[str]:
    words = [connection.get_option("ssh_executable")]
    for name in ("ssh_args", "ssh_common_args", "ssh_extra_args"):
        words += shlex.split(connection.get_option(name) or "")
    for name, option in (("Port", "port"), ("User", "remote_user")):
        if value := connection.get_option(option):
            words += ["-o", f"{name}={value}"]
    if connection.control_path:  # none where the words say one
        words += ["-o", f"ControlPath={connection.control_path % {'directory': connection.control_path_dir}}"]
    return [*map(str, words), str(connection.host)]


def _ask(words: Sequence[str], *question: str, seconds: float) -> subprocess.CompletedProcess[str]:
    program, *arguments, host = words
    # Not in the log that is among the arguments: who writes there waits for us.
    quiet, aside = ("-o", "LogLevel=QUIET"), ("-E", os.devnull)
    return subprocess.run(
        [program, *question, *quiet, *arguments, *aside, host],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=seconds,
        check=False,
    )
