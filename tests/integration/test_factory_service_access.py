# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets into the factory service: by which name, through which proxy, with which token, and for how long."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.service.proxies import FORWARDING_HEADERS
from tests.services.factory_service import PATH, PRODUCT, ROOT, Reply, RunningService, bearer
from tests.services.factory_service_fixture import ServiceMaker, service, service_with, shared_service

__all__ = ["service", "service_with", "shared_service"]

SECRET = "a-secret-of-more-than-24-characters"
TOKEN = "a-token-of-a-controller-in-full"
PAGE_FILES = ("/", "/station.css", "/station.js", "/line", "/line.css", "/line.js")


def hashed(secret: str) -> str:
    return "sha256:" + hashlib.sha256(secret.encode()).hexdigest()


def every_route(service: RunningService) -> list[tuple[str, str]]:
    """Return method and path of all that the service answers."""
    described = service.get("/openapi.json").body["paths"]
    routes = [(method.upper(), path) for path, methods in described.items() for method in methods]
    filled = [(method, path.replace("{claim_id}", "JT08FFQXWQ").replace("{unit}", "SN-1")) for method, path in routes]
    return [*filled, *(("GET", path) for path in PAGE_FILES), ("GET", "/nowhere"), ("DELETE", PATH)]


def said(service: RunningService, request: str) -> bytes:
    """Return all that is answered to the lines of a request, until the connection ends or a second has passed."""
    with service.connect() as connection:
        connection.sendall(request.replace("\n", "\r\n").encode())
        return connection.recv(65536)


# --- by which name ---


def test_another_name_is_refused_on_every_route_and_nothing_is_told(shared_service: RunningService) -> None:
    claim_id = shared_service.claim("SN-K77")
    routes = every_route(shared_service)
    assert len(routes) > 10
    for method, path in routes:
        for host in ("evil.example", f"evil.example:{shared_service.port}", "127.0.0.1.evil.example"):
            unit = {"product": PRODUCT, "serial": "SN-K77"}
            headers = {"Host": host, "Origin": f"http://{host}", **bearer(shared_service.token)}
            reply = shared_service.ask(unit, method=method, path=path, headers=headers)
            assert reply.status == 421, (method, path)
            assert "server_names" in reply.body["error"]
            assert claim_id.encode() not in reply.data


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "LOCALHOST.", "[::1]:1234", "192.168.7.1:1234"])
def test_addresses_and_localhost_are_answered(shared_service: RunningService, host: str) -> None:
    unit = {"product": PRODUCT, "serial": "SN-ADDRESS"}
    assert shared_service.ask(unit, headers={"Host": host}).status == 200
    assert shared_service.get("/station/line", Host=host, Origin=f"http://{host}").status == 200


def test_a_name_of_the_station_is_answered_once_it_is_set(service_with: ServiceMaker) -> None:
    unit = {"product": PRODUCT, "serial": "SN-1"}
    service = service_with(server_names=["Station.example", "line-7"])
    for host in ("station.example:1234", "STATION.EXAMPLE.", "line-7"):
        assert service.ask(unit, headers={"Host": host}).status == 200
    assert service.ask(unit, headers={"Host": "other.example"}).status == 421
    assert "answers to an IP address, localhost, line-7, station.example" in service.log_text


def test_a_head_that_was_learned_under_a_good_name_opens_nothing_under_another(shared_service: RunningService) -> None:
    for _ in range(3):
        assert shared_service.claim("SN-LEARNED")
        refused = shared_service.ask({"product": PRODUCT, "serial": "SN-LEARNED"}, headers={"Host": "evil.example"})
        assert refused.status == 421


def test_who_names_two_hosts_or_none_is_refused(shared_service: RunningService) -> None:
    assert said(shared_service, "GET / HTTP/1.1\nHost: localhost\nHost: evil.example\n\n").startswith(b"HTTP/1.1 400")
    assert said(shared_service, "GET / HTTP/1.1\n\n").startswith(b"HTTP/1.1 4")
    # Of no browser, and with no name that could be another's.
    assert said(shared_service, "GET / HTTP/1.0\n\n").startswith(b"HTTP/1.1 200")


def test_a_page_of_another_site_can_neither_ask_nor_read(shared_service: RunningService) -> None:
    unit = {"product": PRODUCT, "serial": "SN-G1"}
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "http://localhost"):
        assert shared_service.ask(unit, headers={"Origin": origin}).status == 403


# --- through which proxy ---


def test_what_an_unknown_proxy_forwards_has_no_right(service_with: ServiceMaker) -> None:
    unit = {"product": PRODUCT, "serial": "SN-1"}
    # Also where another machine's proxy is trusted.
    for running in (service_with(), service_with(trusted_proxies=["192.0.2.7"])):
        for header in sorted(name.decode() for name in FORWARDING_HEADERS):
            headers = {header: "127.0.0.1", **bearer(running.token)}
            for path in ("/", "/station/line", "/units/SN-1?reveal=true"):
                assert running.get(path, **headers).status == 403, (header, path)
            for method in ("POST", "PUT"):
                assert running.ask(unit, method=method, headers=headers).status == 403, (header, method)


def test_an_unknown_proxy_is_not_taken_for_this_machine(shared_service: RunningService) -> None:
    refused = shared_service.ask({"product": PRODUCT, "serial": "SN-H1"}, headers={"X-Forwarded-For": "192.0.2.1"})
    assert refused.status == 403
    assert "trusted_proxies" in refused.body["error"]


def test_a_known_proxy_is_asked_for_whom_it_speaks(service_with: ServiceMaker) -> None:
    service = service_with(trusted_proxies=["127.0.0.1"], networks=["192.0.2.0/24"])
    unit = {"product": PRODUCT, "serial": "SN-1"}
    assert service.ask(unit, headers={"X-Forwarded-For": "192.0.2.1", "Via": "1.1 balancer"}).status == 200
    assert service.ask(unit, headers={"X-Forwarded-For": "198.51.100.1"}).status == 403
    assert service.ask(unit, headers={"X-Forwarded-For": "192.0.2.1, 198.51.100.1"}).status == 403


# --- with which token ---


def refusals_without_token(service: RunningService, path: str = PATH) -> list[int]:
    """Return the statuses of a confirmation and of each way to see a whole ID, asked from this machine."""
    unit: dict[str, object] = {"product": PRODUCT, "serial": "SN-1"}
    claim_id = service.ask(unit, path=path).body["id"]
    replies = [
        service.ask({**unit, "id": claim_id}, path=path, method="PUT"),
        service.get("/units/SN-1?reveal=1"),
        service.get(f"/claims/{claim_id}?reveal=true"),
        service.ask({"text": "SN-1", "reveal": True}, path="/station/search"),
    ]
    assert not [reply for reply in replies if claim_id.encode() in reply.data]
    return [reply.status for reply in replies]


def shown_with(service: RunningService, token: str, path: str = PATH) -> list[Reply]:
    unit: dict[str, object] = {"product": PRODUCT, "serial": "SN-1"}
    claim_id = service.ask(unit, path=path).body["id"]
    replies = [
        service.ask({**unit, "id": claim_id}, path=path, method="PUT", headers=bearer(token)),
        service.get("/units/SN-1?reveal=1", **bearer(token)),
        service.get(f"/claims/{claim_id}?reveal=true", **bearer(token)),
        service.ask({"text": "SN-1", "reveal": True}, path="/station/search", headers=bearer(token)),
    ]
    assert [reply.status for reply in replies] == [200] * 4
    assert all(claim_id.encode() in reply.data for reply in replies[1:])
    return replies


def test_who_is_on_this_machine_confirms_and_sees_nothing_without_the_token(service: RunningService) -> None:
    assert refusals_without_token(service) == [401] * 4
    shown_with(service, service.token)


def test_the_secret_of_an_agent_is_no_controllers_token(service_with: ServiceMaker) -> None:
    service = service_with(agent_secrets=[hashed(SECRET)], controller_tokens=[hashed(TOKEN)])
    path = f"{PATH}/{SECRET}"
    assert refusals_without_token(service, path) == [401] * 4
    shown_with(service, TOKEN, path)
    shown_with(service, service.token, path)
    assert service.get("/units/SN-1?reveal=1", **bearer(SECRET)).status == 401


def test_the_token_is_made_once_and_is_its_users_alone(service: RunningService) -> None:
    token = service.token
    assert len(token) >= 40
    page = service.token_file.with_name("controller-token.html")
    for file in (service.token_file, page):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"http://127.0.0.1:{service.port}/#token={token}" in page.read_text(encoding="utf-8")
    assert page.as_uri() in service.log_text
    service.stop()
    service.start()
    assert service.token == token
    assert token not in service.log_text


