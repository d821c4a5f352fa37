# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is mounted, and on which disk, is taken from what the system says, as the system means it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import Lasting
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.durability import check_storage
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.scripts import probe
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.state import DeviceState
from tests.support.shell_device import SHELLS, ShellDevice, available_shells, make_device, say_mounts

YES, NO, UNKNOWN = Lasting.YES, Lasting.NO, Lasting.UNKNOWN

# --- what /proc/mounts says, where that is all there is ---

MOUNTS = {
    "a disk": ("/dev/root / ext4 rw 0 0", YES, "ext4"),
    "flash": ("ubi0:data / ubifs rw 0 0", YES, "ubifs"),
    "memory": ("/dev/root / ext4 rw 0 0\ntmpfs {dir} tmpfs rw 0 0", NO, "tmpfs"),
    "memory above": ("/dev/root / ext4 rw 0 0\nnone {root}/etc ramfs rw 0 0", NO, "ramfs"),
    "the first root": ("rootfs / rootfs rw 0 0", NO, "rootfs"),
    "a swap in memory": ("/dev/zram0 {dir} ext4 rw 0 0", NO, "ext4 on zram0"),
    "memory beside": ("/dev/root / ext4 rw 0 0\ntmpfs {dir}s tmpfs rw 0 0", YES, "ext4"),
    "a disk over memory": ("tmpfs {root} tmpfs rw 0 0\n/dev/sda1 {dir} ext4 rw 0 0", YES, "ext4"),
    "two at one place": ("/dev/sda1 {dir} ext4 rw 0 0\ntmpfs {dir} tmpfs rw 0 0", NO, "tmpfs"),
    "an overlay in memory": (
        "tmpfs {root}/m tmpfs rw 0 0\noverlayfs / overlay rw,lowerdir=/,upperdir={root}/m/upper 0 0",
        NO,
        "overlay on tmpfs",
    ),
    "an overlay on flash": (
        "/dev/ubi0_1 {root}/o ubifs rw 0 0\noverlayfs / overlay rw,lowerdir=/,upperdir={root}/o/upper 0 0",
        YES,
        "overlay",
    ),
    "an overlay on flash, mounted volatile": (
        "/dev/ubi0_1 {root}/o ubifs rw 0 0\noverlay / overlay rw,lowerdir=/,upperdir={root}/o/upper,volatile 0 0",
        NO,
        "overlay mounted volatile",
    ),
    "the same, as newer kernels say it": (
        "/dev/ubi0_1 {root}/o ubifs rw 0 0\noverlay / overlay rw,upperdir={root}/o/upper,fsync=volatile 0 0",
        NO,
        "overlay mounted volatile",
    ),
    "the root, mounted last": (
        "/dev/sda2 {dir} ext4 rw 0 0\ntmpfs / tmpfs rw 0 0",
        YES,
        "ext4",
    ),
    "an overlay whose upper side is not seen": (
        "overlay / overlay rw,lowerdir=/l,upperdir=/var/lib/docker/diff 0 0",
        UNKNOWN,
        "overlay",
    ),
    "covered from above": ("tmpfs {dir} tmpfs rw 0 0\n/dev/root {root} ext4 rw 0 0", YES, "ext4"),
    "covered by memory": ("/dev/sda1 {dir} ext4 rw 0 0\ntmpfs {root} tmpfs rw 0 0", NO, "tmpfs"),
    "read-only": ("/dev/root / squashfs ro 0 0", YES, "squashfs"),
    "a blank in a name": ("tmpfs {root}/etc\\040x tmpfs rw 0 0\n/dev/sda1 / ext4 rw 0 0", YES, "ext4"),
    "nothing": ("", UNKNOWN, "none"),
}


@pytest.fixture(params=available_shells())
def device(request: pytest.FixtureRequest, tmp_path: Path) -> ShellDevice:
    device = make_device(tmp_path / "device")
    device.shell = SHELLS[request.param]
    return device


@pytest.mark.parametrize(("mounts", "lasting", "kind"), MOUNTS.values(), ids=MOUNTS)
def test_whether_a_file_system_outlives_a_power_cut(
    device: ShellDevice, mounts: str, lasting: Lasting, kind: str
) -> None:
    for side in ("m/upper", "o/upper"):
        (device.root / side).mkdir(parents=True)
    say_mounts(device, mounts)

    storage = probe(device, device.config_dir).storage

    assert (storage.lasting, storage.type) == (lasting, kind)


