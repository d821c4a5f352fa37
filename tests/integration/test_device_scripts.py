# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts that run on a device, in real shells, on real files."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from dataclasses import replace as with_fields
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import (
    Answer,
    DeviceError,
    FileKind,
    RemoteFile,
    WriteFailure,
    WriteStep,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.scripts import (
    await_change,
    probe,
    replace,
    restart_and_look,
)
from tests.support.shell_device import SHELLS, ShellDevice, available_shells, make_device

HOSTILE = "$(touch pwned) `touch pwned` '; touch pwned; ' \"$HOME\" \\n %s \u00fc \U0001f600"


@pytest.fixture(params=list(SHELLS))
def device(request: pytest.FixtureRequest, tmp_path: Path) -> ShellDevice:
    if request.param not in available_shells():
        pytest.skip(f"the shell {request.param} is not installed")
    device = make_device(tmp_path / "device")
    device.shell = SHELLS[request.param]
    return device


def toolbox(folder: Path, *without: str) -> str:
    """A PATH with BusyBox's applets but some, as a small device has it."""
    if not shutil.which("busybox"):
        pytest.skip("busybox is not installed")
    folder.mkdir()
    listed = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in set(listed) - set(without):
        (folder / applet).symlink_to(shutil.which("busybox") or "")
    return str(folder)


def seen(device: ShellDevice) -> RemoteFile:
    return probe(device, device.config_dir).device_file


def kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


CONTENTS = {
    "nothing": b"",
    "plain": b"{}",
    "no end of line": b"{\n    id: 'JT08FFQXWQ'\n}",
    "ends of lines": b"\n\n",
    "carriage returns": b"{\r\n}\r\n\r\n",
    "a tab": b"{\tid: 'JT08FFQXWQ'}\n",
    "an option": b"-n",
    "backslashes": b"\\c\\0\n\\\n",
    "dots": b".\n.\n",
    "marks of an answer": b"ioto-end 00\n\nfile device.json5 absent\n",
    "a shell's dreams": HOSTILE.encode(),
    "a NUL at the end": b"{}\0",
    "a NUL inside": b"{\0}",
    "as much as the shell reads": b"{}" + b" " * 509,
    "more than the shell reads": b"{}" + b" " * 510,
    "every byte": bytes(range(1, 256)) * 40,
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_a_probe_brings_every_byte_of_a_file(device: ShellDevice, content: bytes) -> None:
    device.file.write_bytes(content)

    file = seen(device)

    assert (file.kind, file.data, file.mode, file.uid) == (FileKind.REGULAR, content, 0o600, os.getuid())
    assert file.path == str(device.file)


@pytest.mark.parametrize("missing", [[], ["base64"], ["base64", "od"]], ids=["base64", "od", "hexdump"])
def test_whichever_encoder_the_device_has_brings_every_byte(tmp_path: Path, missing: list[str]) -> None:
    device = make_device(tmp_path / "device", bytes(range(256)) * 3)
    device.path = toolbox(tmp_path / "bin", *missing)
    device.shell = (f"{device.path}/sh", "-s")

    assert probe(device, device.config_dir).device_file.data == bytes(range(256)) * 3


def test_a_device_without_any_encoder_is_told_what_it_lacks(tmp_path: Path) -> None:
    device = make_device(tmp_path / "device")
    device.path = toolbox(tmp_path / "bin", "base64", "od", "hexdump")
    device.shell = (f"{device.path}/sh", "-s")

    with pytest.raises(DeviceError, match="none of base64, od and hexdump"):
        probe(device, device.config_dir)


def test_a_write_keeps_owner_and_mode_and_is_read_back(device: ShellDevice) -> None:
    device.file.chmod(0o640)
    if os.getuid() == 0:
        os.chown(device.file, 1234, 2345)

    written = replace(device, seen(device), HOSTILE.encode())

    status = device.file.stat()
    assert not isinstance(written, WriteFailure)
    assert (written.file.data, device.file.read_bytes()) == (HOSTILE.encode(), HOSTILE.encode())
    assert status.st_mode & 0o7777 == 0o640
    assert os.getuid() != 0 or (status.st_uid, status.st_gid) == (1234, 2345)
    assert device.litter() == []
    assert not list(device.root.rglob("pwned"))


@pytest.mark.parametrize("mode", [0o600, 0o604, 0o444, 0o755, 0o4711, 0o1666], ids=oct)
def test_a_write_keeps_any_mode(device: ShellDevice, mode: int) -> None:
    device.file.chmod(mode)
    if not os.access(device.file, os.R_OK):
        pytest.skip("this user may not read such a file")

    written = replace(device, seen(device), b"{done: true}")

    assert not isinstance(written, WriteFailure)
    assert device.file.read_bytes() == b"{done: true}"
    assert device.file.stat().st_mode & 0o7777 == mode


def test_a_look_at_four_files_and_a_write_start_six_programs_on_the_device(tmp_path: Path) -> None:
    device = make_device(tmp_path / "device")
    for name in ("ioto.json5", "local.json5", "provision.json5"):
        (device.root / "etc/ioto" / name).write_text("{}")
    device.shell = ("/bin/sh", "-s")
    log = tmp_path / "started"
    applets = Path(toolbox(tmp_path / "applets"))
    tools = tmp_path / "bin"
    tools.mkdir()
    for program in ("base64", "cat", "cp", "dd", "ls", "mv", "od", "rm", "sync"):
        (tools / program).write_text(f'#!/bin/sh\necho {program} >>{log}\nexec {applets / program} "$@"\n')
        (tools / program).chmod(0o755)
    device.path = str(tools)

    written = replace(device, seen(device), b"{id: 'JT08FFQXWQ'}")

    assert not isinstance(written, WriteFailure)
    assert log.read_text().split() == ["ls", "ls", "dd", "mv", "dd", "dd"]


def test_a_file_that_is_saved_after_it_was_listed_comes_as_it_is_then(tmp_path: Path) -> None:
    device = make_device(tmp_path / "device")
    local = device.root / "etc/ioto/local.json5"
    local.write_text("{}")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "ls").write_text(f'#!/bin/sh\n{shutil.which("ls")} "$@"\nprintf %s "{{saved: true}}" >{local}\n')
    (tools / "ls").chmod(0o755)
    device.path = f"{tools}:{os.environ['PATH']}"

    found = probe(device, device.config_dir).files["local.json5"]

    assert (found.kind, found.data) == (FileKind.REGULAR, b"{saved: true}")


@pytest.mark.parametrize("name", ["plain", "a blank", "io:dir", "\u00fcber", "a*"])
def test_files_of_any_directory_come_with_their_modes(device: ShellDevice, tmp_path: Path, name: str) -> None:
    device.path = f"{toolbox(tmp_path / 'bin')}:/usr/bin:/bin"  # its ls shows unusual letters as question marks
    (device.root / name).mkdir()
    for number, file in enumerate(("device.json5", "ioto.json5", "local.json5")):
        path = device.root / name / file
        path.write_bytes(b"{}" + b" " * 400 * number)
        path.chmod(0o600 + number)

    files = probe(device, f"{device.root}/{name}").files

    found = [files[file] for file in ("device.json5", "ioto.json5", "local.json5")]
    assert [(file.kind, file.mode, len(file.data)) for file in found] == [
        (FileKind.REGULAR, 0o600, 2),
        (FileKind.REGULAR, 0o601, 402),
        (FileKind.REGULAR, 0o602, 802),
    ]


@pytest.mark.parametrize("new", [b"{}", b"{}\n\n\n", b"{\r\n}\r\n", b"'", b"'\\''", b"\\c\\0"])
def test_a_new_file_has_just_the_bytes_and_mode_0600(device: ShellDevice, new: bytes) -> None:
    device.file.unlink()

    assert not isinstance(replace(device, seen(device), new), WriteFailure)
    assert device.file.read_bytes() == new
    assert device.file.stat().st_mode & 0o7777 == 0o600


def test_a_file_that_somebody_changed_meanwhile_is_left_alone(device: ShellDevice) -> None:
    device.file.write_bytes(b"{id: 'of the agent'}")

    now = seen(device)
    for before in (with_fields(now, data=b"{}"), with_fields(now, kind=FileKind.ABSENT)):
        assert replace(device, before, b"{id: 'ours'}") == WriteFailure(WriteStep.CHANGED, "")
    assert device.file.read_bytes() == b"{id: 'of the agent'}"
    assert device.litter() == []


def test_a_link_is_followed_to_where_the_file_really_is(device: ShellDevice) -> None:
    real = device.root / "persist" / "a -> b" / "identity.json5"
    real.parent.mkdir(parents=True)
    device.file.rename(real)
    (device.root / "persist/middle").symlink_to("a -> b/identity.json5")
    device.file.symlink_to("../../persist/middle")

    before = seen(device)
    assert before.exists
    assert not isinstance(replace(device, before, b"{}"), WriteFailure)

    assert real.read_bytes() == b"{}"
    assert device.file.is_symlink() and (device.root / "persist/middle").is_symlink()


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda path: None, FileKind.ABSENT),
        (Path.mkdir, FileKind.DIRECTORY),
        (os.mkfifo, FileKind.SPECIAL),
        (lambda path: path.symlink_to(path), FileKind.LOOP),
        (lambda path: path.symlink_to("nowhere"), FileKind.ABSENT),
    ],
    ids=["nothing", "a directory", "a pipe", "a circle", "a link to nothing"],
)
def test_what_is_no_file_is_named_and_never_waited_for(device: ShellDevice, make, kind: FileKind) -> None:  # type: ignore[no-untyped-def]
    device.file.unlink()
    make(device.file)

    assert probe(device, device.config_dir).device_file.kind is kind


