# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawing as the black and white dots that a printer of its dpi prints."""

from __future__ import annotations

from PIL import Image

from .drawing import Drawing

_WHITE, _BLACK = 1, 0


def rasterize(drawing: Drawing, *, width: int | None = None) -> Image.Image:
    """Return the label as an image of mode `1`, a pixel a dot; `width` dots wide where more are asked for."""
    image = Image.new("1", (width or drawing.width, drawing.height), _WHITE)
    for picture in drawing.pictures:
        image.paste(Image.frombytes("1", (picture.width, picture.height), picture.bits), (picture.x, picture.y))
    for x, y, across, down in drawing.rects:
        image.paste(_BLACK, (x, y, x + across, y + down))
    for glyph in drawing.glyphs:
        bitmap = glyph.face.bitmap(glyph.number, glyph.size)
        if bitmap.width:
            mask = Image.frombytes("1", (bitmap.width, bitmap.height), bitmap.bits, "raw", "1", bitmap.stride)
            image.paste(_BLACK, (round(glyph.x) + bitmap.left, round(glyph.y) + bitmap.top), mask)
    return image
