# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of labels as SVG inside a page: characters are defined once for all, bars take a few bytes each.

Where claim IDs are masked, so are those on the pictures, in their QR codes too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ..errors import IotoError
from ..labelling.options import load_job
from .records import Row

if TYPE_CHECKING:
    from ..labelling.batch import LabelJob
    from ..labels.drawing import Drawing, Rect
    from ..labels.fonts import Face

OptionsOf = Callable[[Row], Mapping[str, Any]]
"""Says which options (those of the module `label`, complete) the label of a unit has."""


class Pictures:
    """The pictures of one page."""

    def __init__(self, options_of: OptionsOf, *, reveal: bool) -> None:
        self._options_of = options_of
        self._reveal = reveal
        self._jobs: dict[str, LabelJob | IotoError] = {}
        self._glyphs: dict[tuple[Face, int], str] = {}

    def of(self, row: Row) -> str:
        """Return the label of a unit as an `svg` element. Raises `IotoError` where it cannot be drawn."""
        job = self._job(self._options_of(row))
        from ..labelling.batch import compose  # noqa: PLC0415 - its libraries are there now

        claim = row.claim
        if claim is None:
            return ""
        if not self._reveal:
            claim = claim._replace(claim_id=claim.masked)
        return self._svg(compose(job, claim, row.label_number).drawing)

    def product_name(self, row: Row) -> str:
        """Return what the product of a unit is called on its label; its ID where nobody says a name."""
        options = self._options_of(row)
        names = options["product_names"] or {}
        return str(names.get(row.serial) or names.get(row.product) or options["product_name"] or row.product or "")

    def definitions(self) -> str:
        """Return what all pictures share, to stand once on the page."""
        shapes = []
        for (face, number), name in self._glyphs.items():
            path = "".join(
                f"{verb}{' '.join(f'{value:g}' for value in points)}" for verb, points in face.outline(number)
            )
            shapes.append(f'<path id="{name}" d="{path}"/>')
        return f'<svg class="shared" aria-hidden="true"><defs>{"".join(shapes)}</defs></svg>'

    def _job(self, options: Mapping[str, Any]) -> LabelJob:
        key = repr(sorted(options.items()))
        if key not in self._jobs:
            try:
                # A picture goes nowhere; the options of where labels go may be any.
                self._jobs[key] = load_job(options)
            except IotoError as error:
                self._jobs[key] = error
        job = self._jobs[key]
        if isinstance(job, IotoError):
            raise job
        return job

    def _svg(self, drawing: Drawing) -> str:
        from ..labels.output_svg import image  # noqa: PLC0415 - its libraries are there, as above

        lines = [
            f'<g transform="matrix({size / face.upem:.4g} 0 0 -{size / face.upem:.4g} 0 {y:g})">'
            + "".join(self._use(face, glyph.number, glyph.x * face.upem / size) for glyph in glyphs)
            + "</g>"
            for (face, size, y), glyphs in groupby(drawing.glyphs, lambda glyph: (glyph.face, glyph.size, glyph.y))
        ]
        return (
            f'<svg class="label" viewBox="0 0 {drawing.width} {drawing.height}" role="img" aria-label="Label">'
            f'<rect width="100%" height="100%" fill="#fff"/>{"".join(map(image, drawing.pictures))}'
            f"{''.join(_bars(drawing.rects))}{''.join(lines)}</svg>"
        )

    def _use(self, face: Face, number: int, x: float) -> str:
        if not face.outline(number):
            return ""
        name = self._glyphs.setdefault((face, number), f"g{len(self._glyphs)}")
        return f'<use href="#{name}" x="{x:.0f}"/>'


def _bars(rects: Sequence[Rect]) -> list[str]:
    """Return the rectangles as lines, a path for each thickness; a line costs seven bytes, a rectangle twenty."""
    paths = []
    for height, members in groupby(sorted(rects, key=lambda rect: rect.height), lambda rect: rect.height):
        commands = []
        at = 0, 0
        for x, y, width, _height in sorted(members, key=lambda rect: (rect.y, rect.x)):
            commands.append(f"m{x - at[0]} {y - at[1]}h{width}")
            at = x + width, y
        # The stroke lies around its line, which is therefore half of its thickness below the top.
        paths.append(
            f'<path class="b" stroke-width="{height}" transform="translate(0 {height / 2:g})" d="{"".join(commands)}"/>'
        )
    return paths
