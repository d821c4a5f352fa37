# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a small file on a device, and believe only what is read back."""

from __future__ import annotations

from ..display_text import printable
from ..errors import FailureKind, IotoError
from .connection import last_words
from .device import NEW_FILE_MODE, Device, FileKind, RemoteFile, WriteFailure, WriteStep, Written
from .scripts import replace

_UNUSABLE = {
    FileKind.DIRECTORY: "is a directory; move it away",
    FileKind.SPECIAL: "is neither a file nor a directory; move it away",
    FileKind.UNREADABLE: "may not be read; become its owner or root (become: true)",
    FileKind.LOOP: "is a symbolic link that leads to itself; remove it",
    FileKind.DAMAGED: "could not be read to its end; see its storage (dmesg on the device says more), then run again",
    FileKind.STRANGE: "is reached through a link of a user who is neither root nor its owner; remove that link",
    FileKind.EXCHANGED: (
        "was exchanged again and again while it was looked at, or cannot be opened, in a directory where others than "
        "root may write; see who does that there, or take that right from them, then run again"
    ),
    FileKind.LINKED: (
        "has another name as well (a hard link), in a directory where others than root may write, so it may be a file "
        "that they may not read; remove one of the two"
    ),
    FileKind.EXPOSED: (
        "is in a directory where others than root may write, and the device has no /proc by which to be safe from "
        "them; take that right from them, or mount /proc"
    ),
}
_REMEDIES = {
    WriteStep.CREATE: "see whether the file system is writable and not full, and whether you may write there",
    WriteStep.OWNER: "its owner and mode could not be kept; become its owner or root (become: true)",
    WriteStep.WRITE: "free space there",
    WriteStep.SYNC: "its storage did not take it; see what is wrong there (dmesg on the device says more)",
    WriteStep.RENAME: "see whether the directory may be written",
}


class FileError(IotoError):
    """A file that cannot be used or written; it is as it was, unless the message says otherwise."""

    kind = FailureKind.BOARD


class ChangedMeanwhileError(FileError):
    """Somebody else wrote the file between our look and our write: look again."""

    kind = FailureKind.CHANGED


def check_usable(file: RemoteFile, *, where: str) -> None:
    """Raise `FileError` where `file` is neither a readable file nor absent."""
    if trouble := _UNUSABLE.get(file.kind):
        raise FileError(f"The file {printable(file.path) or file.name} on {where} {trouble}.")


def write_verified(device: Device, file: RemoteFile, new: bytes) -> Written:
    """Replace `file`, as it was seen, by `new`, and return it as it was read back. Raises `FileError`."""
    result = replace(device, file, new)
    if isinstance(result, WriteFailure):
        raise write_error(device, file, result)
    read, path = result.file, printable(file.path)
    mode = file.mode if file.exists else NEW_FILE_MODE
    owner = (file.uid, file.gid) if file.exists else (None, None)
    kept = [
        wanted in {None, seen} for wanted, seen in zip((mode, *owner), (read.mode, read.uid, read.gid), strict=True)
    ]
    if not read.exists or read.data != new or not all(kept):
        raise FileError(
            f"The file {path} on {device.name} reads back differently from what was written: do not ship this unit "
            "before its storage was looked at."
        )
    return result


_UNSAFE = {
    WriteStep.SHARED: ("the device has no /proc", "mount /proc"),
    WriteStep.UNMOVED: ("the mv of the device has no -T", "give the device a newer BusyBox"),
}


def write_error(device: Device, file: RemoteFile, failure: WriteFailure) -> FileError:
    """Return what to say of a write of `file` that failed."""
    path, said = printable(file.path), f" ({last_words(failure.said)})" if failure.said else ""
    match failure.step:
        case WriteStep.CHANGED:
            return ChangedMeanwhileError(
                f"The file {path} on {device.name} changed while we were about to write it: see that no other run "
                "has this device, stop whatever else writes the file, and run again."
            )
        case WriteStep.LOCKED:
            return FileError(
                f"Another run is working on this device, {device.name}, and has the file {failure.said} there; wait "
                "until it has ended, then run again."
            )
        case WriteStep.STRANGE:
            return FileError(f"The file {path} on {device.name} {_UNUSABLE[FileKind.STRANGE]}.")
        case WriteStep.SHARED | WriteStep.UNMOVED:
            lack, remedy = _UNSAFE[failure.step]
            return FileError(
                f"The file {path} on {device.name} was not written, and is as it was: others than root may write to "
                f"{failure.said}, and {lack} by which to be safe from them; take that right from them, or {remedy}."
            )
        case WriteStep.DURABLE:
            return FileError(
                f"The file {path} on {device.name} was written, and may be gone after a power cut: its storage did not "
                f"take the directory{said}; do not ship this unit before its storage was looked at."
            )
    return FileError(
        f"The file {path} on {device.name} could not be written, and is as it was{said}: {_REMEDIES[failure.step]}, "
        "then run again."
    )
