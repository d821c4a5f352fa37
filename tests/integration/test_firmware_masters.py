# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many images at a time, made from masters: the same bytes as one alone, and what a format or a name may bring."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats import shared_images, tools
from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats.ext import Ext
from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats.image import Change, Entry, Kind
from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats.master import Master, make_master
from tests.support.firmware import (
    DEVICE_PATH,
    MAKERS,
    make_disk_of,
    make_ext,
    make_fat,
    make_squashfs,
    make_tree,
    missing_tools,
    sh,
)
from tests.support.image_batches import BatchLine, held, paths

if absent := missing_tools("debugfs", "mcopy", "mkfs.vfat", "mksquashfs", "sfdisk", "fdisk", "zstd", "fakeroot"):
    pytest.skip(f"programs that are not installed: {', '.join(absent)}", allow_module_level=True)

MEGABYTE = 1024 * 1024


@pytest.fixture
def line(tmp_path: Path) -> BatchLine:
    return BatchLine(tmp_path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "tree")


@pytest.fixture
def masters(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each master that was wanted, whether the format has one."""
    made: list[bool] = []
    real = shared_images.make_master

    def make(*arguments: Any) -> Master | None:
        master = real(*arguments)
        made.append(master is not None)
        return master

    monkeypatch.setattr(shared_images, "make_master", make)
    return made


@pytest.mark.parametrize("kind", MAKERS)
def test_a_batch_makes_the_same_bytes_as_one_image_alone(
    kind: str, line: BatchLine, tree: Path, masters: list[bool]
) -> None:
    name, make = MAKERS[kind]
    base = line.folder / name
    make(tree, base)

    results = line.make(base, "SN-1", "SN-2")

    first, second = paths(results)
    assert sh("sha256sum", first, second).split()[::2] == [result["sha256"] for result in results]
    assert masters == [not kind.startswith("tar.")]
    assert first.read_bytes() != second.read_bytes()
    together = first.read_bytes()
    first.unlink()
    (alone,) = paths(line.make(base, "SN-1"))
    assert alone.read_bytes() == together
    assert sh("sha256sum", first).split()[0] == line.make(base, "SN-1", "SN-2")[0]["sha256"]
    assert sorted(place.name for place in (line.folder / "out").iterdir()) == sorted([first.name, second.name])


@pytest.mark.parametrize(
    ("options", "has_master"),
    [
        (("-O", "inline_data"), False),  # the checksum of an inode covers the file in it
        (("-O", "metadata_csum,64bit,bigalloc", "-b", "4096"), True),
        (("-O", "^has_journal,^metadata_csum", "-I", "128"), True),
        (("-O", "orphan_file,casefold,project"), True),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_an_ext_file_system_may_have_is_kept_and_clean(
    options: tuple[str, ...], has_master: bool, line: BatchLine, tree: Path, masters: list[bool]
) -> None:
    base = line.folder / "base.img"
    sh("truncate", "-s", "16M", base)
    sh("mke2fs", "-q", "-t", "ext4", *options, "-d", tree, base)
    features = [text for text in sh("dumpe2fs", "-h", base).splitlines() if "features" in text or "write time" in text]
    for image in paths(line.make(base, "SN-1", "SN-2")):
        sh("e2fsck", "-fn", image)
        assert held(image)["name"] == "pump"
        assert image.stat().st_blocks <= base.stat().st_blocks  # holes stay holes
        assert set(features) <= set(sh("dumpe2fs", "-h", image).splitlines())
    assert masters == [has_master]


def test_a_squashfs_keeps_attributes_hard_links_and_times(line: BatchLine, tree: Path) -> None:
    (tree / "bin/agent").chmod(0o4755)
    try:
        os.setxattr(tree / "bin/agent", "user.origin", b"factory\0\xff")
        os.setxattr(tree / DEVICE_PATH, "user.kept", b"yes")
    except OSError:
        pytest.skip("this file system has no attributes")
    base = line.folder / "base.sqfs"
    make_squashfs(tree, base)
    image = paths(line.make(base, "SN-1", "SN-2"))[1]
    sh("unsquashfs", "-quiet", "-no-progress", "-dest", line.folder / "read", image)
    agent, also = line.folder / "read/bin/agent", line.folder / "read/bin/also"
    assert os.getxattr(agent, "user.origin") == b"factory\0\xff"
    assert os.getxattr(line.folder / "read" / DEVICE_PATH, "user.kept") == b"yes"
    assert agent.stat().st_ino == also.stat().st_ino and agent.stat().st_mode & 0o7777 == 0o4755
    assert agent.stat().st_mtime == (tree / "bin/agent").stat().st_mtime


def logical(base: Path, tree: Path) -> None:
    make_ext(tree, base.with_name("fs"), size="4M")
    script = "label: dos\nstart=2048,size=8192,type=c\nstart=12288,size=20000,type=5\nstart=14336,size=8192,type=83\n"
    make_disk_of(script, base, "20M", {5: base.with_name("fs")})


def large_sectors(base: Path, tree: Path) -> None:
    make_ext(tree, base.with_name("fs"), size="4M")
    sh("truncate", "-s", "12M", base)
    answers = "g\nn\n\n\n+4M\nw\n"
    subprocess.run(["fdisk", "-b", "4096", base], input=answers, text=True, capture_output=True, check=True)
    with base.open("r+b") as disk:
        disk.seek(256 * 4096)
        disk.write(base.with_name("fs").read_bytes())


@pytest.mark.parametrize("make", [logical, large_sectors])
def test_a_partition_is_found_and_the_table_stays(
    make: Callable[[Path, Path], None], line: BatchLine, tree: Path, masters: list[bool]
) -> None:
    base = line.folder / "base.img"
    make(base, tree)
    start = {"logical": 14336 * 512, "large_sectors": 256 * 4096}[make.__name__]
    for image in paths(line.make(base, "SN-1", "SN-2")):
        old, new = base.read_bytes(), image.read_bytes()
        end = start + 4 * 1024 * 1024
        assert (new[:start], new[end:]) == (old[:start], old[end:])
        inside = line.folder / "inside"
        inside.write_bytes(new[start:end])
        sh("e2fsck", "-fn", inside)
        assert held(inside)["name"] == "pump"
    assert masters == [True]


def test_of_two_partitions_with_the_directory_one_has_to_be_named(line: BatchLine, tree: Path) -> None:
    base = line.folder / "base.img"
    make_ext(tree, line.folder / "fs", size="4M")
    make_fat(tree, line.folder / "boot")
    script = "label: gpt\nstart=2048,size=8192\nstart=12288,size=8192\n"
    make_disk_of(script, base, "12M", {1: line.folder / "boot", 2: line.folder / "fs"})
    (result,) = line.make(base, "SN-1")
    assert "The partitions 1, 2 of base.img have the directory" in result["msg"]
    (image,) = paths(line.make(base, "SN-1", partition=2))
    assert "No errors detected" in sh("sfdisk", "--verify", image)


@pytest.mark.parametrize("kind", ["ext4", "fat", "squashfs", "tar", "gpt", "uimage"])
def test_a_name_is_a_name_and_no_syntax_of_a_tool(kind: str, line: BatchLine, tree: Path, masters: list[bool]) -> None:
    folder = line.folder / '-we ird"$(touch pwned)\n@@1M?offset=3'
    folder.mkdir()
    plain = line.folder / "plain"
    MAKERS[kind][1](tree, plain)
    base = plain.rename(folder / "-b@@1M?offset=512;'.img")
    dest = folder / "out"
    made = paths(line.make(base, '../;@@1M"?offset=1', "-rf $(touch pwned)", dest=dest))
    assert sorted(place.name for place in dest.iterdir()) == sorted(place.name for place in made)
    assert masters == [True] and list(line.folder.rglob("pwned*")) == [] and not Path("pwned").exists()


@pytest.mark.parametrize("kind", ["ext4", "fat", "squashfs", "tar"])
@pytest.mark.parametrize("config_dir", ['/etc/ioto"\nrm /bin/agent', "/etc/*", '/etc/ioto" /bin "'])
def test_a_directory_that_a_tool_would_misread_is_refused(
    kind: str, config_dir: str, line: BatchLine, tree: Path
) -> None:
    base = line.folder / MAKERS[kind][0]
    MAKERS[kind][1](tree, base)
    (result,) = line.make(base, "SN-1", config_dir=config_dir)
    assert "has characters that no tool takes unharmed" in result["msg"] and "\n" not in result["msg"]
    assert list((line.folder / "out").iterdir()) == []


def test_an_image_that_fails_stops_no_other(line: BatchLine, tree: Path) -> None:
    base = line.folder / "base.img"
    make_ext(tree, base)
    (stale,) = paths(line.make(base, "SN-2"))
    os.utime(stale, (1, 1))
    results = line.make(base, "SN-1", "SN-2", "SN-3")
    assert [bool(result.get("failed")) for result in results] == [False, True, False]
    assert "older than its base" in results[1]["msg"]


def test_a_base_that_changes_during_a_batch_is_another_base(line: BatchLine, tree: Path, tmp_path: Path) -> None:
    base = line.folder / "base.img"
    make_ext(tree, base)
    shared = shared_images.SharedImages(tmp_path / "shared")
    (tmp_path / "shared").mkdir()
    first = shared.base(base, format=None, config_dir=None, partition=None)
    assert shared.base(base, format=None, config_dir=None, partition=None) is first
    os.utime(base, (1, 1))
    assert shared.base(base, format=None, config_dir=None, partition=None) is not first


@pytest.mark.parametrize("kind", ["ext4", "fat", "squashfs", "tar", "gpt"])
def test_the_programs_of_a_format_see_the_trial_of_a_master_and_not_each_image(
    kind: str, line: BatchLine, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = line.folder / MAKERS[kind][0]
    MAKERS[kind][1](tree, base)
    started: list[Any] = []
    real = tools.subprocess.run

    def run(command: Any, **options: Any) -> Any:
        started.append(command)
        return real(command, **options)

    monkeypatch.setattr(tools.subprocess, "run", run)
    paths(line.make(base, "SN-1", "SN-2"))
    for_two = len(started)
    paths(line.make(base, *(f"SN-{number}" for number in range(3, 9))))
    assert len(started) == 2 * for_two


@pytest.mark.parametrize(
    ("kind", "place", "said"), [("ext4", 2000, "differs from its base"), ("uimage", 30, "is damaged (the checksum")]
)
def test_an_image_that_is_no_faithful_copy_gets_no_name(
    kind: str, place: int, said: str, line: BatchLine, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = line.folder / MAKERS[kind][0]
    MAKERS[kind][1](tree, base)
    real = Master.copy_to

    def spoil(master: Master, target: Path, data: bytes) -> None:
        real(master, target, data)
        if target.name.startswith("SN-"):
            with target.open("r+b") as file:
                file.seek(place)
                byte = file.read(1)[0]
                file.seek(place)
                file.write(bytes([byte ^ 1]))

    monkeypatch.setattr(Master, "copy_to", spoil)
    for result in line.make(base, "SN-1", "SN-2"):
        assert said in result["msg"]
    assert list((line.folder / "out").iterdir()) == []


class CarelessExt(Ext):
    """Puts a file in with another mode than was asked for."""

    def write(self, target: Path, change: Change, work: Path) -> None:
        super().write(target, replace(change, entry=replace(change.entry, mode=0o644)), work)


@pytest.mark.parametrize(("format", "has_master"), [(Ext, True), (CarelessExt, False)])
def test_a_master_whose_trial_is_read_otherwise_than_it_was_made_is_none(
    format: type[Ext], has_master: bool, line: BatchLine, tree: Path, tmp_path: Path
) -> None:
    base = line.folder / "base.img"
    make_ext(tree, base)
    for name in ("scratch", "master"):
        (tmp_path / name).mkdir()
    change = Change("/etc/ioto/new.json5", b"x" * 100, Entry(Kind.REGULAR), replaces=False)
    master = make_master(format(base, tmp_path / "scratch"), change, tmp_path / "master", format)
    assert (master is not None) is has_master
    if master is not None:
        assert master.read(change.data) == replace(change.entry, data=change.data)
        master.close()


# In the first block that is compared, over the end of one, at the beginning of one.
@pytest.mark.parametrize("place", [300_000, MEGABYTE - 50, 5 * MEGABYTE])
def test_a_copy_that_differs_in_one_more_byte_is_refused(
    place: int, line: BatchLine, tree: Path, tmp_path: Path
) -> None:
    base = line.folder / "base.img"
    make_ext(tree, base)
    (tmp_path / "scratch").mkdir()
    image = shared_images.open_image(base, tmp_path / "scratch")
    master, data = Master(base, place, image), b"x" * 100
    copy = tmp_path / "copy"
    master.copy_to(copy, data)
    assert master.compare(copy, data) == sh("sha256sum", copy).split()[0]
    for wrong in (0, place - 1, place + 50, place + 100, base.stat().st_size - 1):
        spoilt = bytearray(copy.read_bytes())
        spoilt[wrong] ^= 1
        (tmp_path / "spoilt").write_bytes(spoilt)
        with pytest.raises(IotoError, match="differs from its base"):
            master.compare(tmp_path / "spoilt", data)
    for length in (base.stat().st_size - 1, base.stat().st_size + 1):
        os.truncate(copy, length)
        with pytest.raises(IotoError, match="differs from its base"):
            master.compare(copy, data)
    master.close()
