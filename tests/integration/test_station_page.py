# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The station page as somebody at the line uses it in a browser, and as a page of somebody else tries to."""

from __future__ import annotations

import http.server
import json
import random
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.services.factory_service import OTHER_PRODUCT, PATH, PRODUCT, RunningService
from tests.services.factory_service_fixture import ServiceMaker, service, service_with
from tests.support.browser import CONTRASTS, LEAST_CONTRAST, Browser

__all__ = ["service", "service_with"]

EVIL = "evil.example"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "browser", **{EVIL: "127.0.0.1"}) as started:
        started.resize(1280, 800)
        yield started


def url(service: RunningService, host: str = "127.0.0.1") -> str:
    return f"http://{host}:{service.port}/"


def verified(service: RunningService, serial: str) -> str:
    claim_id = service.claim(serial)
    assert service.confirm({"product": PRODUCT, "serial": serial, "id": claim_id}).status == 200
    return claim_id


# --- the line ---


def test_the_last_unit_is_shown_and_its_name_is_text(service: RunningService, browser: Browser) -> None:
    name = f"<b>SN-{random.randrange(10**6)}</b>"
    claim_id = verified(service, name)
    browser.open(url(service))
    browser.wait_for("document.body.dataset.verdict === 'pass'")
    assert (browser.text("#word"), browser.text("#unit")) == ("PASS", name)
    assert browser.text("#passed") == "1"
    assert claim_id not in browser.run("document.documentElement.outerHTML")
    assert f"********{claim_id[-2:]}" in browser.text("#units")


def test_the_page_follows_the_line(service: RunningService, browser: Browser) -> None:
    browser.open(url(service))
    browser.wait_for("document.getElementById('word').textContent === 'READY'")
    claim_id = service.claim("SN-1")
    browser.wait_for("document.getElementById('word').textContent === 'ISSUED'")
    service.confirm({"product": PRODUCT, "serial": "SN-1", "id": claim_id})
    browser.wait_for("document.getElementById('word').textContent === 'PASS'")
    service.confirm({"product": PRODUCT, "serial": "SN-2", "id": claim_id})
    browser.wait_for("document.getElementById('word').textContent === 'FAIL'")
    assert browser.text("#unit") == "SN-2"


def test_what_has_not_changed_is_left_alone(service: RunningService, browser: Browser) -> None:
    """Somebody may have marked a serial, or be shown a reason whole, and a screen reader reads out what changes."""
    verified(service, "SN-1")
    verified(service, "SN-2")
    browser.open(url(service))
    browser.wait_for("document.querySelectorAll('#units li').length === 2")
    browser.run("getSelection().selectAllChildren(document.querySelector('#units .name'))")
    browser.run(
        """(() => {
             window.changes = 0;
             const count = (list) => (changes += list.length);
             for (const id of ["verdict", "units"])
               new MutationObserver(count).observe(at(id), { subtree: true, childList: true, characterData: true });
           })()"""
    )
    for _again in range(2):
        browser.run("window.before = at('clock').textContent")
        browser.wait_for("at('clock').textContent !== before")
    assert browser.run("changes") == 0
    assert browser.run("String(getSelection())") == "SN-2"
    verified(service, "SN-3")
    browser.wait_for("document.querySelector('#units .name').textContent === 'SN-3'")


def test_a_service_that_is_lost_is_told_and_its_return_too(service: RunningService, browser: Browser) -> None:
    verified(service, "SN-1")
    browser.open(url(service))
    browser.wait_for("document.body.dataset.verdict === 'pass'")
    service.kill()
    browser.wait_for("document.body.dataset.verdict === 'lost'")
    assert browser.text("#word") == "NO SERVICE"
    assert "Stop, and see to the service" in browser.text("#verdict")
    assert "last heard of at" in browser.text("#when")
    browser.write("#wanted", "SN-1")
    browser.wait_for("document.getElementById('trouble').textContent === 'The service does not answer.'")
    service.start()
    browser.wait_for("document.body.dataset.verdict === 'pass'")


