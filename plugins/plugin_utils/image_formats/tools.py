# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the programs that know the formats; a missing one is named with its Debian package."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import BinaryIO

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


def run(
    *command: str | Path,
    cwd: Path | None = None,
    stdin: bytes = b"",
    image: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command in the C locale and return what it left; `image` is what it works on.

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
    try:
        # Not pipes: debugfs writes each word by itself, and each would wake a thread of a batch that waits for it.
        with _memory_file(stdin) as given, _memory_file() as out, _memory_file() as complaint:
            done = subprocess.run(
                (_place_of(str(name), path), *arguments),
                cwd=cwd,
                stdin=given,
                stdout=out,
                stderr=complaint,
                check=False,
                env=environment,
            )
            return subprocess.CompletedProcess(command, done.returncode, _content_of(out), _content_of(complaint))
    except FileNotFoundError:
        for_what = f" for the image {image.name}" if image else ""
        raise ImageError(
            f"The program {name} is missing on the controller{for_what}; install the Debian package "
            f"{PACKAGES.get(str(name), name)}."
        ) from None


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
