# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels as SVG, characters as outlines, so that every viewer shows the same."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

from PIL import Image

from .drawing import Drawing, Picture
from .fonts import Face


def svg(drawing: Drawing) -> str:
    """Return the label as an SVG document of the label's size in mm; its unit is the printer's dot."""
    bars = "".join(f"M{x} {y}h{width}v{height}h-{width}z" for x, y, width, height in drawing.rects)
    names: dict[tuple[Face, int], str] = {}
    uses = []
    for face, number, x, y, size in drawing.glyphs:
        if face.outline(number):
            name = names.setdefault((face, number), f"g{len(names)}")
            scale = size / face.upem
            uses.append(f'<use href="#{name}" transform="matrix({scale:.5f} 0 0 {-scale:.5f} {x:.2f} {y:.2f})"/>')
    shapes = [f'<path id="{name}" d="{_path(face, number)}"/>' for (face, number), name in names.items()]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{drawing.width_mm:.3f}mm" height="{drawing.height_mm:.3f}mm" '
        f'viewBox="0 0 {drawing.width} {drawing.height}">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        f"<defs>{''.join(shapes)}</defs>\n{''.join(map(image, drawing.pictures))}"
        f'<path shape-rendering="crispEdges" d="{bars}"/>\n{"".join(uses)}\n</svg>\n'
    )


def _path(face: Face, number: int) -> str:
    return "".join(f"{verb}{' '.join(f'{value:g}' for value in points)}" for verb, points in face.outline(number))


def image(picture: Picture) -> str:
    """Return a picture as an `image` element."""
    file = BytesIO()
    Image.frombytes("1", (picture.width, picture.height), picture.bits).save(file, "PNG")
    return (
        f'<image x="{picture.x}" y="{picture.y}" width="{picture.width}" height="{picture.height}" '
        f'href="data:image/png;base64,{b64encode(file.getvalue()).decode()}"/>\n'
    )