def test_what_the_settings_leave_open_is_shown(service_with: ServiceMaker, browser: Browser) -> None:
    browser.open(url(service_with()))
    browser.wait_for("document.body.dataset.verdict === 'idle'")
    assert not browser.is_shown("#warnings")
    browser.open(url(service_with(networks=["127.0.0.0/8", "192.168.7.0/24"])))
    browser.wait_for("document.querySelectorAll('#warnings li').length === 2")
    assert "Anybody in 192.168.7.0/24 can draw the claim ID" in browser.text("#warnings")
    assert browser.is_shown("#warnings")


def test_times_are_those_of_whoever_looks_with_their_offset(service: RunningService, browser: Browser) -> None:
    verified(service, "SN-1")
    for zone, offset in (("Asia/Kolkata", "+05:30"), ("America/Phoenix", "-07:00"), ("Asia/Tokyo", "+09:00")):
        browser.call("Emulation.setTimezoneOverride", timezoneId=zone)
        browser.open(url(service))
        browser.wait_for("document.body.dataset.verdict === 'pass'")
        assert offset in browser.text("#when") and browser.text("#clock").endswith(f" {offset}")
        at = datetime.fromisoformat(browser.run("document.querySelector('#units time').dateTime"))
        shown = browser.run("document.querySelector('#units time').title").replace(" +", "+").replace(" -", "-")
        assert datetime.fromisoformat(shown) == at.replace(microsecond=0)


# --- search, masked and revealed ---


def test_a_unit_is_found_by_serial_and_claim_id_and_masked(service: RunningService, browser: Browser) -> None:
    claim_id = service.claim("SN-1")
    service.claim("SN-2")
    browser.open(url(service))
    browser.wait_for("document.querySelectorAll('#units li').length === 2")
    for wanted in ("SN-1", f" {claim_id.lower()} "):
        browser.write("#wanted", wanted)
        browser.wait_for("document.getElementById('title').textContent === 'Found: 1'")
        assert "SN-1" in browser.text("#units") and "SN-2" not in browser.text("#units")
        assert claim_id not in browser.text("#units")
        browser.run("document.getElementById('title').textContent = ''")
    browser.write("#wanted", "SN-9")
    browser.wait_for("!document.getElementById('nothing').hidden")
    assert browser.text("#nothing") == "Nothing has that serial or claim ID."
    browser.write("#wanted", "")
    browser.wait_for("document.getElementById('title').textContent === 'Last units'")


def test_whole_ids_are_shown_with_the_token_alone_and_hidden_again(service: RunningService, browser: Browser) -> None:
    claim_id = service.claim("SN-1")
    browser.open(url(service))
    browser.write("#wanted", "SN-1")
    browser.wait_for("!document.getElementById('reveal').hidden")
    browser.click("#reveal")
    browser.wait_for("!document.getElementById('token-form').hidden")
    assert "needs a controller's token" in browser.text("#trouble")
    browser.write("#token", "a-token-that-nobody-made-at-all")
    browser.wait_for("document.getElementById('trouble').textContent.includes('not known here')")
    assert claim_id not in browser.text()

    browser.write("#token", service.token)
    browser.wait_for(f"document.getElementById('units').textContent.includes('{claim_id}')")
    assert not browser.is_shown("#token-form") and browser.text("#trouble") == ""
    assert browser.text("#reveal") == "Hide IDs"
    browser.click("#reveal")
    browser.wait_for("document.getElementById('reveal').textContent === 'Show IDs'")
    assert claim_id not in browser.text()

    # The token is remembered until the page is left, so a click is enough; and nobody has to hide them.
    browser.click("#reveal")
    browser.wait_for(f"document.getElementById('units').textContent.includes('{claim_id}')")
    browser.wait_for(f"!document.getElementById('units').textContent.includes('{claim_id}')")
    browser.open(url(service))
    assert service.token not in browser.run("JSON.stringify([localStorage, sessionStorage, document.cookie])")