def test_services_that_start_at_once_make_one_token(service_with: ServiceMaker, tmp_path: Path) -> None:
    shared = tmp_path / "a folder/of its own/token"
    with ThreadPoolExecutor(4) as pool:
        running = list(pool.map(lambda _: service_with(token_file=str(shared)), range(4)))
    token = shared.read_text(encoding="ascii").strip()
    assert [made.get("/units/SN-1?reveal=1", **bearer(token)).status for made in running] == [404] * 4
    assert [path.name for path in shared.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_token_that_others_may_have_read_is_refused_at_the_start(tmp_path: Path, mode: int) -> None:
    made = RunningService(tmp_path / "ledger.db", tmp_path / "log")
    made.token_file.write_text(f"{TOKEN}\n", encoding="ascii")
    made.token_file.chmod(mode)
    with pytest.raises(RuntimeError, match="can be read by others than its user; remove it, and restart the service"):
        made.start()


def test_a_token_whose_making_was_cut_off_is_made_anew(service_with: ServiceMaker, tmp_path: Path) -> None:
    made = RunningService(tmp_path / "ledger.db", tmp_path / "log")
    made.token_file.touch(mode=0o600)
    with made:
        assert refusals_without_token(made) == [401] * 4
        shown_with(made, made.token)


# --- for how long ---


def test_a_verified_unit_is_given_its_id_no_more_where_that_is_set(service_with: ServiceMaker) -> None:
    service = service_with(reissue="until_verified")
    unit: dict[str, object] = {"product": PRODUCT, "serial": "SN-1"}
    claim_id = service.claim("SN-1")
    assert service.confirm({**unit, "id": claim_id, "state": "written"}).status == 200
    assert service.claim("SN-1") == claim_id
    assert service.confirm({**unit, "id": claim_id}).status == 200
    refused = service.ask(unit)
    assert (refused.status, claim_id.encode() in refused.data) == (403, False)
    assert "SN-1 was verified" in refused.body["error"] and "reissue" in refused.body["error"]
    assert service.ask(unit, headers=bearer(service.token)).body == {"id": claim_id}
    assert service.claim("SN-2")
    assert service.counter("ioto_service_requests_total", kind="issue", outcome="closed") == 1


def test_a_unit_is_given_its_id_no_more_after_the_time_that_is_set(service_with: ServiceMaker, tmp_path: Path) -> None:
    claim_id = service_with(reissue="3600").claim("SN-1")
    assert service_with(tmp_path / "ledger.db", reissue="3600").claim("SN-1") == claim_id
    late = service_with(tmp_path / "ledger.db", reissue="1")
    unit = {"product": PRODUCT, "serial": "SN-1"}
    while (reply := late.ask(unit)).status == 200:
        assert reply.body == {"id": claim_id}
    assert reply.status == 403 and "more than 1 seconds ago" in reply.body["error"]
    assert late.ask(unit, headers=bearer(late.token)).body == {"id": claim_id}


# --- what is left open ---


def check(tmp_path: Path, **settings: str) -> list[str]:
    """Return the lines that `check` prints."""
    environment = {f"IOTO_SERVICE_{name.upper()}": value for name, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "plugins.plugin_utils.service", "check"],
        cwd=ROOT,
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_check_says_by_which_names_the_service_is_called_and_writes_nothing(tmp_path: Path) -> None:
    lines = check(tmp_path, server_names="station.example")
    assert lines == [
        "The settings can be used.",
        "The service answers to an IP address, localhost, station.example; other names are added with server_names.",
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_wider_network_without_secrets_and_tls_is_told_by_check_the_log_and_the_page(
    service_with: ServiceMaker, tmp_path: Path
) -> None:
    networks = ["127.0.0.0/8", "192.168.7.0/24"]
    warnings = [
        "Anybody in 192.168.7.0/24 can draw the claim ID of any unit: set agent_secrets (command new-secret).",
        "Claim IDs, secrets and tokens cross 192.168.7.0/24 in the clear: set certificate and key.",
    ]
    (tmp_path / "check").mkdir()
    assert check(tmp_path / "check", networks=" ".join(networks))[2:] == [f"Warning: {text}" for text in warnings]
    service = service_with(networks=networks)
    assert all(f"WARNING {text}" in service.log_text for text in warnings)
    assert service.get("/station/line").body["warnings"] == warnings
    closed = service_with(networks=networks, agent_secrets=[hashed(SECRET)])
    assert closed.get("/station/line").body["warnings"] == warnings[1:]


def test_a_service_for_this_machine_alone_leaves_nothing_open(service: RunningService) -> None:
    assert service.get("/station/line").body["warnings"] == []
    assert "WARNING" not in service.log_text
