# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the line as somebody with gloves on sees it three metres away, in a real browser."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.factory_service import RunningService
from tests.services.factory_service_fixture import ServiceMaker, service_with
from tests.support.browser import Browser
from tests.support.slots import AT, EVERY_STATE, service_of_a_line, slots, tell

__all__ = ["service_with"]

SCREENS = {"monitor": (1920, 1080), "small monitor": (1280, 800), "tablet": (1024, 768), "tablet upright": (768, 1024)}
PIXEL_MM = {"monitor": 0.277, "small monitor": 0.2153, "tablet": 0.2, "tablet upright": 0.2}
"""A screen of 24 inches, one of 12.8, and tablets of 10.1."""
LEGIBLE = 16 / 60
"""Degrees that a capital letter has to measure to be legible (ISO 9241-303: 16 minutes of arc at least)."""
LETTER = """(() => {
  const sizes = [...document.querySelectorAll('.word')].map((word) => {
    const context = document.createElement('canvas').getContext('2d');
    const style = getComputedStyle(word);
    context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    return context.measureText('H').actualBoundingBoxAscent;
  });
  return Math.min(...sizes);
})()"""
LONG = (
    "The file /etc/ioto/device.json5 cannot be written, since its file system is full: 12 of 12 MiB are taken; make "
    "room on the board by what stands in its folder for logs, and then plug it in again."
)
"""As long as a text of a slot may be."""
CUT_TEXTS = """[...document.querySelectorAll('.tile')].flatMap((tile) => {
  const edge = tile.getBoundingClientRect();
  return [...tile.querySelectorAll('.do, .why, .notice')].filter((text) => {
    const { bottom, right, height } = text.getBoundingClientRect();
    const lines = height / parseFloat(getComputedStyle(text).lineHeight);
    return text.checkVisibility()
      && (bottom > edge.bottom || right > edge.right || Math.abs(lines - Math.round(lines)) > 0.1 || lines < 0.9);
  }).map((text) => `${tile.innerText}: ${text.className}`);
})"""
SILENT_SOUND = """
  window.tones = [];
  window.AudioContext = class {
    state = "suspended";
    currentTime = 0;
    async resume() { this.state = "running"; }
    createGain() { return { gain: {}, connect: (next) => next }; }
    createOscillator() {
      const tone = { frequency: {}, connect: (next) => next, stop() {} };
      tone.start = () => window.tones.push(tone.frequency.value);
      return tone;
    }
  };
"""
"""Stands in for the loudspeaker, and writes down what it would play."""


@pytest.fixture
def line(service_with: ServiceMaker) -> RunningService:
    """A service that is told of a line."""
    return service_of_a_line(service_with)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "browser") as started:
        started.resize(1280, 800)
        yield started


def show(browser: Browser, service: RunningService, query: str = "") -> None:
    browser.open(f"http://127.0.0.1:{service.port}/line{query}")
    browser.wait_for("document.body.dataset.line === 'live'")


def words(browser: Browser) -> list[str]:
    """Return the words of the tiles, in their order."""
    found: list[str] = browser.run("[...document.querySelectorAll('.tile .word')].map((word) => word.textContent)")
    return found


def wait_for_words(browser: Browser, *wanted: str) -> None:
    found = "JSON.stringify([...document.querySelectorAll('.tile .word')].map((word) => word.textContent))"
    browser.wait_for(f"{found} === {json.dumps(json.dumps(wanted, separators=(',', ':')))}")


# What is told of a line here is no heartbeat, but where one has to be missed: a page is slow to open on a machine that
# does other things, and the station would be lost by then.

# --- the states ---


