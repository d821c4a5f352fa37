# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels as ZPL II, the language of Zebra's printers and of many others.

A label is one graphic field (`^GF`) of exactly the dots that `raster` makes. The printer's own fonts and code
generators are not used: they lack most scripts, choose other modules than were checked, and take their texts as field
data, where a name could end the field and begin a command. A graphic holds no text, so there is nothing to escape.
"""

from __future__ import annotations

from itertools import groupby

from .drawing import Drawing
from .raster import rasterize

_INVERTED = bytes(255 - value for value in range(256))


def zpl(drawing: Drawing, *, copies: int = 1) -> bytes:
    """Return the commands that print the label `copies` times, in ASCII."""
    stride = -(-drawing.width // 8)
    dots = rasterize(drawing, width=stride * 8).tobytes().translate(_INVERTED)
    rows = [dots[start : start + stride] for start in range(0, len(dots), stride)]
    total = len(dots)
    data = "".join(":" if number and row == rows[number - 1] else _row(row) for number, row in enumerate(rows))
    return (
        f"^XA^PW{drawing.width}^LL{drawing.height}^LH0,0^FO0,0^GFA,{total},{total},{stride},{data}^FS^PQ{copies}^XZ\n"
    ).encode("ascii")


def _row(row: bytes) -> str:
    """Return a row of dots in ZPL's compressed hexadecimal: `G` to `z` repeat the next digit, `,` is a white rest."""
    digits = row.hex().upper()
    black = digits.rstrip("0")
    return "".join(_repeat(digit, len(list(run))) for digit, run in groupby(black)) + ("," if black != digits else "")


def _repeat(digit: str, times: int) -> str:
    text = ""
    while times > 1:
        part = min(times, 419)
        twenties, ones = divmod(part, 20)
        text += (chr(ord("g") + twenties - 1) if twenties else "") + (chr(ord("G") + ones - 1) if ones else "") + digit
        times -= part
    return text + digit * times
