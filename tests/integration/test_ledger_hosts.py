# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger whose URL names several hosts is used by way of the primary; `tests.campaign.failover` does it to jobs."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import primary_finder
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.deadlines import Deadlines
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.merge import merge
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.move import move
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.location import Location
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    LedgerError,
)
from tests.services.postgresql_hosts import PostgresqlHosts, postgresql_hosts

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CONTEXT = Context("ann@line-1")


@pytest.fixture(scope="module")
def running() -> Iterator[PostgresqlHosts]:
    """Two hosts for all tests, each of which leaves a primary and a standby."""
    with postgresql_hosts() as hosts:
        yield hosts


@pytest.fixture
def hosts(running: PostgresqlHosts) -> PostgresqlHosts:
    """The hosts, with a place that nobody has used."""
    running.make_whole()
    running.url = running.new_url()
    return running


def allocate(ledger: Ledger, unit: str) -> str:
    return ledger.allocate(AllocationRequest(PRODUCT, unit, "generated", CONTEXT)).claim_id


def refused_in_the_end(ask: Callable[[], object], reason: str) -> None:
    """Ask until no host serves for `reason`: on a busy machine, who has one may not have told it within 2 s."""
    until = time.monotonic() + 60
    while True:
        with pytest.raises(LedgerError, match="has no host that serves as the primary") as caught:
            ask()
        if reason in str(caught.value):
            return
        assert time.monotonic() < until, caught.value


def other_order(url: str) -> str:
    """Return the URL of `hosts` with the standby first."""
    place = Location.parse(url).url
    assert place is not None
    names, ports = str(place.query["host"]).split(","), str(place.query["port"]).split(",")
    swapped = place.update_query_dict({"host": ",".join(names[::-1]), "port": ",".join(ports[::-1])})
    return swapped.render_as_string(hide_password=False)


def test_the_primary_is_used_wherever_it_stands_in_the_url(hosts: PostgresqlHosts) -> None:
    with Ledger(hosts.url) as ledger, Ledger(other_order(hosts.url)) as same:
        claim_id = allocate(ledger, "SN-1")
        assert allocate(same, "SN-1") == claim_id


def test_moves_and_merges_know_the_ledger_by_any_of_its_hosts(hosts: PostgresqlHosts) -> None:
    with Ledger(hosts.url) as ledger:
        allocate(ledger, "SN-1")
    with pytest.raises(LedgerError, match=r"^The ledger is in postgresql"):
        move(hosts.url, other_order(hosts.url), check=False)
    with pytest.raises(LedgerError, match="is named twice, or is the ledger itself"):
        merge(hosts.url, [other_order(hosts.url)], CONTEXT, check=False)


def test_a_promotion_is_followed_by_who_is_connected(hosts: PostgresqlHosts, caplog: pytest.LogCaptureFixture) -> None:
    """The primary is killed while a ledger is open, and the standby promoted while that one asks for it."""
    with Ledger(hosts.url, deadlines=Deadlines.within(60)) as ledger:
        claim_id = allocate(ledger, "SN-1")
        hosts.kill_primary()
        promotion = threading.Timer(1.0, hosts.promote)  # later than the question: what is tested
        promotion.start()
        replaced = threading.Thread(target=lambda: (promotion.join(), hosts.replace_standby()))
        replaced.start()
        try:
            assert allocate(ledger, "SN-1") == claim_id
        except LedgerError as error:  # the end of the connection came after it was looked at
            assert "lost the connection to its server" in str(error) and "nothing was recorded; run again" in str(error)
            assert allocate(ledger, "SN-1") == claim_id
        replaced.join()
        allocate(ledger, "SN-2")
    assert caplog.messages == []


def test_a_server_that_is_cut_off_is_left_for_the_one_in_its_place(hosts: PostgresqlHosts) -> None:
    """The usual deadlines give a server half a minute."""
    with Ledger(hosts.url) as ledger:
        claim_id = allocate(ledger, "SN-1")
        hosts.cut_primary_off()
        promotion = threading.Timer(1.0, hosts.promote)  # while it is waited for
        promotion.start()
        began = time.monotonic()
        with pytest.raises(LedgerError, match=r"another server was promoted instead of .* run again"):
            allocate(ledger, "SN-2")
        assert time.monotonic() - began < 25
        promotion.join()
        hosts.replace_standby()
        assert allocate(ledger, "SN-1") == claim_id