def test_every_state_has_its_word_and_what_belongs_to_it(line: RunningService, browser: Browser) -> None:
    browser.call("Emulation.setTimezoneOverride", timezoneId="Etc/UTC")
    tell(line, slots(*EVERY_STATE), operator="Petra")
    show(browser, line)
    assert words(browser) == ["EMPTY", "WORKING", "PASS", "FAIL", "SCAN NOW", "NO LABEL", "PASS", "FAIL"]
    tiles = [browser.text(f".tile:nth-child({number})") for number in range(1, 9)]
    assert "Writing the ID and reading it back" in tiles[1]
    assert "SN-0003" in tiles[2] and "…WQ" in tiles[2] and "10:42:07" in tiles[2]
    assert "Something on the board is broken." in tiles[3] and "Put the board aside" in tiles[3]
    assert "the disk is full" not in tiles[3]
    assert "the disk is full" in browser.run("document.querySelector('.tile:nth-child(4) .why').title")
    assert "See to the printer" in tiles[5]
    assert browser.text("#operator") == "Petra"
    assert [browser.text(f"#{name}") for name in ("passed", "failed", "yield")] == ["2", "3", "40 %"]


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_is_cut_off_and_the_words_are_legible_far_enough(
    line: RunningService, browser: Browser, tmp_path: Path, screen: str
) -> None:
    tell(line, slots(*EVERY_STATE), operator="Petra")
    browser.resize(*SCREENS[screen])
    for scheme in ("dark", "light"):
        browser.prefer(scheme)
        show(browser, line)
        browser.wait_for("document.querySelectorAll('.tile').length === 8")
        browser.photograph(tmp_path / f"{screen} {scheme}.png")
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
        assert browser.run("document.documentElement.scrollHeight <= innerHeight")
        beyond = browser.run(
            """[...document.querySelectorAll('.tile')].flatMap((tile) => {
                 const edge = tile.getBoundingClientRect();
                 return [...tile.querySelectorAll('.word, .slot, .shape, .do, .serial')]
                   .filter((part) => part.getBoundingClientRect().right > edge.right
                     || part.getBoundingClientRect().bottom > edge.bottom || part.scrollWidth > part.clientWidth + 1)
                   .map((part) => part.textContent || 'shape');
               })"""
        )
        assert beyond == []
    metres = browser.run(LETTER) * PIXEL_MM[screen] / 1000 / (LEGIBLE * 3.14159 / 180)
    print(f"{screen}: the smallest word is legible at {metres:.1f} m")
    # The guide says these figures for eight slots.
    assert metres >= {"monitor": 3.0, "small monitor": 1.9, "tablet": 1.3, "tablet upright": 1.6}[screen]


@pytest.mark.parametrize("screen", SCREENS)
def test_long_texts_end_with_dots_inside_their_tiles_and_no_line_of_them_is_cut(
    line: RunningService, browser: Browser, tmp_path: Path, screen: str
) -> None:
    long = {**EVERY_STATE[3], "reason": LONG, "remedy": EVERY_STATE[7]["remedy"]}
    told = slots(EVERY_STATE[0], *[long, {**long, "state": "no_label"}] * 3, {**long, "remedy": LONG})
    browser.resize(*SCREENS[screen])
    for notices in ([], [{"text": LONG, "slot": "slot-1"}, {"text": LONG, "slot": "slot-2"}, {"text": LONG}]):
        assert tell(line, told, operator="Petra", notices=notices).status == 200
        show(browser, line)
        browser.wait_for(f"document.querySelectorAll('.tile .notice').length === {2 if notices else 0}")
        browser.photograph(tmp_path / f"{screen} {len(notices)}.png")
        assert browser.run(CUT_TEXTS) == []
        assert browser.run("document.documentElement.scrollHeight <= innerHeight")
        # What to do is read whole wherever the reason is what is long.
        assert browser.run("[...document.querySelectorAll('.do')].slice(0, 5).every((text) => text.checkVisibility())")


@pytest.mark.parametrize("screen", ["tablet", "tablet upright"])
def test_texts_fit_again_once_a_line_above_the_tiles_takes_room(
    line: RunningService, browser: Browser, screen: str
) -> None:
    long = {**EVERY_STATE[3], "reason": LONG[:120], "remedy": EVERY_STATE[7]["remedy"]}
    browser.resize(*SCREENS[screen])
    tell(line, slots(EVERY_STATE[0], *[long, {**long, "state": "no_label"}] * 3, long), operator="Petra")
    show(browser, line)
    browser.wait_for("document.querySelectorAll('.tile').length === 8")
    assert browser.run(CUT_TEXTS) == []
    tell(line, [], notices=[{"text": LONG}])
    browser.wait_for("!document.getElementById('notice').hidden")
    browser.wait_for(f"({CUT_TEXTS}).length === 0")