def test_a_probe_counts_what_a_power_cut_left_and_the_next_write_sweeps_it(device: ShellDevice) -> None:
    (device.root / "etc/ioto/.device.json5.ioto-4711").write_text("half a fi")
    before = probe(device, device.config_dir)

    assert before.leftovers == 1
    replace(device, before.device_file, b"{}")
    assert device.litter() == []


def test_a_script_that_was_cut_off_on_its_way_does_nothing(device: ShellDevice) -> None:
    replace(device, seen(device), b"{done: true}")
    whole = device.scripts[-1]
    device.file.write_bytes(b"{}")

    for length in range(0, len(whole) - 12, 97):
        subprocess.run(device.shell, input=whole[:length].encode(), capture_output=True, check=False, timeout=60)

    assert device.file.read_bytes() == b"{}"
    assert device.litter() == []


def test_a_write_that_is_killed_at_any_instant_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    device = make_device(tmp_path / "device")
    old, new = device.file.read_bytes(), b"{id: 'JT08FFQXWQ'} //" + b"x" * 50_000
    replace(device, seen(device), new)
    script = device.scripts[-1]
    found = set()
    for number in range(60):
        device.file.write_bytes(old)
        process = subprocess.Popen(
            device.shell,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # The kill comes at another point of the script's life each time; which one is the machine's choice.
        timer = threading.Timer(number / 4000, kill_group, [process.pid])
        timer.start()
        with contextlib.suppress(BrokenPipeError):
            process.communicate(script.encode())
        timer.cancel()
        found.add(device.file.read_bytes())
    assert found <= {old, new}

    replace(device, seen(device), b"{}")
    assert device.litter() == []


def test_waiting_ends_when_the_file_changes_and_says_what_time_was_left(device: ShellDevice) -> None:
    before = device.file.read_bytes()
    restart = ("sh", "-c", f"echo \"{{id: 'JT08FFQXWQ'}}\" >'{device.file}'")

    observation, left = await_change(device, device.config_dir, before, seconds=30, restart=restart)

    assert b"JT08FFQXWQ" in observation.device_file.data
    assert observation.restarted == 0
    assert 25 <= left <= 30


def test_waiting_ends_when_the_time_is_up(device: ShellDevice) -> None:
    observation, left = await_change(device, device.config_dir, device.file.read_bytes(), seconds=1, restart=("false",))

    assert left == 0
    assert observation.restarted == 1


def restarted(device: ShellDevice, *command: str) -> int | None:
    return restart_and_look(device, device.config_dir, (), seconds=0, restart=command).restarted


def test_a_restarted_agent_has_the_umask_of_its_login(device: ShellDevice) -> None:
    seen_there = device.root / "umask"

    assert restarted(device, "sh", "-c", f"umask >'{seen_there}'") == 0

    mine = subprocess.run(("sh", "-c", "umask"), capture_output=True, text=True, check=True).stdout
    assert int(seen_there.read_text(), 8) == int(mine, 8)


def test_a_restart_command_is_words_and_never_a_script(device: ShellDevice) -> None:
    assert restarted(device, "touch", str(device.root / "a; touch pwned")) == 0

    assert (device.root / "a; touch pwned").exists()
    assert not (device.root / "pwned").exists()


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"-ash: not found",
        b"ioto-begin {nonce} base64\nfile device.json5 regular\ndata device.json5\n*not base64*\n.\nioto-end {nonce}\n",
        b"ioto-begin {nonce} base64\nfile\nioto-end {nonce}\n",
        b"ioto-begin {nonce} base64\nfile device.json5 regular -rw------- x y\nioto-end {nonce}\n",
        b"ioto-begin {nonce} base64\nleftovers many\nioto-end {nonce}\n",
        b"ioto-begin {nonce} base64\nioto-end {nonce}\n",
        b"ioto-end {nonce}\nioto-begin {nonce} base64\n",
    ],
)
def test_an_answer_that_makes_no_sense_is_one_sentence_and_no_traceback(output: bytes) -> None:
    class Liar:
        name = "bench-1"

        def run(self, script: str) -> Answer:
            nonce = script.split("ioto_nonce=")[1].split("\n", maxsplit=1)[0]
            return Answer(0, output.replace(b"{nonce}", nonce.encode()), b"\x1b[31mred")

    with pytest.raises(DeviceError, match="bench-1") as caught:
        probe(Liar(), "/etc/ioto")
    assert "\x1b" not in str(caught.value)


def test_what_a_terminal_adds_to_an_answer_does_no_harm(tmp_path: Path) -> None:
    class Terminal(ShellDevice):
        def run(self, script: str) -> Answer:
            answer = super().run(script)
            return Answer(answer.status, b"\r\nLast login: today\r\n" + answer.stdout.replace(b"\n", b"\r\n"))

    device = Terminal(make_device(tmp_path / "device", b"{\r\n}\r\n").root)

    assert probe(device, device.config_dir).device_file.data == b"{\r\n}\r\n"


def test_a_file_that_is_no_configuration_for_its_size_is_refused_without_being_sent_whole(device: ShellDevice) -> None:
    with device.file.open("wb") as file:
        file.truncate(50 * 1024 * 1024)

    with pytest.raises(DeviceError, match="larger than 1024 KiB"):
        probe(device, device.config_dir)
