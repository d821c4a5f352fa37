# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The factory service as agents, controllers and operators meet it: a real process, a real ledger."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils import claim_ids
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import AllocationRequest, Context, State
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.request import Request
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.factory_service import (
    FactoryService,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.source import SourceError
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.transaction import serialize
from tests.fleet.factory import FactoryEndpoint
from tests.services.factory_service import OTHER_PRODUCT, PATH, PRODUCT, RunningService, bearer
from tests.services.factory_service_fixture import ServiceMaker, service, service_with, shared_service
from tests.support.shell_device import ShellDevice

__all__ = ["service", "service_with", "shared_service"]

SECRET = "a-secret-of-more-than-24-characters"
TOKEN = "a-token-of-a-controller-in-full"
MAC = "00:1b:21:33:44:55"


def hashed(secret: str) -> str:
    return "sha256:" + hashlib.sha256(secret.encode()).hexdigest()


# --- an ID for a unit ---


def test_a_unit_gets_a_claim_id_in_strict_json(shared_service: RunningService) -> None:
    reply = shared_service.ask({"product": PRODUCT, "serial": "SN-A1"})
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert claim_ids.is_valid(reply.body["id"])


def test_the_same_unit_gets_the_same_id_and_another_unit_another(shared_service: RunningService) -> None:
    first = shared_service.claim("SN-B1")
    assert shared_service.claim("SN-B1") == first
    assert shared_service.claim("SN-B2") != first


def test_an_answered_id_is_in_the_ledger(service: RunningService, tmp_path: Path) -> None:
    claim_id = service.claim("SN-1")
    with Ledger(tmp_path / "ledger.db") as ledger:
        claim = ledger.find(claim_id)
    assert claim is not None
    assert (claim.unit, claim.product, claim.state, claim.source) == ("SN-1", PRODUCT, State.ALLOCATED, "service")


def test_a_unit_that_asks_64_times_at_once_gets_one_id(shared_service: RunningService) -> None:
    with ThreadPoolExecutor(64) as pool:
        assert len(set(pool.map(shared_service.claim, ["SN-C1"] * 64))) == 1


def test_requests_that_come_at_once_share_commits(service: RunningService) -> None:
    with ThreadPoolExecutor(64) as pool:
        ids = list(pool.map(service.claim, [f"SN-{number}" for number in range(640)]))
    assert len(set(ids)) == 640
    assert service.counter("ioto_service_committed_requests_total") == 640
    assert service.counter("ioto_service_commit_seconds_count") < 320


def test_json5_is_read_too(shared_service: RunningService) -> None:
    claim_id = shared_service.claim("SN-D9")
    reply = shared_service.ask(f"{{ /* a unit */ product: '{PRODUCT}', serial: 'SN-D9', }}".encode())
    assert reply.body == {"id": claim_id}


@pytest.mark.parametrize("written", ["00-1B-21-3A-40-0F", "001b.213A.400f", "001b213a400f", "00:1B:21:3a:40:0f"])
def test_the_mac_names_a_unit_without_serial_however_it_is_written(
    shared_service: RunningService, written: str
) -> None:
    first = shared_service.ask({"product": PRODUCT, "mac": "00:1b:21:3a:40:0f"}).body
    assert shared_service.ask({"product": PRODUCT, "mac": written}).body == first


@pytest.mark.parametrize(
    "names",
    [
        {"mac": "00:00:00:00:00:00"},
        {"mac": "ff-ff-ff-ff-ff-ff"},
        {"mac": "0100.5e00.0001"},
        {"serial": "01:00:5E:00:00:01"},
        {"serial": "SN0000000000", "mac": "02:00:00:00:00:00"},
        {"serial": "0000000000000000"},
        {"serial": 0},
        {"serial": "To be filled by O.E.M.", "mac": "unknown"},
        {"serial": "0123456789ABCDEF"},
    ],
)
def test_what_every_board_may_have_names_no_unit(shared_service: RunningService, names: dict[str, object]) -> None:
    reply = shared_service.ask({"product": PRODUCT, **names})
    assert reply.status == 422
    assert str(next(iter(names.values()))) in reply.body["error"] and "every board may have it" in reply.body["error"]


@pytest.mark.parametrize(
    "mac", ["not-a-mac", "00:1b:21:aa:50", "00:1b:21:aa:50:01:02", "00:1b:21:aa:50:0g", 7, True, []]
)
def test_a_mac_that_is_none_is_refused(shared_service: RunningService, mac: object) -> None:
    for serial in ({}, {"serial": "SN-N1"}):
        reply = shared_service.ask({"product": PRODUCT, "mac": mac, **serial})
        assert reply.status == 422
        assert "is not a MAC address" in reply.body["error"]


@pytest.mark.parametrize("mac", [None, "", "unknown", "n/a", "00:90:4c:11:22:33", "00:0c:43:76:20:58"])
def test_a_serial_names_a_unit_whose_mac_says_nothing(shared_service: RunningService, mac: object) -> None:
    assert shared_service.ask({"product": PRODUCT, "mac": mac, "serial": "SN-N2"}).status == 200
    assert shared_service.ask({"product": PRODUCT, "mac": mac}).status == 422


@pytest.mark.parametrize(
    "names",
    [
        '"serial": "SN-D1", "serial": "SN-D2"',
        '"serial": "SN-D1", "serial": ""',
        '"serial": "SN-D1", "mac": "00:1b:21:3a:44:01", "mac": "00:1b:21:3a:44:02"',
        f'"serial": "SN-D1", "product": "{OTHER_PRODUCT}"',
        '"serial": "SN-D1", "\\u0073erial": "SN-D2"',
        "'serial': 'SN-D1', serial: 'SN-D2'",
    ],
)
def test_a_body_that_names_its_unit_twice_and_differently_is_refused(
    shared_service: RunningService, names: str
) -> None:
    reply = shared_service.ask(f'{{"product": "{PRODUCT}", {names}}}'.encode())
    assert reply.status == 422
    assert "more than once, with different values" in reply.body["error"]
    assert shared_service.get("/units/SN-D1").status == shared_service.get("/units/SN-D2").status == 404


def test_a_key_that_is_repeated_without_another_meaning_does_no_harm(shared_service: RunningService) -> None:
    first = shared_service.claim("SN-D3")
    for rest in ('"serial": "SN-D3", "serial": "SN-D3"', '"serial": "SN-D3", "name": 1, "name": 2'):
        reply = shared_service.ask(f'{{"product": "{PRODUCT}", {rest}}}'.encode())
        assert (reply.status, reply.body["id"]) == (200, first)


def test_a_confirmation_that_says_two_ids_is_refused(shared_service: RunningService) -> None:
    claim_id = shared_service.claim("SN-D4")
    for more in ('"id": "JT08FFQXWQ"', '"state": "written", "state": "verified"'):
        body = f'{{"product": "{PRODUCT}", "serial": "SN-D4", "id": "{claim_id}", {more}}}'
        assert shared_service.confirm(body.encode()).status == 422
    assert shared_service.get("/units/SN-D4").body["claims"][0]["state"] == "allocated"


@pytest.mark.parametrize("name", ["serial", "mac"])
def test_a_mac_names_one_unit_in_whatever_notation_and_under_either_key(
    shared_service: RunningService, name: str
) -> None:
    first = shared_service.ask({"product": PRODUCT, "serial": "00:1b:21:aa:00:01"}).body
    for written in ("00:1B:21:AA:00:01", "00-1b-21-aa-00-01", "001B.21AA.0001", "001b21aa0001", "0:1b:21:aa:0:1"):
        assert shared_service.ask({"product": PRODUCT, name: written}).body == first
    assert shared_service.get("/units/001b21-aa0001").body["claims"][0]["serial"] == "00:1b:21:aa:00:01"


def test_a_serial_of_twelve_digits_is_no_mac(shared_service: RunningService) -> None:
    counted = shared_service.ask({"product": PRODUCT, "serial": "001122334466"}).body
    assert shared_service.ask({"product": PRODUCT, "mac": "00:11:22:33:44:66"}).body != counted
    assert shared_service.get("/units/001122334466").body["claims"][0]["serial"] == "001122334466"


def test_the_mac_names_a_unit_whose_serial_is_that_of_every_board(shared_service: RunningService) -> None:
    first = shared_service.ask({"product": PRODUCT, "mac": "00:1b:21:3a:41:01"}).body
    assert shared_service.ask({"product": PRODUCT, "serial": "Default string", "mac": "001b213a4101"}).body == first


def test_a_serial_that_comes_with_another_mac_is_a_conflict_that_names_both(shared_service: RunningService) -> None:
    one, other = "00:1b:21:3a:42:01", "00:1b:21:3a:42:02"
    first = shared_service.ask({"product": PRODUCT, "serial": "SN-M1", "mac": one})

    reply = shared_service.ask({"product": PRODUCT, "serial": "SN-M1", "mac": other.upper()})

    assert reply.status == 409
    assert one in reply.body["error"] and other in reply.body["error"]
    confirmed = {"product": PRODUCT, "serial": "SN-M1", "mac": other, "id": first.body["id"]}
    assert shared_service.confirm(confirmed).status == 409
    # Nothing is said against a body that says less, or the same in another notation.
    for same in ({}, {"mac": one.replace(":", "")}, {"mac": "ff:ff:ff:ff:ff:ff"}):
        assert shared_service.ask({"product": PRODUCT, "serial": "SN-M1", **same}).body == first.body


def test_a_mac_that_comes_with_another_serial_is_a_conflict_that_names_both(shared_service: RunningService) -> None:
    mac = "00:1b:21:3a:45:01"
    first = shared_service.ask({"product": PRODUCT, "serial": "SN-M2", "mac": mac})
    assert first.status == 200
    for names in ({"serial": "SN-M3", "mac": "001b.213a.4501"}, {"mac": mac.upper()}):
        reply = shared_service.ask({"product": PRODUCT, **names})
        assert (reply.status, reply.body["serial"]) == (409, "SN-M2")
        assert mac in reply.body["error"] and f"'{names.get('serial', mac)}'" in reply.body["error"]
        assert first.body["id"] not in reply.body["error"]
    assert shared_service.get("/units/SN-M3").status == 404
    # A placeholder is no board's own.
    for serial in ("SN-M4", "SN-M5"):
        assert shared_service.ask({"product": PRODUCT, "serial": serial, "mac": "02:00:00:00:00:00"}).status == 200


def test_of_64_serials_that_come_with_one_mac_at_once_one_is_served(shared_service: RunningService) -> None:
    bodies = [{"product": PRODUCT, "serial": f"SN-MX{number}", "mac": "00:1b:21:3a:46:01"} for number in range(64)]
    with ThreadPoolExecutor(64) as pool:
        statuses = [reply.status for reply in pool.map(shared_service.ask, bodies)]
    assert sorted(statuses) == [200] + [409] * 63


def test_the_operator_names_what_a_jig_says_in_place_of_its_units(service_with: ServiceMaker) -> None:
    service = service_with(shared_hardware=["001b.213a.4300", "EVAL_BOARD"])
    assert service.ask({"product": PRODUCT, "serial": "eval-board"}).status == 422
    jig = {"product": PRODUCT, "mac": "00:1b:21:3a:43:00"}
    assert [service.ask({**jig, "serial": serial}).status for serial in ("SN-J5", "SN-J6")] == [200, 200]
    assert service.ask({**jig, "serial": "SN-1"}).body != service.ask({**jig, "serial": "SN-2"}).body


def test_the_operator_chooses_what_names_a_unit(service_with: ServiceMaker) -> None:
    service = service_with(unit=["imei"])
    first = service.claim("SN-1", imei="490154203237518")
    assert service.claim("SN-2", imei=490154203237518) == first


def test_a_body_that_names_no_unit_is_refused_with_a_reason(shared_service: RunningService) -> None:
    reply = shared_service.ask({"product": PRODUCT})
    assert reply.status == 422
    assert "no serial nor mac" in reply.body["error"]


def test_a_body_that_names_no_unit_draws_a_fresh_id_where_the_operator_wants_that(service_with: ServiceMaker) -> None:
    service = service_with(without_unit="fresh")
    ids = [service.ask({"product": PRODUCT}).body["id"] for _ in range(2)]
    assert len(set(ids)) == 2


def test_the_path_is_the_operators_choice(service_with: ServiceMaker) -> None:
    service = service_with(path="/line/7")
    assert service.ask({"product": PRODUCT, "serial": "SN-1"}, path="/line/7").status == 200
    assert service.ask({"product": PRODUCT, "serial": "SN-1"}).status == 404


def test_the_ids_outlive_a_restart(service: RunningService) -> None:
    claim_id = service.claim("SN-1")
    service.stop()
    service.start()
    assert service.claim("SN-1") == claim_id


# --- who may ask ---


@pytest.mark.parametrize("path", [f"{PATH}/{SECRET}", f"{PATH}/{SECRET}/", f"{PATH}?key={SECRET}"])
def test_a_secret_in_the_url_lets_an_agent_in(service_with: ServiceMaker, path: str) -> None:
    service = service_with(agent_secrets=[hashed("another-secret-of-24-characters"), hashed(SECRET)])
    assert service.ask({"product": PRODUCT, "serial": "SN-1"}, path=path).status == 200


@pytest.mark.parametrize("path", [PATH, f"{PATH}/", f"{PATH}/{SECRET}x", f"{PATH}?key=", f"{PATH}/{SECRET[:-1]}?a=b"])
def test_without_the_secret_nobody_gets_an_id(service_with: ServiceMaker, path: str) -> None:
    service = service_with(agent_secrets=[hashed(SECRET)])
    assert service.ask({"product": PRODUCT, "serial": "SN-1"}, path=path).status == 403
    assert service.counter("ioto_service_requests_total", kind="issue", outcome="secret") == 1
    assert SECRET[:-1] not in service.log_text
    assert "refused 127.0.0.1 with 403 (secret)" in service.log_text


def test_a_token_lets_a_controller_in_and_a_wrong_one_does_not(service_with: ServiceMaker) -> None:
    service = service_with(agent_secrets=[hashed(SECRET)], controller_tokens=[hashed(TOKEN)])
    unit = {"product": PRODUCT, "serial": "SN-1"}
    assert service.ask(unit, headers=bearer(TOKEN)).status == 200
    refused = service.ask(unit, headers=bearer(f"{TOKEN}x"))
    assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")


def test_products_that_are_not_on_the_list_are_refused(service_with: ServiceMaker) -> None:
    service = service_with(products=[PRODUCT])
    assert service.ask({"product": PRODUCT, "serial": "SN-1"}).status == 200
    assert service.ask({"product": OTHER_PRODUCT, "serial": "SN-1"}).status == 403


def test_serials_that_are_not_in_the_production_order_are_refused(service_with: ServiceMaker, tmp_path: Path) -> None:
    order = tmp_path / "order.csv"
    with order.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["serial", "product"], ["SN-1", PRODUCT], ["SN-2", PRODUCT]])
    service = service_with(production_orders=[str(order)])
    assert service.ask({"product": PRODUCT, "serial": "SN-1"}).status == 200
    refused = service.ask({"product": PRODUCT, "serial": "SN-3"})
    assert refused.status == 403
    assert "SN-3 is in no production order" in refused.body["error"]


