# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of QR codes and Code 128, the same for every output.

QR codes are ISO/IEC 18004, from segno. Code 128 is ISO/IEC 15417, from reportlab. Sizes are in modules, the smallest
element of a code.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import segno
from reportlab.graphics.barcode import code128

from .errors import FitError

_Code128: Any = code128.Code128  # it has no types

QR_QUIET_ZONE = 4
CODE128_QUIET_ZONE = 10
"""Modules that stay white on each side; ISO/IEC 18004 and 15417 ask for them."""


class Run(NamedTuple):
    """Black modules in a row."""

    x: int
    y: int
    length: int


class Matrix(NamedTuple):
    """A QR code of `size` modules each way, without its quiet zone."""

    size: int
    runs: tuple[Run, ...]


class Bars(NamedTuple):
    """A linear code of `size` modules, without its quiet zones; all runs have y = 0."""

    size: int
    runs: tuple[Run, ...]


@lru_cache(maxsize=64)
def qr(payload: str, error: str = "M") -> Matrix:
    """Return the QR code of `payload`; `error` (L, M, Q, H) is the least correction, more is taken where it is free."""
    try:
        code = segno.make_qr(payload, error=error)
    except (segno.DataOverflowError, ValueError) as problem:
        raise FitError(f"The QR code cannot hold {len(payload)} letters; shorten its template.") from problem
    rows = [bytes(row).translate(_AS_TEXT) for row in code.matrix]
    runs = []
    for y, row in enumerate(rows):
        x = row.find(b"#")
        while x >= 0:
            end = row.find(b" ", x)
            end = len(row) if end < 0 else end
            runs.append(Run(x, y, end - x))
            x = row.find(b"#", end)
    return Matrix(len(rows), tuple(runs))


@lru_cache(maxsize=64)
def bars(text: str) -> Bars:
    """Return the Code 128 of `text`. Raises `FitError` for an empty text or a letter that Code 128 does not have."""
    stranger = next((letter for letter in text if not " " <= letter <= "~"), None)
    if not text or stranger:
        what = f"{stranger!a} (U+{ord(stranger):04X})" if stranger else "nothing"
        raise FitError(
            f"The serial number {text!a} holds {what}, which Code 128 cannot carry; "
            "give one of ASCII letters, digits and signs, or a layout without code128."
        )
    code: Any = _Code128(text, quiet=0)
    code.validate()
    code.encode()
    runs = []
    x = 0
    for element in code.decompose():
        length = ord(element.lower()) - ord("a") + 1
        if element.isupper():
            runs.append(Run(x, 0, length))
        x += length
    return Bars(x, tuple(runs))


_AS_TEXT = bytes(ord("#") if value == 1 else ord(" ") for value in range(256))
