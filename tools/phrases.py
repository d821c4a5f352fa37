# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for the phrases of tools/phrases.toml in documents, messages and comments: `tools/phrases.py [FILE...]`.

Without files, in all that people read. Exit status 1 where one is found; each is named with its line and better words.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("*.md", "docs/**/*", "plugins/**/*", "roles/**/*", "playbooks/*", "changelogs/fragments/*")
ENDINGS = {".css", ".html", ".j2", ".js", ".json5", ".md", ".py", ".rst", ".sh", ".toml", ".yaml", ".yml"}
# A space, or from one line to the next: its indentation, a comment's mark, or the quotes of two parts of one string.
GAP = r"""(?:[ ]+|[ ]?["']?[ ]*\n[ ]*(?:\#:?[ ]*)?(?:[bfr]{0,2}["'])?[ ]*)"""


def main(arguments: Sequence[str]) -> int:
    files = [Path(name) for name in arguments] or list(texts())
    found = [line for file in files for line in problems(file, file.read_text(encoding="utf-8"))]
    print("".join(f"{line}\n" for line in found), end="")
    return 1 if found else 0


def texts() -> Iterator[Path]:
    """Yield the files that people read, or read something out of."""
    paths = (path for place in PLACES for path in sorted(ROOT.glob(place)))
    yield from (path for path in paths if path.suffix in ENDINGS and path.is_file())


def problems(file: Path, text: str) -> Iterator[str]:
    """Yield a line for each phrase in `text` that is kept out, with what to write in its place."""
    name = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
    for pattern, better in PHRASES:
        for phrase in pattern.finditer(text):
            if phrase.groupdict().get("fine"):
                continue
            line = text.count("\n", 0, phrase.start()) + 1
            yield f"{name}:{line}: '{' '.join(phrase[0].split())}'; write {better}."


def compiled(phrase: str) -> re.Pattern[str]:
    """Return a phrase of the list as a regular expression for texts with line ends in them."""
    return re.compile(rf"(?<!\w){GAP.join(phrase.split(' '))}")


PHRASES = [
    (compiled(phrase), better)
    for phrase, better in tomllib.loads((ROOT / "tools/phrases.toml").read_text(encoding="utf-8"))["phrases"].items()
]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
