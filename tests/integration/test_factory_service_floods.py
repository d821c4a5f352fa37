# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Crowds that never read, and crowds that never speak: they cost little memory, and nobody else an answer.

`SERVICE_FLOOD_SECONDS=60` has the crowd stay for a minute.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median

import pytest

from tests.services.factory_crowds import Flood, silent
from tests.services.factory_service import PATH, RunningService
from tests.services.factory_service_fixture import ServiceMaker, authority, service_with

__all__ = ["authority", "service_with"]

SECONDS = float(os.environ.get("SERVICE_FLOOD_SECONDS", "8"))
CONNECTIONS = 1000
LOW_RATE = 10
MOST_MEMORY = 150 * 1000 * 1000
LONGEST_SECONDS = 1.0
SILENT = 450
HANDSHAKE_SECONDS = 5.0
TRIES = 3
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n".encode()


@pytest.mark.parametrize("rate", [1e9, LOW_RATE], ids=["as fast as they like", "over their rate"])
def test_a_thousand_connections_that_pipeline_and_never_read_cost_little(
    service_with: ServiceMaker, rate: float
) -> None:
    service = service_with(rate=rate, receive_seconds=4)
    memory, seconds = [service.memory()], []

    def look() -> None:
        began, used = time.monotonic(), service.cpu_seconds()
        assert service.get("/healthz").status == 200
        # A machine that does other things takes longer; what the service could help is the time that it had.
        seconds.append(min(time.monotonic() - began, service.cpu_seconds() - used))
        memory.append(service.memory())

    flood = Flood()
    flood.run(service.port, CONNECTIONS, SECONDS, during=look)

    print(
        f"\n{max(memory) / 1e6:.0f} MB at most, {memory[0] / 1e6:.0f} before; "
        f"/healthz {max(seconds):.2f} s at most, {median(seconds):.3f} s in the median of {len(seconds)}; "
        f"{flood.sent / 1e6:.0f} MB sent, {flood.ended} times sent away"
    )
    assert flood.sent > CONNECTIONS * 1000
    assert max(memory) < MOST_MEMORY
    assert max(seconds) < LONGEST_SECONDS
    assert flood.ended > 0 or rate > LOW_RATE
    assert "Traceback" not in service.log_text
    assert "report this" not in service.log_text


def test_who_reads_nothing_is_sent_away_after_a_time(service_with: ServiceMaker) -> None:
    service = service_with(receive_seconds=1)
    with ExitStack() as stack:
        (connection,) = silent(stack, service.port, 1)
        with pytest.raises(OSError):
            while True:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 100)
    assert service.counter("ioto_service_requests_total", kind="connection", outcome="unread") == 1


def test_who_is_over_the_rate_is_closed(service_with: ServiceMaker) -> None:
    service = service_with(rate=0.1)
    with service.connect() as connection:
        connection.sendall((HEAD + b'{"a": 1}\n') * 3)
        said = b"".join(iter(lambda: connection.recv(65536), b""))
    assert said.count(b"HTTP/1.1 422") == 1
    assert said.count(b"HTTP/1.1 429") == 1
    assert b"connection: close" in said.lower()


def test_another_network_is_sent_away_before_it_says_anything(service_with: ServiceMaker) -> None:
    service = service_with(networks=["192.0.2.0/24"])
    with service.connect() as connection:
        said = b"".join(iter(lambda: connection.recv(65536), b""))
    assert said.startswith(b"HTTP/1.1 403")
    assert "refused 127.0.0.1 with 403 (network)" in service.log_text


# --- TLS ---


def over_tls(authority: Path, service_with: ServiceMaker, **settings: object) -> RunningService:
    return service_with(certificate=authority / "station.pem", key=authority / "station.key", **settings)


def test_connections_that_never_begin_their_handshake_lock_nobody_out(
    authority: Path, service_with: ServiceMaker
) -> None:
    service = over_tls(authority, service_with)
    # On a machine that does other things, their time may be over before anybody else asks: then again.
    for tries in range(1, TRIES + 1):
        with ExitStack() as stack:
            quiet = silent(stack, service.port, SILENT, said=[b"", b"\x16\x03\x01"])
            began = time.monotonic()
            assert service.claim("SN-BESIDE")
            served = time.monotonic() - began, service.counter("ioto_service_connections")
            for connection in quiet:
                with suppress(ConnectionError):
                    assert len(connection.recv(4096)) < 100, "an alert, or nothing"
            ended = time.monotonic() - began
        assert service.counter("ioto_service_requests_total", kind="connection", outcome="tls") == tries * SILENT
        assert "Traceback" not in service.log_text
        if served[0] < HANDSHAKE_SECONDS and served[1] >= SILENT and ended < 4 * HANDSHAKE_SECONDS:
            return
    raise AssertionError(
        f"it served after {served[0]:.1f} s beside {served[1]}, and the last ended after {ended:.1f} s"
    )


def test_handshakes_of_one_address_count_against_its_limit(authority: Path, service_with: ServiceMaker) -> None:
    service = over_tls(authority, service_with, max_connections_per_address=3)
    with ExitStack() as stack:
        quiet = silent(stack, service.port, 4)
        with suppress(ConnectionError):
            assert quiet[3].recv(1) == b""
        assert service.claim("SN-OTHER"), "another address is served"
        quiet[0].settimeout(0.1)
        with pytest.raises(TimeoutError):
            quiet[0].recv(1)


# --- errors ---


def test_connections_that_break_off_leave_no_trace(service_with: ServiceMaker) -> None:
    service = service_with(rate=1e9)
    requests = [
        b"POST /station/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{",
        b'POST /station/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 15\r\n\r\n{"text": "abc"}' * 3,
        b"GET /station/line HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 3 + b"\0",
        b"PUT /ioto/serialize HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{",
        HEAD + b'{"a": 1}'[:9],
    ]
    before = len(service.log_text.splitlines())
    for number in range(500):
        with service.connect() as connection:
            connection.sendall(requests[number % len(requests)])
    assert service.claim("SN-AFTER")
    lines = service.log_text.splitlines()[before:]
    assert not [line for line in lines if "Traceback" in line or "report this" in line]
    assert all(" refused " in line or "were not logged" in line for line in lines), lines
