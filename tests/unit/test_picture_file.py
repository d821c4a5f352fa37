# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures and layouts from outside: nothing is decoded that would fill the memory or start a program."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest

pytest.importorskip("PIL", reason="pictures need the Python package pillow")

from PIL import Image

from ansible_collections.ioto.serialization.plugins.plugin_utils.labels import layout
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.errors import LayoutError
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.picture_file import (
    MOST_SCANS,
    PictureError,
    open_picture,
)


def png(width: int, height: int) -> bytes:
    """A PNG that says it has that size, and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width + 7) // 8 + 1), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_png_and_a_jpeg_are_read(tmp_path: Path, kind: str) -> None:
    Image.new("RGB", (30, 20), "red").save(tmp_path / "logo", kind)
    picture = open_picture(str(tmp_path / "logo"), "L")
    assert (picture.size, picture.mode) == ((30, 20), "L")


@pytest.mark.parametrize(
    ("width", "height"), [(10_000, 7_000), (60_000, 60_000), (30_000, 30_000), (1, 59_000_000), (59_000_000, 1)]
)
def test_a_picture_that_would_fill_the_memory_is_not_decoded(tmp_path: Path, width: int, height: int) -> None:
    (tmp_path / "bomb.png").write_bytes(png(width, height))
    with pytest.raises(PictureError, match=r"is too large: .*; give a smaller one"):
        open_picture(str(tmp_path / "bomb.png"), "L")


def jpeg(scans: int) -> bytes:
    """A progressive JPEG with that many scans, the last of them again and again."""
    content = io.BytesIO()
    Image.new("L", (64, 64)).save(content, "JPEG", progressive=True)
    usual = content.getvalue()
    more = scans - usual.count(b"\xff\xda")
    last = usual[usual.rindex(b"\xff\xda") : -2]
    return usual[:-2] + last * more + usual[-2:]


def test_a_jpeg_whose_scans_would_take_long_is_not_decoded(tmp_path: Path) -> None:
    (tmp_path / "most.jpg").write_bytes(jpeg(MOST_SCANS))
    assert open_picture(str(tmp_path / "most.jpg"), "L").size == (64, 64)
    (tmp_path / "bomb.jpg").write_bytes(jpeg(MOST_SCANS + 1))
    with pytest.raises(PictureError, match=r"is a JPEG of more than 32 scans, .*; save it once more, or give a PNG"):
        open_picture(str(tmp_path / "bomb.jpg"), "L")


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_another_kind_of_picture_is_not_decoded(tmp_path: Path, kind: str) -> None:
    Image.new("L", (30, 20)).save(tmp_path / "logo.png", kind)
    with pytest.raises(PictureError, match="it is not a PNG or JPEG, or it is broken"):
        open_picture(str(tmp_path / "logo.png"), "L")


def test_a_postscript_file_starts_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "gs"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n", encoding="utf-8")
    trap.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    picture = tmp_path / "logo.png"
    picture.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n", encoding="utf-8")
    with pytest.raises(PictureError, match="it is not a PNG or JPEG, or it is broken"):
        open_picture(str(picture), "L")
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("absent.png", r"There is no picture '.*absent\.png'; correct its path\."),
        (".", "is not a file; give a PNG or a JPEG"),
    ],
)
def test_what_is_no_file_is_told(tmp_path: Path, name: str, sentence: str) -> None:
    with pytest.raises(PictureError, match=sentence):
        open_picture(str(tmp_path / name), "L")


def test_a_label_of_more_dots_than_anybody_prints_is_refused() -> None:
    text = b"{width: 500, height: 500, dpi: 600, elements: []}"
    with pytest.raises(LayoutError, match=r"has 140 million dots, and may have 40; correct width, height or dpi in l"):
        layout.parse(text, name="l.json5", folder=Path())
    large = layout.parse(text.replace(b"600", b"300"), name="l.json5", folder=Path())
    with pytest.raises(LayoutError, match="million dots"):
        large.with_dpi(2400)
