# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever way of HTTP a request takes, plain or through TLS, the unit gets the same answer."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sqlite3
import ssl
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.services.factory_service import PATH, PRODUCT, RunningService
from tests.services.factory_service_fixture import ServiceMaker, authority, service_with, shared_service

__all__ = ["authority", "service_with", "shared_service"]

HOST = b"Host: 127.0.0.1\r\n"
POST = f"POST {PATH} HTTP/1.1\r\n".encode() + HOST


def body_of(serial: str) -> bytes:
    return json.dumps({"product": PRODUCT, "serial": serial}).encode()


def with_length(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(body)


def exchange(service: RunningService, request: bytes, *, replies: int = 1) -> list[tuple[int, dict[str, str], bytes]]:
    """Send bytes as they are, and return the status, headers and body of so many replies."""
    found = []
    with service.connect() as connection:
        connection.sendall(request)
        stream = connection.makefile("rb")
        while len(found) < replies:
            status = int(stream.readline().split()[1])
            headers = dict(line.decode().strip().lower().split(": ") for line in iter(stream.readline, b"\r\n"))
            body = stream.read(int(headers.get("content-length", 0)))
            if status != 100:
                found.append((status, headers, body))
    return found


BODY = body_of("SN-WAY")
WAYS = {
    "as agents send it": POST + with_length(BODY) + BODY,
    "in chunks": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + BODY[:5] + b"\r\n%x\r\n" % len(BODY[5:]) + BODY[5:]
    + b"\r\n0\r\n\r\n",
    "HTTP/1.0": f"POST {PATH} HTTP/1.0\r\n".encode() + with_length(BODY) + BODY,
    "the last one": POST + b"Connection: close\r\n" + with_length(BODY) + BODY,
    "asking first": POST + b"Expect: 100-continue\r\n" + with_length(BODY) + BODY,
    "with a query": f"POST {PATH}?line=7 HTTP/1.1\r\n".encode() + HOST + with_length(BODY) + BODY,
    "an absolute URL": f"POST http://127.0.0.1{PATH} HTTP/1.1\r\n".encode() + HOST + with_length(BODY) + BODY,
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_send_a_request_gets_the_units_id(shared_service: RunningService, way: str) -> None:
    claim_id = shared_service.claim("SN-WAY")
    ((status, headers, body),) = exchange(shared_service, WAYS[way])
    assert (status, json.loads(body)) == (200, {"id": claim_id})
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"
    assert "date" in headers


def test_requests_behind_each_other_are_answered_in_their_order(shared_service: RunningService) -> None:
    serials = [f"SN-ROW{number}" for number in range(5)]
    bodies = [body_of(serial) for serial in serials]
    replies = exchange(shared_service, b"".join(POST + with_length(body) + body for body in bodies), replies=5)
    ids = [json.loads(body)["id"] for _status, _headers, body in replies]
    assert ids == [shared_service.claim(serial) for serial in serials]


def test_a_head_that_was_seen_before_is_worth_no_more_than_any_other(shared_service: RunningService) -> None:
    """Of a known head the service reads the body alone: so it must be one message, and the whole of it."""
    bodies = [body_of(f"SN-KNOWN{number}") for number in range(8)]
    requests = [POST + with_length(body) + body for body in bodies]
    ids = [shared_service.claim(f"SN-KNOWN{number}") for number in range(8)]
    cut = len(requests[4]) - 9
    with shared_service.connect() as connection:
        stream = connection.makefile("rb")
        sent = [
            requests[0],
            requests[1],
            requests[2] + requests[3],  # two at once
            requests[4][:cut],  # one in two parts
            requests[4][cut:] + requests[5],
            requests[6][:20],
            requests[6][20:],
            requests[7],
        ]
        for part, replies in zip(sent, [1, 1, 2, 0, 2, 0, 1, 1], strict=True):
            connection.sendall(part)
            for _ in range(replies):
                length = 0
                assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
                while (line := stream.readline()) != b"\r\n":
                    if line.startswith(b"content-length: "):
                        length = int(line.split()[1])
                assert json.loads(stream.read(length)) == {"id": ids.pop(0)}
    assert ids == []


def test_a_known_head_with_a_body_that_is_too_short_waits_for_the_rest(shared_service: RunningService) -> None:
    exchange(shared_service, POST + with_length(BODY) + BODY)
    with shared_service.connect() as connection:
        connection.sendall(POST + with_length(BODY) + BODY[:-1])
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(30)
        connection.sendall(BODY[-1:])
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK")


def test_a_body_that_is_too_long_is_refused_before_its_end_and_the_connection_ends(
    shared_service: RunningService,
) -> None:
    with shared_service.connect() as connection:
        connection.sendall(POST + b"Content-Length: 100000\r\n\r\n" + b"x" * 20_000)
        said = b"".join(iter(lambda: connection.recv(65536), b""))
    assert said.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in said


def test_who_hangs_up_before_the_answer_costs_nobody_theirs(shared_service: RunningService) -> None:
    for number in range(20):
        with shared_service.connect() as connection:
            body = body_of(f"SN-GONE{number}")
            connection.sendall(POST + with_length(body) + body)
    assert shared_service.claim("SN-STAYED")
    assert shared_service.counter("ioto_service_requests_total", kind="issue", outcome="defect") == 0


def test_who_waits_when_the_service_stops_is_answered_and_who_is_idle_does_not_hold_it_up(
    service_with: ServiceMaker, tmp_path: Path
) -> None:
    service = service_with()
    service.claim("SN-FIRST")
    exchanged = POST + with_length(BODY) + BODY
    with service.connect() as idle, service.connect() as waiting, service.connect() as handed_over:
        for connection, request in (
            (idle, exchanged),
            (handed_over, b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n"),
        ):
            connection.sendall(request)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            body = body_of("SN-LAST")
            waiting.sendall(POST + with_length(body) + body)
            waiting.settimeout(0.5)
            with pytest.raises(TimeoutError):
                waiting.recv(1)
            os.kill(service.pid, signal.SIGTERM)
            with suppress(ConnectionResetError):
                assert idle.recv(1) == b"", "the service stops"
            other.execute("ROLLBACK")
        waiting.settimeout(30)
        said = b"".join(iter(lambda: waiting.recv(4096), b""))
        assert said.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in said
        began = time.monotonic()
        service.stop()
        assert time.monotonic() - began < 8


# --- TLS ---


def post(service: RunningService, trusted: Path, serial: str, host: str = "127.0.0.1") -> tuple[int, bytes]:
    """Ask as an agent does, over a connection that is verified."""
    context = ssl.create_default_context(cafile=trusted)
    connection = http.client.HTTPSConnection("127.0.0.1", service.port, timeout=30, context=context)
    try:
        headers = {"Content-Type": "application/json", "Host": host}
        connection.request("POST", PATH, body=body_of(serial), headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_an_agent_that_trusts_the_authority_gets_its_id_over_tls_and_another_does_not(
    authority: Path, service_with: ServiceMaker
) -> None:
    service = service_with(certificate=authority / "station.pem", key=authority / "station.key")
    status, body = post(service, authority / "ca.pem", "SN-TLS")
    assert status == 200
    assert post(service, authority / "ca.pem", "SN-TLS") == (status, body)
    with pytest.raises(ssl.SSLCertVerificationError):
        post(service, authority / "other.pem", "SN-TLS")
    # Its common name is one that the service answers to, as agents use it; another is not.
    names = ("station", "Station.", "another.example")
    assert [post(service, authority / "ca.pem", "SN-TLS", name)[0] for name in names] == [200, 200, 421]
    with service.connect() as plain:
        plain.sendall(POST + with_length(BODY) + BODY)
        assert b"200" not in plain.recv(4096)


def test_a_key_of_another_certificate_is_refused_at_the_start(authority: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    service = RunningService(
        tmp_path / "ledger.db", log, certificate=authority / "station.pem", key=authority / "ca.key"
    )
    with pytest.raises(
        RuntimeError, match=r"cannot be used for TLS \(key values mismatch\); give PEM files that belong"
    ):
        service.start()
    assert "Traceback" not in service.log_text
