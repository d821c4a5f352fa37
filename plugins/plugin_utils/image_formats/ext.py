# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ext2, ext3 and ext4 through debugfs of e2fsprogs."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from .copies import clone
from .image import READ_AT_MOST, Change, Entry, Image, ImageError, Kind, tail
from .tools import run, said

_PROMPT = "debugfs: "
_STAT = re.compile(r"Inode: \d+ +Type: (\S+).*?Mode: +(\d+)")
_SIZE = re.compile(r" Size: (\d+)$", re.MULTILINE)
_OWNER = re.compile(r"^User: +(\d+) +Group: +(\d+)", re.MULTILINE)
_TIME = re.compile(r"^ *(ctime|atime|mtime|crtime): 0x([0-9a-f]+)(?::([0-9a-f]+))?", re.MULTILINE)
_LINK = re.compile(r'^Fast link dest: "(.*)"$', re.MULTILINE)
_ATTRIBUTE = re.compile(r"^  ([a-z_]+\.\S+) \(\d+\)", re.MULTILINE)
_CONTENT = "system.data"
"""In the guise of an attribute, what an inode with inline data has of its file beyond 60 bytes."""
_KINDS = {"regular": Kind.REGULAR, "directory": Kind.DIRECTORY, "symlink": Kind.LINK}
_SUPERBLOCK_AT = 1024
_WTIME_AT = 48
_INCOMPATIBLE_AT = 96
_NEEDS_RECOVERY = 0x4
"""Of the features in the superblock (https://docs.kernel.org/filesystems/ext4/super.html)."""
_REPAIRED_OR_WORSE = 1 | 4 | 8


class Ext(Image):
    """A file system of Linux."""

    format = "ext"

    def _read_entries(self, paths: Sequence[str]) -> Mapping[str, Entry]:
        commands = [line for n, path in enumerate(paths) for line in (f'stat "{path}"', f'dump "{path}" dump-{n}')]
        answers = self._debugfs(self.path, commands, self.scratch)
        found = {}
        for number, path in enumerate(paths):
            dumped = self.scratch / f"dump-{number}"
            data = dumped.read_bytes()[:READ_AT_MOST] if dumped.exists() else b""
            dumped.unlink(missing_ok=True)
            answer = answers[2 * number]
            if match := _STAT.search(answer):
                found[path] = _entry(match, answer, data)
        return found

    def write(self, target: Path, change: Change, work: Path) -> None:
        clone(self.path, target)
        (work / "new").write_bytes(change.data)
        entry, place = change.entry, f'"{change.path}"'
        old, attributes = "", ""
        if change.replaces:
            old, attributes = self._debugfs(self.path, [f"stat {place}", f"ea_list {place}"], work)
        names = [name for name in _ATTRIBUTE.findall(attributes) if name != _CONTENT]
        kept = {name: f"attribute-{number}" for number, name in enumerate(names)}
        times = {name: (seconds, extra) for name, seconds, extra in _TIME.findall(old)} or dict.fromkeys(
            ("mtime", "atime", "ctime"), (f"{entry.mtime:x}", "")
        )
        commands = [f"ea_get -f {file} {place} {name}" for name, file in kept.items()]
        commands += [f"rm {place}"] if change.replaces else []
        commands += [
            f"write new {place}",
            f"sif {place} mode 0{0o100000 | entry.mode:o}",
            f"sif {place} uid {entry.uid}",
            f"sif {place} gid {entry.gid}",
        ]
        commands += [f"ea_set -f {file} {place} {name}" for name, file in kept.items()]
        for name, (seconds, extra) in times.items():
            commands.append(f"sif {place} {name} @{int(seconds, 16)}")
            if extra:
                commands.append(f"sif {place} {name}_extra 0x{extra}")
        self._debugfs(target, commands, work, write=True)

    def check(self) -> None:
        done = run("e2fsck", "-fn", self.path, cwd=self.scratch, image=self.path)
        if done.returncode & _REPAIRED_OR_WORSE:
            complaints = [line for line in done.stdout.decode("utf-8", "replace").splitlines()[1:] if line.strip()]
            raise self.damaged(next((line for line in complaints if not line.startswith("Pass ")), said(done)))

    def check_replayed(self) -> None:
        with self.path.open("rb") as file:
            file.seek(_SUPERBLOCK_AT + _INCOMPATIBLE_AT)
            if int.from_bytes(file.read(4), "little") & _NEEDS_RECOVERY:
                raise ImageError(
                    f"The journal of the ext image {self.path.name} was not replayed, as in a copy of the storage of a "
                    "device that runs, and the first mount would undo what is put in; run e2fsck -f on it, or mount "
                    "it once, and try again."
                )

    def _debugfs(self, image: Path, commands: Sequence[str], folder: Path, *, write: bool = False) -> list[str]:
        """Run `commands` in one debugfs in `folder`; return what it answered to each.

        The superblock keeps the time at which the base was last written.
        """
        script = "".join(f"{command}\n" for command in commands).encode("utf-8", "surrogateescape")
        mode = ["-w"] if write else []
        now = {"E2FSPROGS_FAKE_TIME": str(self._written_at())}
        done = run("debugfs", *mode, "-f", "-", image, cwd=folder, stdin=script, image=image, environment=now)
        complaint = said(done)
        if "No space left on device" in complaint:
            raise OSError(errno.ENOSPC, "No space left on device")
        if "allocate" in complaint or "No free space" in complaint:
            raise self.full(complaint)
        answers: list[list[str]] = []
        for line in done.stdout.decode("utf-8", "surrogateescape").split("\n"):
            # debugfs repeats each command; a link's target that looks like one comes out of turn.
            if len(answers) < len(commands) and line == _PROMPT + commands[len(answers)]:
                answers.append([])
            elif answers:
                answers[-1].append(line)
        if len(answers) != len(commands):
            raise self.damaged(tail(complaint))
        # The first line on stderr is its version.
        if write and (errors := done.stderr.decode("utf-8", "replace").splitlines()[1:]):
            raise ImageError(
                f"The file device.json5 could not be put into {self.path.name} ({tail(errors[0])}); see whether the "
                "image is whole."
            )
        return ["\n".join(lines) for lines in answers]

    def _written_at(self) -> int:
        """The time of the last write, in seconds, from the superblock."""
        with self.path.open("rb") as file:
            file.seek(_SUPERBLOCK_AT + _WTIME_AT)
            return int.from_bytes(file.read(4), "little")


def _entry(match: re.Match[str], answer: str, data: bytes) -> Entry:
    kind = _KINDS.get(match[1], Kind.SPECIAL)
    owner = _OWNER.search(answer)
    times = {name: int(seconds, 16) for name, seconds, _unused in _TIME.findall(answer)}
    fast = _LINK.search(answer)
    # What lies in the inode itself is dumped with the zeros behind it.
    size = _SIZE.search(answer)
    data = data[: int(size[1])] if size else data
    target = (fast[1] if fast else data.decode("utf-8", "surrogateescape")) if kind is Kind.LINK else ""
    return Entry(
        kind,
        int(match[2], 8),
        int(owner[1]) if owner else 0,
        int(owner[2]) if owner else 0,
        times.get("mtime", 0),
        data if kind is Kind.REGULAR else b"",
        target,
    )