def test_a_production_order_is_read_as_a_spreadsheet_saves_it(service_with: ServiceMaker, tmp_path: Path) -> None:
    order = tmp_path / "order.csv"
    order.write_bytes(f"\ufeffserial;product\r\nSN-1;{PRODUCT}\r\n".encode())
    service = service_with(production_orders=[str(order)])
    assert service.ask({"product": PRODUCT, "serial": "SN-1"}).status == 200
    assert service.ask({"product": PRODUCT, "serial": "SN-3"}).status == 403


def test_another_network_is_refused(service_with: ServiceMaker) -> None:
    service = service_with(networks=["192.0.2.0/24"])
    assert service.ask({"product": PRODUCT, "serial": "SN-1"}).status == 403
    assert service.get("/").status == 403


def test_who_asks_too_often_is_told_when_to_ask_again(service_with: ServiceMaker) -> None:
    service = service_with(rate=0.01)
    statuses = [service.ask({"product": PRODUCT, "serial": "SN-1"}).status for _ in range(3)]
    assert statuses == [200, 429, 429]
    assert int(service.ask({"product": PRODUCT, "serial": "SN-1"}).headers["retry-after"]) >= 1


# --- confirm ---


def test_a_confirmed_id_is_verified_in_the_ledger_and_twice_is_as_once(shared_service: RunningService) -> None:
    unit = {"product": PRODUCT, "serial": "SN-I1", "id": shared_service.claim("SN-I1")}
    for _ in range(2):
        reply = shared_service.confirm(unit)
        assert (reply.status, reply.body["state"]) == (200, "verified")
    assert shared_service.get("/units/SN-I1").body["claims"][0]["state"] == "verified"


