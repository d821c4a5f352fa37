# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A config_dir of a user of the device, who puts other things in the place of its files at the worst instant."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import FileKind, Written
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.scripts import await_change, probe, replace
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.verified_write import FileError, check_usable
from tests.support.shell_device import SHELLS, ShellDevice, available_shells, make_device

SOMEBODY = 1234
SECRET = b"{ product: '01K9F1EETDEV1CEPR0DVCT0001', token: 'of root' }\n"
HANG = 20
"""Seconds within which a look ends, whatever is there: one open may take two."""

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can have directories of others")


@pytest.fixture(params=available_shells())
def device(request: pytest.FixtureRequest, tmp_path: Path) -> ShellDevice:
    device = make_device(tmp_path / "device")
    device.shell = SHELLS[request.param]
    os.chown(device.config_dir, SOMEBODY, SOMEBODY)
    device.file.write_bytes(b"#" * (len(SECRET) - 1) + b"\n")
    os.chown(device.file, SOMEBODY, SOMEBODY)
    return device


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "of-root"
    path.write_bytes(SECRET)
    path.chmod(0o600)
    return path


def exchange_after_each_look(device: ShellDevice, tools: Path, other: str) -> None:
    """Have device.json5 and what `other` makes take turns whenever ls has looked."""
    tools.mkdir()
    file, aside = device.file, tools / "decoy"
    (tools / "ls").write_text(
        f'#!/bin/sh\n/bin/ls "$@"\nstatus=$?\nif [ -f {file} ] && [ ! -L {file} ]; then mv {file} {aside}; {other}; '
        f"chown -h {SOMEBODY} {file}\nelse rm -f {file}; mv {aside} {file}\nfi >/dev/null 2>&1\nexit $status\n"
    )
    (tools / "ls").chmod(0o755)
    device.path = f"{tools}:/usr/bin:/bin"


@pytest.mark.parametrize("turns", [0, 1], ids=["first the file", "first the link"])
def test_a_link_that_is_there_for_an_instant_gives_nobody_what_only_root_may_read(
    device: ShellDevice, tmp_path: Path, secret: Path, turns: int
) -> None:
    exchange_after_each_look(device, tmp_path / "bin", f"ln -s {secret} {device.file}")
    if turns:
        shutil.move(device.file, tmp_path / "bin/decoy")
        device.file.symlink_to(secret)
        os.chown(device.file, SOMEBODY, SOMEBODY, follow_symlinks=False)

    file = probe(device, device.config_dir).device_file

    assert b"of root" not in file.data
    assert file.kind in {FileKind.STRANGE, FileKind.EXCHANGED}
    with pytest.raises(FileError):
        check_usable(file, where="bench-1")


def nobody_waits_at(fifo: Path) -> bool:
    """Whether no process has the FIFO open, or waits for it to be."""
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        return error.errno == errno.ENXIO
    return False


def test_a_fifo_that_is_there_for_an_instant_holds_nobody_up(device: ShellDevice, tmp_path: Path) -> None:
    exchange_after_each_look(device, tmp_path / "bin", f"mkfifo {device.file}")
    begun = time.monotonic()

    file = probe(device, device.config_dir).device_file

    assert time.monotonic() - begun < HANG
    assert file.kind in {FileKind.SPECIAL, FileKind.EXCHANGED}
    if not device.file.is_fifo():
        device.file.unlink(missing_ok=True)
        os.mkfifo(device.file)
    assert nobody_waits_at(device.file)


def test_nothing_is_waited_for_where_a_fifo_comes_instead_of_the_file(device: ShellDevice, tmp_path: Path) -> None:
    before = probe(device, device.config_dir).device_file
    exchange_after_each_look(device, tmp_path / "bin", f"mkfifo {device.file}")
    begun = time.monotonic()

    result = replace(device, before, b"{a: 1}")
    seen, _left = await_change(device, device.config_dir, before.data, seconds=3, restart=None)

    assert time.monotonic() - begun < 2 * HANG
    assert not isinstance(result, Written) or result.file.data == b"{a: 1}"
    assert seen.device_file.kind in FileKind


def test_a_second_name_of_a_file_that_only_root_may_read_is_refused(device: ShellDevice, secret: Path) -> None:
    device.file.unlink()
    os.link(secret, device.file)

    file = probe(device, device.config_dir).device_file

    assert (file.kind, file.data) == (FileKind.LINKED, b"")
    with pytest.raises(FileError, match="has another name"):
        check_usable(file, where="bench-1")


@pytest.mark.parametrize("parent", [False, True], ids=["the directory", "its parent"])
def test_without_proc_nothing_is_read_where_somebody_may_exchange_it(device: ShellDevice, parent: bool) -> None:
    if parent:
        os.chown(device.config_dir, 0, 0)
        os.chown(Path(device.config_dir).parent, SOMEBODY, SOMEBODY)
    device.has_proc = False

    file = probe(device, device.config_dir).device_file

    assert (file.kind, file.data) == (FileKind.EXPOSED, b"")
    with pytest.raises(FileError, match="others than root may write"):
        check_usable(file, where="bench-1")


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("size", [10, 5000])
def test_a_file_in_a_directory_of_the_device_s_user_is_read_and_written(
    device: ShellDevice, exists: bool, size: int
) -> None:
    device.file.unlink()
    if exists:
        device.file.write_bytes(b"{ a: '%s' }\n\n" % (b"\xc3\xa4" * size))
        os.chown(device.file, SOMEBODY, SOMEBODY)
    before = probe(device, device.config_dir).device_file

    assert before.shared
    assert before.data == (device.file.read_bytes() if exists else b"")
    written = replace(device, before, b"{ a: '%s' }\n" % (b"-" * size))

    assert isinstance(written, Written)
    assert device.file.read_bytes() == written.file.data == b"{ a: '%s' }\n" % (b"-" * size)
    assert (device.file.stat().st_uid, device.litter()) == (SOMEBODY if exists else 0, [])


def test_the_usual_directory_is_nobody_else_s(device: ShellDevice) -> None:
    os.chown(device.config_dir, 0, 0)

    assert not any(file.shared for file in probe(device, device.config_dir).files.values())
