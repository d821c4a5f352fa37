# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a device holds is there after the next power cut, and what to do where that is not sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as with_fields

from ..display_text import printable
from ..errors import FailureKind, IotoError
from .device import Device, FileKind, Lasting, RemoteFile, Storage, StoredDevice, WriteFailure, Written
from .scripts import relink
from .state import DeviceState
from .verified_write import FileError, write_error, write_verified

_UNTOLD = {
    "none": "there is no /proc/mounts",
    "unlisted": "the mount that it is in is not listed in /proc/self/mountinfo",
}
_VOLATILE = "volatile"
"""How the type of a file system ends that says of each sync that it was done, and does none."""


class StorageError(IotoError):
    """A device that forgets what is written to it."""

    kind = FailureKind.STORAGE


def check_storage(state: DeviceState, *, volatile: bool) -> Sequence[str]:
    """Return what is unusual about the storage of a device. Raises `StorageError` unless it may be `volatile`."""
    storage, config_dir = state.observation.storage, printable(state.config_dir)
    if storage.mounted and not storage.readonly:
        raise StorageError(
            f"The file {printable(state.file.path)} on {state.name} is a mount point, so no other file can be put in "
            "its place: unmount it, and mount its directory or make a link in its place, then run again."
        )
    if storage.lasting is Lasting.UNKNOWN:
        why = _UNTOLD.get(storage.type, f"what lies under its {storage.type} is hidden")
        return [f"Whether {config_dir} outlives a power cut could not be told, since {why}."]
    if storage.lasting is not Lasting.NO:
        return []
    if not volatile:
        raise StorageError(
            f"The directory {config_dir} on {state.name} {_forgets(storage)}: {_remedy(storage)}, or say "
            "where the agent's configuration persists (ioto_config_dir); where it may forget, give ioto_volatile: true."
        )
    return [f"The directory {config_dir} {_forgets(storage)} (ioto_volatile: true)."]


def check_settings_storage(state: DeviceState, file: RemoteFile, *, volatile: bool) -> Sequence[str]:
    """As `check_storage`, for a `file` of settings, as far as the device was asked where it is."""
    storage = state.observation.storage
    if file.path.rpartition("/")[0] != state.file.path.rpartition("/")[0] or storage.lasting is not Lasting.NO:
        return []
    told = f"The file {printable(file.path)} on {state.name} {_forgets(storage)}"
    if not volatile:
        raise StorageError(f"{told}: {_remedy(storage)}; where it may forget, give ioto_volatile: true.")
    return [f"{told} (ioto_volatile: true)."]


def check_settings_synced(state: DeviceState, written: Written, *, unsynced_counts: bool) -> Sequence[str]:
    """Return what is unusual about how settings were `written`. Raises `StorageError` unless that counts."""
    why = unsynced(written)
    if why is None:
        return directory_notice(written)
    told = f"The file {printable(written.file.path)} on {state.name} was written, and {why}"
    if not unsynced_counts:
        raise StorageError(f"{told}: add one of them to the device, or give ioto_unsynced: true.")
    return [f"{told} (ioto_unsynced: true)."]


def _forgets(storage: Storage) -> str:
    if storage.type.endswith(_VOLATILE):
        return f"is on a file system ({storage.type}) that syncs nothing, so that it forgets at the next power cut"
    kind = "read-only file system" if storage.readonly else "file system"
    return f"is on a {kind} ({storage.type}) that forgets everything at the next power cut"


def _remedy(storage: Storage) -> str:
    if storage.type.endswith(_VOLATILE):
        return "mount it without that option first"
    return "mount its persistent partition first"


def needs_a_sync(device: Device, state: DeviceState) -> bool:
    """Whether the device.json5 that was seen may be in the device's memory alone."""
    return not isinstance(device, StoredDevice) and not state.observation.storage.readonly


def unsynced(written: Written) -> str | None:
    """Return what to say of a file of which nothing tells whether it is on the storage; None where something does."""
    if written.synced:
        return None
    return (
        "nothing on the device tells whether its file is on the storage (there is no fsync, no dd with conv=fsync, and "
        "no sync that takes a file, or the file system knows none)"
    )


def directory_notice(written: Written) -> Sequence[str]:
    """Return what is unusual about the sync of the directory."""
    if written.directory_synced or not written.synced:
        return []
    return [
        f"The directory of {written.file.name} could only be synced together with everything else, and such a sync "
        "reports no errors."
    ]


def restore_link(device: Device, before: RemoteFile, saved: DeviceState) -> DeviceState:
    """Where the agent `saved` a plain file over the link that was there `before`, put its bytes where the link led, and
    the link back; return the device as it is then. `before` holds the bytes that were there last. Raises `IotoError`.
    """
    plain = saved.file
    if before.link is None or plain.link is not None or not plain.exists:
        return saved
    target = with_fields(before, kind=FileKind.REGULAR, looked_at=before.path, link=None)
    write_verified(device, target, plain.data)
    failure = relink(device, plain, before.link)
    if isinstance(failure, WriteFailure):
        raise write_error(device, plain, failure)
    restored = DeviceState.read(device, saved.config_dir)
    if (restored.file.path, restored.file.data) != (before.path, plain.data):
        raise FileError(
            f"The symbolic link {plain.looked_at} on {saved.name}, which its agent replaced by a file, could not be "
            f"put back: see whether it leads to {before.path}, then run again."
        )
    return restored