def test_a_confirmation_for_another_units_id_names_that_unit(shared_service: RunningService) -> None:
    claim_id = shared_service.claim("SN-J1")
    shared_service.claim("SN-J2")
    reply = shared_service.confirm({"product": PRODUCT, "serial": "SN-J3", "id": claim_id})
    assert (reply.status, reply.body["serial"]) == (409, "SN-J1")
    reply = shared_service.confirm({"product": PRODUCT, "serial": "SN-J2", "id": claim_id})
    assert reply.status == 409
    assert claim_id.encode() not in reply.data


def test_a_confirmation_of_an_id_that_was_never_issued_changes_nothing(shared_service: RunningService) -> None:
    reply = shared_service.confirm({"product": PRODUCT, "serial": "SN-K1", "id": claim_ids.generate()})
    assert reply.status == 404
    assert shared_service.get("/units/SN-K1").status == 404


# --- reading, and keeping IDs to oneself ---


def test_a_claim_id_that_somebody_takes_for_a_serial_is_not_logged(shared_service: RunningService) -> None:
    claim_id = shared_service.claim("SN-K2")
    refused = shared_service.get(f"/units/{claim_id}")
    assert refused.status == 404
    assert refused.body["error"] == f"The ledger does not know the serial ********{claim_id[-2:]}."
    assert claim_id not in shared_service.log_text


