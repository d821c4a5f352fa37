# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What builds the site finds a link that leads nowhere, and a sentence that a language lacks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible.executor.task_queue_manager import TaskQueueManager

ROOT = Path(__file__).parents[2]
TOOLS, OPERATOR = ROOT / "tools", ROOT / "docs/docsite/operator"

pytestmark = pytest.mark.skipif(not TOOLS.exists(), reason="the tools are not in what is published")


def check_links(site: Path) -> tuple[int, str]:
    done = subprocess.run((sys.executable, TOOLS / "links.py", site), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_links_between_pages_and_to_places_in_them_are_good(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a%b.html").write_text('<p id="here">', encoding="utf-8")
    page = (
        '<a href="sub/a%25b.html#here">a</a> <a href="#there">b</a> <p id="there"> <a href="https://example.com">c</a>'
    )
    (tmp_path / "index.html").write_text(page, encoding="utf-8")

    assert check_links(tmp_path) == (0, "\n3 links of 2 pages: 0 lead nowhere.\n")


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ('<a href="gone.html">', "gone.html leads to no file"),
        ('<a href="#gone">', "#gone leads to no place in that page"),
        ('<img src="gone.png">', "gone.png leads to no file"),
        ('<script src="https://example.com/a.js"></script>', "it loads https://example.com/a.js from another machine"),
        ('<link rel="stylesheet" href="//example.com/a.css">', "it loads //example.com/a.css from another machine"),
    ],
)
def test_a_link_that_leads_nowhere_and_a_load_from_elsewhere_are_told(tmp_path: Path, link: str, problem: str) -> None:
    (tmp_path / "index.html").write_text(link, encoding="utf-8")

    status, told = check_links(tmp_path)

    assert status == 1
    assert f"index.html: {problem}" in told


def test_the_page_for_operators_is_made_in_each_language(tmp_path: Path) -> None:
    subprocess.run((sys.executable, TOOLS / "operator_page.py", tmp_path), check=True)

    assert {path.stem for path in tmp_path.iterdir()} == {path.stem for path in OPERATOR.glob("*.yml")}
    assert check_links(tmp_path)[0] == 0


def test_a_sentence_that_a_language_lacks_and_a_word_without_one_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    import operator_page  # noqa: PLC0415  # a tool, and no package

    texts = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(OPERATOR.glob("*.yml"))}
    words = operator_page.table_of_pages("WORDS")
    assert list(operator_page.lacking(texts, words)) == []

    del texts["de"]["signs"]["pass"]["do"]
    texts["zh"]["more"] = "…"
    assert list(operator_page.lacking(texts, {**words, "paused": "PAUSED"})) == [
        "en.yml and the pages of the service do not have the same signs: paused; correct `signs`.",
        "docs/docsite/operator/de.yml lacks signs.pass.do; write it there.",
        "docs/docsite/operator/zh.yml has, and en.yml has not, more; write it there.",
    ]


def test_the_page_of_exit_statuses_says_what_ansible_means_by_them() -> None:
    page = (ROOT / "docs/docsite/rst/exit-statuses.rst").read_text(encoding="utf-8")
    statuses = dict(
        re.findall(r"^   \* - (\d+)\n     - (.*)$", page.partition("the service's commands")[0], re.MULTILINE)
    )

    assert "failed" in statuses[str(TaskQueueManager.RUN_FAILED_HOSTS)]
    assert "unreachable" in statuses[str(TaskQueueManager.RUN_UNREACHABLE_HOSTS)]
    assert "done" in statuses[str(TaskQueueManager.RUN_OK)]
