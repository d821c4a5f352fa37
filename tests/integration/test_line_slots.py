# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling the service how slots stand: who may, what is refused, and what a teller does if the service is no help."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.line import telling
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.telling import ServiceAddress, Teller, send
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.slot_message import (
    MOST_BYTES,
    SlotReport,
    SlotState,
    StationMessage,
)
from tests.services.factory_service import PATH, PRODUCT, RunningService, bearer
from tests.services.factory_service_fixture import ServiceMaker, authority, service_with
from tests.support.slots import SLOTS, STATION_TOKEN, hashed, service_of_a_line, slots, tell

__all__ = ["authority", "service_with"]

PATIENCE = 60.0
"""Seconds, for what takes a moment."""
TRIES = 5
"""Of what is measured, on a machine that does other things."""


@pytest.fixture
def line(service_with: ServiceMaker) -> RunningService:
    """A service that is told of a line."""
    return service_of_a_line(service_with)


def states(service: RunningService, query: str = "") -> dict[str, str]:
    return {slot["slot"]: slot["state"] for slot in service.get(f"{SLOTS}{query}").body["slots"]}


def working(slot: str = "slot-1", arrival: int = 17) -> SlotReport:
    return SlotReport(slot, arrival, SlotState.WORKING)


# --- who may ---


def test_a_station_may_tell_of_slots_and_nothing_else(line: RunningService) -> None:
    unit = {"product": PRODUCT, "serial": "SN-1"}
    claim_id = line.claim("SN-1")
    assert tell(line, slots({"state": "pass"})).status == 200
    token = bearer(STATION_TOKEN)
    assert line.ask({**unit, "id": claim_id}, method="PUT", headers=token).status == 401
    assert line.get("/units/SN-1?reveal=true", **token).status == 401
    assert line.ask({"text": "SN-1", "reveal": True}, path="/station/search", headers=token).status == 401
    assert claim_id not in json.dumps(line.get("/units/SN-1", **token).body)


def test_a_station_opens_no_way_round_the_agents_secret(service_with: ServiceMaker) -> None:
    service = service_of_a_line(service_with, agent_secrets=[hashed("a-secret-of-more-than-24-characters")])
    unit = {"product": PRODUCT, "serial": "SN-1"}
    assert service.ask(unit, path=PATH, headers=bearer(STATION_TOKEN)).status == 403


def test_who_has_no_token_or_another_tells_nothing(line: RunningService) -> None:
    for token in (None, "a-token-that-nobody-made-at-all", STATION_TOKEN.upper(), ""):
        refused = tell(line, slots({"state": "pass"}), token=token)
        assert (refused.status, "token" in refused.body["error"]) == (401, True)
        assert refused.headers["www-authenticate"] == "Bearer"
    assert states(line) == {}
    assert line.get(SLOTS).body["refuses"] is True, "so that the page can say that it is not told"
    assert tell(line, slots({"state": "pass"}), token=line.token).status == 200, "a controller may all of it"


def test_everybody_in_the_networks_may_look_and_nobody_by_another_name(line: RunningService) -> None:
    tell(line, slots({"state": "pass", "claim_id_end": "WQ"}))
    assert tell(line, [], token="a-token-that-nobody-made-at-all", station="<b>").status == 401
    assert "<b>" not in json.dumps(line.get(SLOTS).body)
    assert line.get("/units/SN-1", **bearer("a-token-that-nobody-made-at-all")).status == 401
    for path in ("/line", "/line.css", "/line.js", SLOTS):
        assert line.get(path).status == 200
        assert line.get(path, Host="evil.example").status == 421
        assert line.get(path, Origin="http://evil.example").status == 403
    page = line.get("/line").headers
    assert page["content-security-policy"] == line.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in page["content-security-policy"]
    assert line.get(SLOTS).headers["cache-control"] == "no-store"
    refused = line.ask(
        {"station": "line-1", "slots": []}, path=SLOTS, headers={**bearer(STATION_TOKEN), "Host": "evil.example"}
    )
    assert refused.status == 421


def test_a_token_that_is_no_hash_is_told_at_the_start(service_with: ServiceMaker) -> None:
    with pytest.raises(RuntimeError, match="station_tokens holds something that is not a hash"):
        service_with(station_tokens=[STATION_TOKEN])