def test_claims_and_units_are_masked_until_asked_for(shared_service: RunningService) -> None:
    claim_id = shared_service.claim("SN 1/ä")
    for path in ("/units/SN%201/%C3%A4", f"/claims/{claim_id}", "/station/line", "/metrics", "/openapi.json"):
        reply = shared_service.get(path)
        assert reply.status == 200, path
        assert claim_id.encode() not in reply.data, path
    shown = shared_service.get("/units/SN%201/%C3%A4?reveal=true", **bearer(shared_service.token))
    assert shown.body["claims"][0]["claim_id"] == claim_id
    assert claim_id not in shared_service.log_text


def test_the_station_finds_a_unit_by_its_claim_id_as_it_is_typed(shared_service: RunningService) -> None:
    claim_id = shared_service.claim("SN-M1")
    found = shared_service.ask({"text": f" {claim_id.lower()} "}, path="/station/search").body["claims"]
    assert [claim["serial"] for claim in found] == ["SN-M1"]


def test_the_line_shows_issued_passed_and_failed_units(service: RunningService) -> None:
    verified, issued = service.claim("SN-1"), service.claim("SN-2")
    service.confirm({"product": PRODUCT, "serial": "SN-1", "id": verified})
    service.confirm({"product": PRODUCT, "serial": "SN-3", "id": issued})
    line = service.get("/station/line").body
    verdicts = {unit["serial"]: unit["verdict"] for unit in line["units"]}
    assert verdicts == {"SN-1": "pass", "SN-2": "issued", "SN-3": "fail"}
    assert line["today"] == {"issued": 2, "passed": 1, "failed": 1}