@pytest.mark.parametrize("size", [(320, 256), (390, 844), (640, 400)])
def test_a_telephone_or_an_enlarged_page_scrolls_and_shows_all(
    line: RunningService, browser: Browser, size: tuple[int, int]
) -> None:
    """A monitor of 1280 x 1024 has 320 x 256 of the page's pixels left at 400 %."""
    browser.resize(*size)
    tell(line, slots(*EVERY_STATE), operator="Petra", notices=[{"text": "Scan the code of a slot first."}])
    show(browser, line)
    browser.wait_for("document.querySelectorAll('.tile').length === 8")
    browser.run("document.querySelector('.tile:nth-child(4)').scrollIntoView({block: 'end'})")
    assert browser.run("document.querySelector('.tile:nth-child(4)').getBoundingClientRect().bottom < innerHeight + 1")
    assert browser.run("document.querySelector('.tile').clientHeight") > 100
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    assert browser.run(CUT_TEXTS) == []
    line.kill()
    browser.wait_for("document.body.dataset.line === 'lost'")
    word = "document.querySelector('#lost h2').getBoundingClientRect()"
    assert browser.run(f"{word}.left >= 0 && {word}.right <= innerWidth")
    seen = f"document.elementFromPoint(innerWidth / 2, {word}.top + 5).closest('#lost') !== null"
    assert browser.run(seen), "nothing of the page is in front of it"


def test_what_came_of_a_scan_is_on_its_tile_or_a_line_on_the_page_until_it_is_over(
    line: RunningService, browser: Browser
) -> None:
    browser.call("Page.addScriptToEvaluateOnNewDocument", source=SILENT_SOUND)
    tell(line, slots({"state": "scan_now", "remedy": "Scan the label now."}, {"state": "empty"}))
    show(browser, line)
    browser.click("#sound")
    assert not browser.is_shown("#notice")
    tell(line, [], notices=[{"text": "Take another label.", "slot": "slot-1"}, {"text": "Scan the code of a slot."}])
    browser.wait_for("document.querySelector('.tile .notice') !== null")
    assert "Take another label." in browser.text(".tile:nth-child(1)")
    assert "Take another label." not in browser.text(".tile:nth-child(2)")
    assert browser.is_shown("#notice") and browser.text("#notice") == "Scan the code of a slot."
    browser.wait_for("tones.length > 0")
    refused = browser.run("tones.splice(0)")
    tell(line, [], notices=[{"text": "Take another label.", "slot": "slot-1"}])
    browser.wait_for("tones.length > 0")  # the same scan again is refused again
    assert browser.run("tones.splice(0)") == refused

    show(browser, line)
    assert browser.text(".tile .notice") == "Take another label.", "it is there after a reload"
    tell(line, slots({"state": "working", "step": "Connecting"}), notices=[{"text": ""}])
    wait_for_words(browser, "WORKING", "EMPTY")
    browser.wait_for("document.querySelector('.tile .notice') === null")
    assert "Connecting" in browser.text(".tile")
    assert not browser.is_shown("#notice")


def test_one_slot_or_sixty_four_fit(line: RunningService, browser: Browser) -> None:
    for number in (1, 2, 64):
        tell(line, slots(*[{"state": "pass", "serial": f"SN-{at}"} for at in range(number)]))
        show(browser, line)
        browser.wait_for(f"document.querySelectorAll('.tile').length === {number}")
        assert browser.run("document.documentElement.scrollHeight <= innerHeight")
        assert browser.run(
            "[...document.querySelectorAll('.word')].every((word) => word.scrollWidth <= word.clientWidth + 1)"
        )


def test_texts_of_a_hostile_board_are_texts(line: RunningService, browser: Browser) -> None:
    evil = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    told = slots({"state": "fail", "serial": evil, "reason": evil, "remedy": evil, "step": evil})
    assert tell(line, told, station=evil, operator=evil).status == 200
    show(browser, line)
    assert browser.text(".tile .serial") == browser.text(".tile .why") == browser.text(".tile .do") == evil
    assert browser.run("document.querySelectorAll('.tile img, .tile script, #shift img').length") == 0
    assert browser.run("document.title") == "The line"


# --- as time goes on ---


