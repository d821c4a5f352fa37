# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image for each unit: made with the transaction, read back with another tool than the one that wrote it."""

from __future__ import annotations

import hashlib
import os
import re
import struct
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import json5
import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware.image_device import open_device
from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats import ext
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context, State
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.request import Request, UnitOutcome
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.generated import Generated
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.transaction import serialize
from tests.support.firmware import (
    DEVICE_FILE,
    DEVICE_PATH,
    MAKERS,
    OWNER,
    PARTITION_SECTORS,
    PARTITION_START,
    PRODUCT,
    SECTOR,
    gunzip_names,
    make_ext,
    make_fat,
    make_squashfs,
    make_tar,
    make_tree,
    make_uimage,
    metadata,
    missing_tools,
    read_with_7z,
    sh,
)

if absent := missing_tools("7z", "debugfs", "mcopy", "mkfs.vfat", "mksquashfs", "sfdisk", "zstd", "fakeroot"):
    pytest.skip(f"programs that are not installed: {', '.join(absent)}", allow_module_level=True)


@dataclass
class Line:
    """A production line: a folder, a ledger, and one image after the other."""

    folder: Path
    ledger: Ledger

    def make(
        self,
        base: Path | None,
        serial: str,
        *,
        dest: Path | None = None,
        config_dir: str | None = None,
        **open_as: object,
    ) -> tuple[Path, UnitOutcome]:
        dest = dest or self.folder / "out" / serial
        with open_device(base, dest, **open_as) as device:  # type: ignore[arg-type]
            request = Request(Generated(), product=PRODUCT, serial=serial, config_dir=device.config_dir(config_dir))
            outcome = serialize(device, request, self.ledger, Context.here(serial))
            device.finish()
        return dest, outcome

    def litter(self) -> list[str]:
        return [str(place) for place in self.folder.rglob("*") if ".ioto-" in place.name]


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path, Ledger.in_memory())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "tree")


@pytest.mark.parametrize("kind", MAKERS)
def test_only_the_device_file_differs_and_the_ids_are_distinct(kind: str, line: Line, tree: Path) -> None:
    name, make = MAKERS[kind]
    base = line.folder / name
    make(tree, base)
    before = read_with_7z(base, line.folder / "before", kind)
    assert before[DEVICE_PATH] == DEVICE_FILE

    made = [line.make(base, serial) for serial in ("SN-1", "SN-2")]

    ids = set()
    for image, outcome in made:
        after = read_with_7z(image, line.folder / f"after-{image.name}", kind)
        held = after[DEVICE_PATH]
        members = json5.loads(held.decode())
        ids.add(members["id"])
        assert members == {"name": "pump", "product": PRODUCT, "id": outcome.claim_id}
        assert b"// of the line\r\n" in held and b"'pump', // stays\r\n" in held
        assert {path: data for path, data in after.items() if path != DEVICE_PATH} == {
            path: data for path, data in before.items() if path != DEVICE_PATH
        }
        assert without_size(metadata(image, kind, line.folder)) == without_size(metadata(base, kind, line.folder))
        assert outcome.path == f"/{DEVICE_PATH}"
        assert image.stat().st_mode & 0o777 == 0o600
        claim = line.ledger.live_claim(PRODUCT, outcome.serial)
        assert claim is not None and claim.state is State.VERIFIED and not claim.details
    assert len(ids) == 2
    assert line.litter() == []


def without_size(lines: list[str]) -> list[str]:
    """Leave out the size of device.json5 and totals, and nothing else."""
    kept = []
    for whole in lines:
        entry = whole
        if "device.json5" in entry and "rw" in entry:
            words = entry.split()
            entry = " ".join(words[:2] + words[3:])
        elif "device.json5" in entry:  # of mdir
            entry = entry[:13] + entry[23:]
        elif " bytes" in entry:
            continue
        kept.append(entry)
    return kept


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "ext4", "ext2", "fat", "squashfs", "mbr"])
def test_a_file_that_is_not_there_yet_is_made(kind: str, line: Line, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "blank", None)
    name, make = MAKERS[kind]
    base = line.folder / name
    make(tree, base)
    image, outcome = line.make(base, "SN-1")
    after = read_with_7z(image, line.folder / "after", kind)
    assert json5.loads(after.pop(DEVICE_PATH).decode()) == {"product": PRODUCT, "id": outcome.claim_id}
    assert after == read_with_7z(base, line.folder / "before", kind)


@pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4"])
def test_the_file_system_is_clean(kind: str, line: Line, tree: Path) -> None:
    base = line.folder / "base.img"
    make_ext(tree, base, kind)
    image, _ = line.make(base, "SN-1")
    sh("e2fsck", "-fn", image)


def test_the_owner_in_the_image_is_not_the_builder(line: Line, tree: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root makes a base with other owners")
    base = line.folder / "base.sqfs"
    make_squashfs(tree, base)
    image, _ = line.make(base, "SN-1")
    listed = next(text for text in metadata(image, "squashfs", tree) if "device.json5" in text)
    assert listed.split()[1] == "/".join(map(str, OWNER)) and listed.startswith("-rw-r-----")


def test_bytes_around_a_partition_stay(line: Line, tree: Path) -> None:
    base = line.folder / "base.img"
    MAKERS["gpt"][1](tree, base)
    image, _ = line.make(base, "SN-1")
    old, new = base.read_bytes(), image.read_bytes()
    start, end = 2048 * 512, (2048 + 8192) * 512
    assert (new[:start], new[end:]) == (old[:start], old[end:]) and new != old


def test_a_tree_is_copied_and_then_edited_in_place(line: Line, tree: Path) -> None:
    image, outcome = line.make(tree, "SN-1")
    assert json5.loads((image / DEVICE_PATH).read_text())["id"] == outcome.claim_id
    assert (tree / DEVICE_PATH).read_bytes() == DEVICE_FILE
    assert sh("ls", "-lnR", "--time-style=+%s", image / "bin").replace(str(image), "") == sh(
        "ls", "-lnR", "--time-style=+%s", tree / "bin"
    ).replace(str(tree), "")
    _, again = line.make(tree, "SN-1")
    assert not again.changed and line.litter() == []


def test_a_link_to_a_tree_is_the_tree_and_nothing_is_put_into_the_base(line: Line, tree: Path) -> None:
    link = line.folder / "current"
    link.symlink_to(tree)
    (one, first), (two, second) = line.make(link, "SN-1"), line.make(link, "SN-2")
    assert first.claim_id != second.claim_id
    assert [image.is_symlink() for image in (one, two)] == [False, False]
    assert [json5.loads((image / DEVICE_PATH).read_text())["id"] for image in (one, two)] == [
        first.claim_id,
        second.claim_id,
    ]
    assert (tree / DEVICE_PATH).read_bytes() == DEVICE_FILE


def test_links_are_followed_inside_the_image_only(line: Line, tree: Path) -> None:
    outside = line.folder / "outside"
    outside.write_text("{}")
    (tree / DEVICE_PATH).unlink()
    (tree / DEVICE_PATH).symlink_to(outside)  # in the image, that is a path below its own root
    (tree / "data/held.json5").write_bytes(DEVICE_FILE)
    (tree / DEVICE_PATH).unlink()
    (tree / DEVICE_PATH).symlink_to("/data/held.json5")
    for kind in ("tar", "ext4", "squashfs"):
        base = line.folder / f"base-{kind}"
        MAKERS[kind][1](tree, base)
        image, outcome = line.make(base, f"SN-{kind}")
        assert outcome.path == "/data/held.json5"
        assert b"pump" in read_with_7z(image, line.folder / kind, kind)["data/held.json5"]
    image, outcome = line.make(tree, "SN-tree")
    assert outcome.claim_id in (image / "data/held.json5").read_text()
    assert outside.read_text() == "{}"


def test_an_image_that_is_done_is_left_alone(line: Line, tree: Path) -> None:
    base = line.folder / "base.img"
    make_ext(tree, base)
    image, first = line.make(base, "SN-1")
    was = image.stat().st_ino, image.read_bytes()
    _, again = line.make(base, "SN-1")
    assert (again.changed, again.claim_id) == (False, first.claim_id)
    assert (image.stat().st_ino, image.read_bytes()) == was


def test_an_image_that_was_removed_comes_back_with_its_id(line: Line, tree: Path) -> None:
    base = line.folder / "base.tar.gz"
    make_tar(tree, base)
    image, first = line.make(base, "SN-1")
    was = image.read_bytes()
    image.unlink()
    _, again = line.make(base, "SN-1")
    assert again.claim_id == first.claim_id and image.read_bytes() == was


def test_an_image_older_than_its_base_is_refused(line: Line, tree: Path) -> None:
    base = line.folder / "base.img"
    make_ext(tree, base)
    image, _ = line.make(base, "SN-1")
    later = image.stat().st_mtime + 10
    os.utime(base, (later, later))
    with pytest.raises(IotoError, match="older than its base"):
        line.make(base, "SN-1")


def test_an_overlay_needs_no_base(line: Line) -> None:
    image, outcome = line.make(None, "SN-1", dest=line.folder / "SN-1.tar.gz")
    assert gunzip_names(image) == [DEVICE_PATH]
    after = read_with_7z(image, line.folder / "after", "tar.gz")
    assert json5.loads(after[DEVICE_PATH].decode()) == {"product": PRODUCT, "id": outcome.claim_id}
    _, again = line.make(None, "SN-1", dest=image)
    assert not again.changed


def test_an_overlay_with_a_base_keeps_what_is_in_it(line: Line, tmp_path: Path) -> None:
    (tmp_path / "backup/etc/config").mkdir(parents=True)
    (tmp_path / "backup/etc/config/network").write_text("config interface 'lan'\n")
    base = tmp_path / "backup.tar.gz"
    with tarfile.open(base, "w:gz") as archive:
        archive.add(tmp_path / "backup/etc/config/network", "etc/config/network")
    image, _ = line.make(base, "SN-1", format="overlay")
    assert gunzip_names(image) == ["etc/config/network", DEVICE_PATH]


def test_checksums_beside_the_base_are_renewed_beside_the_image(line: Line, tree: Path) -> None:
    base = line.folder / "base.img"
    make_ext(tree, base)
    (line.folder / "base.img.sha256").write_text(sh("sha256sum", "base.img", cwd=line.folder))
    (line.folder / "base.img.md5").write_text(hashlib.md5(base.read_bytes()).hexdigest())
    image, _ = line.make(base, "SN-1")
    sh("sha256sum", "--check", "SN-1.sha256", cwd=image.parent)
    assert (image.parent / "SN-1.md5").read_text().strip() == hashlib.md5(image.read_bytes()).hexdigest()


def garbage(base: Path, tree: Path) -> None:
    base.write_bytes(b"what is this?" * 1000)


def full_ext(base: Path, tree: Path) -> None:
    (tree / DEVICE_PATH).unlink()
    make_ext(tree, base, "ext2", "1M")
    (tree / "fill").write_bytes(b"x" * 1024 * 1024)
    subprocess.run(["debugfs", "-w", "-R", f"write {tree / 'fill'} fill", base], capture_output=True, check=True)


def full_fat(base: Path, tree: Path) -> None:
    (tree / DEVICE_PATH).unlink()
    make_fat(tree, base, 512)
    (tree / "fill").write_bytes(b"x" * 2000)
    number = 0
    command = ["mcopy", "-i", base, tree / "fill"]
    while subprocess.run([*command, f"::{number}"], capture_output=True, check=False).returncode == 0:
        number += 1


def no_directory(base: Path, tree: Path) -> None:
    sh("rm", "-r", tree / "etc")
    make_ext(tree, base)


def damaged_ext(base: Path, tree: Path) -> None:
    make_ext(tree, base, "ext2")
    data = bytearray(base.read_bytes())
    data[2048:3072] = bytes(1024)  # the group descriptors or a bitmap behind the superblock
    data[4096:12288] = b"\xff" * 8192
    base.write_bytes(data)


def journalled_ext(base: Path, tree: Path, size: int = 8 * 1024 * 1024) -> None:
    """An ext4 whose journal holds the block of the device file as it was: as in a copy of storage that is in use."""
    make_ext(tree, base, "ext4", str(size), "-b", "1024")  # with larger ones, so little has no journal
    path = f"/{DEVICE_PATH}"
    block = re.findall(r"\(0\):(\d+)", sh("debugfs", "-R", f"stat {path}", base))[0]
    size = int(re.findall(r"Block size: +(\d+)", sh("dumpe2fs", "-h", base))[0])
    logged = base.with_name("block")
    logged.write_bytes(base.read_bytes()[int(block) * size :][:size])
    journal = f"jo\njw -b {block} {logged}\njc\n"
    subprocess.run(["debugfs", "-w", "-f", "-", base], input=journal.encode(), capture_output=True, check=True)
    assert "needs_recovery" in sh("dumpe2fs", "-h", base)


def journalled_disk(base: Path, tree: Path) -> None:
    inner = base.with_name("partition.img")
    journalled_ext(inner, tree, PARTITION_SECTORS * SECTOR)
    MAKERS["mbr"][1](tree, base)
    with base.open("r+b") as disk:
        disk.seek(PARTITION_START * SECTOR)
        disk.write(inner.read_bytes())


def damaged_fat(base: Path, tree: Path) -> None:
    make_fat(tree, base)
    data = bytearray(base.read_bytes())
    sector = int.from_bytes(data[14:16], "little") * 512
    data[sector + 3 : sector + 40] = b"\x05\x50" * 18 + b"\x05"
    base.write_bytes(data)


def damaged_squashfs(base: Path, tree: Path) -> None:
    make_squashfs(tree, base)
    data = bytearray(base.read_bytes())
    used = int.from_bytes(data[40:48], "little")
    data[used // 2 : used] = os.urandom(used - used // 2)
    base.write_bytes(data)


def cut_off_squashfs(base: Path, tree: Path) -> None:
    make_squashfs(tree, base)
    base.write_bytes(base.read_bytes()[:20_000])


def damaged_gz(base: Path, tree: Path) -> None:
    make_tar(tree, base.with_name("whole.tar.gz"))
    base.write_bytes(base.with_name("whole.tar.gz").read_bytes()[:-3000])


def compressed_image(base: Path, tree: Path) -> None:
    make_ext(tree, base)
    sh("gzip", base)
    base.with_name(base.name + ".gz").rename(base)


def fit(base: Path, tree: Path) -> None:
    base.write_bytes(b"\xd0\x0d\xfe\xed" + bytes(5000))


def uimage_of_many(base: Path, tree: Path) -> None:
    make_uimage(tree, base, kind=4)


def damaged_uimage(base: Path, tree: Path) -> None:
    make_uimage(tree, base)
    data = bytearray(base.read_bytes())
    data[-100] ^= 1
    base.write_bytes(data)


def uimage_with_something_behind(base: Path, tree: Path) -> None:
    make_uimage(tree, base)
    with base.open("ab") as file:
        file.write(b"\xff" * 100)


def uimage_of_something(base: Path, tree: Path) -> None:
    make_uimage(tree, base, payload=b"070701" + bytes(5000))  # a ramdisk is a cpio archive


def sysupgrade_image(base: Path, tree: Path) -> None:
    make_squashfs(tree, tree.parent / "sysupgrade-board")
    sh("tar", "-cf", base, "-C", tree.parent, "sysupgrade-board")


def ubi(base: Path, tree: Path) -> None:
    base.write_bytes(b"UBI#\x01" + bytes(5000))


def disk_with_a_cut_off_partition(base: Path, tree: Path) -> None:
    MAKERS["mbr"][1](tree, base)
    os.truncate(base, 3000 * 512)


def disk_with_a_partition_that_ends_first(base: Path, tree: Path) -> None:
    table = bytearray(64 * 4096)  # for sectors of so many bytes
    table[510:512], table[4096:4104] = b"\x55\xaa", b"EFI PART"
    struct.pack_into("<QII", table, 4096 + 72, 2, 4, 128)
    struct.pack_into("<16s16xQQ", table, 2 * 4096, b"type", 30, 10)
    base.write_bytes(table)


def absent_base(base: Path, tree: Path) -> None:
    """Nothing."""


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (garbage, "The format of base.img is unknown"),
        (full_ext, "has no room for device.json5"),
        (full_fat, "has no room for device.json5"),
        (no_directory, "say where the agent's configuration is"),
        (damaged_ext, "is damaged"),
        (journalled_ext, "The journal of the ext image base.img was not replayed"),
        (journalled_disk, "The journal of the ext image base.img, partition 1 was not replayed"),
        (damaged_fat, "is damaged"),
        (damaged_squashfs, "is damaged|could not be packed"),
        (cut_off_squashfs, "is damaged"),
        (damaged_gz, "is damaged"),
        (compressed_image, "holds no tar; unpack it first"),
        (fit, "flattened image tree"),
        (uimage_of_many, "is of type 4, which has no single payload; unpack it"),
        (damaged_uimage, "the checksum of its payload is wrong"),
        (uimage_with_something_behind, "100 bytes follow the payload of the U-Boot image base.img, and would be lost"),
        (uimage_of_something, "holds nothing that we know"),
        (sysupgrade_image, "say where the agent's configuration is"),
        (ubi, "The format of base.img is unknown"),
        (disk_with_a_cut_off_partition, "partition 1 ends behind the end of the disk"),
        (disk_with_a_partition_that_ends_first, "partition 1 ends before it begins"),
        (absent_base, "cannot be read"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(
    spoil: Callable[[Path, Path], None], sentence: str, line: Line, tree: Path
) -> None:
    base = line.folder / "base.img"
    spoil(base, tree)
    with pytest.raises(IotoError, match=sentence) as caught:
        line.make(base, "SN-1")
    assert "\n" not in str(caught.value)
    assert line.litter() == [] and list((line.folder / "out").iterdir()) == []


def test_what_is_put_into_a_tree_outlives_a_power_cut(line: Line, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = line.folder / "out" / "SN-1"
    folder.parent.mkdir()
    tree.rename(folder)
    synced: list[str] = []

    def fsync(descriptor: int, sync: Callable[[int], None] = os.fsync) -> None:
        sync(descriptor)
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))

    monkeypatch.setattr(os, "fsync", fsync)
    line.make(folder, "SN-1", dest=folder)
    place = folder / DEVICE_PATH
    assert synced == [str(place.with_name(".device.json5.ioto-new")), str(place.parent)]


def test_a_tree_that_does_not_get_to_the_disk_is_not_made(
    line: Line, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = line.folder / "programs"
    programs.mkdir()
    (programs / "sync").write_text("#!/bin/sh\necho sync: error syncing: Input/output error >&2\nexit 1\n")
    (programs / "sync").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    with pytest.raises(IotoError, match=r"SN-1 could not be brought to the disk \(sync: error syncing: Input/output"):
        line.make(tree, "SN-1")
    assert list((line.folder / "out").iterdir()) == []


def test_no_room_for_what_lies_between_is_one_sentence(line: Line, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(line.folder / "nowhere"))
    with pytest.raises(IotoError, match=r"could not be made or read \(No such file or directory\)"):
        line.make(tree, "SN-1", check=True)


def test_a_missing_program_is_named_with_its_package(
    line: Line, tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    base = line.folder / "base.img"
    make_ext(tree, base)
    real = ext.run
    monkeypatch.setattr(ext, "run", lambda *c, **k: real(f"{c[0]}-is-absent", *c[1:], **k))
    with pytest.raises(IotoError, match="The program debugfs-is-absent is missing"):
        line.make(base, "SN-1")


def test_extended_attributes_of_the_file_stay(line: Line, tree: Path) -> None:
    base = line.folder / "base.img"
    make_ext(tree, base)
    label = "system_u:object_r:etc_t:s0"
    sh("debugfs", "-w", "-R", f"ea_set /{DEVICE_PATH} security.selinux {label}", base)
    assert label in sh("debugfs", "-R", f"ea_get /{DEVICE_PATH} security.selinux", base)
    image, outcome = line.make(base, "SN-1")
    assert outcome.changed
    assert label in sh("debugfs", "-R", f"ea_get /{DEVICE_PATH} security.selinux", image)


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/dev/loop-control").exists(), reason="only root can mount an image")
@pytest.mark.parametrize("kind", ["ext4", "fat", "squashfs"])
def test_a_mount_shows_the_id_that_was_read_back(kind: str, line: Line, tree: Path) -> None:
    name, make = MAKERS[kind]
    base = line.folder / name
    make(tree, base)
    image, outcome = line.make(base, "SN-1")
    mounted = line.folder / "mounted"
    mounted.mkdir()
    if kind not in Path("/proc/filesystems").read_text().replace("vfat", "fat"):
        pytest.skip(f"the kernel of this machine mounts no {kind}")
    sh("mount", "-o", "loop", image, mounted)
    try:
        assert json5.loads((mounted / DEVICE_PATH).read_text())["id"] == outcome.claim_id
    finally:
        sh("umount", mounted)
