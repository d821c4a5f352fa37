# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was made of small documents, for those that come after with the same bytes: new devices of a batch have them.

What is kept cannot be changed, and does not say whose it is.
"""

from __future__ import annotations

from functools import lru_cache, partial

from .reader import Json5Error, Node, Object, read
from .style import Style, style_around

_MOST_BYTES = 4096
"""What a document may have to be kept: who is hostile could fill our memory."""

_read = lru_cache(maxsize=16)(partial(read, name=""))
_style_around = lru_cache(maxsize=16)(style_around)


def read_kept(data: bytes, *, name: str) -> tuple[str, Node | None]:
    """As `reader.read`."""
    if len(data) <= _MOST_BYTES:
        try:
            return _read(data)
        except Json5Error:
            pass  # to be said of this document
    return read(data, name=name)


def style_kept(text: str, root: Node, near: Object) -> Style:
    """As `style.style_around`."""
    return _style_around(text, root, near) if len(text) <= _MOST_BYTES else style_around(text, root, near)
