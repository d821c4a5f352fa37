# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sheets of labels: where they lie on the page, in mm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from ..display_text import quoted
from .errors import FitError, LayoutError


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page of `columns` by `rows` labels; margins (`left`, `top`) and pitches in mm."""

    page_width: float
    page_height: float
    columns: int
    rows: int
    left: float
    top: float
    label_width: float
    label_height: float
    pitch_x: float
    pitch_y: float

    @property
    def count(self) -> int:
        """Labels on a page."""
        return self.columns * self.rows

    def corner(self, position: int, width: float, height: float) -> tuple[float, float]:
        """Return the top left corner, from that of the page, of a label of that size in the middle of its place.

        Positions count from 0, along the rows.
        """
        row, column = divmod(position, self.columns)
        x = self.left + column * self.pitch_x + (self.label_width - width) / 2
        y = self.top + row * self.pitch_y + (self.label_height - height) / 2
        return x, y

    def check(self, width: float, height: float, start: int) -> None:
        """Refuse labels that are larger than their places, and a first position that is not on the page."""
        # A rounding to whole dots of 203 dpi may cost 0.07 mm.
        if width > self.label_width + 0.1 or height > self.label_height + 0.1:
            raise FitError(
                f"The layout's label is {width:.1f} x {height:.1f} mm and the sheet's {self.label_width:.1f} x "
                f"{self.label_height:.1f} mm; take another layout or another sheet."
            )
        if not 1 <= start <= self.count:
            raise FitError(
                f"The sheet has labels 1 to {self.count}, so it cannot be begun at {start}; give one of them."
            )


SHEETS: Mapping[str, Sheet] = {
    # The makers' templates: A4, 3 x 7 of 63.5 x 38.1 mm; US Letter, 3 x 10 of 2 5/8 x 1 inch.
    "L7160": Sheet(210, 297, 3, 7, 7.25, 15.15, 63.5, 38.1, 66.0, 38.1),
    "5160": Sheet(215.9, 279.4, 3, 10, 4.7625, 12.7, 66.675, 25.4, 69.85, 25.4),
}


def parse_sheet(value: object) -> Sheet:
    """Return the sheet of that name, or with those numbers. Raises `LayoutError`."""
    if not isinstance(value, Mapping):
        name = str(value)  # of 5160, YAML makes a number
        if name not in SHEETS:
            raise LayoutError(
                f"No sheet is called {quoted(value)}; give one of {', '.join(SHEETS)}, or its own numbers."
            )
        return SHEETS[name]
    names = [field.name for field in fields(Sheet)]
    missing = [name for name in names if name not in value]
    extra = [name for name in value if name not in names]
    if missing or extra:
        raise LayoutError(
            f"A sheet has {', '.join(names)}"
            + (f"; {', '.join(missing)} missing" if missing else "")
            + (f"; nothing is called {', '.join(map(quoted, extra))}" if extra else "")
            + "."
        )
    try:
        numbers = {name: float(value[name]) for name in names}
    except (TypeError, ValueError) as error:
        raise LayoutError(f"A sheet has numbers, in mm ({error}); correct it.") from error
    if not all(0 <= number <= 2000 for number in numbers.values()) or min(numbers["columns"], numbers["rows"]) < 1:
        raise LayoutError("A sheet has numbers from 0 to 2000 mm and at least one row and column; correct it.")
    columns, rows = int(numbers.pop("columns")), int(numbers.pop("rows"))
    sheet = Sheet(columns=columns, rows=rows, **numbers)
    right = sheet.left + (columns - 1) * sheet.pitch_x + sheet.label_width
    bottom = sheet.top + (rows - 1) * sheet.pitch_y + sheet.label_height
    if right > sheet.page_width + 0.01 or bottom > sheet.page_height + 0.01:
        raise LayoutError(
            f"The sheet's labels reach to {right:.1f} x {bottom:.1f} mm, and its page is {sheet.page_width:.1f} x "
            f"{sheet.page_height:.1f} mm; correct it."
        )
    if (columns > 1 and sheet.pitch_x < sheet.label_width - 0.01) or (
        rows > 1 and sheet.pitch_y < sheet.label_height - 0.01
    ):
        raise LayoutError(
            f"The sheet's labels are {sheet.label_width:g} x {sheet.label_height:g} mm, and begin every "
            f"{sheet.pitch_x:g} x {sheet.pitch_y:g} mm, so that they overlap; correct it."
        )
    return sheet
