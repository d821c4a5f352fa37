# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A label printer on a TCP port, a process of its own that can be killed while it reads.

    with LabelPrinter(folder) as printer:
        ...  # print to printer.address
    assert printer.labels() == [...]

A label is taken once it was read whole: it is saved then, without the questions for what the printer is and its status
behind it, and only after that the connection is closed.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from .reserved_port import reserved_port

_ROOT = Path(__file__).parents[2]
_PORT = 4
"""Where its port stands among its arguments."""
READY = b"\x02030,0,0,1245,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n"
"""What a printer answers to `~HS` that has nothing to complain of."""
_IDENTITY = b"\x02ZT410-203dpi,V75.20.14Z,8,65536KB,X\x03\r\n"


class LabelPrinter:
    """Prints into `folder`. It is killed in the middle of label `dies_in`, and takes label `hangs_at` in silence.

    It listens on `host` and `port`; 0 is any free one. `manner` is what becomes of each connection: it is closed in
    order, reset after all was read (`reset`), closed before anything was read (`deaf`) or after ten bytes (`sips`),
    ended on its side and not read (`half`), told a status at once and closed (`hasty`), told one when the other side
    has ended and closed, nothing read (`late`), or ended on its side alone behind that (`shrugs`), told one behind all
    and not who it is (`terse`), or kept with a word now and then (`talks`). With `status`, it answers `~HS` with that,
    and `~HI` with what it is; `once`, on the first connection alone.
    """

    def __init__(
        self,
        folder: Path,
        *,
        dies_in: int = 0,
        hangs_at: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        manner: str = "",
        status: bytes = b"",
    ) -> None:
        self._folder = folder
        self._host = host
        self._arguments = [str(folder), str(dies_in), str(hangs_at), host, str(port), manner, status.hex()]
        self._port = ExitStack()
        """What keeps its port while it is switched off."""

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        if (self._host, self._arguments[_PORT]) == ("127.0.0.1", "0"):
            self._arguments[_PORT] = str(self._port.enter_context(reserved_port()))
        self.start()
        return self

    def start(self) -> None:
        """Switch it on: the first time, and again after `kill`, at the same address."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.services.label_printer", *self._arguments],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        port = self._process.stdout.readline().strip()
        self._arguments[_PORT] = port
        self.address = f"socket://{self._host}:{port}"

    def kill(self) -> None:
        """End it as a power cut would: what it has not read whole is lost."""
        self._process.kill()
        self._process.communicate()

    def hang(self) -> None:
        """Let it take connections, and neither read nor say a word until `go_on`."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it read and answer again."""
        self._process.send_signal(signal.SIGCONT)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._port.close()

    def labels(self) -> list[bytes]:
        """What was read whole, in order."""
        return [path.read_bytes() for path in sorted(self._folder.glob("*.zpl"))]

    def wait_for(self, number: int) -> None:
        """Return once so many labels were taken."""
        deadline = time.monotonic() + 60
        while len(self.labels()) < number:
            assert time.monotonic() < deadline, f"{len(self.labels())} labels came, not {number}"
            time.sleep(0.01)

    @property
    def died(self) -> bool:
        """Whether it was killed while it printed."""
        return self._process.wait(60) == -signal.SIGKILL


def _serve(folder: Path, dies_in: int, hangs_at: int, host: str, port: int, manner: str, status: bytes) -> None:
    with socket.create_server((host, port)) as server:
        print(server.getsockname()[1], flush=True)
        number = 0
        printed = len([*folder.glob("*.zpl")])
        kept: list[socket.socket] = []
        while True:
            connection, _peer = server.accept()
            number += 1
            # A client that was killed resets its connection, or takes no answer.
            with connection, suppress(ConnectionError):
                if number == dies_in:
                    connection.recv(100)
                    os.kill(os.getpid(), signal.SIGKILL)
                if manner == "deaf":
                    continue
                if manner == "sips":
                    connection.recv(10)
                    continue
                if manner == "half":
                    connection.shutdown(socket.SHUT_WR)
                    signal.pause()
                if manner == "hasty":
                    connection.sendall(status)
                    continue
                if manner in {"late", "shrugs"}:
                    watch = select.poll()
                    watch.register(connection, select.POLLRDHUP)
                    watch.poll()
                    connection.sendall(status)
                    if manner == "shrugs":
                        connection.shutdown(socket.SHUT_WR)
                        kept.append(connection.dup())
                    continue
                data = b""
                while part := connection.recv(65536):
                    data += part
                if not data:  # of a client that was killed before it sent
                    continue
                temporary = folder / "part"
                temporary.write_bytes(data.removesuffix(b"~HI~HS"))
                printed += 1
                temporary.rename(folder / f"{printed:04d}.zpl")
                if number == hangs_at:
                    signal.pause()
                if status and not (manner == "once" and number > 1):
                    connection.sendall(status if manner == "terse" else _IDENTITY + status)
                if manner == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                while manner == "talks":
                    connection.sendall(b"READY\r\n")
                    time.sleep(0.1)


if __name__ == "__main__":
    _folder, _dies_in, _hangs_at, _host, _port, _manner, _status = sys.argv[1:]
    _serve(Path(_folder), int(_dies_in), int(_hangs_at), _host, int(_port), _manner, bytes.fromhex(_status))
