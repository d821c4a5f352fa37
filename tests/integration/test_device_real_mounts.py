# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file system that counts is the one that a file is really in, as the kernel sees it, and what lies under that."""

from __future__ import annotations

from dataclasses import replace as with_fields
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import Storage
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.scripts import probe
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.request import Request, UnitOutcome
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.generated import Generated
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.transaction import serialize
from tests.support import block_devices
from tests.support.mount_namespace import available
from tests.support.real_mounts import NO, READ_ONLY, REAL, YES, mounted
from tests.support.shell_device import PRODUCT, SHELLS, ShellDevice, available_shells, make_device

needs_mounts = pytest.mark.skipif(
    not available(), reason="mounts of its own need root, util-linux, e2fsprogs and loop devices"
)
CLAIM_ID = "JT08FFQXWQ"
SMALL_SHELLS = [shell for shell in available_shells() if shell != "bash"]


@pytest.fixture
def lasting_folder(tmp_path: Path) -> Path:
    """A folder that outlives a power cut, as far as this machine tells."""
    (tmp_path / "look").mkdir()
    if probe(make_device(tmp_path / "look/device"), "/").storage.lasting is not YES:
        pytest.skip("the folder of the tests is not on a disk, or the system does not tell")
    return tmp_path


@needs_mounts
@pytest.mark.parametrize("shell", SMALL_SHELLS)
@pytest.mark.parametrize(("setup", "storage"), REAL.values(), ids=REAL)
def test_what_is_really_mounted_is_told(lasting_folder: Path, shell: str, setup: str, storage: Storage) -> None:
    with mounted(lasting_folder, shell, setup) as (device, _unused):
        assert probe(device, device.config_dir).storage == storage


@needs_mounts
@pytest.mark.parametrize("shell", SMALL_SHELLS)
def test_what_is_mounted_over_the_root_is_seen_by_nobody(lasting_folder: Path, shell: str) -> None:
    device = make_device(lasting_folder / "device")
    before = probe(device, device.config_dir).storage
    # Whoever enters a namespace has what is mounted over its root for a root; whoever is in it already has not.
    enter = ("unshare", "--mount", "--propagation", "private", "sh", "-c", 'mount -t tmpfs x /; exec "$@"', "sh")
    device.shell = (*enter, *SHELLS[shell])

    with block_devices.alone():
        assert probe(device, device.config_dir).storage == before


@needs_mounts
@pytest.mark.parametrize(
    "setup", [case for case, storage in REAL.values() if storage.lasting is NO and not storage.mounted]
)
def test_what_forgets_is_refused_before_an_id_is_taken(lasting_folder: Path, setup: str) -> None:
    with mounted(lasting_folder, available_shells()[0], setup) as (device, _unused):
        with pytest.raises(IotoError, match=r"forgets .*at the next power cut: .* ioto_volatile: true\.$"):
            run(device, lasting_folder)
        assert len(device.scripts) == 1
    assert claims(lasting_folder) == []


@needs_mounts
def test_an_id_on_a_read_only_tmpfs_is_not_done_and_said_to_be_volatile(lasting_folder: Path) -> None:
    content = f"{{ id: '{CLAIM_ID}', product: '{PRODUCT}' }}\n".encode()
    with mounted(lasting_folder, available_shells()[0], READ_ONLY, content) as (device, _unused):
        with pytest.raises(IotoError, match=r"is on a read-only file system \(tmpfs\) that forgets"):
            run(device, lasting_folder)
        assert claims(lasting_folder) == []

        outcome = run(device, lasting_folder, volatile=True)

    assert (outcome.claim_id, outcome.state) == (CLAIM_ID, "verified")
    assert "(tmpfs) that forgets" in outcome.notices[0]


@needs_mounts
def test_a_file_that_is_a_mount_point_is_told_before_an_id_is_taken(lasting_folder: Path) -> None:
    setup = REAL["a file of a disk over the file"][0]
    with (
        mounted(lasting_folder, available_shells()[0], setup) as (device, _unused),
        pytest.raises(IotoError, match=r"/device\.json5 on bench-1 is a mount point, .*: unmount it"),
    ):
        run(device, lasting_folder)
    assert claims(lasting_folder) == []


@needs_mounts
@pytest.mark.parametrize(
    ("case", "file"),
    [
        ("a disk over a tmpfs", "kept/device.json5"),
        ("a tmpfs that a disk above it hides", "etc/ioto/device.json5"),
        ("an overlay on a disk", "u/device.json5"),
        ("a link into a disk", "d/f"),
        ("a link on the way", "d/device.json5"),
    ],
)
def test_what_is_done_is_where_the_lasting_file_system_is(lasting_folder: Path, case: str, file: str) -> None:
    with mounted(lasting_folder, available_shells()[0], REAL[case][0]) as (device, other):
        outcome = run(device, lasting_folder)

        assert (outcome.state, outcome.notices) == ("verified", [])
        assert outcome.claim_id in (other / file).read_text()


@needs_mounts
@pytest.mark.skipif(
    not Path("/sys/class/zram-control/hot_add").exists() or not block_devices.available(),
    reason="a disk in memory needs a kernel with zram, and e2fsprogs",
)
@pytest.mark.parametrize("behind", ["", "a file on it"])
def test_a_disk_in_memory_forgets_behind_a_loop_device_too(lasting_folder: Path, behind: str) -> None:
    number = Path("/sys/class/zram-control/hot_add").read_text().strip()
    try:
        Path(f"/sys/block/zram{number}/disksize").write_text("32M")
        disk = f"/dev/zram{number}"
        setup = f'mkfs.ext4 -q {disk}; mkdir "$T/z"; mount {disk} "$T/z"'
        if behind:
            setup += '; truncate -s 8M "$T/z/i"; mkfs.ext4 -q "$T/z/i"; mount -o loop "$T/z/i" "$D"'
        else:
            setup += '; mount --bind "$T/z" "$D"'
        with mounted(lasting_folder, available_shells()[0], setup) as (device, _unused):
            assert probe(device, device.config_dir).storage == Storage(NO, f"ext4 on zram{number}")
    finally:
        Path("/sys/class/zram-control/hot_remove").write_text(number)


def run(device: ShellDevice, folder: Path, **asked: object) -> UnitOutcome:
    request = Request(Generated(), PRODUCT, "SN-1", config_dir=device.config_dir)
    with Ledger(folder / "ledger.db") as ledger:
        return serialize(device, with_fields(request, **asked), ledger, Context("tester@bench", "bench-1"))


def claims(folder: Path):  # type: ignore[no-untyped-def]
    with Ledger(folder / "ledger.db") as ledger:
        return list(ledger.claims())
