# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a device holds is read whole or not at all, and is on its storage, or nobody says so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace as with_fields
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.agent_configuration import configure_agent
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import (
    ALL_FILES,
    FileKind,
    RemoteFile,
    WriteFailure,
    WriteStep,
    Written,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.scripts import probe, replace
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.request import present_outcome
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.selection import due
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context, State
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.request import Request, UnitOutcome
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.agent import Agent
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.generated import Generated
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.transaction import serialize
from tests.support import block_devices
from tests.support.shell_device import (
    PRODUCT,
    SHELLS,
    ShellDevice,
    available_shells,
    link_applets,
    make_device,
    say_mounts,
)

needs_block_devices = pytest.mark.skipif(
    not block_devices.available(), reason="storage that fails needs root, loop devices and e2fsprogs"
)
WITHOUT_FSYNC = 'case $1 in "") exec busybox sync;; *) exit 0;; esac'
"""A sync that takes any word, does without, and says that all is well, as OpenWrt's does."""


@pytest.fixture(params=available_shells())
def device(request: pytest.FixtureRequest, tmp_path: Path) -> ShellDevice:
    device = make_device(tmp_path / "device")
    device.shell = SHELLS[request.param]
    return device


@pytest.fixture
def board(tmp_path: Path) -> ShellDevice:
    """A device whose shell makes no difference, or is BusyBox's."""
    return make_device(tmp_path / "device")


@pytest.fixture
def worn(tmp_path: Path) -> Iterator[tuple[block_devices.Storage, ShellDevice]]:
    with block_devices.storage(tmp_path) as storage:
        yield storage, make_device(storage.root / "device")


def seen(device: ShellDevice) -> RemoteFile:
    return probe(device, device.config_dir).device_file


def give_tools(device: ShellDevice, folder: Path, *without: str, **instead: str) -> None:
    """Give the device BusyBox's applets but those of `without`; `instead` are scripts for some."""
    if not link_applets(folder, *without, *instead):
        pytest.skip("busybox is not installed")
    for name, script in instead.items():
        (folder / name).write_text(f"#!{folder}/sh\n{script}\n")
        (folder / name).chmod(0o755)
    device.path, device.shell = str(folder), (f"{folder}/sh", "-s")


# --- read ---


@needs_block_devices
@pytest.mark.parametrize("name", ALL_FILES)
def test_a_file_that_cannot_be_read_to_its_end_is_never_an_empty_one(
    worn: tuple[block_devices.Storage, ShellDevice], name: str
) -> None:
    storage, device = worn
    (Path(device.config_dir) / name).write_text("{ id: 'JT08FFQXWQ' }\n")
    storage.lose(name)

    for shell in available_shells():
        device.shell = SHELLS[shell]
        assert probe(device, device.config_dir).files[name].kind is FileKind.DAMAGED

    with pytest.raises(IotoError, match=rf"{name} on bench-1 could not be read to its end"):
        run(device, device.root.parent.parent, serial="SN-1")
    with pytest.raises(IotoError, match=rf"{name} on bench-1 could not be read to its end"):
        configure_agent(device, device.config_dir, mode="auto", url=None, check=False, diff=False)


@pytest.mark.parametrize("size", [0, 600])
def test_a_file_whose_bytes_cannot_be_had_is_damaged_whatever_its_size(board: ShellDevice, size: int) -> None:
    # The memory of a process is a file of no size that gives an error for its first byte.
    board.file.unlink()
    board.file.symlink_to(f"/proc/{os.getpid()}/mem")
    if size:
        give_tools(
            board,
            board.root / "bin",
            ls=f'busybox ls "$@" | busybox sed "s/ 0 \\([A-Z]\\)/ {size} \\1/"',
        )

    assert seen(board).kind is FileKind.DAMAGED


def test_a_file_that_is_saved_while_it_is_looked_at_is_looked_at_again(board: ShellDevice) -> None:
    once = board.root / "once"
    saved = f"[ -e {once} ] || {{ busybox touch {once}; echo '{{ longer: true }}' >{board.file}; }}"
    give_tools(board, board.root / "bin", ls=f'busybox ls "$@"\n{saved}')
    board.file.write_text("{}\n")

    file = seen(board)

    assert (file.kind, file.data) == (FileKind.REGULAR, b"{ longer: true }\n")


def test_a_look_that_fails_is_not_taken_for_nothing(device: ShellDevice) -> None:
    if os.getuid() == 0:
        # What a damaged directory says of an entry, without one: a name in it that is too long for any.
        device.file.unlink()
        device.file.symlink_to("x" * 300)
        assert seen(device).kind is FileKind.DAMAGED
    assert probe(device, device.config_dir).files["local.json5"].kind is FileKind.ABSENT


# --- sync ---


@needs_block_devices
@pytest.mark.parametrize("without", [[], ["dd"]], ids=["dd", "sync FILE"])
def test_a_sync_that_fails_fails_the_write_and_leaves_the_old_file(
    worn: tuple[block_devices.Storage, ShellDevice], tmp_path: Path, without: list[str]
) -> None:
    storage, device = worn
    give_tools(device, tmp_path / "bin", *without)
    before = seen(device)
    storage.fill()

    failure = replace(device, before, b"{a: 1} //" + b"x" * 100_000)

    assert isinstance(failure, WriteFailure)
    assert failure.step is WriteStep.SYNC
    assert "error" in failure.said or "space" in failure.said
    assert device.file.read_bytes() == before.data


FAILING = "echo 'dd: fsync failed: Input/output error' >&2; exit 1"
SYNCS = {
    "dd": ({}, []),
    "fsync": ({"fsync": 'exec busybox sync "$1"', "sync": WITHOUT_FSYNC}, ["dd"]),
    "sync FILE": ({}, ["dd"]),
    "a dd that knows no fsync": ({"dd": "echo 'Usage: dd [if=FILE]' >&2; exit 1"}, []),
}


@pytest.mark.parametrize(("instead", "without"), SYNCS.values(), ids=SYNCS)
def test_each_way_of_syncing_that_a_device_has_is_believed(
    board: ShellDevice, instead: dict[str, str], without: list[str]
) -> None:
    give_tools(board, board.root / "bin", *without, **instead)

    written = replace(board, seen(board), b"{a: 1}")

    assert isinstance(written, Written)
    assert (written.file.data, written.synced, written.directory_synced) == (b"{a: 1}", True, True)


BROKEN = {
    "fsync": ({"fsync": FAILING}, [], WriteStep.SYNC),
    "dd": ({"dd": FAILING}, [], WriteStep.SYNC),
    "sync FILE": ({"sync": FAILING}, ["dd"], WriteStep.SYNC),
    "fsync of the directory": ({"fsync": f"[ ! -d $1 ] || {{ {FAILING}; }}"}, [], WriteStep.DURABLE),
    "dd of the directory": ({"dd": f"[ ! -d /proc/self/fd/1 ] || {{ {FAILING}; }}"}, [], WriteStep.DURABLE),
}


@pytest.mark.parametrize(("instead", "without", "step"), BROKEN.values(), ids=BROKEN)
def test_an_error_is_told_once_and_nothing_is_synced_again_after_it(
    board: ShellDevice, instead: dict[str, str], without: list[str], step: WriteStep
) -> None:
    log = board.root / "synced"
    given = {name: f"echo {name} >>{log}\n{script}" for name, script in instead.items()}
    give_tools(board, board.root / "bin", *without, **given)
    before = seen(board)

    failure = replace(board, before, b"{a: 1}")

    assert isinstance(failure, WriteFailure)
    assert (failure.step, "Input/output error" in failure.said) == (step, True)
    assert board.file.read_bytes() == (b"{a: 1}" if step is WriteStep.DURABLE else before.data)
    asked = log.read_text().split()
    # One sync of the file, one of the directory; a `sync` is asked first whether it takes a file at all.
    assert len(asked) == {WriteStep.DURABLE: 2, WriteStep.SYNC: 2 if "sync" in instead else 1}[step]
    assert board.litter() == []


def test_a_directory_that_can_only_be_synced_with_everything_else_is_said(board: ShellDevice) -> None:
    invalid = "[ ! -d $1 ] || { echo 'fsync: .: Invalid argument' >&2; exit 1; }"
    give_tools(board, board.root / "bin", fsync=invalid)

    outcome = run(board, board.root, serial="SN-1")

    assert outcome.state == "verified"
    (notice,) = [notice for notice in outcome.notices if "directory" in notice]
    assert "such a sync reports no errors" in notice


def test_a_unit_whose_file_nothing_says_to_be_on_the_storage_is_written_and_not_verified(board: ShellDevice) -> None:
    give_tools(board, board.root / "bin", "dd", sync=WITHOUT_FSYNC)

    for _unused in range(2):
        with pytest.raises(IotoError, match=r"written and not verified.*ioto_unsynced: true"):
            run(board, board.root, serial="SN-1")
        assert [claim.state for claim in claims(board.root)] == [State.WRITTEN]

    outcome = run(board, board.root, serial="SN-1", unsynced=True)

    assert outcome.state == "verified"
    assert any("ioto_unsynced" in notice for notice in outcome.notices)
    assert not run(board, board.root, serial="SN-1").changed


@pytest.mark.parametrize("fsync", [None, "echo 'fsync: Input/output error' >&2; exit 1"])
def test_a_verified_unit_that_is_written_again_is_done_when_its_file_is_on_the_storage(
    board: ShellDevice, fsync: str | None
) -> None:
    first = run(board, board.root, serial="SN-1")
    tools, before = board.root / "bin", (board.path, board.shell)
    if fsync is None:
        give_tools(board, tools, "dd", sync=WITHOUT_FSYNC)
    else:
        give_tools(board, tools, fsync=fsync)

    for _unused in range(2):
        with pytest.raises(IotoError):
            run(board, board.root, serial="SN-1", properties={"model": "PUMP-20"})
        with Ledger(board.root / "ledger.db") as ledger:
            assert due(ledger, context=Context("tester@bench")) == []
    board.path, board.shell = before

    again = run(board, board.root, serial="SN-1", properties={"model": "PUMP-20"})

    assert again.changed and again.claim_id == first.claim_id
    assert not run(board, board.root, serial="SN-1", properties={"model": "PUMP-20"}).changed
    with Ledger(board.root / "ledger.db") as ledger:
        assert [claim.claim_id for claim in due(ledger, context=Context("tester@bench"))] == [first.claim_id]


def test_what_is_read_back_comes_from_the_storage_where_it_can(board: ShellDevice) -> None:
    log = board.root / "dd"
    give_tools(board, board.root / "bin", dd=f'echo "$*" >>{log}\nexec busybox dd "$@"')

    assert isinstance(replace(board, seen(board), b"{a: 1}"), Written)

    assert log.read_text().splitlines()[-1] == "if=/proc/self/fd/3 iflag=direct bs=4096"


def test_storage_that_gives_an_error_for_what_it_took_is_told_from_one_that_cannot_be_asked(
    board: ShellDevice,
) -> None:
    broken = f'case "$*" in *direct*) {FAILING};; *) exec busybox dd "$@";; esac'
    for script, kind in ((broken, FileKind.DAMAGED), (broken.replace("Input/output error", "Invalid argument"), None)):
        shutil.rmtree(board.root / "bin", ignore_errors=True)
        give_tools(board, board.root / "bin", dd=script)
        written = replace(board, seen(board), b"{a: 1}")
        assert isinstance(written, Written)
        assert written.file.kind is (kind or FileKind.REGULAR)


# --- lasting: see test_device_mounts.py ---


def test_a_device_that_forgets_is_refused_before_an_id_is_taken(board: ShellDevice) -> None:
    say_mounts(board, "/dev/root / ext4 rw 0 0\ntmpfs {dir} tmpfs rw 0 0")
    before = board.file.read_bytes()

    with pytest.raises(IotoError, match=r"\(tmpfs\) that forgets .* ioto_volatile: true"):
        run(board, board.root, serial="SN-1")

    assert (claims(board.root), board.file.read_bytes(), len(board.scripts)) == ([], before, 1)
    outcome = run(board, board.root, serial="SN-1", volatile=True)
    assert outcome.state == "verified"
    assert "tmpfs" in outcome.notices[0]


def test_settings_that_may_be_gone_after_a_power_cut_are_refused(board: ShellDevice) -> None:
    def configure(mode: str, **allowed: bool) -> list[str]:
        result = configure_agent(
            board, board.config_dir, mode=mode, url=None, check=False, diff=False, anew=True, **allowed
        )
        return result.get("warnings", [])

    settings = board.file.with_name("ioto.json5")
    say_mounts(board, "/dev/root / ext4 rw 0 0")
    assert configure("auto") == []
    before = settings.read_bytes()
    say_mounts(board, "/dev/root / ext4 rw 0 0\ntmpfs {dir} tmpfs rw 0 0")
    for mode in ("none", "auto"):  # also where there is nothing to change
        with pytest.raises(
            IotoError, match=r"ioto\.json5 on bench-1 is on a file system \(tmpfs\) that .*ioto_volatile"
        ):
            configure(mode)
    assert settings.read_bytes() == before
    (warning,) = configure("none", volatile=True)
    assert warning.endswith("(ioto_volatile: true).")
    say_mounts(board, "/dev/root / ext4 rw 0 0")
    give_tools(board, board.root / "bin", "dd", sync=WITHOUT_FSYNC)
    for _again in range(2):  # the second time it is there, and nobody knows whether for good
        with pytest.raises(IotoError, match=r"nothing on the device tells whether .*give ioto_unsynced: true\.$"):
            configure("auto")
    (warning,) = configure("auto", unsynced=True)
    assert warning.endswith("(ioto_unsynced: true).")


def test_a_device_that_does_not_say_what_it_has_mounted_is_done_and_that_is_said(board: ShellDevice) -> None:
    board.machine = board.root / "machine"

    outcome = run(board, board.root, serial="SN-1")

    assert outcome.state == "verified"
    result = present_outcome(outcome, reveal=False, diff=False)
    assert "no /proc/mounts" in result["notices"][0]
    assert result["warnings"] == result["notices"]


def test_an_id_that_the_agent_saved_over_a_link_is_put_where_the_link_led(device: ShellDevice) -> None:
    real = device.root / "persist/ioto/device.json5"
    real.parent.mkdir(parents=True)
    device.file.rename(real)
    device.file.symlink_to("../../persist/ioto/device.json5")
    saved = f"{{ id: 'JT08FFQXWQ', product: '{PRODUCT}' }}\n"
    agent = device.root / "agent"
    agent.write_text(f'printf %s "{saved}" >{device.file}.tmp && mv {device.file}.tmp {device.file}\n')

    outcome = run(device, device.root, serial="SN-1", source=Agent(seconds=10), restart=("sh", str(agent)))

    assert (outcome.claim_id, outcome.state) == ("JT08FFQXWQ", "verified")
    assert str(device.file.readlink()) == "../../persist/ioto/device.json5"
    assert "JT08FFQXWQ" in real.read_text()
    assert device.litter() == [] == [path.name for path in real.parent.iterdir() if ".ioto-" in path.name]
    assert not run(device, device.root, serial="SN-1").changed


def run(device: ShellDevice, folder: Path, **asked: object) -> UnitOutcome:
    request = Request(source=Generated(), product=PRODUCT, config_dir=device.config_dir)
    with Ledger(folder / "ledger.db") as ledger:
        return serialize(device, with_fields(request, **asked), ledger, Context("tester@bench", "bench-1"))


def claims(folder: Path):  # type: ignore[no-untyped-def]
    with Ledger(folder / "ledger.db") as ledger:
        return list(ledger.claims())
