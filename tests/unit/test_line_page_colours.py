# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The colours of the page of the line, by figures: what is written on a tile can be read, in light and in dark."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.service.slot_message import SlotState

STATION = Path(__file__).parents[2] / "plugins/plugin_utils/service/station"
TILES = (*(state.value for state in SlotState), "lost")
TEXT_AA = 4.5
GRAPHICS_AA = 3.0


def schemes() -> Mapping[str, Mapping[str, str]]:
    """Return the colours of the page by name, in dark, which is the default, and in light."""
    css = (STATION / "line.css").read_text(encoding="utf-8")
    dark, light = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", part)) for part in re.findall(r":root \{(.*?)\}", css, re.S)
    )
    return {"dark": dark, "light": {**dark, **light}}


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_is_the_one_of_wcag() -> None:
    assert contrast("#fff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_words_and_shapes_stand_out_from_their_tile(scheme: str) -> None:
    colours = schemes()[scheme]
    measured = {state: contrast(colours[state], colours[f"on-{state}"]) for state in TILES}
    assert len(measured) == 7
    assert {state: ratio for state, ratio in measured.items() if ratio < TEXT_AA} == {}


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_what_stands_beside_the_tiles_can_be_read(scheme: str) -> None:
    colours = schemes()[scheme]
    pairs = (("text", "ground"), ("quiet", "ground"), ("on-button", "button"))
    assert {pair: ratio for pair in pairs if (ratio := contrast(*(colours[name] for name in pair))) < TEXT_AA} == {}
    edges = ("edge", "focus")
    assert {name: ratio for name in edges if (ratio := contrast(colours[name], colours["ground"])) < GRAPHICS_AA} == {}


def test_no_two_states_share_a_word_a_shape_or_a_colour() -> None:
    script = (STATION / "line.js").read_text(encoding="utf-8")
    for kind in ("WORDS", "SHAPES"):
        block = re.search(rf"const {kind} = \{{(.*?)\n\}};", script, re.S)
        assert block is not None
        named = dict(re.findall(r'(\w+): "([^"]+)"', block[1]))
        assert set(named) == set(TILES)
        assert len(set(named.values())) == len(TILES)
    for colours in schemes().values():
        assert all(colours[one] != colours[other] for one, other in combinations(TILES, 2))
