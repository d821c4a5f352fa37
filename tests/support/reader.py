# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reader who follows a document to the letter, in a clone of this repository or where the collection is installed."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pyjson5
import yaml  # type: ignore[import-untyped]

from tests.fleet import processes

from .documents import Block

ROOT = Path(__file__).parents[2]

_INSTALLED = ".ansible/collections/ansible_collections/ioto/serialization"  # below a home, by ansible-galaxy
_PATIENCE = 240.0  # seconds for one block
_NOT_CLONED = (".git", ".venv*", ".cache", ".ansible", "build", "*_cache", ".hypothesis", "__pycache__", "node_modules")
# Of the machine's environment a reader has what leads to a package index; all else is the document's.
_INHERITED = ("PIP_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")

# What a reader's shell does between two blocks: nothing. So exported variables and the folder stay.
_SHELL = """\
. "$1/state"
trap 'status=$?; { export -p; printf "cd -- %q\\n" "$PWD"; } >"$1/state"; exit "$status"' EXIT
trap 'echo "(status $?) $BASH_COMMAND" >>"$1/failed"' ERR
set -eE -o pipefail
. "$1/block"
"""


class DocumentError(AssertionError):
    """A block that does not work as it stands; the message has the command and what it printed."""


class Reader:
    """Follows blocks with the programs of `environment` (a Python environment that is active).

    In `folder`/clone, or, with the collection `installed` at home, in the empty `folder`/line.
    """

    def __init__(self, folder: Path, environment: Path, entrance: Sequence[str], *, installed: bool = False) -> None:
        self.folder = folder / ("line" if installed else "clone")
        self._entrance = entrance
        self._shell = folder / "shell"
        home = folder / "home"
        for made in (self._shell, home, folder / "bin"):
            made.mkdir(parents=True, exist_ok=True)
        copy = home / _INSTALLED if installed else self.folder
        shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(*_NOT_CLONED))
        self.folder.mkdir(exist_ok=True)
        (self._shell / "state").write_text(f"cd '{self.folder}'\n", encoding="utf-8")
        _make_ssh(folder / "bin" / "ssh", home)
        self._environ = {name: value for name, value in os.environ.items() if name.startswith(_INHERITED)} | {
            "PATH": f"{environment / 'bin'}:{folder / 'bin'}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "VIRTUAL_ENV": str(environment),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "ANSIBLE_NOCOLOR": "1",
            processes.MARK: str(folder),  # finds whatever they leave running
        }
        if installed:  # what the quick start exports, and a clone's ansible.cfg says
            self._environ["ANSIBLE_STDOUT_CALLBACK"] = "ioto.serialization.progress"

    def follow(self, block: Block) -> None:
        """Write the file that `block` shows, or run its commands. Raises `DocumentError`."""
        if block.is_file:
            self._write(block)
        elif block.is_commands:
            for command, output in block.commands:
                self._run(block, command, output)

    def close(self) -> None:
        """End what the commands have left running."""
        processes.kill(self.folder.parent)

    def _write(self, block: Block) -> None:
        path = self.folder / block.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        try:
            if block.language == "yaml":
                yaml.safe_load(block.text)
            elif block.language == "json5":
                pyjson5.decode(block.text)
            else:
                first, *rows = csv.reader(block.text.splitlines())
                assert all(len(row) == len(first) for row in rows), "a row has more or fewer columns than the first"
        except (AssertionError, ValueError, yaml.YAMLError) as error:
            raise DocumentError(f"{block.place}: {block.name} is no {block.language}: {error}") from error

    def _run(self, block: Block, command: str, expected: str) -> None:
        (self._shell / "block").write_text(command, encoding="utf-8")
        (self._shell / "failed").unlink(missing_ok=True)
        # Packages come from outside the network of the examples.
        entrance = () if "pip install" in command else self._entrance
        # Into a file: a pipe would stay open as long as what runs on in the background.
        with (self._shell / "output").open("w+", encoding="utf-8", errors="replace") as output:
            shell = subprocess.Popen(
                [*entrance, "bash", "--norc", "-c", _SHELL, "reader", str(self._shell)],
                cwd=self.folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status: int | str = shell.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self.close()
                status = f"none within {_PATIENCE:.0f} s"
            output.seek(0)
            said = output.read()
        failed = self._shell / "failed"
        wrong = failed.read_text(encoding="utf-8") if failed.exists() else ""
        wanted = ".*".join(re.escape(part) for part in expected.strip().split("…"))
        if status == 0 and re.search(wanted, said, re.DOTALL):
            return
        printed = f"\nexpected to print:\n{expected}" if expected else ""
        raise DocumentError(f"{block.place}: status {status}\n{wrong}{command}{printed}\nprinted:\n{said}")


def _make_ssh(path: Path, home: Path) -> None:
    """Make an ssh whose home is `home`: the real one asks the system, and finds the keys of whoever runs the tests."""
    real = shutil.which("ssh")
    configuration = home.parent / "ssh_config"
    configuration.write_text(
        f"UserKnownHostsFile {home}/.ssh/known_hosts\nGlobalKnownHostsFile /dev/null\n"
        f"IdentityFile {home}/.ssh/id_ed25519\nIdentityAgent none\n",
        encoding="utf-8",
    )
    (home / ".ssh").mkdir(mode=0o700)
    path.write_text(f"#!/bin/sh\nexec '{real}' -F '{configuration}' \"$@\"\n", encoding="utf-8")
    path.chmod(0o755)
