# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal with somebody at its keyboard."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path


class Terminal:
    """A process on a terminal of its own: what it wrote, and what stands on the screen after that."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str], columns: int = 100) -> None:
        self._main, self._side = pty.openpty()
        self.resize(columns)
        self.settings = termios.tcgetattr(self._side)
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=self._side,
            stdout=self._side,
            stderr=self._side,
            preexec_fn=self._control,  # noqa: PLW1509 - this process has no other thread that holds a lock
        )
        self.written = ""
        self._decode = codecs.getincrementaldecoder("utf-8")().decode

    def _control(self) -> None:
        os.setsid()
        fcntl.ioctl(self._side, termios.TIOCSCTTY, 0)

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self._side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

    def type(self, text: bytes) -> None:
        os.write(self._main, text)

    def read_until(self, condition: Callable[[], bool]) -> None:
        """Read what is written until `condition` holds."""
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, self.written
            if select.select([self._main], [], [], 0.05)[0]:
                self._read()

    def _read(self) -> None:
        # A character may come in two parts.
        self.written += self._decode(os.read(self._main, 65536))

    def wait_for(self, text: str) -> None:
        self.read_until(lambda: text in plain(self.written))

    def answer(self, prompt: str, text: bytes) -> None:
        """Type `text` at a hidden `prompt` of Ansible until it goes on: what is typed before it listens is lost.

        The terminal shows no typing while Ansible listens, which it says by turning the echo off.
        """
        self.wait_for(prompt)
        self.read_until(lambda: not termios.tcgetattr(self._side)[3] & termios.ECHO)
        after = self.written.index(prompt) + len(prompt)
        deadline = time.monotonic() + 60
        while "TASK [" not in self.written[after:]:
            assert time.monotonic() < deadline, self.written
            if not termios.tcgetattr(self._side)[3] & termios.ECHO:
                self.type(text)
            pause = time.monotonic() + 5
            while time.monotonic() < pause and "TASK [" not in self.written[after:]:
                if select.select([self._main], [], [], 0.05)[0]:
                    self._read()

    def finish(self, pressing: bytes = b"") -> int:
        """Read on, `pressing` keys, until the process has ended and its output is here; return its status."""

        def ended() -> bool:
            if pressing:
                self.type(pressing)
            return self.process.poll() is not None

        self.read_until(ended)
        while select.select([self._main], [], [], 0.1)[0]:
            self._read()
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._main)
        os.close(self._side)

    def settings_now(self) -> list[object]:
        return termios.tcgetattr(self._side)

    def screen(self) -> list[str]:
        """The lines that remain on the screen: what was erased is gone."""
        lines = [""]
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", self.written):
            if part == "\n":
                lines.append("")
            elif part == "\x1b[2K":
                lines[-1] = ""
            elif part == "\x1b[1A":
                lines.pop()
            elif not part.startswith("\x1b") and part != "\r":
                lines[-1] += part
        return [text for text in lines if text]


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
