# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels as PNG, a pixel a printer dot."""

from __future__ import annotations

from io import BytesIO

from .drawing import Drawing
from .raster import rasterize


def png(drawing: Drawing) -> bytes:
    """Return the label as a PNG file that knows its size in mm."""
    file = BytesIO()
    rasterize(drawing).save(file, "PNG", dpi=(drawing.dpi, drawing.dpi))
    return file.getvalue()
