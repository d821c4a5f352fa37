# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page for operators as a browser shows it and prints it: one sheet, and readable on a telephone."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import Browser

ROOT = Path(__file__).parents[2]
LANGUAGES = sorted(path.stem for path in (ROOT / "docs/docsite/operator").glob("*.yml"))
SHEETS = {"A4": (8.27, 11.69), "Letter": (8.5, 11.0)}
"""Width and height in inches."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("operator")
    subprocess.run((sys.executable, ROOT / "tools/operator_page.py", folder), check=True)
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser") / "profile") as started:
        yield started


@pytest.mark.parametrize("sheet", SHEETS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_prints_on_one_sheet(pages: Path, browser: Browser, language: str, sheet: str) -> None:
    browser.open(f"file://{pages}/{language}.html")
    width, height = SHEETS[sheet]

    printed = browser.call("Page.printToPDF", paperWidth=width, paperHeight=height, printBackground=True)["data"]

    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", base64.b64decode(printed))) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_lies_outside_of_a_telephone(pages: Path, browser: Browser, language: str) -> None:
    browser.resize(320, 640)
    browser.open(f"file://{pages}/{language}.html")

    assert browser.run("document.documentElement.scrollWidth") <= 320