def test_an_answer_that_another_search_has_overtaken_is_not_shown(service: RunningService, browser: Browser) -> None:
    service.claim("SN-1")
    service.claim("SN-2")
    browser.open(url(service))
    browser.wait_for("document.querySelectorAll('#units li').length === 2")
    browser.run(
        """(() => {
             const real = window.fetch;
             window.fetch = async (address, options) => {
               const reply = await real(address, options);
               if (options.body?.includes("SN-1")) await new Promise((go) => { window.letItCome = go; });
               return reply;
             };
             const read = Response.prototype.json;
             Response.prototype.json = async function () {
               const body = await read.call(this);
               if (body.claims?.[0].serial === "SN-1") setTimeout(() => { window.hasCome = true; });
               return body;
             };
           })()"""
    )
    browser.write("#wanted", "SN-1")
    browser.wait_for("window.letItCome !== undefined")
    browser.write("#wanted", "SN-2")
    browser.wait_for("document.getElementById('title').textContent === 'Found: 1'")
    browser.run("letItCome()")
    browser.wait_for("window.hasCome === true")
    assert browser.text("#units .name") == "SN-2"


def reveal(service: RunningService, browser: Browser) -> str:
    """Have the page show the whole ID of a unit to somebody with the token; return it."""
    claim_id = service.claim("SN-1")
    browser.open(service.token_file.with_name("controller-token.html").as_uri())
    browser.wait_for("location.port && document.querySelectorAll('#units li').length === 1")
    browser.write("#wanted", "SN-1")
    browser.wait_for("!document.getElementById('reveal').hidden")
    browser.click("#reveal")
    browser.wait_for(f"document.getElementById('units').textContent.includes('{claim_id}')")
    return claim_id


