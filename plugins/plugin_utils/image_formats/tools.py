# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the programs that know the formats; a missing one is named with its Debian package."""

from __future__ import annotations

import os
import secrets
import select
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from ..display_text import printable
from ..processes.programs import descendants
from .image import ImageError

PACKAGES = {
    "cp": "coreutils",
    "debugfs": "e2fsprogs",
    "e2fsck": "e2fsprogs",
    "fakeroot": "fakeroot",
    "fsck.fat": "dosfstools",
    "mattrib": "mtools",
    "mcopy": "mtools",
    "mksquashfs": "squashfs-tools",
    "sfdisk": "fdisk",
    "sync": "coreutils",
    "unsquashfs": "squashfs-tools",
    "zstd": "zstd",
}
"""The Debian package of each program that we run."""

_SECONDS = 300.0
"""For a program that looks at a file of an image or puts one there, which takes a fraction of a second."""
_SECONDS_FOR_ALL = 1800.0
"""For one that reads or writes the whole image: many times what the largest takes."""
_OF_ALL = frozenset({"cp", "e2fsck", "fakeroot", "fsck.fat", "sync", "unsquashfs", "zstd"})
_SECONDS_TO_END = 5.0
"""For a program that is ended; what waits for a disk that hangs cannot be."""


def run(
    *command: str | Path,
    cwd: Path | None = None,
    stdin: bytes = b"",
    image: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command in the C locale and return what it left; `image` is what it works on.

    Raises `ImageError` where it is missing or does not end in time; nothing that it started is left then.

    With `cwd`, `image` stands in that folder under a name of ours while the command runs: in the names of images
    e2fsprogs read `?offset=` as an option, mtools `@@` as an offset, and a leading dash is an option to all.
    """
    if cwd is not None and image is not None:
        alias = cwd / f"{secrets.token_hex(8)}.image"
        alias.symlink_to(image.absolute())
        try:
            names = (alias.name if word is image else word for word in command)
            return _start(*names, cwd=cwd, stdin=stdin, image=image, environment=environment)
        finally:
            alias.unlink()
    return _start(*command, cwd=cwd, stdin=stdin, image=image, environment=environment)


def _start(
    *command: str | Path, cwd: Path | None, stdin: bytes, image: Path | None, environment: Mapping[str, str] | None
) -> subprocess.CompletedProcess[bytes]:
    # Administrators' programs are not on everybody's PATH, and need no root to work on a file of ours.
    path = f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"
    environment = {
        **os.environ,
        **(environment or {}),
        "LC_ALL": "C",
        "TZ": "UTC",
        "MTOOLS_SKIP_CHECK": "1",
        "PATH": path,
    }
    name, *arguments = command
    for_what = f" for the image {printable(image.name)}" if image else ""
    seconds = _SECONDS_FOR_ALL if name in _OF_ALL else _SECONDS
    try:
        # Not pipes: debugfs writes each word by itself, and each would wake a thread of a batch that waits for it.
        with _memory_file(stdin) as given, _memory_file() as out, _memory_file() as complaint:
            process = subprocess.Popen(
                (_place_of(str(name), path), *arguments),
                cwd=cwd,
                stdin=given,
                stdout=out,
                stderr=complaint,
                env=environment,
            )
            try:
                if not _ends(process, seconds):
                    raise ImageError(
                        f"The program {name} did not end within {seconds / 60:.3g} minutes{for_what}; see whether the "
                        "disk hangs, and run again."
                    )
            finally:
                _end(process)
            return subprocess.CompletedProcess(command, process.returncode, _content_of(out), _content_of(complaint))
    except FileNotFoundError:
        raise ImageError(
            f"The program {name} is missing on the controller{for_what}; install the Debian package "
            f"{PACKAGES.get(str(name), name)}."
        ) from None


def _ends(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait until `process` ends, and say whether it did in time."""
    with suppress(subprocess.TimeoutExpired):
        try:
            handle = os.pidfd_open(process.pid)
        except OSError:
            process.wait(seconds)
            return True
        # `wait` with a time would look again and again, and see most of them end some milliseconds late.
        try:
            watch = select.poll()
            watch.register(handle, select.POLLIN)
            is_over = bool(watch.poll(seconds * 1000))
        finally:
            os.close(handle)
        if is_over:
            process.wait()
            return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End `process` with what it has started, in the terminal's own group, where Ctrl-C reaches all of them as well."""
    if process.poll() is not None:
        return
    started = list(descendants(process.pid))
    for child in started:
        with suppress(OSError):
            os.kill(child, signal.SIGKILL)
    # fakeroot ends its daemon itself, once its command is gone.
    if not started or not _ends(process, _SECONDS_TO_END):
        process.kill()
        _ends(process, _SECONDS_TO_END)


@cache
def _place_of(program: str, path: str) -> str:
    """Where `program` is, looked for once: each folder of PATH that lacks it costs every start of it a system call."""
    found = shutil.which(program, path=path)
    return found if found is not None and Path(found).is_absolute() else program


def _memory_file(content: bytes = b"") -> BinaryIO:
    file = os.fdopen(os.memfd_create("ioto"), "w+b", buffering=0)
    file.write(content)
    file.seek(0)
    return file


def _content_of(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def said(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return what a command said: on stderr, else on stdout."""
    return (done.stderr or done.stdout).decode("utf-8", "replace")
