# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the links of a built site: `tools/links.py FOLDER`. Exit status 1 where one leads nowhere, or out to a network.

A link to a page or a picture of the site has to lead to a file of it, and one with `#` to a place in that page. What a
page loads by itself (scripts, styles, pictures) must not come from another machine. Where links to other sites lead is
not looked at, so that the check gives the same answer without a network.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script", "img", "source", "iframe", "object", "embed"}
LOADED_LINKS = {"stylesheet", "icon", "preload"}


@dataclass
class SitePage:
    """The places of a page that can be linked to, its links, and what it loads; each as it is written."""

    places: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)


class _LinkParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = SitePage()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.page.places |= {given[name] for name in ("id", "name") if name in given}
        if tag in LOADED:
            self.page.loads += [given[name] for name in ("src", "data") if name in given]
        elif "href" in given:
            loaded = tag == "link" and set(given.get("rel", "").split()) & LOADED_LINKS
            (self.page.loads if loaded else self.page.links).append(given["href"])


def main() -> int:
    site = Path(sys.argv[1]).resolve()
    pages = {path.resolve(): _read(path) for path in sorted(site.rglob("*.html"))}
    wrong = [
        f"{path.relative_to(site)}: {problem}"
        for path, page in pages.items()
        for target in [*page.links, *page.loads]
        if (problem := _problem(path, target, pages, is_loaded=target in page.loads))
    ]
    print(*dict.fromkeys(wrong), sep="\n")
    links = sum(len(page.links) + len(page.loads) for page in pages.values())
    print(f"{links} links of {len(pages)} pages: {len(wrong)} lead nowhere.")
    return 1 if wrong or not pages else 0


def _read(path: Path) -> SitePage:
    parser = _LinkParser()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser.page


def _problem(path: Path, target: str, pages: dict[Path, SitePage], *, is_loaded: bool) -> str:
    """Return what is wrong with the link `target` of the page `path`, or nothing."""
    parts = urlsplit(target)
    if parts.scheme == "data":
        return ""
    if parts.scheme or parts.netloc:
        return f"it loads {target} from another machine; keep a copy in docs/docsite." if is_loaded else ""
    file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not file.is_file():
        return f"{target} leads to no file of the site; correct the link."
    place = unquote(parts.fragment)
    if place and file in pages and place not in pages[file].places:
        return f"{target} leads to no place in that page; correct what stands after the #."
    return ""


if __name__ == "__main__":
    sys.exit(main())
