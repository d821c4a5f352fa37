# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The codes in a picture of a label, as a camera takes it: turned, out of the middle, with noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..display_text import printable
from ..requirements import MissingPackagesError, missing
from .scan import Scan, ScanError, read_scan
from .scan_file import ScanFileError

_MIN_SIDE = 1000
_GREY = 128
_SQUASH = 6


def read_picture(path: str, templates: Iterable[str]) -> Scan:
    """Return what the label in the picture file says; its serial is that of the Code 128, where that is legible.

    Raises `ScanError`, also where the picture shows more than one label, `ScanFileError` where the file is not a
    picture, and `MissingPackagesError`.
    """
    picture = open_label_picture(path)
    import zxingcpp  # noqa: PLC0415  # an extra: only pictures need it

    templates = tuple(templates)
    for variant in _variants(picture):
        found: list[Any] = list(zxingcpp.read_barcodes(variant))
        codes = [code for code in found if code.format == zxingcpp.BarcodeFormat.QRCode]
        if not codes:
            continue
        if len(found) == len(codes):
            found += zxingcpp.read_barcodes(_level(variant, codes[0]))
        serials = {code.text for code in found if code.format == zxingcpp.BarcodeFormat.Code128}
        return _of_one_label(path, {read_scan(code.text, templates) for code in codes}, serials)
    raise ScanError(
        f"The picture {printable(path)} shows no QR code that can be read; take it again, nearer and with more light."
    )


def open_label_picture(path: str) -> Any:
    """Return the picture in the file, in grey. Raises `ScanFileError` and `MissingPackagesError`."""
    try:
        import zxingcpp  # noqa: F401, PLC0415  # as above: who opens a picture wants it read

        from .picture_file import PictureError, open_picture  # noqa: PLC0415
    except ImportError as error:
        raise MissingPackagesError(missing("pictures", error)) from None
    try:
        return open_picture(path, "L")
    except PictureError as error:
        raise ScanFileError(str(error)) from None


def _level(picture: Any, code: Any) -> Any:
    """Return `picture` turned until its QR code stands level, for bars are read along the lines of a picture alone.

    It is squashed then: lines that are averaged have less noise, and bars lose nothing by it.
    """
    from PIL import Image  # noqa: PLC0415  # as above

    left, right = code.position.top_left, code.position.top_right
    degrees = math.degrees(math.atan2(right.y - left.y, right.x - left.x))
    level = picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=_GREY)
    return level.resize((level.width, max(1, level.height // _SQUASH)), Image.Resampling.BOX)


def _of_one_label(path: str, scans: set[Scan], serials: set[str]) -> Scan:
    if len(scans) > 1 or len(serials) > 1:
        raise ScanError(f"The picture {printable(path)} shows the codes of several labels; take one of each label.")
    (scan,) = scans
    return replace(scan, serial=serials.pop()) if serials else scan


def _variants(picture: Any) -> Iterator[Any]:
    """Yield the picture, and what helps a reader when it finds nothing in it."""
    from PIL import Image, ImageFilter, ImageOps  # noqa: PLC0415  # as above

    yield picture
    sharp = ImageOps.autocontrast(picture.filter(ImageFilter.MedianFilter(3)), cutoff=2)
    yield sharp
    if min(sharp.size) < _MIN_SIDE:
        yield sharp.resize((sharp.width * 2, sharp.height * 2), Image.Resampling.LANCZOS)
    yield ImageOps.autocontrast(picture.filter(ImageFilter.GaussianBlur(2)), cutoff=2)
