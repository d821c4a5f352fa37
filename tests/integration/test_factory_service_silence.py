# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL that is silent: the service says so in seconds, ends when told to, and serves on when it is back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.factory_service import (
    FactoryService,
)
from tests.services.factory_service import PRODUCT, Reply, RunningService
from tests.services.factory_service_fixture import ServiceMaker, service_with
from tests.services.postgresql import PostgresqlServer, running_postgresql
from tests.services.silent_network import SilentNetwork
from tests.services.silent_proxy import SilentProxy

__all__ = ["service_with"]

IN_SECONDS = 8.0
"""In which a request is answered, on a machine that does other things as well."""
BACK_SECONDS = 10.0
GRACE_SECONDS = 15.0

READS = ("/healthz", "/station/line", "/units/SN-1", "/claims/0000000000")
OTHERS = ("/metrics", "/openapi.json", "/")


@dataclass
class Line:
    """A service, the server that its ledger is on, and a way to have that fall silent for a while."""

    service: RunningService
    server: PostgresqlServer
    silence: Callable[[], AbstractContextManager[None]]

    def ask(self, serial: str) -> Reply:
        return self.service.ask({"product": PRODUCT, "serial": serial})


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    """A server that a test may stop."""
    with running_postgresql() as running:
        yield running


@contextmanager
def stopped(server: PostgresqlServer) -> Iterator[None]:
    """Have every process of the server stand still, and so the connections that it accepts."""
    pids = server.processes()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(params=["server", "proxy", "network"])
def line(
    request: pytest.FixtureRequest, server: PostgresqlServer, service_with: ServiceMaker, tmp_path: Path
) -> Iterator[Line]:
    """A service whose server hangs, or is behind something that passes nothing on, or in a network that does not."""
    if request.param == "server":
        yield Line(service_with(server.new_url()), server, lambda: stopped(server))
    elif request.param == "proxy":
        with SilentProxy(server.socket) as proxy:
            yield Line(service_with(server.url_by_tcp(proxy.port)), server, proxy.silence)
    else:
        if reason := SilentNetwork.missing():
            pytest.skip(reason)
        with SilentNetwork(server.socket, tmp_path) as network:
            url = server.url_by_tcp(network.port, network.address)
            yield Line(service_with(url), server, network.silence)


def timed(work: Callable[[], Reply]) -> tuple[Reply, float]:
    began = time.monotonic()
    return work(), time.monotonic() - began


def test_silence_is_a_503_in_seconds_and_it_is_over_in_ten(line: Line) -> None:
    claim_id = line.service.claim("SN-1")
    for path in READS[:3]:
        assert line.service.get(path).status == 200
    with line.silence(), ThreadPoolExecutor(24) as clients:
        asked: list[Future[tuple[Reply, float]]] = [
            clients.submit(timed, lambda number=number: line.ask(f"SN-{number}"))  # type: ignore[misc]
            for number in range(1, 9)
        ]
        # More than there are threads for them: a page or two, a load balancer, a person who searches.
        asked += [
            clients.submit(timed, lambda path=path: line.service.get(path))  # type: ignore[misc]
            for path in READS * 4
        ]
        for path in OTHERS:
            # None of them waits; one alone may, on a machine that does other things.
            tries = [timed(lambda path=path: line.service.get(path)) for _again in range(3)]  # type: ignore[misc]
            assert {reply.status for reply, _seconds in tries} == {200}
            assert min(seconds for _reply, seconds in tries) < 1, (path, tries)
        for future in asked:
            reply, seconds = future.result()
            assert reply.status == 503, reply
            assert "ledger" in reply.body["error"] and "ask again" in reply.body["error"]
            assert reply.headers["retry-after"] == "2"
            assert seconds < IN_SECONDS
        # Once it is known, nobody waits for long.
        assert timed(lambda: line.ask("SN-2"))[1] < IN_SECONDS
    began = time.monotonic()
    while line.ask("SN-1").status != 200 or line.service.get("/healthz").status != 200:
        assert time.monotonic() - began < BACK_SECONDS
    assert time.monotonic() - began < BACK_SECONDS
    assert line.service.claim("SN-1") == claim_id
    assert line.service.get("/units/SN-1").status == line.service.get("/station/line").status == 200
    assert "Traceback" not in line.service.log_text


def test_a_service_ends_in_its_grace_while_its_ledger_is_silent(line: Line) -> None:
    line.service.claim("SN-1")
    line.service.get("/station/line")
    with line.silence(), ThreadPoolExecutor(4) as clients:
        asked = [clients.submit(line.ask, f"SN-{number}") for number in range(1, 4)]
        while line.service.connections() < len(asked):  # they are there, and wait for the ledger
            assert not any(future.done() for future in asked)
        _nothing, seconds = timed(line.service.stop)  # type: ignore[arg-type]
        assert seconds < GRACE_SECONDS
        for future in asked:
            assert future.exception() is not None or future.result().status == 503
    line.service.start()
    assert "Traceback" not in line.service.log_text
    assert line.ask("SN-3").status == 200


@pytest.mark.parametrize("line", ["network"], indirect=True)
def test_a_service_whose_ledger_was_silent_from_the_start_serves_when_it_speaks(line: Line) -> None:
    line.service.stop()
    with line.silence():
        line.service.start()
        for _again in range(3):
            reply, seconds = timed(lambda: line.ask("SN-1"))
            assert (reply.status, seconds < IN_SECONDS) == (503, True)
    began = time.monotonic()
    while line.ask("SN-1").status != 200:
        assert time.monotonic() - began < BACK_SECONDS


@pytest.mark.parametrize("line", ["proxy"], indirect=True)
def test_a_controller_that_asks_meanwhile_has_its_id_when_the_silence_is_over(line: Line) -> None:
    known = line.service.claim("SN-1")
    controller = FactoryService(line.service.url)
    with ThreadPoolExecutor(1) as clients:
        with line.silence():
            asked = clients.submit(controller.claim_id, {"product": PRODUCT, "serial": "SN-1"})
            while not line.service.counter("ioto_service_requests_total", kind="issue", outcome="ledger"):
                assert not asked.done()
        assert asked.result() == known


def test_no_answer_is_sent_before_the_standby_has_the_claim_not_even_a_second_one(
    server: PostgresqlServer, service_with: ServiceMaker
) -> None:
    """A primary that comes back from a crash shows what its standby never had: such an ID is no answer either."""
    url = server.new_url()
    service = service_with(url)
    known = service.claim("SN-0")
    server.wait_for_standbys("not_there")
    try:
        assert service.ask({"product": PRODUCT, "serial": "SN-1"}).status == 503
        server.kill()
        server.start()
        with Ledger(url, read_only=True) as ledger:
            (held,) = ledger.claims(unit="SN-1")
        for serial in ("SN-0", "SN-1"):
            assert service.ask({"product": PRODUCT, "serial": serial}).status == 503
    finally:
        server.wait_for_standbys("")
    began = time.monotonic()
    while (reply := service.ask({"product": PRODUCT, "serial": "SN-1"})).status != 200:
        assert time.monotonic() - began < BACK_SECONDS
    assert reply.body["id"] == held.claim_id
    assert service.claim("SN-0") == known
