# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels that units have to get."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling import batch
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels import layout
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.output_zpl import zpl
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger


def labels_of(ledger: Ledger, serials: Sequence[str], *, which: str = "standard") -> list[bytes]:
    """Return the labels, as ZPL, of the units with those serials, in that order."""
    job = batch.LabelJob(layout.load(which))
    claims = {claim.unit: claim for claim in ledger.claims() if claim.is_live}
    return [zpl(batch.compose(job, claims[serial]).drawing) for serial in serials]


def pdf_pages(pdf: bytes, dpi: int, *, last: int | None = None) -> list[Image.Image]:
    """Return the pages of `pdf`, or its first `last` ones, in grey, as poppler draws them."""
    if shutil.which("pdftoppm") is None:
        pytest.skip("pdftoppm of the Debian package poppler-utils is missing")
    with tempfile.TemporaryDirectory() as folder:
        command = ["pdftoppm", "-r", str(dpi), "-png", "-", f"{folder}/page"]
        subprocess.run([*command, *(["-l", str(last)] if last else [])], input=pdf, check=True)
        return [Image.open(path).convert("L") for path in sorted(Path(folder).glob("page-*.png"))]
