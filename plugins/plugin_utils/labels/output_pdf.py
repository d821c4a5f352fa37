# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels as PDF: a roll, one label a page, or sheets. Bars are vectors in whole printer dots, characters are outlines.

Each glyph that is used is in the file once, as a form, so no viewer has to have, or may replace, a font.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from PIL import Image
from reportlab import rl_config as _rl_config
from reportlab.lib import utils
from reportlab.pdfbase import pdfdoc as _pdfdoc
from reportlab.pdfgen import canvas as pdf_canvas

from .drawing import MM_PER_INCH, Drawing, Glyph
from .fonts import Face
from .sheets import Sheet

# None of them has types.
Canvas: Any = pdf_canvas.Canvas
ImageReader: Any = utils.ImageReader
pdfdoc: Any = _pdfdoc
rl_config: Any = _rl_config

_POINTS_PER_MM = 72 / MM_PER_INCH


def roll_pdf(drawings: Iterable[Drawing]) -> bytes:
    """Return a PDF with one label a page, each page of the label's size."""
    file = _File()
    for drawing in drawings:
        size = drawing.width * drawing.points_per_dot, drawing.height * drawing.points_per_dot
        file.canvas.setPageSize(size)
        file.draw(drawing, 0, size[1])
        file.end_page()
    return file.close()


def sheet_pdf(drawings: Iterable[Drawing], sheet: Sheet, *, start: int = 1) -> bytes:
    """Return a PDF of sheets; the first label lies at position `start`, counted from 1 along the rows."""
    file = _File()
    file.canvas.setPageSize((sheet.page_width * _POINTS_PER_MM, sheet.page_height * _POINTS_PER_MM))
    position = start - 1
    for drawing in drawings:
        sheet.check(drawing.width_mm, drawing.height_mm, start)
        if position == sheet.count:
            file.end_page()
            position = 0
        x, y = sheet.corner(position, drawing.width_mm, drawing.height_mm)
        file.draw(drawing, x * _POINTS_PER_MM, (sheet.page_height - y) * _POINTS_PER_MM)
        position += 1
    file.end_page()
    return file.close()


class _File:
    """A PDF that is being written."""

    def __init__(self) -> None:
        self._bytes = BytesIO()
        self.canvas: Any = Canvas(self._bytes, pageCompression=1, invariant=1)
        self.canvas.setTitle("Labels")
        self._forms: dict[tuple[Face, int], str] = {}
        self._on_page: set[str] = set()

    def draw(self, drawing: Drawing, left: float, top: float) -> None:
        """Draw a label with its top left corner there, in points from the page's bottom left corner."""
        canvas = self.canvas
        dot = drawing.points_per_dot
        for picture in drawing.pictures:
            image = ImageReader(Image.frombytes("1", (picture.width, picture.height), picture.bits))
            canvas.drawImage(
                image,
                left + picture.x * dot,
                top - (picture.y + picture.height) * dot,
                picture.width * dot,
                picture.height * dot,
            )
        bars = " ".join([f"{x} {y} {width} {height} re" for x, y, width, height in drawing.rects])
        # In dots, y down.
        canvas.addLiteral(f"q {dot:.6f} 0 0 {-dot:.6f} {left:.4f} {top:.4f} cm 0 g {bars} f")
        characters = [self._character(glyph) for glyph in drawing.glyphs]
        canvas.addLiteral(" ".join([*filter(None, characters), "Q"]))

    def end_page(self) -> None:
        """Begin the next page."""
        self.canvas.showPage()
        self._on_page.clear()

    def _character(self, glyph: Glyph) -> str:
        """Return what draws a glyph; the page gets to know its form."""
        face, number, x, y, size = glyph
        form = self._forms.get((face, number)) or self._form(face, number)
        if not form:
            return ""
        scale = size / face.upem
        place = f"q {scale:.5f} 0 0 {-scale:.5f} {x:.2f} {y:.2f} cm"
        if form in self._on_page:
            return f"{place} /{pdfdoc.xObjectName(form)} Do Q"
        # The first time on a page it goes through the canvas, which then lists the form among the page's resources.
        self._on_page.add(form)
        self.canvas.addLiteral(place)
        self.canvas.doForm(form)
        self.canvas.addLiteral("Q")
        return ""

    def close(self) -> bytes:
        """Finish the file, and return it."""
        # Binary streams: text made of them is a quarter longer, and takes longer than all the rest.
        before, rl_config.useA85 = rl_config.useA85, 0
        try:
            self.canvas.save()
        finally:
            rl_config.useA85 = before
        return self._bytes.getvalue()

    def _form(self, face: Face, number: int) -> str:
        """Return the name of a glyph's form, empty for a blank one; the file gets the form once."""
        name = self._forms.get((face, number))
        if name is None:
            commands = [
                f"{' '.join(f'{value:g}' for value in points)} {_OPERATORS[verb]}".strip()
                for verb, points in face.outline(number)
            ]
            name = f"glyph{len(self._forms)}" if commands else ""
            if commands:
                left, bottom, right, top = face.extents(number)
                self.canvas.beginForm(name, left - 1, bottom - 1, right + 1, top + 1)
                self.canvas.addLiteral(f"{' '.join(commands)} f")
                self.canvas.endForm()
            self._forms[face, number] = name
        return name


_OPERATORS = {"M": "m", "L": "l", "C": "c", "Z": "h"}
