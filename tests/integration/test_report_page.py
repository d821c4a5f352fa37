# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as a person reads it: in a browser, wide and narrow, light and dark, and on paper."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.display_text import local_time
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    Description,
    NewEvent,
    State,
    StateChange,
    TwinError,
)
from tests.integration.test_batch_report import PRODUCT, TODAY, Line
from tests.support.browser import CONTRASTS, LEAST_CONTRAST, Browser

pytest.importorskip("reportlab", reason="labels need the Python package reportlab")

LEAST_CONTRAST_OF_SHAPES = 3
"""That of the WCAG's level AA for graphical objects."""
MAC = "00:1b:21:3a:40:01"
PATH = "/mnt/persistent/configuration/of/the/agent/ioto/device.json5"
BROKEN_WORDS = """(() => {
  const found = [];
  const texts = document.createTreeWalker(document.querySelector("table"), NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    for (const word of node.data.matchAll(/[^\\s]+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
      if (lines.size > 1) found.push(word[0]);
    }
  }
  return found;
})()"""


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    """Units that are done, that failed, and that are in doubt."""
    found = Line(tmp_path)
    for number in range(3):
        context = replace(Context.here(f"pump-{number}", run=found.run), operator="Wang Xiaoming")
        claim = found.ledger.allocate(
            AllocationRequest(PRODUCT, f"SN-2026-{number:05}", "generated", context, length=20 if number else 10)
        )
        for state in (State.WRITTEN, State.VERIFIED, State.LABELLED)[: 3 if number else 1]:
            found.ledger.advance(StateChange(claim.claim_id, state, context))
    why = f"The file {PATH} on pump-0 cannot be written (No space left on device); make room there, and run again."
    here = replace(Context.here("pump-0", run=found.run), operator="Wang Xiaoming")
    found.ledger.record(NewEvent(EventKind.FAILED, here, product=PRODUCT, unit="SN-2026-00000", detail=why))
    yield found
    found.ledger.close()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "browser") as started:
        yield started


def address(line: Line) -> str:
    return (line.folder / "report.html").as_uri()


@pytest.mark.parametrize("width", [400, 800, 1230, 1600])
def test_everything_can_be_read_at_any_width_in_light_and_dark(line: Line, browser: Browser, width: int) -> None:
    line.report(**TODAY)
    browser.resize(width, 900)
    grounds = set()
    for scheme in ("light", "dark"):
        browser.prefer(scheme)
        browser.open(address(line))
        contrasts = browser.run(CONTRASTS)
        assert len(contrasts) > 10
        assert {name: found for name, found in contrasts.items() if found < LEAST_CONTRAST} == {}
        assert browser.run("document.documentElement.scrollWidth <= innerWidth"), "nothing lies beside the window"
        assert browser.run(BROKEN_WORDS) == []
        grounds.add(browser.run("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2
    is_table = browser.run("document.querySelector('thead').checkVisibility()")
    assert is_table is (width > 1216)
    assert browser.text("tbody tr").count("Wang Xiaoming") == 1


def test_the_bars_of_failures_are_others_without_colours_too(line: Line, browser: Browser) -> None:
    line.report(**TODAY)
    for media, scheme in (("screen", "light"), ("screen", "dark"), ("print", "light")):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.call("Emulation.setEmulatedMedia", media=media, features=features)
        browser.open(address(line))
        contrast = """(() => {
          const light = (kind) => getComputedStyle(document.querySelector(`.chart rect.${kind}`)).fill
            .match(/[0-9.]+/g).map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
            .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
          const [dark, bright] = [light("good"), light("bad")].sort((a, b) => a - b);
          return (bright + 0.05) / (dark + 0.05);
        })()"""
        assert browser.run(contrast) >= LEAST_CONTRAST_OF_SHAPES, (media, scheme)


def test_a_title_that_turns_its_direction_is_shown_as_it_is_typed(line: Line, browser: Browser) -> None:
    line.report(**TODAY, title="Batch \u202e7")
    browser.open(address(line))
    assert browser.text("h1") == "Batch 7"


def test_the_longest_names_and_ids_leave_the_page_in_its_window(line: Line, browser: Browser) -> None:
    line.make("S" * 255, host="h" * 255)
    line.report(**TODAY, reveal=True)
    for width in (400, 1230):
        browser.resize(width, 900)
        browser.open(address(line))
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")


def test_a_pdf_of_the_page_is_called_by_its_product_and_day(line: Line, browser: Browser) -> None:
    line.report(**TODAY, title="Batch 17", product_name="Heat pump 30")
    browser.open(address(line))
    title = browser.run("document.title")
    assert title.startswith("Batch 17 - Heat pump 30 - 2020-01-01 to ")
    pdf = browser.print()
    assert f"/Title ({title})".encode() in pdf


@pytest.mark.usefixtures("berlin")
def test_times_are_those_of_the_clock_on_the_wall_and_the_tables_are_in_utc(line: Line) -> None:
    line.report(**TODAY)
    claim = line.ledger.live_claim(PRODUCT, "SN-2026-00001")
    assert claim is not None
    day, clock, offset = local_time(claim.created_at).split()
    assert offset in {"+01:00", "+02:00"}
    assert f"<small>{day} {offset}</small><dl><dt>allocated<dd>{clock}" in line.html
    assert "2020-01-01 00:00:00 +01:00 to " in line.html
    assert line.lines["SN-2026-00001"]["allocated_at"] == claim.created_at.isoformat()
    assert claim.created_at.isoformat().endswith("+00:00")


def test_a_unit_in_doubt_is_not_done_and_says_why(line: Line) -> None:
    written = line.make("SN-WRITTEN", host="pump-8")
    line.ledger.describe(Description(written.claim_id, {}, Context.here("pump-8", run=line.run), is_unsettled=True))
    first, second = (
        AllocationRequest(PRODUCT, "SN-TWIN", "generated", Context.here(host, run=line.run), details={"mac": MAC})
        for host in ("pump-9", "pump-10")
    )
    claim = line.ledger.allocate(first)
    with pytest.raises(TwinError):
        line.ledger.allocate(second)
    line.ledger.advance(StateChange(claim.claim_id, State.VERIFIED, first.context))

    result = line.report(**TODAY)

    assert result["counts"]["in doubt"] == 2
    told = line.lines
    assert told["SN-WRITTEN"]["doubt"] == "its device was written again and not verified: run again"
    assert told["SN-TWIN"]["doubt"].startswith("two devices said that they are unit 'SN-TWIN'")
    assert {told[serial]["result"] for serial in ("SN-WRITTEN", "SN-TWIN")} == {"in doubt"}
    assert "<p>Its device was written again and not verified: run again.</p>" in line.html