def test_the_page_follows_and_shows_the_truth_after_a_reload(line: RunningService, browser: Browser) -> None:
    tell(line, slots({"state": "empty"}, {"state": "empty"}))
    show(browser, line)
    wait_for_words(browser, "EMPTY", "EMPTY")
    tell(line, slots({"state": "working", "step": "Connecting"}, arrival=18))
    wait_for_words(browser, "WORKING", "EMPTY")
    tell(line, slots({"state": "pass", "serial": "SN-1"}, arrival=18))
    wait_for_words(browser, "PASS", "EMPTY")
    show(browser, line)
    wait_for_words(browser, "PASS", "EMPTY")
    assert browser.text("#passed") == "1"


def test_a_tile_that_says_the_same_stays_while_another_changes(line: RunningService, browser: Browser) -> None:
    """Somebody may have marked a serial, or be shown the detail of a failure; a screen reader reads out what is new."""
    tell(line, slots(EVERY_STATE[3], {"state": "empty"}))
    show(browser, line)
    wait_for_words(browser, "FAIL", "EMPTY")
    browser.run("getSelection().selectAllChildren(document.querySelector('.serial'))")
    tell(line, slots(EVERY_STATE[3], {"state": "scan_now"}))
    wait_for_words(browser, "FAIL", "SCAN NOW")
    assert browser.run("String(getSelection())") == "SN-0004"
    assert browser.run("[...document.querySelectorAll('.tile')].map((tile) => tile.classList.contains('fresh'))") == [
        False,
        True,
    ]
    tell(line, [{"slot": "slot-9", "arrival": 1, "state": "empty"}])
    wait_for_words(browser, "FAIL", "SCAN NOW", "EMPTY")
    tell(line, slots({"state": "pass"}), whole=True)
    wait_for_words(browser, "PASS")


def test_a_board_that_takes_too_long_is_fail_by_the_page_itself(service_with: ServiceMaker, browser: Browser) -> None:
    service = service_of_a_line(service_with, working_seconds=1)
    tell(service, slots({"state": "working", "step": "Connecting"}, {"state": "pass"}))
    show(browser, service)
    wait_for_words(browser, "FAIL", "PASS")
    assert "It took too long." in browser.text(".tile")
    tell(service, slots({"state": "pass", "serial": "SN-1"}))
    wait_for_words(browser, "PASS", "PASS")


def test_the_time_of_a_board_is_that_of_its_work_and_goes_on_while_the_service_is_gone(
    service_with: ServiceMaker, browser: Browser
) -> None:
    longest = 4
    working = {"state": "working", "step": "Connecting"}
    service = service_of_a_line(service_with, working_seconds=longest)
    tell(service, slots(working, working))
    show(browser, service)
    wait_for_words(browser, "WORKING", "WORKING")
    browser.run("window.since = performance.now()")
    tell(service, slots({"state": "scan_now"}, working))
    wait_for_words(browser, "SCAN NOW", "WORKING")
    service.kill()
    browser.wait_for("document.body.dataset.line === 'lost'")
    again = service_of_a_line(service_with, working_seconds=longest, port=service.port)
    browser.wait_for("document.body.dataset.line === 'live' && board.slots.length === 0")
    browser.wait_for(f"performance.now() - since > {1000 * longest}")
    tell(again, slots(working, working))
    browser.wait_for("document.querySelectorAll('.tile').length === 2")
    assert words(browser) == ["WORKING", "FAIL"]


def test_a_service_that_is_lost_hides_what_cannot_be_true_any_more(
    line: RunningService, browser: Browser, tmp_path: Path
) -> None:
    tell(line, slots(*EVERY_STATE))
    show(browser, line)
    os.kill(line.pid, signal.SIGSTOP)  # it takes connections, and answers nobody
    try:
        browser.wait_for("document.body.dataset.line === 'lost'")
        assert browser.is_shown("#lost") and "NO SERVICE" in browser.text("#lost")
        assert "Last heard of at" in browser.text("#heard")
        covered = browser.run("document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest('#lost') !== null")
        assert covered, "no tile may be seen"
        browser.photograph(tmp_path / "lost.png")
    finally:
        os.kill(line.pid, signal.SIGCONT)
    browser.wait_for("document.body.dataset.line === 'live'")
    line.kill()
    browser.wait_for("document.body.dataset.line === 'lost'")
    line.start()
    browser.wait_for("document.body.dataset.line === 'live'")
    # It knows nothing until the station's heartbeat; then it is right.
    browser.wait_for("document.getElementById('slots').textContent.includes('Waiting for the station')")
    tell(line, slots({"state": "pass"}))
    wait_for_words(browser, "PASS")


