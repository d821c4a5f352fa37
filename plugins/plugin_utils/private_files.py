# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a file whole or not at all, durably, readable by its owner alone; and what a killed process leaves, goes.

A file is made as a draft beside its place and renamed. Its maker holds the kernel's lock on a mark beside it, which
ends with the process however it ends: the next process that makes a file in that folder removes the drafts whose mark
nobody holds. A process number in the name would not do: it says nothing in another container, nor where a hardened
unit hides `/proc`. The lock is not on the draft itself: on a network's file system, SQLite's own would wait for it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from .errors import IotoError

_PREFIX = ".ioto-draft-"
_MARK = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}")
_DATA = "-data"
_BESIDE = (f"{_DATA}-journal", f"{_DATA}-wal", f"{_DATA}-shm", _DATA)
"""What there may be beside a mark: the draft, and what SQLite has for a database while it writes."""

_ENTERED_BY_OTHERS = 0o011
_NOT_SYNCED = (errno.EINVAL, errno.ENOTSUP)
"""What file systems say that have no way to sync a folder; there a rename is as durable as they make it."""

_swept: set[Path] = set()
"""The folders that this process has looked through: once is enough, and a folder of labels may be a large one."""


_DATABASE = (b"SQLite format 3\0", b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
"""How a database of SQLite begins, and its log."""
_PRIVATE_KEY = re.compile(rb"\s*-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_OF_DATABASE = ("-wal", "-shm", "-journal", "-open", "-alone")
"""How the names of what belongs to a database end."""


class TypedPathError(IotoError):
    """A path that can be no file's."""


class PreciousFileError(IotoError):
    """A file that would take the place of a ledger, a part of one, a private key, or a device such as /dev/null."""


def write_private(path: Path, data: bytes) -> None:
    """Have `path` hold `data`, durably, with the mode 0600. Raises `OSError`; the file is a whole one then as well."""
    with draft(path) as temporary, temporary.open("r+b") as file:
        file.write(data)


@contextmanager
def draft(path: Path, *, is_database: bool = False) -> Iterator[Path]:
    """Lend an empty file (0600) in the folder of `path`; when the block ends, it has durably replaced `path`.

    Where the block raises, the draft goes, and `path` is as it was. It may be a database: close it in the block, and
    what SQLite has beside it goes as well. Only with `is_database` does it replace another one: otherwise that raises
    `PreciousFileError`, before the block, as does a private key or a device in its place. Raises `OSError`.
    """
    if not is_database:
        refuse_precious(path)
    _sweep_once(path.parent)
    lock, mark = _locked_mark(path.parent)
    temporary = mark.with_name(f"{mark.name}{_DATA}")
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    finally:
        _remove(mark)
        os.close(lock)


def typed_path(text: str | Path) -> Path:
    """Return the path that somebody typed, with its ~ put in. Raises `TypedPathError`."""
    try:
        if "\0" not in str(text):
            return Path(text).expanduser()
    except RuntimeError:
        raise TypedPathError(f"The path {str(text)!r} begins with a user whom nobody knows here; correct it.") from None
    raise TypedPathError(f"The path {str(text)!r} has a NUL in it, which no file's name can have; correct it.")


def refuse_precious(path: Path) -> None:
    """Raise `PreciousFileError` where a file at `path` would replace a database, a part of one, a key or a device.

    By what is there, not by what somebody said the ledger is: another ledger is worth as much. Links are followed.
    """
    try:
        place = path.resolve()
        names = [place.name.removesuffix(end) for end in _OF_DATABASE if place.name.endswith(end)]
        others = filter(_is_database, map(place.with_name, filter(None, names)))
        what = _what_precious(place) or ("a part of a database, such as a ledger," if next(others, None) else None)
    except (OSError, RuntimeError):  # whoever writes the file tells what is wrong with its path
        return
    if what is not None:
        raise PreciousFileError(
            f"{str(path)!r} is {what} and would be lost; give another dest. Nothing was written there."
        )


def is_there(file: str | Path) -> bool:
    """Say whether there is such a file, as far as one may look.

    `Path.is_file` raises where one may not, and for a name that is too long, before Python 3.14.
    """
    return os.path.isfile(file)  # noqa: PTH113


def is_known_file(path: Path) -> bool:
    """Say whether there is such a file. Raises `OSError` where nobody can tell, such as where one may not look.

    `Path.is_file` and `Path.exists` then say no, since Python 3.14.
    """
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def open_regular(path: Path) -> BufferedReader:
    """Open a file that somebody named, to read its bytes. Raises `OSError`, for a pipe or a device as well.

    Those may have no end, or nobody who writes to them, and whoever opens them may wait for ever.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a file, but a pipe or a device", str(path))
        return open(descriptor, "rb")  # noqa: PTH123 - of a descriptor
    except BaseException:
        os.close(descriptor)
        raise


def user_folder() -> Path:
    """Return where a user's own files are, as the XDG base directory specification has it."""
    data_home = os.environ.get("XDG_DATA_HOME", "")
    base = Path(data_home) if data_home.startswith("/") else Path.home() / ".local" / "share"
    return base / "ioto"


def make_private_folder(path: Path) -> None:
    """Have a folder at `path`; what is made of it and its parents may be entered by its owner alone. Raises `OSError`.

    `Path.mkdir` gives its mode to the last one only.
    """
    if path.is_dir():  # as for all images but the first of a folder
        return
    for folder in (*reversed(path.parents), path):
        folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Have no other process be in here for the same `folder` meanwhile. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def obstacle_to(path: Path) -> str | None:
    """Return why no file can be made at `path`, its folders with it, as far as one sees before; None where it can.

    As the end of a sentence that begins with "It cannot be written".
    """
    seen = path.parent
    try:
        with suppress(FileNotFoundError, NotADirectoryError):
            seen.stat()
            seen = path
            if stat.S_ISDIR(path.stat().st_mode):
                return f"to {str(path)!r}, which is a folder; name a file in it"
    except OSError as error:  # such as for a name that is too long, or where nobody may look
        return f"to {str(seen)!r} ({error.strerror}); give another place"
    folder = next(parent for parent in path.parents if parent.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return f"below {str(folder)!r}; give another place, or the right to"
    return None


def is_open(folder: Path) -> bool:
    """Whether others than its owner may enter `folder`, and with it what is in there. Raises `OSError`."""
    absolute = folder.absolute()
    return all(place.stat().st_mode & _ENTERED_BY_OTHERS for place in (absolute, *absolute.parents))


def sync(path: Path) -> None:
    """Have `path`, a file or a folder, on the disk. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_SYNCED or not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise
    finally:
        os.close(descriptor)


def _what_precious(path: Path) -> str | None:
    if path.exists() and not (path.is_file() or path.is_dir()):
        return "a pipe or a device"
    beginning = _beginning(path)
    if beginning.startswith(_DATABASE):
        return "a database, such as a ledger,"
    return "a private key" if _PRIVATE_KEY.match(beginning) else None


def _is_database(path: Path) -> bool:
    return _beginning(path).startswith(_DATABASE)


def _beginning(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read(64)
    except OSError:
        return b""


def _locked_mark(folder: Path) -> tuple[int, Path]:
    while True:
        lock, name = tempfile.mkstemp(prefix=_PREFIX, dir=folder)
        mark = Path(name)
        # A file system without locks: whoever sweeps cannot lock the mark either, and leaves it.
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), mark.stat()):
                return lock, mark
        os.close(lock)  # swept before it was locked


def _sweep_once(folder: Path) -> None:
    if folder in _swept:
        return
    _swept.add(folder)
    # What cannot be looked at or removed stays; the file that is to be made is worth more.
    with suppress(OSError), os.scandir(folder) as entries:
        for mark in [folder / entry.name for entry in entries if _MARK.fullmatch(entry.name)]:
            with suppress(OSError):
                _sweep(mark)


def _sweep(mark: Path) -> None:
    lock = os.open(mark, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(lock)
        if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while its maker lives
            _remove(mark)
    finally:
        os.close(lock)


def _remove(mark: Path) -> None:
    # The mark last: while it is there, the next process knows what belongs to it.
    for end in _BESIDE:
        mark.with_name(f"{mark.name}{end}").unlink(missing_ok=True)
    mark.unlink(missing_ok=True)