@pytest.mark.parametrize("path", ["/line", "/line/v1", "/line/v1/slots/x", "/line.js"])
def test_agents_are_not_served_where_the_page_of_the_line_is(service_with: ServiceMaker, path: str) -> None:
    with pytest.raises(RuntimeError, match=r"path (is or )?begins with"):
        service_with(path=path)


@pytest.mark.parametrize("wrong", ["6:00", "24:00", "noon"])
def test_a_shift_that_begins_at_no_time_is_told_at_the_start(service_with: ServiceMaker, wrong: str) -> None:
    with pytest.raises(RuntimeError, match="shifts is at least one time of day, such as 06:00"):
        service_with(shifts=["06:00", wrong])


def test_who_waits_for_news_is_told_at_once_and_after_a_second_at_most(line: RunningService) -> None:
    tell(line, slots({"state": "working"}), whole=True)
    version = line.get(SLOTS).body["version"]
    began = time.monotonic()
    same = line.get(f"{SLOTS}?known={version}").body
    assert same["version"] == version and time.monotonic() - began >= 0.95
    told: list[str] = []

    def wait() -> None:
        while (found := line.get(f"{SLOTS}?known={version}").body)["version"] == version:
            continue  # a second was over, on a machine that does other things
        told.append(found["slots"][0]["state"])

    waiting = threading.Thread(target=wait)
    waiting.start()
    tell(line, slots({"state": "working"}), whole=True)  # a heartbeat is no news
    assert line.get(SLOTS).body["version"] == version
    tell(line, slots({"state": "pass"}))
    waiting.join(PATIENCE)
    assert told == ["pass"]
    assert line.get(f"{SLOTS}?known={version}").body["version"] != version


# --- what is refused ---


def test_hostile_messages_are_refused_and_change_nothing(line: RunningService) -> None:
    tell(line, slots({"state": "working"}, arrival=18))
    before = line.memory()
    many = [{"slot": f"slot-{number}", "arrival": 1, "state": "pass"} for number in range(10_000)]
    deep = b'{"station": "line-1", "slots": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    wanted = [
        (tell(line, slots({"state": "pass"}, arrival=17)), 409, "Something newer is known"),
        (tell(line, many), 413, f"more than {MOST_BYTES} bytes"),
        (tell(line, many[:65]), 422, "at most 64 slots"),
        (tell(line, slots({"state": "pass", "serial": "SN\u001b]0;owned\u0007"}, arrival=19)), 422, "cannot be seen"),
        (tell(line, slots({"state": "pass", "reason": "x" * 201}, arrival=19)), 422, "at most 200 characters"),
        (tell(line, slots({"state": "pass", "claim_id_end": "JT08FFQXWQ"}, arrival=19)), 422, "and no more"),
        (line.ask(deep, path=SLOTS, headers=bearer(STATION_TOKEN)), 400, "not valid JSON"),
        (line.ask(b"\0" * (MOST_BYTES + 1), path=SLOTS, headers=bearer(STATION_TOKEN)), 413, "more than"),
        (line.ask({"station": "line-1"}, method="PUT", path=SLOTS, headers=bearer(STATION_TOKEN)), 405, "Not Allowed"),
    ]
    assert [(reply.status, sentence in reply.body["error"]) for reply, _status, sentence in wanted] == [
        (status, True) for _reply, status, _sentence in wanted
    ]
    assert states(line) == {"slot-1": "working"}
    assert line.memory() - before < 16 * 1024 * 1024
    assert "\u001b" not in line.log_text


def test_ten_thousand_slots_of_as_many_stations_do_not_fill_the_memory(line: RunningService) -> None:
    statuses = {tell(line, slots({"state": "pass"}), station=f"line-{number}").status for number in range(200)}
    assert statuses == {200, 422}
    assert len(line.get(SLOTS).body["stations"]) == 16