def test_the_line_shows_a_unit_that_asks_again_and_one_that_is_recorded_elsewhere(
    service: RunningService, tmp_path: Path
) -> None:
    service.claim("SN-1")
    service.claim("SN-2")
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.allocate(AllocationRequest(PRODUCT, "SN-3", source="generated", context=Context("somebody else")))
    units = [unit["serial"] for unit in service.get("/station/line").body["units"]]
    assert units == ["SN-3", "SN-2", "SN-1"]


def test_health_says_whether_the_ledger_can_be_used(service_with: ServiceMaker, tmp_path: Path) -> None:
    (tmp_path / "closed").write_text("no ledger", encoding="utf-8")
    assert service_with().get("/healthz").body == {"status": "ok"}
    broken = service_with(tmp_path / "closed")
    assert broken.get("/healthz").status == 503
    reply = broken.ask({"product": PRODUCT, "serial": "SN-1"})
    assert (reply.status, reply.headers["retry-after"]) == (503, "2")


# --- garbage ---

HOSTILE = {
    "nothing": b"",
    "text": b"hello",
    "not UTF-8": b'{"product":"\xff\xfe"}',
    "deep": b"[" * 15_000,
    "deep object": b'{"a":' * 3_000,
    "huge number": b'{"product":' + b"9" * 15_000 + b"}",
    "huge exponent": b'{"product":"' + PRODUCT.encode() + b'","serial":1e999999}',
    "NaN": b'{"product":"' + PRODUCT.encode() + b'","serial":NaN}',
    "array": b"[1,2,3]",
    "null": b"null",
    "product a number": b'{"product":1}',
    "product long": json.dumps({"product": "0" * 9_000, "serial": "x"}).encode(),
    "serial a list": json.dumps({"product": PRODUCT, "serial": ["x"]}).encode(),
    "serial long": json.dumps({"product": PRODUCT, "serial": "x" * 9_000}).encode(),
    "serial with a NUL": json.dumps({"product": PRODUCT, "serial": "a\0b"}).encode(),
    "half a surrogate": b'{"product":"' + PRODUCT.encode() + b'","serial":"\\ud800"}',
    "too large": b" " * 20_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_body_that_makes_no_sense_is_the_clients_fault(shared_service: RunningService, body: bytes) -> None:
    for method in ("POST", "PUT"):
        reply = shared_service.ask(body, method=method, headers=bearer(shared_service.token))
        assert 400 <= reply.status < 500
        assert reply.body["error"].endswith(".")
    assert shared_service.claim("SN-N1")


def test_an_unknown_method_or_place_is_refused(shared_service: RunningService) -> None:
    assert shared_service.ask(method="DELETE").status == 405
    assert shared_service.get("/nowhere").status == 404
    assert shared_service.get("/claims/xx").status == 422


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01", b"GET\r\n\r\n", b"POST * HTTP/9.9\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"],
)
def test_what_is_no_http_is_answered_with_400(shared_service: RunningService, garbage: bytes) -> None:
    with shared_service.connect() as connection:
        connection.sendall(garbage)
        assert connection.recv(4096).startswith(b"HTTP/1.1 400")
    assert shared_service.claim("SN-P1")


