# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a device is to us, and what one look at it or one write to it says.

A device needs a POSIX shell and an SSH server, nothing else. Whoever holds a connection gives us a `Device`: run this
script, give me its status and its output.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ..errors import FailureKind, IotoError

DEVICE_FILE = "device.json5"
LEGACY_DEVICE_FILE = "device.json"
OVERRIDE_FILE = "local.json5"
PROVISION_FILE = "provision.json5"
AGENT_FILES = ("ioto.json5", "config.json5")
"""The agent's main configuration: since 2.5, and before."""

NEW_FILE_MODE = 0o600


class DeviceError(IotoError):
    """A device that cannot do what we need, or whose answer makes no sense."""

    kind = FailureKind.BOARD


NO_STATUS = -1
"""In place of the exit status of a shell that ended without one, such as by a signal."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script left: its exit status, or `NO_STATUS`, and its bytes on stdout and stderr."""

    status: int
    stdout: bytes
    stderr: bytes = b""


class Device(Protocol):
    """A place with a POSIX shell: an SSH connection, a folder, a fake."""

    @property
    def name(self) -> str:
        """What people call it, for messages."""

    @property
    def host_key(self) -> str | None:
        """The fingerprint of the key with which it answered, where the connection knows it."""

    def run(self, script: str) -> Answer:
        """Run `script` with `sh`, given on its standard input."""


@dataclass(frozen=True, slots=True)
class KnownBoard:
    """A `Device` behind which there has to be the `board` of an observation still, in each script that follows."""

    device: Device
    board: str

    @property
    def name(self) -> str:
        """What people call it, for messages."""
        return self.device.name

    @property
    def host_key(self) -> str | None:
        """The fingerprint of the key with which it answered, where the connection knows it."""
        return self.device.host_key

    def run(self, script: str) -> Answer:
        """Run `script`."""
        return self.device.run(script)


class FileKind(StrEnum):
    """What stands at a path."""

    ABSENT = "absent"
    REGULAR = "regular"
    DIRECTORY = "directory"
    SPECIAL = "special"
    UNREADABLE = "unreadable"
    LOOP = "loop"
    DAMAGED = "damaged"
    """It is there, and what was read of it is not all of it, or its storage does not say what is there."""
    STRANGE = "strange"
    """It is reached through a link of somebody who is neither root nor the owner of what it leads to."""
    EXCHANGED = "exchanged"
    """Somebody put another thing in its place, again and again, or one that lets nobody open it."""
    LINKED = "linked"
    """It has another name, and somebody who may not read it may have given it this one."""
    EXPOSED = "exposed"
    """Somebody may exchange it at any instant, and the device has no /proc by which to tell."""


UNCERTAIN_KINDS = frozenset({FileKind.DAMAGED, FileKind.STRANGE, FileKind.EXCHANGED, FileKind.LINKED, FileKind.EXPOSED})
"""Of what is there nobody can tell what the agent reads."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on a device. `path` is where its links lead, `looked_at` where it was looked for, and `link` what the link
    there says, if it is one; `mode` is a number, `uid` and `gid` are numeric.
    `size` is what its directory says of it, in bytes. `shared`: others than root and the one who logs in may put
    another thing in its place.
    """

    name: str
    kind: FileKind
    path: str = ""
    data: bytes = b""
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    size: int | None = None
    looked_at: str = ""
    link: str | None = None
    shared: bool = False

    @property
    def exists(self) -> bool:
        """Whether it is a file whose bytes we have."""
        return self.kind is FileKind.REGULAR


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface: its name and its MAC address in lower case with colons.

    `usb` is that of an adapter, or of a board whose own one is on its USB; `passing`: the address was made up by
    somebody at run time, and is no property of the hardware.
    """

    name: str
    mac: str
    virtual: bool
    usb: bool = False
    passing: bool = False


class Lasting(StrEnum):
    """Whether what is written to a file system is there after a power cut."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Storage:
    """The file system under device.json5: whether it outlives a power cut, and its type, with what it is on where that
    forgets. The type is `none` where nothing says what is mounted, `unlisted` where this mount is not among that.

    `readonly`: nothing can be written there. `mounted`: it is that of the one file, which is a mount point.
    """

    lasting: Lasting = Lasting.YES
    type: str = ""
    readonly: bool = False
    mounted: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look at a device showed. `directory` is present, absent or other."""

    directory: str
    files: Mapping[str, RemoteFile]
    leftovers: int = 0
    serial: str | None = None
    interfaces: Sequence[Interface] = ()
    agents: Sequence[str] = ()
    """The agent's processes that run, each as its number and its start time."""
    storage: Storage = Storage()
    board: str = ""
    """What is the same for the same board, in words of the script's own: its serial and permanent MAC addresses."""
    restarted: int | None = None
    """Exit status of the agent's restart, where one was asked for and a way to do it was found."""

    @property
    def device_file(self) -> RemoteFile:
        """The `device.json5` that was seen, or its absence."""
        return self.files[DEVICE_FILE]


class WriteStep(StrEnum):
    """Where a write stopped."""

    CHANGED = "changed"
    STRANGE = "strange"
    LOCKED = "locked"
    SHARED = "shared"
    UNMOVED = "unmoved"
    CREATE = "create"
    OWNER = "owner"
    WRITE = "write"
    SYNC = "sync"
    RENAME = "rename"
    DURABLE = "durable"
    """After the rename: the new file is in its place, and may not be there after a power cut."""


@dataclass(frozen=True, slots=True)
class WriteFailure:
    """A write that did not happen; the file is as it was, but for the step `DURABLE`.

    `said` is what the device's tools said, or the path that stood in the way.
    """

    step: WriteStep
    said: str


@dataclass(frozen=True, slots=True)
class Written:
    """A file as it was read back, and the agent's processes that ran after it was written.

    `synced` and `directory_synced`: something said that it, and its place in the directory, are on the storage. Where
    nothing did, nothing complained, either.
    """

    file: RemoteFile
    agents: Sequence[str] = ()
    synced: bool = True
    directory_synced: bool = True


class StoredDevice(ABC):
    """A device that does not run: its files are at hand, and no shell is, as in a firmware image.

    `probe`, `replace` and `sweep` ask it in place of running a script. Scripts would look at the hardware of the
    machine that they run on, follow links out of the image, and lose owners where they are not run by root.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """What people call it, for messages."""

    @property
    def host_key(self) -> str | None:
        """None: what does not run answers with no key."""
        return None

    @abstractmethod
    def look(self, config_dir: str) -> Observation:
        """Do what `probe` does."""

    @abstractmethod
    def put(self, path: str, old: bytes | None, new: bytes) -> Written | WriteFailure:
        """Do what `replace` does."""

    @abstractmethod
    def settle(self, path: str) -> None:
        """Do what `sweep` does, where the file at `path` is as it has to be and `leftovers` were seen."""

    def run(self, script: str) -> Answer:
        """Refuse: there is no shell."""
        raise DeviceError(
            f"{self.name} does not run, so there is no agent to start or ask; take an ID from the controller "
            "(source: given, generated or service)."
        )


ALL_FILES = (DEVICE_FILE, LEGACY_DEVICE_FILE, *AGENT_FILES, OVERRIDE_FILE, PROVISION_FILE)
