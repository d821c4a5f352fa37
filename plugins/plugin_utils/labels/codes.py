# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of QR codes and Code 128, the same for every output.

QR codes are ISO/IEC 18004, from zxing-cpp, since it takes a twentieth of the time of those in Python. Code 128 is
ISO/IEC 15417, from reportlab. Sizes are in modules, the smallest element of a code.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import zxingcpp as _zxingcpp
from reportlab.graphics.barcode import code128

from ..display_text import quoted
from .errors import FitError

# They have no types.
_Code128: Any = code128.Code128
zxingcpp: Any = _zxingcpp

_CORRECTIONS = "HQML"
"""The levels of a QR code's error correction, from 30 % of its words down to 7 %."""
_BLACK, _WHITE = b"\x00", b"\xff"

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
    size, rows = _qr_modules(payload, error)
    for better in _CORRECTIONS[: _CORRECTIONS.index(error)]:
        try:
            better_size, better_rows = _qr_modules(payload, better)
        except FitError:
            continue
        if better_size == size:
            rows = better_rows
            break
    return Matrix(size, tuple(Run(x, y, length) for y, row in enumerate(rows) for x, length in _runs(row)))


def _qr_modules(payload: str, error: str) -> tuple[int, list[bytes]]:
    """Return the size of a QR code and its rows, a byte a module, black is 0."""
    try:
        code = zxingcpp.create_barcode(payload, zxingcpp.BarcodeFormat.QRCode, ec_level=error)
        image: Any = memoryview(zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=False))
    except (ValueError, RuntimeError) as problem:
        raise FitError(f"The QR code cannot hold {len(payload)} characters; shorten its template.") from problem
    size: int = image.shape[0]
    modules = bytes(image)
    return size, [modules[start : start + size] for start in range(0, size * size, size)]


def _runs(row: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the black modules in a row begin, and how many follow."""
    start = row.find(_BLACK)
    while start >= 0:
        end = row.find(_WHITE, start)
        end = len(row) if end < 0 else end
        yield start, end - start
        start = row.find(_BLACK, end)


@lru_cache(maxsize=64)
def bars(text: str) -> Bars:
    """Return the Code 128 of `text`. Raises `FitError` for an empty text or a character that Code 128 does not have."""
    stranger = next((character for character in text if not " " <= character <= "~"), None)
    if not text or stranger:
        what = f"{quoted(stranger)} (U+{ord(stranger):04X})" if stranger else "nothing"
        raise FitError(
            f"The serial number {quoted(text)} holds {what}, which Code 128 cannot carry; "
            "give one of ASCII letters, digits and signs, or a layout without code128."
        )
    code: Any = _Code128(text, quiet=0)
    code.validate()
    code.encode()
    runs = []
    x = 0
    # The widths of bars and spaces in turn, as letters: A or a is one module.
    for element in code.decompose():
        length = _WIDTHS[element]
        if element < "a":
            runs.append(Run(x, 0, length))
        x += length
    return Bars(x, tuple(runs))


_WIDTHS = {letter: width for width, pair in enumerate(("Aa", "Bb", "Cc", "Dd"), 1) for letter in pair}
