# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a small file on a device, and believe only what is read back."""

from __future__ import annotations

from ..display_text import printable
from ..errors import IotoError
from .device import NEW_FILE_MODE, Device, FileKind, RemoteFile, WriteFailure, WriteStep, Written
from .scripts import replace

_UNUSABLE = {
    FileKind.DIRECTORY: "is a directory; move it away",
    FileKind.SPECIAL: "is neither a file nor a directory; move it away",
    FileKind.UNREADABLE: "may not be read; become its owner or root (become: true)",
    FileKind.LOOP: "is a symbolic link that leads to itself; remove it",
}
_REMEDIES = {
    WriteStep.CREATE: "see whether the file system is writable and not full, and whether you may write there",
    WriteStep.OWNER: "its owner and mode could not be kept; become its owner or root (become: true)",
    WriteStep.WRITE: "free space there",
    WriteStep.RENAME: "see whether the directory may be written",
}


class FileError(IotoError):
    """A file that cannot be used or written; it is as it was, unless the message says otherwise."""


class ChangedMeanwhileError(FileError):
    """Somebody else wrote the file between our look and our write: look again."""


def check_usable(file: RemoteFile, *, where: str) -> None:
    """Raise `FileError` where `file` is neither a readable file nor absent."""
    if trouble := _UNUSABLE.get(file.kind):
        raise FileError(f"The file {printable(file.path) or file.name} on {where} {trouble}.")


def write_verified(device: Device, file: RemoteFile, new: bytes) -> Written:
    """Put `new` in the place of `file`, as it was seen, and return it as it was read back. Raises `FileError`."""
    path = printable(file.path)
    result = replace(device, file, new)
    if isinstance(result, WriteFailure):
        if result.step is WriteStep.CHANGED:
            raise ChangedMeanwhileError(
                f"The file {path} on {device.name} changed while we were about to write it; stop whatever writes it, "
                "and run again."
            )
        raise FileError(
            f"The file {path} on {device.name} could not be written, and is as it was"
            f"{f' ({result.said})' if result.said else ''}: {_REMEDIES[result.step]}, then run again."
        )
    back = result.file
    seen = (back.data, back.mode, back.uid, back.gid)
    kept = (file.mode, file.uid, file.gid) if file.exists else (NEW_FILE_MODE, back.uid, back.gid)
    if seen != (new, *kept):
        raise FileError(
            f"The file {path} on {device.name} reads back otherwise than it was written: do not ship this unit before "
            "its storage was looked at."
        )
    return result