def test_slow_senders_are_sent_away_and_hold_up_nobody(service_with: ServiceMaker) -> None:
    service = service_with(receive_seconds=1)
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n".encode()
    started = [b"", b"POST", head, head + b"\r\n{"]
    senders = [service.connect() for _ in range(100)]
    for number, sender in enumerate(senders):
        sender.sendall(started[number % len(started)])
    assert service.claim("SN-1")
    for sender in senders:
        with sender:
            assert sender.recv(4096).startswith(b"HTTP/1.1 408")
            assert sender.recv(4096) == b""


def test_headers_without_end_are_cut_off(shared_service: RunningService) -> None:
    with shared_service.connect() as connection:
        received = b""
        try:
            connection.sendall(f"POST {PATH} HTTP/1.1\r\n".encode())
            for number in range(2_000):
                connection.sendall(f"X-{number}: {'a' * 1_000}\r\n".encode())
            received = connection.recv(4096)
        except (BrokenPipeError, ConnectionResetError):
            return
    assert received.startswith(b"HTTP/1.1 431")


def test_more_connections_than_one_address_may_have_are_sent_away(service_with: ServiceMaker) -> None:
    service = service_with(max_connections_per_address=3)
    held = [service.connect() for _ in range(3)]
    with service.connect() as fourth:
        assert fourth.recv(4096).startswith(b"HTTP/1.1 429")
    for connection in held:
        connection.close()


# --- the controller's client ---

UNIT = {"product": PRODUCT, "serial": "SN-client"}


def test_the_controllers_client_asks_and_confirms(shared_service: RunningService) -> None:
    client = FactoryService(shared_service.url, token=shared_service.token)
    claim_id = client.claim_id(UNIT)
    for _ in range(2):
        assert client.confirm({**UNIT, "id": claim_id}) is None
    assert shared_service.get("/units/SN-client").body["claims"][0]["state"] == "verified"


OPTIONS = {"service_timeout": 30.0, "service_retries": 0, "service_ca_file": None, "service_confirms": True}


