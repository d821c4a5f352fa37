# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives that are damaged, hostile or unusual: nothing of them is lost, and nothing is read for ever."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats.image import (
    Change,
    Entry,
    ImageError,
    Kind,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats.tar import Tar

PATH = "/etc/ioto/device.json5"
CHANGE = Change(PATH, b"{id: 'JT08FFQXWQ'}", Entry(Kind.REGULAR), replaces=False)


def archive(*names: str, format: int = tarfile.GNU_FORMAT, headers: dict[str, str] | None = None) -> bytearray:
    """Return an archive of files of 700 bytes."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=format) as writer:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.pax_headers = 700, headers or {}
            writer.addfile(member, io.BytesIO(b"x" * 700))
    return bytearray(made.getvalue())


def open_tar(folder: Path, content: bytes) -> Tar:
    (folder / "base.tar").write_bytes(content)
    (folder / "scratch").mkdir()
    return Tar(folder / "base.tar", folder / "scratch")


def put(base: Tar) -> list[str]:
    """Put the file into a copy of `base`, and return the names that GNU tar finds there."""
    (base.scratch / "work").mkdir()
    target = base.scratch / "made.tar"
    base.write(target, CHANGE, base.scratch / "work")
    listed = subprocess.run(["tar", "-tf", target], check=True, capture_output=True, text=True)
    return listed.stdout.splitlines()


def damage_a_name(content: bytearray) -> None:
    content[content.index(b"bin/two")] ^= 1


def make_a_size_negative(content: bytearray) -> None:
    start = content.index(b"bin/two")
    header = content[start : start + tarfile.BLOCKSIZE]
    header[124:136] = (-tarfile.BLOCKSIZE).to_bytes(12, "big", signed=True)  # it leads back to this header
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    content[start : start + tarfile.BLOCKSIZE] = header


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (damage_a_name, "the header at byte 1536 is not one of an archive"),
        # Newer releases of Python take such a header for none, others follow it back.
        (make_a_size_negative, "(a size in it is negative|the header at byte 1536 is not one of an archive)"),
    ],
)
def test_a_damaged_header_is_told_and_ends_no_archive(
    tmp_path: Path, damage: Callable[[bytearray], None], sentence: str
) -> None:
    content = archive("bin/one", "bin/two", "bin/three")
    damage(content)
    with pytest.raises(ImageError, match=rf"The tar image base\.tar is damaged \({sentence}\)"):
        open_tar(tmp_path, content)


def test_a_number_that_is_none_in_an_extended_header_is_damage(tmp_path: Path) -> None:
    content = archive("bin/one", format=tarfile.PAX_FORMAT, headers={"GNU.sparse.map": "1,x", "GNU.sparse.size": "9"})
    with pytest.raises(ImageError, match=r"The tar image base\.tar is damaged"):
        open_tar(tmp_path, content)


@pytest.mark.parametrize("format", ["gnu", "posix"])
def test_a_sparse_file_at_the_end_is_no_damage(tmp_path: Path, format: str) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(7_000_000)
    command = ["tar", "-C", tmp_path, "-S", f"--format={format}", "-cf", tmp_path / "sparse.tar", "sparse"]
    subprocess.run(command, check=True)
    assert put(open_tar(tmp_path, (tmp_path / "sparse.tar").read_bytes())) == ["sparse", PATH.lstrip("/")]


@pytest.mark.parametrize(("length", "kept"), [(20, 20), (5000, 0)])
def test_a_name_in_a_compressed_archive_stays_unless_it_is_longer_than_any_file_has(
    tmp_path: Path, length: int, kept: int
) -> None:
    packed = gzip.compress(archive("bin/one"))
    named = packed[:3] + b"\x08" + packed[4:10] + b"n" * length + b"\0" + packed[10:]
    assert put(base := open_tar(tmp_path, named)) == ["bin/one", PATH.lstrip("/")]
    assert (base.scratch / "made.tar").read_bytes().count(b"n" * 20) == bool(kept)


def test_what_follows_an_archive_stays_behind_it(tmp_path: Path) -> None:
    first, appended = archive("bin/one"), archive("bin/two")
    assert put(base := open_tar(tmp_path, first + appended)) == ["bin/one", PATH.lstrip("/")]
    assert (base.scratch / "made.tar").read_bytes().endswith(appended)