def test_all_hosts_together_have_one_deadline_and_are_named(hosts: PostgresqlHosts) -> None:
    with hosts.primary_address.silence(), hosts.standby_address.silence():
        began = time.monotonic()
        with pytest.raises(LedgerError, match="has no host that serves as the primary within 2 s: ") as caught:
            Ledger(hosts.url, deadlines=Deadlines.within(3))
        assert 1.5 < time.monotonic() - began < 25
    for address in hosts.addresses:
        assert f"{address}: no answer" in str(caught.value)
    with hosts.primary_address.silence():
        refused_in_the_end(lambda: Ledger(hosts.url, deadlines=Deadlines.within(3)), f"{hosts.addresses[1]}: a standby")


def test_a_silent_host_holds_nobody_up(hosts: PostgresqlHosts) -> None:
    with hosts.standby_address.silence():
        began = time.monotonic()
        with Ledger(hosts.url, deadlines=Deadlines.usual()._replace(connect=60)) as ledger:
            ledger.summary()
        assert time.monotonic() - began < 60


@pytest.fixture
def every_host_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the host that answers first wait for the others as long as that takes on a machine with much to do."""
    monkeypatch.setattr(primary_finder, "_GRACE", 60.0)


@pytest.mark.usefixtures("every_host_is_heard")
def test_a_host_that_lets_nobody_in_is_told_while_the_other_serves(
    hosts: PostgresqlHosts, caplog: pytest.LogCaptureFixture
) -> None:
    rules = hosts.standby.directory / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text("local all postgres trust\nlocal replication all trust\n".replace("all postgres", "template1 all"))
    hosts.standby.reload()
    try:
        with Ledger(hosts.url) as ledger:
            ledger.summary()
    finally:
        rules.write_text(before)
        hosts.standby.reload()
    (told,) = caplog.messages
    assert f"would not survive its server: {hosts.addresses[1]} says no pg_hba.conf entry" in told


@pytest.mark.usefixtures("every_host_is_heard")
def test_a_primary_of_the_past_is_not_written_to(
    hosts: PostgresqlHosts, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lives on and takes writes, for nobody has told it; and it has no standby any more to wait for."""
    with Ledger(hosts.url, deadlines=Deadlines.usual()._replace(connect=60)) as ledger:
        claim_id = allocate(ledger, "SN-1")
        hosts.promote()
        former, now = hosts.standby, hosts.addresses[0]
        former.wait_for_standbys("")
        hosts.primary.wait_for_standbys("")
        # One that asks now sees both.
        with Ledger(other_order(hosts.url)) as fresh:
            allocate(fresh, "SN-2")
        (told,) = caplog.messages
        assert f"is written to {now}, which was promoted last, but {hosts.addresses[1]} takes writes, too: stop" in told
        # One that was connected to the former one stays there, until it asks again; then it remembers.
        ledger.database._postgresql._engine.dispose()
        assert allocate(ledger, "SN-1") == claim_id
        hosts.primary_address.fall_silent()
        ledger.database._postgresql._engine.dispose()
        with monkeypatch.context() as impatient:
            impatient.setattr(primary_finder.PrimaryFinder, "_seconds", lambda *_: 2.0)
            refused_in_the_end(lambda: allocate(ledger, "SN-3"), f"{hosts.addresses[1]}: a primary of the past")
        hosts.primary_address.speak()
        allocate(ledger, "SN-3")
    assert former.sql("SELECT pg_is_in_recovery()") == [(False,)]
    hosts.replace_standby()
    hosts.primary.wait_for_standbys("standby")


@pytest.mark.usefixtures("every_host_is_heard")
def test_two_primaries_of_one_time_are_refused(hosts: PostgresqlHosts) -> None:
    """A copy that was started as a server of its own, and never promoted."""
    with Ledger(hosts.url) as ledger:
        allocate(ledger, "SN-1")
    hosts.standby.stop(signal.SIGINT)
    (hosts.standby.directory / "data" / "standby.signal").unlink()
    hosts.standby.start()
    try:
        with pytest.raises(LedgerError, match=r"has two primary servers, .* both take writes, and none was promoted"):
            Ledger(hosts.url)
    finally:
        hosts.replace_standby()