def test_a_station_that_is_lost_is_told_on_its_own_tiles_alone(
    line: RunningService, browser: Browser, tmp_path: Path
) -> None:
    tell(line, slots({"state": "pass", "serial": "SN-1"}))
    # A run without a station sends no heartbeat, and misses none.
    tell(line, slots({"state": "pass", "serial": "SN-2"}), station="by hand")
    show(browser, line)
    tell(line, slots({"state": "pass", "serial": "SN-1"}), whole=True)
    wait_for_words(browser, "PASS", "PASS")
    browser.wait_for("document.body.dataset.line === 'station-lost'")
    wait_for_words(browser, "LOST", "PASS")
    assert "NO STATION: line-1 is not heard of any more." in browser.text("#alarm")
    assert "It was PASS when the station was last heard of." in browser.text(".tile")
    browser.photograph(tmp_path / "station lost.png")
    tell(line, slots({"state": "pass", "serial": "SN-1"}), whole=True)
    wait_for_words(browser, "PASS", "PASS")


def test_a_station_whose_token_is_unknown_is_told_also_where_nothing_was_ever_heard(
    line: RunningService, browser: Browser, tmp_path: Path
) -> None:
    show(browser, line)
    assert "Nothing was heard of it yet" in browser.text("#slots")
    assert not browser.is_shown("#alarm")
    unknown = "a-token-that-nobody-made-at-all"
    assert tell(line, slots({"state": "pass"}), token=unknown).status == 401
    browser.wait_for("!document.getElementById('alarm').hidden")
    browser.photograph(tmp_path / "refused.png")
    assert "STATION REFUSED" in browser.text("#alarm") and "token is unknown" in browser.text("#alarm")
    assert unknown not in browser.text()
    assert words(browser) == []
    tell(line, slots({"state": "pass"}))
    wait_for_words(browser, "PASS")
    assert browser.is_shown("#alarm"), "another one is refused still"


def test_one_line_of_several_can_be_chosen(line: RunningService, browser: Browser) -> None:
    tell(line, slots({"state": "pass"}))
    tell(line, slots({"state": "fail"}), station="line 2 & more")
    show(browser, line, "?station=line%202%20%26%20more")
    wait_for_words(browser, "FAIL")


# --- the sound ---


def test_the_sound_can_be_switched_on_and_off_and_is_remembered(line: RunningService, browser: Browser) -> None:
    browser.call("Page.addScriptToEvaluateOnNewDocument", source=SILENT_SOUND)
    tell(line, slots({"state": "empty"}))
    show(browser, line)
    assert browser.text("#sound") == "Sound off"
    browser.click("#sound")
    browser.wait_for("document.getElementById('sound').textContent === 'Sound on'")
    tell(line, slots({"state": "fail"}, arrival=18))
    wait_for_words(browser, "FAIL")
    failed = browser.run("tones.splice(0)")
    tell(line, slots({"state": "pass"}, arrival=19))
    wait_for_words(browser, "PASS")
    passed = browser.run("tones.splice(0)")
    assert failed and passed and failed != passed
    browser.click("#sound")
    assert browser.text("#sound") == "Sound off"
    tell(line, slots({"state": "fail"}, arrival=20))
    wait_for_words(browser, "FAIL")
    assert browser.run("tones.length") == 0
    browser.click("#sound")
    show(browser, line)
    browser.wait_for("document.getElementById('sound').getAttribute('aria-pressed') === 'true'")
    wait_for_words(browser, "FAIL")
    assert browser.run("tones.length") == 0, "a reload is no news"


def test_a_board_without_a_time_gets_one(line: RunningService, browser: Browser) -> None:
    told = [{"slot": "slot-1", "arrival": 1, "state": "pass"}]
    assert tell(line, told).status == 200
    show(browser, line)
    assert browser.run("document.querySelector('.tile time').dateTime") > AT
