# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The factory service as a process of its own, and a client for it: `with RunningService(...) as service`.

The port is kept over `kill` and `start`, as it is on a line.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from .reserved_port import reserved_port

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
OTHER_PRODUCT = "01H4K5Q6V7W8X9Y0Z1A2B3C4D5"
PATH = "/ioto/serialize"
START_SECONDS = 90.0

_LISTENING = re.compile(r"listening at \w+://\S+?:(\d+)/")
_STARTED = "Application startup complete"


def bearer(token: str) -> dict[str, str]:
    """Return the headers of a controller with `token`."""
    return {"Authorization": f"Bearer {token}"}


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def body(self) -> Any:
        """The reply's JSON."""
        return json.loads(self.data)


class RunningService:
    """A service at a free port of 127.0.0.1, with a ledger at `ledger` and the given settings."""

    def __init__(self, ledger: Path | str, log: Path, *, root: Path = ROOT, **settings: object) -> None:
        """`root` is another checkout of the collection, such as one to compare with."""
        self.port = 0
        self._root = root
        self.log = log
        self._ledger = str(ledger)
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None
        self._held = ExitStack()
        """What keeps its port between two starts."""

    def __enter__(self) -> Self:
        with ExitStack() as held:
            self.port = held.enter_context(reserved_port())
            self.start()
            self._held = held.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        self._held.close()

    @property
    def url(self) -> str:
        """Where agents POST."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    @property
    def token_file(self) -> Path:
        """Where the service keeps the token that it makes."""
        return self.log.with_name("controller-token")

    @property
    def token(self) -> str:
        """The token of its controllers."""
        return self.token_file.read_text(encoding="ascii").strip()

    @property
    def log_text(self) -> str:
        """What the service has logged."""
        return self.log.read_text(encoding="utf-8")

    def start(self) -> None:
        """Start the service and return when it serves."""
        settings = {
            "ledger": self._ledger,
            "port": self.port,
            "rate": 1e9,
            "token_file": self.token_file,
            **self._settings,
        }
        environment = {
            f"IOTO_SERVICE_{name.upper()}": " ".join(value) if isinstance(value, list | tuple) else str(value)
            for name, value in settings.items()
        }
        began = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "plugins.plugin_utils.service"],
                cwd=self._root,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while _STARTED not in (said := self.log_text[began:]):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the service did not start: {said}")
            select.select([], [], [], 0.02)  # between two questions, not in place of the answer
        match = _LISTENING.search(said)
        assert match, said
        self.port = int(match[1])

    def kill(self) -> None:
        """End the service as a power cut would."""
        self.stop(signal.SIGKILL)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the service."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_SECONDS)
            self._process = None

    def ask(
        self,
        body: object = None,
        *,
        method: str = "POST",
        path: str = PATH,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Send one request: bytes as they are, anything else as JSON."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection = self._new_client()
        try:
            connection.request(method, path, body=data, headers=headers or {})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        except OSError as error:
            if self._process is not None and (status := self._process.poll()) is not None:
                error.add_note(f"The service has ended with {status}; it said: {self.log_text[-2000:]}")
            raise
        finally:
            connection.close()

    def confirm(self, body: object) -> Reply:
        """Confirm as a controller does: by the service's own token."""
        return self.ask(body, method="PUT", headers=bearer(self.token))

    def _new_client(self) -> http.client.HTTPConnection:
        if "certificate" not in self._settings:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        # Who verifies it are the agents; a test that asks for metrics need not.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)

    def get(self, path: str, **headers: str) -> Reply:
        """Read something."""
        return self.ask(method="GET", path=path, headers=headers)

    def claim(self, serial: str, **body: object) -> str:
        """Return the claim ID of a unit of `PRODUCT`."""
        reply = self.ask({"product": PRODUCT, "serial": serial, **body})
        assert reply.status == 200, reply
        return str(reply.body["id"])

    def connect(self) -> socket.socket:
        """Return a connection, for what no client would send."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def counter(self, name: str, **labels: str) -> float:
        """Return a metric; 0 where it is not there."""
        text = self.get("/metrics").data.decode()
        shown = ",".join(f'{key}="{value}"' for key, value in labels.items())
        line = f"{name}{{{shown}}} " if shown else f"{name} "
        found = [row for row in text.splitlines() if row.startswith(line)]
        return float(found[0].rpartition(" ")[2]) if found else 0.0

    def connections(self) -> int:
        """Return how many connections the service has of which everything was read that has come."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        ours = f"0100007F:{self.port:04X}"
        return sum(row[1] == ours and row[3] == "01" and row[4].endswith(":00000000") for row in rows)

    def memory(self) -> int:
        """Return the bytes that the process has in memory."""
        fields = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        """Return how many files and connections the process has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def cpu_seconds(self) -> float:
        """Return for how long the process has had a core."""
        return cpu_seconds(self.pid)


def cpu_seconds(pid: int) -> float:
    """Return for how long the process `pid` has had a core."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
