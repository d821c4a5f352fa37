# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the page for operators in each language: `tools/operator_page.py FOLDER`.

The sentences are in docs/docsite/operator, a file a language; the words and their shapes are those that the station
page and the page of a line show. Every language has to say what the English one says, and each word of the two pages
has its sentences.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).resolve().parent.parent
OPERATOR = ROOT / "docs/docsite/operator"
PAGES = ROOT / "plugins/plugin_utils/service/station"
NO_SERVICE = "no_service"
"""What the sentences call it that a whole page has lost the service; `lost` is a slot that has lost its station."""
FIRST = "en"


def main() -> int:
    build(Path(sys.argv[1]))
    return 0


def build(folder: Path) -> None:
    """Write FOLDER/CODE.html for each language. Exits with a sentence for each thing that a language lacks."""
    texts = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(OPERATOR.glob("*.yml"))}
    words, shapes = table_of_pages("WORDS"), table_of_pages("SHAPES")
    if problems := list(lacking(texts, words)):
        sys.exit("\n".join(problems))
    languages = {code: text["language"] for code, text in texts.items()}
    loader = FileSystemLoader(OPERATOR)
    page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("page.html.j2")
    folder.mkdir(parents=True, exist_ok=True)
    for code, text in texts.items():
        made = page.render(code=code, languages=languages, words=words, shapes=shapes, **text)
        (folder / f"{code}.html").write_text(made, encoding="utf-8")


def table_of_pages(name: str) -> dict[str, str]:
    """Return a table of both pages' scripts, such as their words for each verdict or state."""
    station, line = script_table(PAGES / "station.js", name), script_table(PAGES / "line.js", name)
    return station | {NO_SERVICE: station["lost"]} | line


def script_table(script: Path, name: str) -> dict[str, str]:
    """Return a table of one page's script."""
    found = re.search(rf"^const {name} = \{{(.*?)\}};$", script.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    table = dict(re.findall(r'(\w+): "([^"]*)"', found[1])) if found else {}
    if not table:
        sys.exit(f"{script.relative_to(ROOT)} has no table {name}; tell tools/operator_page.py where it is now.")
    return table


def lacking(texts: Mapping[str, Mapping[str, Any]], words: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each text that a language lacks, or has beside those of the first language."""
    first = set(keys_of(texts[FIRST]))
    for word in words.keys() ^ texts[FIRST]["signs"].keys():
        yield f"{FIRST}.yml and the pages of the service do not have the same signs: {word}; correct `signs`."
    for code, text in texts.items():
        for key in sorted(first ^ set(keys_of(text))):
            word = "lacks" if key in first else f"has, and {FIRST}.yml has not,"
            yield f"docs/docsite/operator/{code}.yml {word} {key}; write it there."


def keys_of(text: object, prefix: str = "") -> Iterator[str]:
    """Yield the place of each sentence in a language's file, such as `signs.pass.do`."""
    if isinstance(text, Mapping):
        for key, value in text.items():
            yield from keys_of(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(text, list):
        for at, value in enumerate(text):
            yield from keys_of(value, f"{prefix}[{at}]")
    else:
        yield prefix


if __name__ == "__main__":
    sys.exit(main())
