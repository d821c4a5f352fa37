# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An endpoint that answers as the agent's sample service does, and misbehaves as it is told. Fleets use the service.

That is JSON5, not JSON, in chunks and with a content type that is none: `{id:"S9S9D443TP"}`, `application-json`.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from plugins.plugin_utils import claim_ids

Mode = Literal["sample", "idempotent"]
Failure = Literal["503", "drop", "stall"]


@dataclass(frozen=True)
class FactoryRequest:
    """A POST as it came, and what it was given: a claim ID or a failure."""

    path: str
    content_type: str
    body: dict[str, Any]
    claim_id: str | None
    failure: str | None


class FactoryEndpoint:
    """A service on 127.0.0.1 that hands out claim IDs, until the `with` block ends.

    `sample` makes a new ID for each request, and knows no PUT; `idempotent` gives a unit (its serial, else its MAC) the
    same one again, and takes a PUT as a confirmation, which it answers as our service does (masked ID, unit and
    state), and refuses where it does not know the ID (404) or has it for another unit (409).
    Each of `failures` befalls one request, in this order, before the service works: `503`, `drop` (the connection is
    closed without a word) or `stall` (no answer while the service is there). `tls` is a certificate and its key, in
    PEM. `journal` gets each request as a line of JSON. All that was asked is in `requests`.
    """

    def __init__(
        self,
        mode: Mode = "sample",
        *,
        failures: Iterable[Failure] = (),
        tls: tuple[Path, Path] | None = None,
        journal: Path | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        self.requests: list[FactoryRequest] = []
        self.confirmations: list[dict[str, Any]] = []
        self._mode = mode
        self._failures = list(failures)
        self._journal = journal
        self._issued: dict[str, str] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        if journal:
            journal.touch(mode=0o600)
        self._scheme = "https" if tls else "http"
        self._server = _Server(self, listener or socket.create_server(("127.0.0.1", 0)))
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            # The handshake is done by the thread of the request, so that a slow client holds up nobody else.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}/ioto/serialize"

    def close(self) -> None:
        """End the service, and with it what stalls."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def answer(self, path: str, content_type: str, body: dict[str, Any]) -> FactoryRequest:
        """Decide what a request gets, and note it."""
        with self._lock:
            failure = self._failures.pop(0) if self._failures else None
            claim_id = None if failure else self._issue(body)
            request = FactoryRequest(path, content_type, body, claim_id, failure)
            self.requests.append(request)
            if self._journal:
                with self._journal.open("a", encoding="utf-8") as journal:
                    journal.write(json.dumps(asdict(request)) + "\n")
        return request

    def confirm(self, body: dict[str, Any]) -> tuple[int, str]:
        """Return the status with which a confirmation is answered, and the body, or the sentence of a refusal."""
        with self._lock:
            self.confirmations.append(body)
            if self._mode == "sample":
                return 404, "Not found"
            holder = next((unit for unit, claim_id in self._issued.items() if claim_id == body.get("id")), None)
            if holder is None:
                return 404, "I gave this ID to nobody."
            if holder != _unit(body):
                return 409, "I gave this ID to another unit."
            named = body.get("serial") or body.get("mac")
            return 200, json.dumps({"id": claim_ids.mask(body["id"]), "serial": named, "state": "verified"})

    def stall(self) -> None:
        self._closing.wait()

    def join(self) -> None:
        """Return when the service has ended."""
        self._thread.join()

    def _issue(self, body: dict[str, Any]) -> str:
        unit = _unit(body)
        if self._mode == "sample" or unit is None:
            return claim_ids.generate()
        return self._issued.setdefault(unit, claim_ids.generate())


def _unit(body: dict[str, Any]) -> str | None:
    name = body.get("serial") or body.get("mac")
    return f"{body.get('product')} {name}" if name else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, endpoint: FactoryEndpoint, listener: socket.socket) -> None:
        self.endpoint = endpoint
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_address = listener.getsockname()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or does not trust our certificate, is part of what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_PUT(self) -> None:
        if (body := self._body()) is not None:
            status, sentence = self.server.endpoint.confirm(body)
            if status == 200:
                self._reply(sentence.encode())
            else:
                self.send_error(status, sentence)

    def do_POST(self) -> None:
        if (body := self._body()) is None:
            return
        request = self.server.endpoint.answer(self.path, self.headers.get("Content-Type", ""), body)
        if request.failure == "stall":
            self.server.endpoint.stall()
        if request.failure in ("stall", "drop"):
            self.close_connection = True
        elif request.failure:
            self.send_error(int(request.failure))
        else:
            self._reply(f'{{id:"{request.claim_id}"}}'.encode())

    def _body(self) -> dict[str, Any] | None:
        length = int(self.headers.get("Content-Length", 0))
        try:
            body = json.loads(self.rfile.read(length))
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self.send_error(400, "The body is not a JSON object")
            return None
        return body

    def _reply(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application-json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))

    def log_message(self, format: str, *args: Any) -> None:
        """The requests are kept in full; a line for each on the screen would help nobody."""