def test_the_file_system_is_that_of_the_place_where_the_links_lead(device: ShellDevice) -> None:
    real = device.root / "persist/device.json5"
    real.parent.mkdir()
    device.file.rename(real)
    device.file.symlink_to("../../persist/device.json5")
    say_mounts(device, "tmpfs {root}/etc tmpfs rw 0 0\n/dev/sda1 {root}/persist ext4 rw 0 0")

    assert probe(device, device.config_dir).storage.lasting is YES


# --- the disks of /sys ---

DISKS = {
    "a disk": ("8:1", "/dev/sda1", {"dev/block/8:1/uevent": "DEVNAME=sda1"}, YES, "ext4"),
    "a disk in memory by another name": ("1:0", "/dev/root", {"dev/block/1:0/uevent": "DEVNAME=ram0"}, NO, "ram0"),
    "dm on zram": (
        "252:0",
        "/dev/mapper/data",
        {"dev/block/252:0/slaves/zram1/x": "", "class/block/zram1/uevent": "DEVNAME=zram1"},
        NO,
        "zram1",
    ),
    "dm on dm on a disk": (
        "252:1",
        "/dev/dm-1",
        {
            "dev/block/252:1/slaves/dm-0/x": "",
            "class/block/dm-0/slaves/sda2/x": "",
            "class/block/sda2/uevent": "DEVNAME=sda2",
        },
        YES,
        "ext4",
    ),
    "two disks of which one is in memory": (
        "9:0",
        "/dev/md0",
        {"dev/block/9:0/slaves/sda2/x": "", "dev/block/9:0/slaves/zram0/x": "", "class/block/sda2/uevent": ""},
        NO,
        "zram0",
    ),
    "a partition of a loop device on memory": (
        "259:0",
        "/dev/loop0p1",
        {"dev/block/259:0/uevent": "DEVNAME=loop0p1", "dev/block/loop/backing_file": "/dev/shm"},
        NO,
        "tmpfs",
    ),
    "a file that was deleted": (
        "7:3",
        "/dev/loop3",
        {"dev/block/7:3/uevent": "DEVNAME=loop3", "dev/block/7:3/loop/backing_file": "/a (deleted)"},
        UNKNOWN,
        "ext4",
    ),
    "a name of dm, of a file system without a number": (
        "0:44",
        "/dev/mapper/data",
        {"block/dm-0/dm/name": "other", "block/dm-1/dm/name": "data", "block/dm-1/slaves/zram0/x": ""},
        NO,
        "zram0",
    ),
    "a name of dm that nothing explains": ("0:44", "/dev/mapper/data", {}, UNKNOWN, "ext4"),
    "a loop device of which nothing tells": ("7:9", "/dev/loop9", {}, UNKNOWN, "ext4"),
    "zram of which nothing tells": ("253:9", "/dev/zram9", {}, NO, "zram9"),
    "flash": ("0:19", "ubi0:data", {}, YES, "ext4"),
    "a server": ("0:50", "10.0.0.1:/x", {}, YES, "ext4"),
}


@pytest.mark.parametrize(("number", "source", "sys", "lasting", "kind"), DISKS.values(), ids=DISKS)
def test_a_disk_is_what_it_is_on(
    device: ShellDevice, number: str, source: str, sys: dict[str, str], lasting: Lasting, kind: str
) -> None:
    device.machine = device.root / "machine"
    mounts = f"20 1 {number} / / rw - ext4 {source} rw\n21 20 0:5 / /dev/shm rw - tmpfs x rw\n"
    for path, text in {
        "proc/self/mountinfo": mounts,
        **{f"sys/{path}": f"{text}\n" for path, text in sys.items()},
    }.items():
        (device.machine / path).parent.mkdir(parents=True, exist_ok=True)
        (device.machine / path).write_text(text)

    storage = probe(device, device.config_dir).storage

    assert (storage.lasting, storage.type) == (lasting, kind if kind == "ext4" else f"ext4 on {kind}")


def test_a_mount_that_is_not_listed_is_said(tmp_path: Path) -> None:
    device = make_device(tmp_path / "device")
    device.machine = device.root / "machine"
    (device.machine / "proc/self").mkdir(parents=True)
    (device.machine / "proc/self/mountinfo").write_text("33 27 0:21 / /proc rw - proc proc rw\n")

    (notice,) = check_storage(DeviceState.read(device, device.config_dir), volatile=False)

    assert "could not be told, since the mount that it is in is not listed" in notice
