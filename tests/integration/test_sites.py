# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line whose ledger is at another site: few ways there and back, and cut off it says so soon and loses nothing.

More instants and more devices are in `tests/campaign/sites.py`; a run that is cut off waits some seconds for an answer.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import outage
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.deadlines import Deadlines
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.group_commit import GroupCommit
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    EventKind,
    LedgerError,
    NewEvent,
    State,
    StateChange,
)
from tests.campaign.sites import Site
from tests.services.distant_proxy import Cut, DistantProxy
from tests.services.postgresql import PostgresqlServer

pytest.importorskip("psycopg", reason="the Python package psycopg is not installed")

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CONTEXT = Context("ann@line-1", host="line-1", run="R-1")
DELAY = 0.03


@pytest.fixture
def far(postgresql_server: PostgresqlServer) -> Iterator[DistantProxy]:
    """The server, a way of 30 ms off."""
    with DistantProxy(postgresql_server.socket, DELAY) as proxy:
        yield proxy


@pytest.fixture
def far_url(postgresql_server: PostgresqlServer, far: DistantProxy) -> str:
    """A new ledger there."""
    url = postgresql_server.url_by_tcp(far.port)
    Ledger(url).close()
    far.forget()
    return url


def request(unit: str, mac: str) -> AllocationRequest:
    return AllocationRequest(PRODUCT, unit, "generated", CONTEXT, details={"mac": mac})


def test_to_open_a_ledger_takes_five_ways_a_question_one_and_a_change_two(far: DistantProxy, far_url: str) -> None:
    """TCP, whether there is TLS, who we are, our deadlines, and the ledger's version; then what each costs."""

    def ways() -> int:
        count, far.round_trips = far.round_trips, 0
        return count

    with Ledger(far_url) as ledger:
        assert ways() == 5
        for number in range(7):
            claim = ledger.allocate(request(f"SN-{number}", f"02:00:00:00:00:0{number}"))
            assert ways() == 2
            assert ledger.live_claim(PRODUCT, f"SN-{number}") == claim
            assert ways() == 1 + (number == 5), "once more, for what is asked often is prepared"
            assert ledger.advance(StateChange(claim.claim_id, State.VERIFIED, CONTEXT)).state is State.VERIFIED
            assert ways() == 2
        ledger.record(NewEvent(EventKind.MISMATCH, CONTEXT, claim.claim_id, PRODUCT, claim.unit))
        assert ways() == 2
    assert far.connections == 1


def test_threads_that_share_a_ledger_take_less_than_two_ways_a_device(far: DistantProxy, far_url: str) -> None:
    threads, devices = 25, 100  # as many at a time as a process of the engine has with 50 forks on two cores
    together = Barrier(threads)
    with Ledger(far_url) as ledger, ThreadPoolExecutor(threads) as pool:
        shared = GroupCommit(ledger)

        def one(number: int) -> None:
            if number < threads:
                together.wait(60)
            unit = f"SN-{number}"
            assert shared.live_claim(PRODUCT, unit) is None
            claim = shared.allocate(request(unit, f"02:00:00:00:01:{number:02x}"))
            assert shared.holders([claim.claim_id]) == {claim.claim_id: claim}
            shared.advance(StateChange(claim.claim_id, State.VERIFIED, CONTEXT))

        list(pool.map(one, range(devices)))
        assert ledger.summary().states[State.VERIFIED] == devices
    assert far.round_trips <= 2 * devices, far.round_trips
    assert far.connections == 2, "one for changes, one for questions"


def test_what_one_has_waited_for_in_vain_all_others_are_told_at_once(
    far: DistantProxy, far_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "_NOTE", bytearray(len(outage._NOTE)))
    deadlines = Deadlines.of_run()._replace(connect=2, answer=1.2, pause=30.0)
    with Ledger(far_url, deadlines=deadlines) as ledger, ThreadPoolExecutor(12) as pool:
        shared = GroupCommit(ledger)
        far.cut_after(0, Cut.SILENT)
        began = time.monotonic()

        def one(number: int) -> str:
            with pytest.raises(LedgerError) as told:
                shared.allocate(request(f"SN-{number}", f"02:00:00:00:02:{number:02d}"))
            return str(told.value)

        sentences = list(pool.map(one, range(60)))
        assert time.monotonic() - began < 2 * 1.25 * 1.2 + 4
        assert "did not answer for 1.2 s, and nothing was recorded" in sentences[0]
        assert "did not answer a moment ago" in sentences[-1]
        with pytest.raises(LedgerError, match="did not answer a moment ago"):
            shared.check_answers()
        with pytest.raises(LedgerError, match="did not answer a moment ago"):
            Ledger(far_url, deadlines=deadlines)
    far.mend()
    with Ledger(far_url) as ledger:  # who has the time tries
        assert list(ledger.claims()) == []


# Whole runs

needs_devices = pytest.mark.skipif(
    os.getuid() != 0 or not shutil.which("dropbear") or not shutil.which("busybox"),
    reason="needs root and the Debian packages dropbear-bin and busybox",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, postgresql_server: PostgresqlServer) -> Iterator[Site]:
    pytest.importorskip("paramiko", reason="the fleet engine needs the Python package paramiko")
    with Site.opened(tmp_path_factory.mktemp("site"), postgresql_server, devices=3) as site:
        yield site


@needs_devices
@pytest.mark.ansible
def test_a_batch_whose_ledger_is_silent_is_refused_in_seconds_and_no_device_is_touched(site: Site) -> None:
    url = site.new_ledger()
    before = [device.read("/etc/ioto/device.json5") for device in site.fleet.devices]
    site.proxy.cut_after(0, Cut.SILENT)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(site.provision, url, "fleet")
        began = time.monotonic()
        # As the check of the batch does: how long ansible-playbook takes to start is another matter.
        with pytest.raises(LedgerError, match="cannot be reached: connection timeout expired"):
            Ledger.of_run(url, read_only=True)
        assert time.monotonic() - began < 9
        run = running.result()
    site.proxy.mend()
    assert run.status == 2, run.output
    assert "The batch has 1 problem, and no device was touched" in run.output
    assert f"The ledger postgresql://postgres@127.0.0.1:{site.proxy.port}/postgres cannot be reached" in run.output
    assert [device.read("/etc/ioto/device.json5") for device in site.fleet.devices] == before


@needs_devices
@pytest.mark.ansible
@pytest.mark.parametrize(
    ("engine", "round_trips", "how"),
    [
        pytest.param("fleet", 20, Cut.UNHEARD, id="fleet, the first commit is done and unheard of, then silence"),
        pytest.param("ansible", 34, Cut.RESET, id="ansible, all connections are reset"),
    ],
)
def test_a_site_that_is_cut_off_in_a_run_loses_nothing(site: Site, engine: str, round_trips: int, how: Cut) -> None:
    site.cut_off(engine, round_trips, how)
