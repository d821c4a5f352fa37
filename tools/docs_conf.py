# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our site has beyond the settings that antsibull-docs writes: `tools/docs` imports this into its conf.py.

The start page, the look, pictures, and the pages for operators, which are built from one file a language.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs/docsite"
sys.path.insert(0, str(ROOT / "tools"))

from operator_page import build  # noqa: E402
from sphinx.util.logging import getLogger  # noqa: E402

if TYPE_CHECKING:
    from docutils import nodes  # type: ignore[import-untyped]
    from sphinx.application import Sphinx

html_theme = "furo"
html_title = "ioto.serialization"
html_static_path = [str(DOCS / "static")]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": True}
antsibull_ext_color_scheme = "default-autodark"
pygments_style = "a11y-high-contrast-light"  # the theme's own: strings of others are too faint to read
pygments_dark_style = "monokai"
# Built the same with and without a network: no other site's index, so a reference into Ansible's own pages stays text.
# One to a page of ours has to be found, see `_find_nothing`.
intersphinx_mapping: dict[str, object] = {}
# Languages without colours in Sphinx (CSV) are no fault; tests/integration/test_readme.py knows which there are.
suppress_warnings = ["ref.ref", "misc.highlighting_failure"]

_DESCRIPTION = re.compile(r"^Ioto\.Serialization\n=+\n.*?(?=^\.\. toctree::)", re.DOTALL | re.MULTILINE)
"""What antsibull-docs puts on top of the index: title, version and links."""
_EMPTY_TREE = ".. toctree::\n    :maxdepth: 1\n\n\n"
_SECTION = re.compile(r"^(\w[^\n]*)\n-+\n\n\.\. toctree::\n    :maxdepth: 1\n", re.MULTILINE)
_KIND = re.compile(
    r"^(\w[^\n]*)\n[~-]+\n((?:(?!^\w[^\n]*\n[~-]+\n).)*?)\.\. toctree::\n    :maxdepth: 1\n    :hidden:\n",
    re.DOTALL | re.MULTILINE,
)
_CONTENTS = re.compile(r"^\.\. contents::\n(?:   :\w+:.*\n)+", re.MULTILINE)
"""The theme shows the contents of a page beside it, and refuses a second list of them."""
_PAGE = re.compile(r"^    (\w+)_(?:module|role|inventory|callback|lookup|test)$", re.MULTILINE)
_OURS = "ansible_collections.ioto.serialization."


def setup(app: Sphinx) -> None:
    """Have the index be our start page, and bring what antsibull-docs does not copy. Called by Sphinx."""
    pages = Path(app.srcdir) / "docsite"
    for picture in (DOCS / "rst").iterdir():
        if picture.suffix in {".png", ".svg"}:
            shutil.copy(picture, pages)
    app.connect("source-read", _read_page)
    app.connect("missing-reference", _find_nothing)
    app.connect("build-finished", _build_operator_pages)


def with_start_page(index: str, start: str) -> str:
    """Return the index of antsibull-docs with our start page on top; its lists have captions and short names."""
    index = _DESCRIPTION.sub(lambda _found: f"{start}\n", index, count=1).replace(_EMPTY_TREE, "", 1)
    index = _SECTION.sub(r".. toctree::\n    :maxdepth: 1\n    :hidden:\n    :caption: \1\n", index)
    index = index.replace("\nRole Index\n----------\n", "\nRoles\n~~~~~\n")
    captioned = r"\1\n~~~~~~~~~~~~~~~~~~~~~~~~\n\2.. toctree::\n    :maxdepth: 1\n    :hidden:\n    :caption: \1\n"
    return _PAGE.sub(lambda found: f"    {found[1]} <{found[0].strip()}>", _KIND.sub(captioned, index))


def _read_page(_app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = _CONTENTS.sub("", source[0])
    if page == "index":
        source[0] = with_start_page(source[0], (DOCS / "start.rst").read_text(encoding="utf-8"))


def _find_nothing(_app: Sphinx, _environment: object, node: nodes.Element, _text: object) -> None:
    if str(node["reftarget"]).startswith(_OURS):
        getLogger(__name__).warning("%s is no page or place of ours; correct it.", node["reftarget"], location=node)


def _build_operator_pages(app: Sphinx, error: Exception | None) -> None:
    if error is None:
        build(Path(app.outdir) / "operator")
