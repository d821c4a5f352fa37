# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SquashFS: unpacked and packed again under fakeroot, which keeps owners, device nodes and attributes without root.

The superblock (https://dr-emann.github.io/squashfs/) says how the base was packed; the new one is packed alike.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .image import READ_AT_MOST, Change, Entry, Image, ImageError, Kind, tail
from .tools import run, said

_SUPERBLOCK = struct.Struct("<4sIIIIHHHHHHQQ")
_SIZE = 96
_COMPRESSORS = {1: "gzip", 2: "lzma", 3: "lzo", 4: "xz", 5: "lz4", 6: "zstd"}
_FLAGS = {
    0x0001: "-noI",
    0x0002: "-noD",
    0x0008: "-noF",
    0x0010: "-no-fragments",
    0x0020: "-always-use-fragments",
    0x0100: "-noX",
    0x0200: "-no-xattrs",
    0x0800: "-noId",
}
_DUPLICATES, _EXPORTABLE, _OPTIONS = 0x0040, 0x0080, 0x0400
_BCJ = ("x86", "powerpc", "ia64", "arm", "armthumb", "sparc")
_GZIP_STRATEGIES = ("default", "filtered", "huffman_only", "run_length_encoded", "fixed")
_LZO = ("lzo1x_1", "lzo1x_1_11", "lzo1x_1_12", "lzo1x_1_15", "lzo1x_999")
_DATA = b"#\n# START OF DATA - DO NOT MODIFY\n#\n"
_KINDS = {"R": Kind.REGULAR, "D": Kind.DIRECTORY, "S": Kind.LINK}
_LINE = re.compile(
    r"(?P<path>(?:[^\s\\]|\\.)+) (?P<kind>[A-Z]) (?P<mtime>\d+) (?P<mode>[0-7]+) "
    r"(?P<uid>\d+) (?P<gid>\d+)(?: (?P<rest>.*))?"
)

_DIRECTORY = re.compile(r"^(d\S+ \S+) +\d+")

# $1 the image, $2 where the file goes, $3 its mode, $4 its owner, $5 its time, $6 yes where it replaces one; then
# mksquashfs and its options. Run in a folder of its own, where `new` is.
_REPACK = """
set -e
unsquashfs -no-progress -quiet -dest root "$1" >&2
path=root$2
folder=${path%/*}
touch -r "$folder" folder-time
if [ "$6" = yes ]; then
  cat new >"$path"
else
  cp new "$path"
  chown "$4" "$path"
  chmod "$3" "$path"
fi
touch -d "@$5" "$path"
touch -r folder-time "$folder"
shift 6
exec mksquashfs root packed -noappend -no-progress -quiet -no-recovery "$@" >&2
"""


@dataclass(frozen=True, slots=True)
class _Superblock:
    """What says how the file system was packed; `end` is the byte behind it."""

    options: tuple[str, ...]
    end: int


class SquashFs(Image):
    """A compressed file system that is only read."""

    format = "squashfs"

    def __init__(self, path: Path, scratch: Path) -> None:
        super().__init__(path, scratch)
        self._superblock = self._read_superblock()

    def _read_entries(self, paths: Sequence[str]) -> Mapping[str, Entry]:
        pseudo = self.scratch / "pseudo"
        names = [path.lstrip("/") for path in paths]
        options = "-no-progress", "-quiet", "-no-wildcards", "-pf", pseudo.name
        done = run("unsquashfs", *options, self.path, *names, cwd=self.scratch, image=self.path)
        if done.returncode or not pseudo.exists():
            raise self.damaged(said(done))
        text, _unused, data = pseudo.read_bytes().partition(_DATA)
        pseudo.unlink()
        wanted = set(names)
        found = {}
        for line in text.decode("utf-8", "surrogateescape").split("\n"):
            match = _LINE.fullmatch(line)
            if match is None or (name := re.sub(r"\\(.)", r"\1", match["path"])) not in wanted:
                continue
            found[f"/{name}"] = _entry(match, data)
        return found

    def write(self, target: Path, change: Change, work: Path) -> None:
        (work / "new").write_bytes(change.data)
        entry = change.entry
        arguments = [change.path, f"{entry.mode:o}", f"{entry.uid}:{entry.gid}", str(entry.mtime)]
        arguments += ["yes" if change.replaces else "no", *self._superblock.options]
        # Neither compressed nor in one block with others, so that another content of the same length fits in its place.
        for action in ("uncompressed", "no-fragments"):
            arguments += ["-action", f'{action}@pathname("{change.path.lstrip("/")}")']
        done = run("fakeroot", "--", "sh", "-c", _REPACK, "sh", self.path, *arguments, cwd=work, image=self.path)
        packed = work / "packed"
        if done.returncode or not packed.exists():
            if done.returncode == 127:
                raise ImageError("The program mksquashfs is missing; install the Debian package squashfs-tools.")
            raise ImageError(f"The image {self.path.name} could not be packed again ({tail(said(done))}).")
        length = self.path.stat().st_size
        with packed.open("r+b") as file:
            # What the base had behind the file system was zeros (see _read_superblock): keep its size where we can.
            if packed.stat().st_size < length:
                file.truncate(length)
        packed.replace(target)
        self._compare(target, change.path)

    def check(self) -> None:
        """Read all metadata."""
        self._listing(self.path)

    def _compare(self, target: Path, path: str) -> None:
        """Compare owner, mode, size, time and name of everything else in the new image with the base."""
        old, new = (
            [line for line in self._listing(image) if not line.endswith(f" {path}")] for image in (self.path, target)
        )
        if old != new:
            raise ImageError(
                f"The image packed again from {self.path.name} differs in more than device.json5; see whether "
                "squashfs-tools are up to date."
            )

    def _listing(self, image: Path) -> list[str]:
        done = run(
            "unsquashfs", "-no-progress", "-UTC", "-dest", "", "-llnumeric", image, cwd=self.scratch, image=image
        )
        if done.returncode or done.stderr:
            raise self.damaged(said(done))
        lines = done.stdout.decode("utf-8", "surrogateescape").splitlines()
        # A directory's size is that of its list of names.
        return [_DIRECTORY.sub(r"\1", line) for line in lines]

    def _read_superblock(self) -> _Superblock:
        with self.path.open("rb") as file:
            head = file.read(_SIZE)
            if len(head) < _SIZE:
                raise self.damaged("it is cut off")
            fields = _SUPERBLOCK.unpack(head[: _SUPERBLOCK.size])
            (
                _unused,
                _unused,
                mkfs_time,
                block_size,
                _unused,
                compressor,
                _unused,
                flags,
                _unused,
                _unused,
                _unused,
                _unused,
                used,
            ) = fields
            options = file.read(64) if flags & _OPTIONS else b""
            file.seek(0, 2)
            length = file.tell()
            if length < used:
                raise self.damaged(f"it has {length} of {used} bytes")
            file.seek(used)
            while block := file.read(1 << 16):
                if block.count(0) != len(block):
                    raise ImageError(
                        f"Something follows the file system in {self.path.name} that would not fit the new one; "
                        "serialize the file system alone, then append it again."
                    )
        name = _COMPRESSORS.get(compressor)
        if name is None:
            raise self.damaged(f"its compressor {compressor} is unknown")
        words = ["-comp", name, "-b", str(block_size), "-mkfs-time", str(mkfs_time)]
        words += [word for flag, word in _FLAGS.items() if flags & flag]
        words += [] if flags & _DUPLICATES else ["-no-duplicates"]
        words += [] if flags & _EXPORTABLE else ["-no-exports"]
        words += _compressor_options(name, options[2:]) if options else []
        return _Superblock(tuple(words), used)


def _compressor_options(name: str, stored: bytes) -> list[str]:
    """What mksquashfs has to be told so that it writes the compressor options that are `stored`."""
    if name == "gzip":
        level, window, strategies = struct.unpack_from("<IHH", stored)
        chosen = [word for bit, word in enumerate(_GZIP_STRATEGIES) if strategies & 1 << bit]
        words = ["-Xcompression-level", str(level), "-Xwindow-size", str(window)]
        return words + (["-Xstrategy", ",".join(chosen)] if chosen else [])
    if name == "xz":
        dictionary, filters = struct.unpack_from("<II", stored)
        chosen = [word for bit, word in enumerate(_BCJ) if filters & 1 << bit]
        return ["-Xdict-size", str(dictionary)] + (["-Xbcj", ",".join(chosen)] if chosen else [])
    if name == "zstd":
        return ["-Xcompression-level", str(struct.unpack_from("<I", stored)[0])]
    if name == "lz4":
        return ["-Xhc"] if struct.unpack_from("<II", stored)[1] & 1 else []
    if name == "lzo":
        algorithm, level = struct.unpack_from("<II", stored)
        words = ["-Xalgorithm", _LZO[algorithm]]
        return words + (["-Xcompression-level", str(level)] if _LZO[algorithm] == "lzo1x_999" else [])
    return []


def _entry(match: re.Match[str], data: bytes) -> Entry:
    kind = _KINDS.get(match["kind"], Kind.SPECIAL)
    rest = match["rest"] or ""
    content = b""
    if kind is Kind.REGULAR:
        length, offset = (int(word) for word in rest.split()[:2])
        content = data[offset : offset + min(length, READ_AT_MOST)]
    owner = int(match["uid"]), int(match["gid"])
    return Entry(kind, int(match["mode"], 8), *owner, int(match["mtime"]), content, rest if kind is Kind.LINK else "")
