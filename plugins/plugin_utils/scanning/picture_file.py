# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture in a file, of a kind and a size that are safe to decode. Needs pillow, which is an extra."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image

from ..display_text import quoted
from ..errors import FailureKind, IotoError
from ..private_files import is_known_file, typed_path

MOST_PIXELS = 60_000_000
"""What the largest cameras take, and nothing that a small file has blown up."""
MOST_ACROSS = 20_000
"""Pixels of a side. A decoder keeps something for each row as well, and more than that for each of a narrow picture."""
MOST_SCANS = 32
"""Scans of a JPEG, each of which may go over the whole picture; usual are 10 at the most."""
_SCAN = b"\xff\xda"
"""How a scan of a JPEG begins. Among its dots these two bytes cannot stand."""
_PIECE = 1 << 20
_KINDS = ("PNG", "JPEG")
"""No other decoder is reached: some start programs, such as Ghostscript."""


class PictureError(IotoError):
    """A file that is not a picture which we decode."""

    kind = FailureKind.LABEL


def open_picture(path: str, mode: str) -> Image.Image:
    """Return the picture in the file `path`, a PNG or JPEG, in pillow's `mode`. Raises `PictureError`."""
    file = typed_path(path)
    try:
        if not is_known_file(file):
            if not file.exists():
                raise PictureError(f"There is no picture {quoted(path)}; correct its path.")
            raise PictureError(f"The picture {quoted(path)} is not a file; give a PNG or a JPEG.")
        with warnings.catch_warnings(action="ignore"), Image.open(file, formats=_KINDS) as picture:
            if picture.width * picture.height > MOST_PIXELS or max(picture.size) > MOST_ACROSS:
                raise _too_large(path, f"{picture.width} x {picture.height} pixels")
            if picture.format != "PNG" and _has_too_many_scans(file):
                raise PictureError(
                    f"The picture {quoted(path)} is a JPEG of more than {MOST_SCANS} scans, which would take long to "
                    "decode; save it once more, or give a PNG."
                )
            return picture.convert(mode)
    except IotoError:
        raise
    except Image.DecompressionBombError:  # pillow's own limit, before it tells the size
        raise _too_large(path, "far more pixels") from None
    except Exception as error:  # a decoder stumbles over what it does not expect in many ways
        said = error.strerror if isinstance(error, OSError) else None
        reason = said or "it is not a PNG or JPEG, or it is broken"
        raise PictureError(f"The picture {quoted(path)} cannot be read ({reason}); give a PNG or a JPEG.") from None


def _has_too_many_scans(file: Path) -> bool:
    number = 0
    last = b""
    with file.open("rb") as content:
        while number <= MOST_SCANS and (piece := content.read(_PIECE)):
            number += (last + piece).count(_SCAN)
            last = piece[-1:]
    return number > MOST_SCANS


def _too_large(path: str, size: str) -> PictureError:
    return PictureError(
        f"The picture {quoted(path)} is too large: it has {size}, and may have {MOST_PIXELS // 1_000_000} million and "
        f"{MOST_ACROSS} a side; give a smaller one."
    )