def test_a_page_that_somebody_goes_back_to_has_forgotten_the_token(service: RunningService, browser: Browser) -> None:
    claim_id = reveal(service, browser)
    # As a browser does that keeps the page as it is; one without a window keeps none.
    browser.run("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    assert claim_id not in browser.text()
    browser.click("#reveal")
    browser.wait_for("!document.getElementById('token-form').hidden")
    assert claim_id not in browser.text()


def test_whole_ids_are_hidden_also_when_the_service_is_gone(service: RunningService, browser: Browser) -> None:
    claim_id = reveal(service, browser)
    service.kill()
    browser.wait_for("document.body.dataset.verdict === 'lost'")
    browser.click("#reveal")
    browser.wait_for(f"!document.getElementById('units').textContent.includes('{claim_id}')")


def test_the_file_of_the_services_user_opens_the_page_with_the_token(service: RunningService, browser: Browser) -> None:
    claim_id = service.claim("SN-1")
    browser.open(service.token_file.with_name("controller-token.html").as_uri())
    browser.wait_for("location.port && document.querySelectorAll('#units li').length === 1")
    assert browser.run("location.href") == url(service), "the token must not stay where others see it"
    browser.write("#wanted", "SN-1")
    browser.wait_for("!document.getElementById('reveal').hidden")
    browser.click("#reveal")
    browser.wait_for(f"document.getElementById('units').textContent.includes('{claim_id}')")


# --- narrow, light and dark ---


def test_a_telephone_shows_all_of_its_width(service: RunningService, browser: Browser) -> None:
    verified(service, "SN-1")
    browser.resize(320, 568)
    browser.open(url(service))
    browser.wait_for("document.querySelectorAll('#units li').length === 1")
    for verdict in ("pass", "retired", "lost"):
        browser.run(f"sign('{verdict}', 'SN-1', '', '')")
        beyond = (
            "[...document.querySelectorAll('body *')].filter((part) => part.getBoundingClientRect().right > innerWidth)"
        )
        assert browser.run(f"{beyond}.map((part) => part.id || part.className)") == []


@pytest.mark.parametrize("width", [1280, 480])
def test_everything_can_be_read_in_light_and_dark(service_with: ServiceMaker, browser: Browser, width: int) -> None:
    service = service_with(networks=["127.0.0.0/8", "192.168.7.0/24"], products=[PRODUCT])
    claim_id = verified(service, "SN-1")
    service.claim("SN-2")
    service.confirm({"product": PRODUCT, "serial": "SN-3", "id": claim_id})
    service.ask({"product": OTHER_PRODUCT, "serial": "SN-4"})
    browser.resize(width, 900)
    grounds = set()
    for scheme in ("light", "dark"):
        browser.prefer(scheme)
        browser.open(url(service))
        browser.wait_for("document.querySelectorAll('#units li').length === 4")
        browser.write("#wanted", "SN-1")
        browser.wait_for("!document.getElementById('reveal').hidden")
        browser.click("#reveal")
        browser.wait_for("!document.getElementById('token-form').hidden")
        contrasts = browser.run(CONTRASTS)
        assert len(contrasts) > 15
        assert {name: found for name, found in contrasts.items() if found < LEAST_CONTRAST} == {}
        assert browser.run("document.documentElement.scrollWidth <= innerWidth"), "nothing lies beside the window"
        grounds.add(browser.run("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


# --- a page of somebody else ---

TRY = """(async () => {
  const told = [];
  for (const [method, path, body] of %s) {
    const reply = await fetch(path, {method, body: body === null ? undefined : JSON.stringify(body)});
    told.push([reply.status, await reply.text()]);
  }
  return told;
})()"""


def tries(serial: str, claim_id: str) -> list[tuple[str, str, object]]:
    """Return what a page would like to ask: method, path and body."""
    unit = {"product": PRODUCT, "serial": serial}
    return [
        ("GET", "/station/line", None),
        ("GET", "/openapi.json", None),
        ("GET", f"/units/{serial}?reveal=true", None),
        ("GET", f"/claims/{claim_id}?reveal=true", None),
        ("POST", "/station/search", {"text": serial, "reveal": True}),
        ("POST", PATH, unit),
        ("PUT", PATH, {**unit, "id": claim_id}),
    ]


def test_a_page_whose_name_was_made_to_point_at_this_machine_is_told_nothing(
    service: RunningService, browser: Browser
) -> None:
    claim_id = service.claim("SN-1")
    wanted = tries("SN-1", claim_id)
    # The same page at the service's own address shows that the browser would let it.
    browser.open(url(service))
    assert [status for status, _text in browser.run(TRY % json.dumps(wanted))] == [200, 200, 401, 401, 401, 200, 401]

    browser.open(url(service, EVIL))
    assert browser.run("location.origin") == f"http://{EVIL}:{service.port}"
    for status, text in browser.run(TRY % json.dumps(wanted)):
        assert status == 421
        assert claim_id not in text and "SN-1" not in text
    assert service.get("/units/SN-1").body["claims"][0]["state"] == "allocated"


def test_a_page_of_another_site_draws_no_id(service: RunningService, browser: Browser) -> None:
    """A browser sends a simple POST of any page, and keeps the answer from it: what it asks for must not happen."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as evil:
        threading.Thread(target=evil.serve_forever, daemon=True).start()
        browser.open(f"http://{EVIL}:{evil.server_port}/")
        body = json.dumps({"product": PRODUCT, "serial": "SN-1"})
        asked = f"fetch('{url(service)[:-1]}{PATH}', {{method: 'POST', mode: 'no-cors', body: {json.dumps(body)}}})"
        assert browser.run(f"{asked}.then((reply) => reply.type)") == "opaque"
        evil.shutdown()
    assert service.counter("ioto_service_requests_total", kind="issue", outcome="origin") == 1
    assert service.get("/units/SN-1").status == 404
