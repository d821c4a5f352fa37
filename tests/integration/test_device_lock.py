# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One script at a time on a device, for one board, and for nobody who may write beside it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.agent_configuration import configure_agent
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import (
    FileKind,
    RemoteFile,
    WriteFailure,
    WriteStep,
    Written,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.scripts import (
    OtherBoardError,
    await_change,
    probe,
    replace,
    restart_and_look,
    same_board,
    sweep,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.verified_write import FileError, write_verified
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context, State
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.request import Request
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.generated import Generated
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.transaction import serialize
from tests.support.shell_device import PRODUCT, SHELLS, ShellDevice, available_shells, make_device
from tests.support.write_races import race

SOMEBODY = 1234
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can have files of others")


@pytest.fixture(params=available_shells())
def device(request: pytest.FixtureRequest, tmp_path: Path) -> ShellDevice:
    device = make_device(tmp_path / "device")
    device.shell = SHELLS[request.param]
    return device


def seen(device: ShellDevice) -> RemoteFile:
    return probe(device, device.config_dir).device_file


# --- one script at a time ---


@contextmanager
def another_run(device: ShellDevice) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """Have a process that lives announce itself in the device's directory, as a script does."""
    with subprocess.Popen(("sleep", "600")) as process:
        started = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()[19]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        name = f".device.json5.ioto-{process.pid}-{started}-{boot}-0123456789abcdef"
        announced = Path(device.config_dir) / name
        announced.write_text("half a fi")
        try:
            yield announced, process
        finally:
            process.kill()


def test_what_a_living_run_has_is_left_alone_and_it_is_named(device: ShellDevice) -> None:
    before = seen(device)
    with another_run(device) as (announced, _process):
        with pytest.raises(FileError, match=r"Another run is working on this device, bench-1") as caught:
            write_verified(device, before, b"{a: 1}")
        sweep(device, str(device.file))

        assert str(announced) in str(caught.value)
        assert device.litter() == [announced.name]
    assert device.file.read_bytes() == before.data


def test_what_the_dead_left_is_removed_also_where_nobody_has_buried_them(device: ShellDevice) -> None:
    before = seen(device)
    with another_run(device) as (announced, process):
        process.kill()  # and nobody waits for it: a zombie
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert isinstance(replace(device, before, b"{a: 1}"), Written)
        assert not announced.exists()


@pytest.mark.parametrize("part", [0, 1, 2], ids=["pid", "start", "boot"])
def test_what_another_life_of_a_process_left_is_removed(device: ShellDevice, part: int) -> None:
    with another_run(device) as (announced, _process):
        parts = announced.name.removeprefix(".device.json5.ioto-").split("-", 2)
        parts[part] = ["4194305", "1", "00000000-0000-0000-0000-000000000000-0123456789abcdef"][part]
        other = announced.rename(announced.with_name(f".device.json5.ioto-{'-'.join(parts)}"))

        sweep(device, str(device.file))
        assert not other.exists()


def test_of_writers_at_once_exactly_one_succeeds(device: ShellDevice, tmp_path: Path) -> None:
    counts = race(device.shell, tmp_path / "race", 25)

    assert counts["won"] == 25


def test_writers_that_are_killed_at_any_instant_leave_nobody_with_another_s_file(
    device: ShellDevice, tmp_path: Path
) -> None:
    counts = race(device.shell, tmp_path / "race", 40, contenders=4, kill=0.02)

    assert counts["killed"] == 40


def test_of_two_controllers_with_two_serials_at_one_device_exactly_one_succeeds(device: ShellDevice) -> None:
    first = device.file.read_bytes()
    for number in range(8):
        device.file.write_bytes(first)
        done: list[str] = []
        started = threading.Barrier(2)

        def controller(serial: str, done: list[str] = done, started: threading.Barrier = started) -> None:
            mine = ShellDevice(device.root, device.shell)
            request = Request(source=Generated(), serial=serial, product=PRODUCT, config_dir=device.config_dir)
            with Ledger(device.root / "ledger.db") as ledger, suppress(IotoError):
                started.wait(60)
                done.append(str(serialize(mine, request, ledger, Context("tester@bench")).claim_id))

        threads = [threading.Thread(target=controller, args=(f"SN-{number}-{which}",)) for which in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(done) == 1
        assert done[0] in device.file.read_text()
        assert device.litter() == []
    with Ledger(device.root / "ledger.db") as ledger:
        assert sum(claim.state is State.VERIFIED for claim in ledger.claims()) == 8


# --- one board ---


def have_hardware(device: ShellDevice, serial: str | None, mac: str | None = None) -> None:
    device.machine = machine = device.root / "machine"
    for path, text in (("proc/device-tree/serial-number", serial), ("sys/class/net/eth0/address", mac)):
        (machine / path).parent.mkdir(parents=True, exist_ok=True)
        (machine / path).unlink(missing_ok=True)
        if text is not None:
            (machine / path).write_text(f"{text}\0" if "serial" in path else f"{text}\n")


BOARDS = {
    "another serial": (("SN-1", "00:1b:21:3a:40:01"), ("SN-2", "00:1b:21:3a:40:01")),
    "another address": (("SN-1", "00:1b:21:3a:40:01"), ("SN-1", "00:1b:21:3a:40:02")),
    "a serial where there was none": ((None, "00:1b:21:3a:40:01"), ("SN-1", "00:1b:21:3a:40:01")),
    "nothing": (("SN-1", "00:1b:21:3a:40:01"), (None, None)),
    "a serial of other letters": (("\xfc", None), ("\xfc\xfc", None)),
}


@pytest.mark.parametrize(("before", "after"), BOARDS.values(), ids=BOARDS)
def test_a_board_that_was_exchanged_meanwhile_is_not_touched(
    device: ShellDevice, before: tuple[str | None, str | None], after: tuple[str | None, str | None]
) -> None:
    have_hardware(device, *before)
    observation = probe(device, device.config_dir)
    bound = same_board(device, observation)
    (Path(device.config_dir) / ".device.json5.ioto-4711").write_text("of a dead run")
    restarted = device.root / "restarted"
    have_hardware(device, *after)

    for deed in (
        lambda: replace(bound, observation.device_file, b"{a: 1}"),
        lambda: sweep(bound, str(device.file)),
        lambda: restart_and_look(bound, device.config_dir, (), seconds=1, restart=("touch", str(restarted))),
        lambda: await_change(bound, device.config_dir, None, seconds=1, restart=("touch", str(restarted))),
        lambda: probe(bound, device.config_dir),
    ):
        with pytest.raises(OtherBoardError, match=r"^Another board answers at this address now"):
            deed()

    assert device.file.read_bytes() == observation.device_file.data
    assert (device.litter(), restarted.exists()) == ([".device.json5.ioto-4711"], False)


@pytest.mark.parametrize(
    "passing",
    ["02:1b:21:3a:40:01", "92:1b:21:3a:40:01"],
)
def test_an_address_that_somebody_made_up_may_be_another_one_meanwhile(device: ShellDevice, passing: str) -> None:
    have_hardware(device, "SN-1", passing)
    observation = probe(device, device.config_dir)
    have_hardware(device, "SN-1", "0a:00:00:00:00:01")

    assert isinstance(replace(same_board(device, observation), observation.device_file, b"{a: 1}"), Written)


def _adapter(device: ShellDevice) -> None:
    folder = device.root / "machine/sys/devices/platform/usb1/1-1/net/usb0"
    folder.mkdir(parents=True)
    (folder / "address").write_text("00:e0:4c:11:99:07\n")
    (device.root / "machine/sys/class/net/usb0").symlink_to(folder)


def _more_ports(device: ShellDevice, *macs: str) -> None:
    for number, mac in enumerate(macs):
        folder = device.root / f"machine/sys/class/net/lan{number}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "address").write_text(f"{mac}\n")


STILL_THE_BOARD: dict[str, Callable[[ShellDevice], object]] = {
    "an adapter on USB was put in": _adapter,
    "its interfaces have other names": lambda device: [
        path.rename(path.with_name(f"x{path.name[::-1]}")) for path in (device.root / "machine/sys/class/net").iterdir()
    ],
    "its interfaces have each other's names": lambda device: _more_ports(
        device, "00:1b:21:3a:40:03", "00:1b:21:3a:40:02"
    ),
}


@pytest.mark.parametrize("change", STILL_THE_BOARD.values(), ids=STILL_THE_BOARD)
def test_what_is_no_part_of_a_board_makes_no_other_board(
    device: ShellDevice, change: Callable[[ShellDevice], object]
) -> None:
    have_hardware(device, "SN-1", "00:1b:21:3a:40:01")
    _more_ports(device, "00:1b:21:3a:40:02", "00:1b:21:3a:40:03")
    observation = probe(device, device.config_dir)
    bound = same_board(device, observation)
    change(device)

    assert isinstance(replace(bound, observation.device_file, b"{a: 1}"), Written)

    _more_ports(device, "00:1b:21:3a:40:09")
    with pytest.raises(OtherBoardError):
        probe(bound, device.config_dir)


@pytest.mark.parametrize("deed", ["serialize", "agent_config"])
def test_what_writes_asks_for_the_board_once_more(device: ShellDevice, deed: str) -> None:
    have_hardware(device, "SN-1")
    before = {path.name: path.read_bytes() for path in Path(device.config_dir).iterdir()}

    def exchange(number: int) -> None:
        have_hardware(device, "SN-1" if number == 0 else "SN-2")

    device.before_run = exchange
    request = Request(source=Generated(), product=PRODUCT, config_dir=device.config_dir)
    with Ledger(device.root / "ledger.db") as ledger, pytest.raises(OtherBoardError):
        if deed == "serialize":
            serialize(device, request, ledger, Context("tester@bench"))
        else:
            configure_agent(device, device.config_dir, mode="auto", url=None, check=False, diff=False)

    assert {path.name: path.read_bytes() for path in Path(device.config_dir).iterdir()} == before


# --- nobody beside ---


@needs_root
@pytest.mark.parametrize("exists", [False, True], ids=["nothing", "a file of root"])
def test_a_link_of_somebody_else_is_not_followed(device: ShellDevice, tmp_path: Path, exists: bool) -> None:
    aim = tmp_path / "of-root"
    if exists:
        aim.write_text("{}\n")
    os.chown(device.config_dir, SOMEBODY, SOMEBODY)
    device.file.unlink()
    device.file.symlink_to(aim)
    os.chown(device.file, SOMEBODY, SOMEBODY, follow_symlinks=False)

    before = seen(device)
    assert before.kind is FileKind.STRANGE
    for kind in (FileKind.ABSENT, FileKind.REGULAR):
        there = RemoteFile("device.json5", kind, str(aim), b"{}\n", looked_at=str(device.file))
        failure = replace(device, there, b"{a: 1}")
        assert isinstance(failure, WriteFailure)
        assert failure.step is WriteStep.STRANGE
    assert aim.exists() is exists
    assert not exists or aim.read_text() == "{}\n"


@needs_root
def test_a_link_on_the_way_that_somebody_put_there_meanwhile_is_not_followed(
    device: ShellDevice, tmp_path: Path
) -> None:
    before = seen(device)
    aim = tmp_path / "of-root"
    aim.mkdir()
    (aim / "device.json5").write_bytes(before.data)
    folder = Path(device.config_dir)
    folder.rename(tmp_path / "moved")
    folder.symlink_to(aim)
    os.chown(folder, SOMEBODY, SOMEBODY, follow_symlinks=False)

    failure = replace(device, before, b"{a: 1}")

    assert isinstance(failure, WriteFailure)
    assert (aim / "device.json5").read_bytes() == before.data


@needs_root
def test_a_link_of_root_or_of_the_file_s_owner_is_followed(device: ShellDevice) -> None:
    real = device.root / "persist/device.json5"
    real.parent.mkdir()
    device.file.rename(real)
    device.file.symlink_to("../../persist/device.json5")
    for owner in (0, SOMEBODY):
        os.chown(device.file, owner, owner, follow_symlinks=False)
        os.chown(real, SOMEBODY, SOMEBODY)
        assert isinstance(replace(device, seen(device), b"{a: %d}" % owner), Written)
        assert real.read_bytes() == b"{a: %d}" % owner
    assert device.file.is_symlink()


MEDDLE = """\
import os, sys
folder, aim = sys.argv[1:]
os.setgid(1234)
os.setuid(1234)
os.chdir(folder)
print("ready", flush=True)
while True:
    for name in os.listdir("."):
        if ".ioto-" in name:
            try:
                os.unlink(name)
                os.symlink(aim, name)
            except OSError:
                pass
"""


@needs_root
def test_a_temporary_name_that_somebody_takes_over_leads_nowhere(device: ShellDevice, tmp_path: Path) -> None:
    aim = tmp_path / "of-root"
    aim.write_text("root's\n")
    tmp_path.chmod(0o755)
    os.chown(device.config_dir, SOMEBODY, SOMEBODY)
    for folder in [tmp_path, *list(tmp_path.parents)[:3]]:
        folder.chmod(folder.stat().st_mode | 0o711)
    old = device.file.read_bytes()
    status = aim.stat()
    with subprocess.Popen(("python3", "-c", MEDDLE, device.config_dir, str(aim)), stdout=subprocess.PIPE) as meddler:
        assert meddler.stdout
        assert meddler.stdout.readline() == b"ready\n"
        try:
            for _unused in range(15):
                device.file.unlink(missing_ok=True)
                device.file.write_bytes(old)
                os.chown(device.file, SOMEBODY, SOMEBODY)
                result = replace(device, seen(device), b"{ id: 'JT08FFQXWQ' }\n")
                # Written, not written, or a link in its place: never what root has.
                assert isinstance(result, Written | WriteFailure)
        finally:
            meddler.kill()

    after = aim.stat()
    assert aim.read_text() == "root's\n"
    assert (after.st_uid, after.st_mode, after.st_ino) == (status.st_uid, status.st_mode, status.st_ino)


def test_a_device_without_proc_is_written_to_and_still_left_alone_by_two_at_once(device: ShellDevice) -> None:
    device.has_proc = False
    before = seen(device)
    with subprocess.Popen(("sleep", "600")) as process:
        announced = Path(device.config_dir) / f".device.json5.ioto-{process.pid}-0-none-0123456789abcdef"
        announced.write_text("")
        try:
            failure = replace(device, before, b"{a: 1}")
            assert isinstance(failure, WriteFailure)
            assert (failure.step, failure.said) == (WriteStep.LOCKED, str(announced))
        finally:
            process.kill()

    assert isinstance(replace(device, before, b"{a: 1}"), Written)
    assert device.litter() == []


@needs_root
@pytest.mark.parametrize("right", ["owner", "group", "others"])
def test_a_device_without_proc_is_not_written_to_where_others_may_write(device: ShellDevice, right: str) -> None:
    device.has_proc = False
    before = seen(device)
    if right == "owner":
        os.chown(device.config_dir, SOMEBODY, SOMEBODY)
    else:
        Path(device.config_dir).chmod(0o775 if right == "group" else 0o757)

    with pytest.raises(FileError, match=r"others than root may write"):
        write_verified(device, before, b"{a: 1}")
    assert (device.file.read_bytes(), device.litter()) == (before.data, [])


def test_a_file_is_not_moved_into_a_directory_that_is_in_its_place(device: ShellDevice) -> None:
    before = seen(device)
    device.file.unlink()
    device.file.mkdir()

    for there in (before, RemoteFile("device.json5", FileKind.ABSENT, before.path)):
        failure = replace(device, there, b"{a: 1}")
        assert isinstance(failure, WriteFailure)
    assert list(device.file.iterdir()) == []
    assert device.litter() == []


def test_a_mv_that_knows_no_directory_rule_is_helped(device: ShellDevice, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    script = '#!/bin/sh\ncase $1 in *T*) echo "mv: invalid option -- T" >&2; exit 1;; esac\nexec /bin/mv "$@"\n'
    (tools / "mv").write_text(script)
    (tools / "mv").chmod(0o755)
    device.path = f"{tools}:/usr/bin:/bin"

    assert isinstance(replace(device, seen(device), b"{a: 1}"), Written)
    assert device.file.read_bytes() == b"{a: 1}"

    Path(device.config_dir).chmod(0o757)  # who can write there can put a link to a directory there, just before mv
    before = seen(device)
    with pytest.raises(FileError, match=r"the mv of the device has no -T"):
        write_verified(device, before, b"{a: 2}")
    assert (device.file.read_bytes(), device.litter()) == (b"{a: 1}", [])