def test_a_run_of_the_services_user_finds_its_token_and_sends_it_to_no_other_machine(
    service_with: ServiceMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    running = service_with(token_file="")
    options = {**OPTIONS, "service_token": None, "service_url": running.url}

    client = FactoryService.from_options(options)
    assert client.confirm({**UNIT, "id": client.claim_id(UNIT)}) is None

    made = (tmp_path / "data/ioto/controller-token").read_text(encoding="ascii").strip()
    for here in ("http://localhost:1/", "https://[::1]:1/", "http://127.0.0.9:1/"):
        assert FactoryService.from_options({**options, "service_url": here}).token == made
    for url in ("http://192.0.2.1:1234/", "http://station.example/", "http://localhost.evil.example/", "http://[::1"):
        assert FactoryService.from_options({**options, "service_url": url}).token is None
    # What is said wins; and a service that takes no confirmation is none of ours.
    assert FactoryService.from_options({**options, "service_token": TOKEN}).token == TOKEN
    assert FactoryService.from_options({**options, "service_confirms": False}).token is None


def test_a_confirmation_without_the_token_is_an_error_that_names_the_option(shared_service: RunningService) -> None:
    client = FactoryService(shared_service.url)
    unit = {**UNIT, "serial": "SN-no-token"}
    with pytest.raises(SourceError, match=r"status 401 \(.*\): set ioto_service_token to the token of that service"):
        client.confirm({**unit, "id": client.claim_id(unit)})
    with pytest.raises(SourceError, match=r"status 401: .*\. Set ioto_service_token to what its file controller-token"):
        FactoryService(shared_service.url, token=TOKEN).claim_id(unit)


def test_a_conflict_at_the_service_is_an_error_that_names_the_holder(shared_service: RunningService) -> None:
    client = FactoryService(shared_service.url, token=shared_service.token)
    claim_id = client.claim_id({**UNIT, "serial": "SN-holder"})
    with pytest.raises(SourceError, match="SN-holder"):
        client.confirm({**UNIT, "serial": "SN-thief", "id": claim_id})


def test_an_id_that_the_service_did_not_issue_is_an_error_each_time(shared_service: RunningService) -> None:
    client = FactoryService(shared_service.url, token=shared_service.token)
    for _ in range(2):
        with pytest.raises(SourceError, match="does not know the claim ID"):
            client.confirm({**UNIT, "serial": "SN-elsewhere", "id": "JT08FFQXWQ"})


def test_a_service_that_cannot_confirm_is_left_in_peace_once_that_is_said() -> None:
    with FactoryEndpoint() as sample:
        assert FactoryService(sample.url, confirms=False).confirmed_at is None
        with pytest.raises(SourceError, match="ioto_service_confirms: false"):
            FactoryService(sample.url).confirm({**UNIT, "id": "JT08FFQXWQ"})


def test_a_confirmation_that_does_not_arrive_is_a_note_and_the_next_run_makes_up_for_it(
    service_with: ServiceMaker, tmp_path: Path
) -> None:
    device = ShellDevice(tmp_path / "device")
    (device.root / "etc/ioto").mkdir(parents=True)
    running = service_with()
    source = FactoryService(running.url, retries=0, token=running.token)
    request = Request(source=source, product=PRODUCT, serial="SN-1", config_dir=str(device.root / "etc/ioto"))

    class Deaf(FactoryService):
        """A service that ends between its answer and the confirmation."""

        def claim_id(self, body: Mapping[str, object]) -> str | None:
            claim_id = super().claim_id(body)
            running.stop()
            return claim_id

    with Ledger(tmp_path / "controller.db") as ledger:
        deaf = dataclasses.replace(request, source=Deaf(running.url, retries=0, token=running.token))
        first = serialize(device, deaf, ledger, Context("test"))
        assert first.state == "verified"
        assert "the service does not know that yet" in (first.note or "")
        running.start()
        assert running.get("/units/SN-1").body["claims"][0]["state"] == "allocated"
        assert serialize(device, request, ledger, Context("test")).note is None
        assert running.get("/units/SN-1").body["claims"][0]["state"] == "verified"
        running.stop()
        # Said once is enough: a unit that is done needs no service.
        assert serialize(device, request, ledger, Context("test")).note is None
