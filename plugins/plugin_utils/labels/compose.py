# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A layout and what a unit is called become a drawing; what does not fit or would not scan is refused with numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from PIL import Image as PillowImage

from ..claim_ids import mask
from ..display_text import quoted
from ..scanning.picture_file import PictureError, open_picture
from . import codes
from .drawing import MM_PER_INCH, Drawing, Glyph, Picture, Rect
from .errors import FitError, LabelError
from .fields import Fields, fill
from .fonts import Fonts
from .layout import Code128, ImageElement, LabelLayout, Qr, Rule, Text

_BASELINE = 0.8
"""Where characters stand in their box: this part of an em below its top."""
_SHRINK_STEPS = 12


class _Zone(NamedTuple):
    """What an element needs of the label, quiet zones included, in dots."""

    what: str
    left: float
    top: float
    right: float
    bottom: float


class Composer:
    """Makes drawings of one layout. Raises `LabelError` for a layout whose fonts are not there."""

    def __init__(self, layout: LabelLayout) -> None:
        self.layout = layout
        self._fonts = Fonts(layout.fonts, folder=layout.folder)
        self._bold_fonts = Fonts(layout.bold_fonts, folder=layout.folder)
        self._width = round(self._dots(layout.width))
        self._height = round(self._dots(layout.height))

    def compose(self, fields: Fields) -> Drawing:
        """Return the label of `fields`. Raises `LabelError`, such as a `FitError`; it has the claim ID masked."""
        try:
            return self._compose(fields)
        except LabelError as error:  # the text that it quotes may hold the claim ID
            raise type(error)(str(error).replace(fields.claim_id, mask(fields.claim_id))) from None

    def _compose(self, fields: Fields) -> Drawing:
        rects: list[Rect] = []
        glyphs: list[Glyph] = []
        pictures: list[Picture] = []
        zones: list[_Zone] = []
        for element in self.layout.elements:
            if isinstance(element, Rule):
                zones.append(self._rule(element, rects))
                continue
            content = fill(element.template, fields, is_qr=isinstance(element, Qr))
            if not content.strip():
                continue
            if isinstance(element, Text):
                zones.append(self._text(element, content, glyphs))
            elif isinstance(element, Qr):
                zones.append(self._qr(element, content, rects))
            elif isinstance(element, Code128):
                zones.append(self._code128(element, content, rects))
            else:
                zones.append(self._image(element, content, pictures))
        self._check(zones)
        return Drawing(self._width, self._height, self.layout.dpi, tuple(rects), tuple(glyphs), tuple(pictures))

    def _text(self, element: Text, content: str, glyphs: list[Glyph]) -> _Zone:
        line = (self._bold_fonts if element.bold else self._fonts).shape(content)
        room = self._dots(element.place.width)
        size = next(
            (size for size in _sizes(element.size, element.min_size) if line.width * self._dots(size) <= room), None
        )
        if size is None:
            raise FitError(
                f"The text {quoted(content)} is {line.width * element.min_size:.1f} mm wide at its least size of "
                f"{element.min_size:.1f} mm, and the layout has {element.place.width:.1f} mm; shorten it or change "
                f"{self.layout.name}."
            )
        em = self._dots(size)
        x = self._dots(element.place.x) + _slack(element.align, room - line.width * em)
        # Characters that were shrunk stand on the line of those that were not.
        y = float(round(self._dots(element.place.y + element.size * _BASELINE)))
        for face, number, dx, dy in line.glyphs:
            glyphs.append(Glyph(face, number, x + dx * em, y - dy * em, em))
        left, bottom, right, top = line.ink
        return _Zone(f"the text {quoted(content)}", x + left * em, y - top * em, x + right * em, y - bottom * em)

    def _qr(self, element: Qr, content: str, rects: list[Rect]) -> _Zone:
        code = codes.qr(content, element.error)
        modules = code.size + 2 * codes.QR_QUIET_ZONE
        what = f"The QR code of {len(content)} characters"
        dots = self._module(what, modules, element.place.width, element.min_module)
        quiet = codes.QR_QUIET_ZONE * dots
        room = self._dots(element.place.width)
        x = round(self._dots(element.place.x) + (room - modules * dots) / 2)
        y = round(self._dots(element.place.y) + (room - modules * dots) / 2)
        rects += [
            Rect(x + quiet + run.x * dots, y + quiet + run.y * dots, run.length * dots, dots) for run in code.runs
        ]
        return _Zone("the QR code with its quiet zone", x, y, x + modules * dots, y + modules * dots)

    def _code128(self, element: Code128, content: str, rects: list[Rect]) -> _Zone:
        code = codes.bars(content)
        modules = code.size + 2 * codes.CODE128_QUIET_ZONE
        what = f"The Code 128 of {quoted(content)}, {len(content)} characters,"
        dots = self._module(what, modules, element.place.width, element.min_module, element.max_module)
        quiet = codes.CODE128_QUIET_ZONE * dots
        x = round(self._dots(element.place.x) + _slack(element.align, self._dots(element.place.width) - modules * dots))
        y, height = round(self._dots(element.place.y)), round(self._dots(element.place.height))
        rects += [Rect(x + quiet + run.x * dots, y, run.length * dots, height) for run in code.runs]
        return _Zone("the Code 128 with its quiet zones", x, y, x + modules * dots, y + height)

    def _module(self, what: str, modules: int, room: float, least: float, most: float | None = None) -> int:
        """Return the dots of a module: as many as fit, always whole, never less than scans."""
        fits = int(self._dots(room) / modules)
        dot = MM_PER_INCH / self.layout.dpi
        if fits * dot >= least - 1e-9:
            return fits if most is None else max(1, min(fits, int(most / dot + 1e-9)))
        needed = -(-least // dot)
        raise FitError(
            f"{what} has {modules} modules with its quiet zones; at {self.layout.dpi} dpi a module takes "
            f"{needed:.0f} dots ({needed * dot:.3f} mm) to be read, which makes {modules * needed * dot:.1f} mm, and "
            f"the layout has {room:.1f} mm; widen it in {self.layout.name}, take a printer of more dpi, or encode less."
        )

    def _image(self, element: ImageElement, path: str, pictures: list[Picture]) -> _Zone:
        place = element.place
        picture = _picture(path, round(self._dots(place.width)), round(self._dots(place.height)))
        width, height, bits = picture
        x = round(self._dots(place.x) + _slack(element.align, self._dots(place.width) - width))
        y = round(self._dots(place.y) + (self._dots(place.height) - height) / 2)
        pictures.append(Picture(x, y, width, height, bits))
        return _Zone("the image", x, y, x + width, y + height)

    def _rule(self, element: Rule, rects: list[Rect]) -> _Zone:
        place = element.place
        x, y = round(self._dots(place.x)), round(self._dots(place.y))
        width, height = max(1, round(self._dots(place.width))), max(1, round(self._dots(place.height)))
        rects.append(Rect(x, y, width, height))
        return _Zone("the rule", x, y, x + width, y + height)

    def _check(self, zones: Sequence[_Zone]) -> None:
        for zone in zones:
            # Half a dot is what rounding to whole dots may cost.
            if min(zone.left, zone.top) < -0.5 or zone.right > self._width + 0.5 or zone.bottom > self._height + 0.5:
                raise FitError(
                    f"{zone.what[0].upper()}{zone.what[1:]} reaches from {self._mm(zone.left, zone.top)} to "
                    f"{self._mm(zone.right, zone.bottom)} mm, and the label is {self.layout.width:g} x "
                    f"{self.layout.height:g} mm; move or shrink it in {self.layout.name}."
                )
        for one, other in combinations(zones, 2):
            over_x = min(one.right, other.right) - max(one.left, other.left)
            over_y = min(one.bottom, other.bottom) - max(one.top, other.top)
            if over_x > 0.5 and over_y > 0.5:
                raise FitError(
                    f"{one.what[0].upper()}{one.what[1:]} and {other.what} overlap by {self._mm(over_x, over_y)} mm; "
                    f"move one of them in {self.layout.name}."
                )

    def _dots(self, mm: float) -> float:
        return mm * self.layout.dpi / MM_PER_INCH

    def _mm(self, x: float, y: float) -> str:
        dot = MM_PER_INCH / self.layout.dpi
        return f"{x * dot:.1f} x {y * dot:.1f}"


def _sizes(largest: float, least: float) -> list[float]:
    return [largest + (least - largest) * step / _SHRINK_STEPS for step in range(_SHRINK_STEPS + 1)]


def _slack(align: str, room: float) -> float:
    return {"left": 0.0, "center": room / 2, "right": room}[align]


@lru_cache(maxsize=8)
def _picture(path: str, width: int, height: int) -> tuple[int, int, bytes]:
    """Return an image in black and white dots, at most `width` by `height`: its size and its bits."""
    try:
        image = open_picture(path, "RGBA")
    except PictureError as error:
        raise LabelError(str(error)) from None
    scale = min(width / image.width, height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    small = image.resize(size, PillowImage.Resampling.LANCZOS)
    bits = PillowImage.alpha_composite(PillowImage.new("RGBA", size, "white"), small).convert("1")
    return bits.width, bits.height, bits.tobytes()
