# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Phrases that readers stumble over are found however a text is broken, and no others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools/phrases.py"
README_LINES = 150

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason="the tools are not in what is published")


def look(path: Path, text: str) -> tuple[int, str]:
    path.write_text(text, encoding="utf-8")
    done = subprocess.run((sys.executable, TOOL, path), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "line", "phrase"),
    [
        ("Say\nwhich group goes which way.\n", 2, "goes which way"),
        ("A scan that is\nno label, so it is refused.\n", 1, "is no label"),
        ("# A date among serials that are\n# none.\n", 1, "are # none"),
        ('fail(\n    "The time yesterday is "\n    "no time."\n)\n', 2, 'is " "no time'),
        ('f"{len(hosts)} devices"\n', 1, "{len(hosts)} devices"),
        ("1 devices: 1 done.\n", 1, "1 devices"),
        ("One error(s).\n", 1, "error(s)"),
    ],
)
def test_a_phrase_is_told_with_its_line_and_better_words(tmp_path: Path, text: str, line: int, phrase: str) -> None:
    path = tmp_path / "text"

    assert look(path, text)[0] == 1
    assert f"{path}:{line}: '{phrase}'; write " in look(path, text)[1]


@pytest.mark.parametrize(
    "text",
    [
        "There is no file. Is there no ledger, no label is made.\n",
        "value is None\n",
        "11 devices, 1 device\n",
        "It is no longer there.\n",
    ],
)
def test_what_merely_looks_like_one_is_left_alone(tmp_path: Path, text: str) -> None:
    assert look(tmp_path / "text", text) == (0, "")


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES
