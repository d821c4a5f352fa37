# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One label as what stands where, in printer dots: whole ones for bars and modules, so that none is ever blurred.

The origin is the label's top left corner, x to the right, y down. Every output draws from this alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .fonts import Face

MM_PER_INCH = 25.4


class Rect(NamedTuple):
    """A black rectangle, in dots."""

    x: int
    y: int
    width: int
    height: int


class Glyph(NamedTuple):
    """One glyph of a font, its origin on the base line, in dots."""

    face: Face
    number: int
    x: float
    y: float
    size: float
    """Dots per em."""


class Picture(NamedTuple):
    """A black and white picture: rows of bits, the first bit leftmost, 1 is white, rows padded to whole bytes."""

    x: int
    y: int
    width: int
    height: int
    bits: bytes


@dataclass(frozen=True, slots=True)
class Drawing:
    """One label; `width` and `height` in dots of `dpi` to the inch."""

    width: int
    height: int
    dpi: int
    rects: tuple[Rect, ...]
    glyphs: tuple[Glyph, ...]
    pictures: tuple[Picture, ...]

    @property
    def points_per_dot(self) -> float:
        """The size of a dot in points, 72 to the inch."""
        return 72 / self.dpi

    @property
    def width_mm(self) -> float:
        """The label's width in mm."""
        return self.width / self.dpi * MM_PER_INCH

    @property
    def height_mm(self) -> float:
        """The label's height in mm."""
        return self.height / self.dpi * MM_PER_INCH
