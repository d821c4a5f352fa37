# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Base images of every format, made with the real tools, and 7z to read them back."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import tarfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"
DEVICE_FILE = b"// of the line\r\n{\r\n    name: 'pump', // stays\r\n}\r\n"
DEVICE_PATH = "etc/ioto/device.json5"
TIME = 1_600_000_000
OWNER = 12, 34
SECTOR = 512
PARTITION_START = 2048
PARTITION_SECTORS = 8192

os.environ["PATH"] += ":/usr/sbin:/sbin"


def sh(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command that has to succeed, and return its output."""
    done = subprocess.run(command, capture_output=True, cwd=cwd, text=True, errors="surrogateescape", check=False)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def make_tree(root: Path, device_file: bytes | None = DEVICE_FILE) -> Path:
    """Make the root file system of a device: directories, links, a large file, a special one where we are root."""
    for folder in ("etc/ioto", "bin", "data"):
        (root / folder).mkdir(parents=True)
    (root / "etc/ioto/ioto.json5").write_text("{ services: { serialize: 'none' } }\n")
    (root / "bin/agent").write_bytes(os.urandom(100_000))
    (root / "bin/agent").chmod(0o755)
    (root / "bin/also").hardlink_to(root / "bin/agent")
    (root / "etc/link").symlink_to("ioto/ioto.json5")
    if os.geteuid() == 0:
        os.mknod(root / "data/null", 0o20666, os.makedev(1, 3))
    if device_file is not None:
        (root / DEVICE_PATH).write_bytes(device_file)
        (root / DEVICE_PATH).chmod(0o640)
    for place in sorted(root.rglob("*"), reverse=True):
        if os.geteuid() == 0:
            os.chown(place, *OWNER, follow_symlinks=False)
        os.utime(place, (TIME, TIME), follow_symlinks=False)
    return root


def make_tar(tree: Path, base: Path) -> None:
    compress = {".gz": "-z", ".xz": "-J", ".zst": "--zstd"}.get(base.suffix)
    sh("tar", "--numeric-owner", *([compress] if compress else []), "-cf", base, "-C", tree, ".")


def make_ext(tree: Path, base: Path, kind: str = "ext4", size: str = "8M", *options: str) -> None:
    sh("truncate", "-s", size, base)
    sh("mke2fs", "-q", "-t", kind, *options, "-d", tree, base)


def make_fat(tree: Path, base: Path, kilobytes: int = 4096) -> None:
    sh("mkfs.vfat", "-C", base, str(kilobytes))
    for folder in ("etc", "etc/ioto", "bin"):
        sh("mmd", "-i", base, f"::{folder}")
    for file in ("etc/ioto/ioto.json5", "bin/agent", DEVICE_PATH):
        if (tree / file).exists():
            sh("mcopy", "-m", "-i", base, tree / file, f"::{file}")


def make_squashfs(tree: Path, base: Path, *options: str) -> None:
    sh("mksquashfs", tree, base, "-quiet", "-no-progress", *(options or ("-comp", "xz", "-b", "65536")))


def make_disk(label: str) -> Callable[[Path, Path], None]:
    def make(tree: Path, base: Path) -> None:
        inside = base.with_name("inside")
        make_ext(tree, inside, size=str(PARTITION_SECTORS * SECTOR))
        with base.open("wb") as disk:
            disk.write(os.urandom(PARTITION_START * SECTOR))
            disk.write(inside.read_bytes())
            disk.write(os.urandom(1024 * 1024))
        script = f"label: {label}\nstart={PARTITION_START}, size={PARTITION_SECTORS}\n"
        subprocess.run(["sfdisk", "-q", base], input=script, text=True, check=True, capture_output=True)
        inside.unlink()

    return make


def make_uimage(tree: Path, base: Path, kind: int = 7, payload: bytes | None = None) -> None:
    if payload is None:
        inside = base.with_name("inside.sqfs")
        make_squashfs(tree, inside)
        payload = inside.read_bytes()
        inside.unlink()
    fields = [b"\x27\x05\x19\x56", 0, TIME, len(payload), 0, 0, zlib.crc32(payload), 5, 2, kind, 0, b"rootfs"]
    fields[1] = zlib.crc32(struct.pack(">4sIIIIII4B32s", *fields))
    base.write_bytes(struct.pack(">4sIIIIII4B32s", *fields) + payload)


def make_disk_of(script: str, base: Path, size: str, partitions: Mapping[int, Path]) -> None:
    """Make a disk with the partition table that sfdisk's `script` describes, and file systems in its partitions."""
    sh("truncate", "-s", size, base)
    subprocess.run(["sfdisk", "-q", base], input=script, text=True, check=True, capture_output=True)
    table = json.loads(sh("sfdisk", "--json", base))["partitiontable"]["partitions"]
    starts = {int(re.findall(r"\d+$", entry["node"])[0]): entry["start"] * SECTOR for entry in table}
    for number, inside in partitions.items():
        with base.open("r+b") as disk:
            disk.seek(starts[number])
            disk.write(inside.read_bytes())


MAKERS: dict[str, tuple[str, Callable[[Path, Path], None]]] = {
    "tar": ("base.tar", make_tar),
    "tar.gz": ("base.tar.gz", make_tar),
    "tar.xz": ("base.tar.xz", make_tar),
    "tar.zst": ("base.tar.zst", make_tar),
    "ext2": ("base.img", lambda tree, base: make_ext(tree, base, "ext2")),
    "ext3": ("base.img", lambda tree, base: make_ext(tree, base, "ext3")),
    "ext4": ("base.img", make_ext),
    "fat": ("base.img", make_fat),
    "squashfs": ("base.img", make_squashfs),
    "squashfs-gzip": ("base.img", lambda t, b: make_squashfs(t, b, "-comp", "gzip", "-Xcompression-level", "3")),
    "squashfs-zstd": ("base.img", lambda t, b: make_squashfs(t, b, "-comp", "zstd", "-no-exports", "-noI")),
    "mbr": ("base.img", make_disk("dos")),
    "gpt": ("base.img", make_disk("gpt")),
    "uimage": ("base.img", make_uimage),
}
"""How a base of each format is made: the file's name, and a function of tree and base."""


def read_with_7z(image: Path, work: Path, kind: str) -> Mapping[str, bytes]:
    """Return the files of an image by their path, as 7z reads them."""
    work.mkdir()
    source = image
    if kind == "uimage":
        source = work / "payload"
        source.write_bytes(image.read_bytes()[64:])
    elif kind in {"mbr", "gpt"}:
        source = work / "partition"
        start = PARTITION_START * SECTOR
        source.write_bytes(image.read_bytes()[start : start + PARTITION_SECTORS * SECTOR])
    elif kind.startswith("tar."):
        sh("7z", "x", "-y", f"-o{work / 'outer'}", image)
        source = next((work / "outer").iterdir())
    out = work / "out"
    subprocess.run(["7z", "x", "-y", "-snl", f"-o{out}", source], capture_output=True, check=False)
    return {
        str(place.relative_to(out)): place.read_bytes()
        for place in sorted(out.rglob("*"))
        if place.is_file() and not place.is_symlink()
    }


def metadata(image: Path, kind: str, work: Path) -> list[str]:
    """Return lines about owner, mode, time and links of all that an image holds, as the tool of its format lists it."""
    if kind.startswith("tar"):
        text = sh("tar", "--full-time", "--numeric-owner", "-tvf", image)
        return sorted(" ".join(line.split()) for line in text.splitlines())
    if kind == "fat":
        return sorted(sh("mdir", "-a", "-/", "-i", image, "::").splitlines())
    if kind in {"mbr", "gpt", "uimage"}:
        inside = work / f"inside-{hashlib.sha256(str(image).encode()).hexdigest()[:6]}"
        data = image.read_bytes()
        start = PARTITION_START * SECTOR
        inside.write_bytes(data[64:] if kind == "uimage" else data[start : start + PARTITION_SECTORS * SECTOR])
        return metadata(inside, "squashfs" if kind == "uimage" else "ext4", work)
    if kind.startswith("squashfs"):
        return sorted(sh("unsquashfs", "-UTC", "-llnumeric", image).splitlines())
    lines = []
    for path in ("/", "/etc", "/etc/ioto", "/bin", "/data", "/etc/link", "/bin/agent", "/bin/also", "/data/null"):
        answer = sh("debugfs", "-R", f"stat {path}", image)
        lines.append(path + answer[: answer.find("atime")] + answer[answer.find("mtime") :])
    answer = sh("debugfs", "-R", f"stat /{DEVICE_PATH}", image)
    wanted = ("User", " mtime", "crtime", " ctime")
    lines += [line.split("Size")[0] for line in answer.splitlines() if line.startswith(wanted)]
    return [*lines, answer.split("Mode:")[1].split("Flags")[0]]


def missing_tools(*names: str) -> list[str]:
    return [name for name in names if shutil.which(name) is None]


def gunzip_names(archive: Path) -> list[str]:
    with gzip.open(archive) as file, tarfile.open(fileobj=file) as tar:
        return tar.getnames()