def test_the_description_says_what_is_taken(line: RunningService) -> None:
    operations = line.get("/openapi.json").body["paths"][SLOTS]
    assert operations["post"]["security"] == [{"station": []}]
    schema = operations["post"]["requestBody"]["content"]["application/json"]["schema"]
    told = slots({"state": "pass", "step": "x", "serial": "x", "claim_id_end": "WQ", "reason": "x", "remedy": "x"})
    told[0]["detail"] = "x"
    assert set(told[0]) == set(schema["properties"]["slots"]["items"]["properties"])
    assert set(schema["properties"]["notices"]["items"]["properties"]) == {"text", "slot"}
    notices = [{"text": "Scan again.", "slot": "slot-1"}, {"text": "Scan again."}]
    assert tell(line, told, notices=notices).status == 200
    looked = line.get(SLOTS).body
    described = operations["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(looked) == set(described["properties"])
    for part in ("slots", "stations", "notices"):
        assert set(looked[part][0]) == set(described["properties"][part]["items"]["properties"])


# --- the teller ---


def address(service: RunningService, token: str | None = STATION_TOKEN) -> ServiceAddress:
    return ServiceAddress(f"http://127.0.0.1:{service.port}", token)


def test_the_newest_of_each_slot_is_told(line: RunningService) -> None:
    teller = Teller(address(line), "line-1")
    for number in range(200):
        teller.tell(working(arrival=number), SlotReport("slot-2", number, SlotState.PASS), operator="Petra")
    assert teller.close(PATIENCE) is None
    assert states(line, "?station=line-1") == {"slot-1": "working", "slot-2": "pass"}
    assert {slot["arrival"] for slot in line.get(SLOTS).body["slots"]} == {199}
    assert line.get(SLOTS).body["stations"][0]["operator"] == "Petra"
    assert line.counter("ioto_service_requests_total", kind="read", outcome="ok") < 200


def test_a_heartbeat_names_all_slots(line: RunningService) -> None:
    teller = Teller(address(line), "line-1")
    teller.tell(working("slot-9"))
    teller.tell_whole([working(), SlotReport("slot-2", 3, SlotState.EMPTY)])
    teller.tell(working("slot-2", 4))
    assert teller.close(PATIENCE) is None
    assert states(line) == {"slot-1": "working", "slot-2": "working"}


def test_a_station_that_was_started_again_is_believed_and_another_of_its_name_is_told(line: RunningService) -> None:
    before = Teller(address(line), "line-1", start="before")
    before.tell_whole([SlotReport("slot-1", 10**12, SlotState.PASS)])
    before.tell(SlotReport("slot-1", 10**12, SlotState.PASS))
    after = Teller(address(line), "line-1", start="after")
    deadline = time.monotonic() + PATIENCE
    while states(line) != {"slot-1": "pass"} and time.monotonic() < deadline:
        threading.Event().wait(0.01)  # between two looks
    after.tell_whole([working(arrival=5)])
    assert after.close(PATIENCE) is None
    assert states(line) == {"slot-1": "working"}
    before.tell_whole([SlotReport("slot-1", 10**12, SlotState.PASS)])
    assert "Another station 'line-1' tells the service" in str(before.close(PATIENCE))
    assert states(line) == {"slot-1": "working"}


def test_what_came_of_a_scan_is_told_and_taken_back(line: RunningService) -> None:
    teller = Teller(address(line), "line-1")
    teller.tell_whole([working()])
    teller.notify("Scan it again.", "slot-1")
    teller.notify("Scan the code of a slot.")
    assert teller.close(PATIENCE) is None
    shown = [(notice["slot"], notice["text"]) for notice in line.get(SLOTS).body["notices"]]
    assert shown == [("slot-1", "Scan it again."), (None, "Scan the code of a slot.")]
    teller = Teller(address(line), "line-1")
    teller.notify("", "slot-1")
    teller.notify("")
    assert teller.close(PATIENCE) is None
    assert line.get(SLOTS).body["notices"] == []


def test_a_service_that_comes_late_is_told(service_with: ServiceMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "NOTICE_SECONDS", 10 * PATIENCE)  # however long a service takes to start
    service = service_of_a_line(service_with)
    service.kill()
    teller = Teller(address(service), "line-1")
    teller.tell(working())
    teller.notify("Scan it again.", "slot-1")
    deadline = time.monotonic() + PATIENCE
    while teller.trouble is None and time.monotonic() < deadline:
        threading.Event().wait(0.01)  # between two looks
    assert "cannot be reached (Connection refused)" in str(teller.trouble)
    service.start()
    assert teller.close(PATIENCE) is None
    assert states(service) == {"slot-1": "working"}
    assert [notice["text"] for notice in service.get(SLOTS).body["notices"]] == ["Scan it again."]


def test_a_wrong_token_is_told_in_a_sentence(line: RunningService) -> None:
    for token in (None, "a-token-that-nobody-made-at-all"):
        teller = Teller(address(line, token), "line-1")
        teller.tell(working())
        untold = teller.close(PATIENCE)
        assert untold == teller.trouble
        assert "put the hash of its token in station_tokens" in str(untold)
        assert "nobody-made" not in str(untold)


def test_a_certificate_is_verified(authority: Path, service_with: ServiceMaker) -> None:
    service = service_of_a_line(service_with, certificate=authority / "station.pem", key=authority / "station.key")
    url = f"https://127.0.0.1:{service.port}"
    message = StationMessage("line-1", (working(),))
    refused = send(ServiceAddress(url, STATION_TOKEN), message, seconds=10)
    assert "its certificate is not accepted" in str(refused.trouble) and not refused.again
    other = send(ServiceAddress(url, STATION_TOKEN, str(authority / "other.pem")), message, seconds=10)
    assert "not accepted" in str(other.trouble)
    assert send(ServiceAddress(url, STATION_TOKEN, str(authority / "ca.pem")), message, seconds=10).trouble is None
    none = send(ServiceAddress(url, STATION_TOKEN, str(authority / "ca.key")), message, seconds=10)
    assert "ca.key cannot be read (it holds none)" in str(none.trouble)


@pytest.mark.parametrize(
    "url",
    [
        *("127.0.0.1:1234", "ftp://127.0.0.1", "http://", "http://[::1", "http://x:99999", "http://x:0"),
        *("http://ann:secret@127.0.0.1", "http://b\u00fccher", "http://a b", "http://127.0.0.1\r\nX: y"),
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(IotoError, match="is not valid; write one such as") as error:
        ServiceAddress(url)
    assert "secret" not in str(error.value)


def test_a_token_puts_no_header_into_the_request() -> None:
    with pytest.raises(IotoError, match="what no token has"):
        ServiceAddress("http://127.0.0.1:1", "token\r\nHost: evil.example")


@pytest.fixture(params=["silent", "dripping", "endless", "closing", "no HTTP"])
def bad_service(request: pytest.FixtureRequest) -> Iterator[ServiceAddress]:
    """What takes connections at a port and is no help: it never answers, or a byte now and then, or for ever."""
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection:
            while not over.wait(0.05):
                if request.param == "silent":
                    continue
                try:
                    connection.sendall(
                        {"dripping": b"H", "endless": b"x" * 65536, "no HTTP": b"SSH-2.0\r\n"}[request.param]
                    )
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _address = listener.accept()
                except OSError:
                    return
                if request.param == "closing":
                    connection.close()
                else:
                    threading.Thread(target=drip, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield ServiceAddress(f"http://127.0.0.1:{listener.getsockname()[1]}", STATION_TOKEN)
        over.set()
        listener.shutdown(socket.SHUT_RDWR)


def test_a_service_that_is_no_help_costs_the_end_of_a_run_its_share_alone(bad_service: ServiceAddress) -> None:
    shares = []
    for _try in range(TRIES):
        teller = Teller(bad_service, "line-1")
        began = time.monotonic()
        for number in range(1000):
            teller.tell(working(f"slot-{number % 8}", number))
        told = time.monotonic()
        untold = teller.close()
        shares.append((told - began, time.monotonic() - told))
        assert str(untold).startswith("The service at http://127.0.0.1:"), "it is told, also before any exchange failed"
        if shares[-1][0] < 1.0 and 0.25 < shares[-1][1] < 1.5:
            return
    raise AssertionError(f"telling and closing took {shares}")


def test_an_exchange_ends_at_its_deadline(bad_service: ServiceAddress) -> None:
    seconds = []
    for _try in range(TRIES):
        began = time.monotonic()
        sent = send(bad_service, StationMessage("line-1", (working(),)), seconds=0.5)
        seconds.append(time.monotonic() - began)
        assert sent.again and sent.trouble
        if seconds[-1] < 2:
            return
    raise AssertionError(f"it took {seconds}")
