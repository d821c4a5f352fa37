# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to mount what a configuration directory is in, for real, and what has to be told of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import Lasting, Storage

from .mount_namespace import MountNamespace, mount_namespace
from .shell_device import SHELLS, ShellDevice, make_device

STRANGE_NAME = "a b\tc\\d#e"
YES, NO, UNKNOWN = Lasting.YES, Lasting.NO, Lasting.UNKNOWN

# $D is the config_dir, $T another folder on the same disk, $M a tmpfs.
READ_ONLY = 'mount -t tmpfs x "$D"; cp -a "$T/kept/." "$D"; mount -o remount,ro "$D"'
REAL = {
    "as it is": (":", Storage(YES, "ext4")),
    "tmpfs": ('mount -t tmpfs x "$D"', Storage(NO, "tmpfs")),
    "tmpfs, read-only": (READ_ONLY, Storage(NO, "tmpfs", readonly=True)),
    "tmpfs, bound read-only": ('mount --bind -o ro "$M" "$D"', Storage(NO, "tmpfs", readonly=True)),
    "a folder of a tmpfs": ('mkdir "$M/d"; mount --bind "$M/d" "$D"', Storage(NO, "tmpfs")),
    "a disk, bound read-only": ('mount --bind -o ro "$T/kept" "$D"', Storage(YES, "ext4", readonly=True)),
    "a disk over a tmpfs": ('mount -t tmpfs x "$D"; mount --bind "$T/kept" "$D"', Storage(YES, "ext4")),
    "a tmpfs over a disk": ('mount --bind "$T/kept" "$D"; mount -t tmpfs x "$D"', Storage(NO, "tmpfs")),
    "a tmpfs that a disk above it hides": (
        'mount -t tmpfs x "$D"; mkdir "$T/etc"; cp -a "$T/kept" "$T/etc/ioto"; mount --bind "$T/etc" "${D%/*}"',
        Storage(YES, "ext4"),
    ),
    "a disk that a tmpfs above it hides": (
        'mount --bind "$T/kept" "$D"; mount -t tmpfs x "${D%/*}"; mkdir "$D"',
        Storage(NO, "tmpfs"),
    ),
    "a tmpfs moved there": (
        'mount --bind "$T" "${D%/*}"; mkdir -p "$D"; mount --move "$M" "$D"',
        Storage(NO, "tmpfs"),
    ),
    "an overlay on a disk": (
        'mkdir "$T/u" "$T/w"; mount -t overlay x -o "lowerdir=$M,upperdir=$T/u,workdir=$T/w" "$D"',
        Storage(YES, "overlay"),
    ),
    "an overlay on a disk, mounted volatile": (
        'mkdir "$T/u" "$T/w"; mount -t overlay x -o "lowerdir=$M,upperdir=$T/u,workdir=$T/w,volatile" "$D"',
        Storage(NO, "overlay mounted volatile"),
    ),
    "a file system in a file on an overlay mounted volatile": (
        'mkdir "$T/u" "$T/w" "$T/o"; mount -t overlay x -o "lowerdir=$M,upperdir=$T/u,workdir=$T/w,volatile" "$T/o"; '
        'truncate -s 8M "$T/o/i"; mkfs.ext4 -q "$T/o/i"; mount -o loop "$T/o/i" "$D"',
        Storage(NO, "ext4 on overlay mounted volatile"),
    ),
    "an overlay on a tmpfs": (
        'mkdir "$M/u" "$M/w"; mount -t overlay x -o "lowerdir=$T,upperdir=$M/u,workdir=$M/w" "$D"',
        Storage(NO, "overlay on tmpfs"),
    ),
    "an overlay on a tmpfs, read-only": (
        'mkdir "$M/u" "$M/w"; mount -t overlay x -o "ro,lowerdir=$T,upperdir=$M/u,workdir=$M/w" "$D"',
        Storage(NO, "overlay on tmpfs", readonly=True),
    ),
    "an overlay on a disk over several, read-only": (
        'mkdir "$T/u" "$T/w" "$T/l"; mount -t overlay x -o "ro,lowerdir=$T/l:$M,upperdir=$T/u,workdir=$T/w" "$D"',
        Storage(NO, "overlay on tmpfs", readonly=True),
    ),
    "lower sides alone, on disks": (
        'mkdir "$T/l:2"; mount -t overlay x -o "lowerdir=$T/kept:$T/l\\:2" "$D"',
        Storage(YES, "overlay", readonly=True),
    ),
    "lower sides alone, one of them on a tmpfs": (
        'mkdir "$M/l:2"; mount -t overlay x -o "lowerdir=$T/kept:$M/l\\:2" "$D"',
        Storage(NO, "overlay on tmpfs", readonly=True),
    ),
    "an overlay with an upper side of a strange name": (
        'mkdir "$M/u, v:x#y" "$M/w"; mount -t overlay x -o "lowerdir=$T,upperdir=$M/u\\, v:x#y,workdir=$M/w" "$D"',
        Storage(NO, "overlay on tmpfs"),
    ),
    "an overlay without a name": (
        'mkdir "$M/u" "$M/w"; mount -t overlay "" -o "lowerdir=$T,upperdir=$M/u,workdir=$M/w" "$D"',
        Storage(NO, "overlay on tmpfs"),
    ),
    "an overlay whose upper side is by a link": (
        'mkdir "$M/u" "$M/w"; ln -s "$M" "$T/m"; '
        'mount -t overlay x -o "lowerdir=$T,upperdir=$T/m/u,workdir=$T/m/w" "$D"',
        Storage(NO, "overlay on tmpfs"),
    ),
    "an overlay whose upper side is hidden": (
        'mkdir -p "$T/h/u" "$T/h/w"; mount -t overlay x -o "lowerdir=$T,upperdir=$T/h/u,workdir=$T/h/w" "$D"; '
        'mount -t tmpfs x "$T/h"',
        Storage(UNKNOWN, "overlay"),
    ),
    "an overlay whose upper side is said from elsewhere": (
        'mkdir "$M/u" "$M/w"; cd "$M"; mount -t overlay x -o "lowerdir=$T,upperdir=u,workdir=w" "$D"',
        Storage(UNKNOWN, "overlay"),
    ),
    "an overlay on an overlay on a tmpfs": (
        'mkdir "$M/u" "$M/w" "$T/o" "$T/l"; mount -t overlay x -o "lowerdir=$T/l,upperdir=$M/u,workdir=$M/w" "$T/o"; '
        'mkdir "$T/l2" "$T/o/d"; mount -t overlay x -o "ro,lowerdir=$T/l2:$T/o/d" "$D"',
        Storage(NO, "overlay on tmpfs", readonly=True),
    ),
    "a file of a tmpfs over the file": (
        'touch "$M/f"; mount --bind "$M/f" "$D/device.json5"',
        Storage(NO, "tmpfs", mounted=True),
    ),
    "a file of a disk over the file": (
        'touch "$T/f"; mount --bind "$T/f" "$D/device.json5"',
        Storage(YES, "ext4", mounted=True),
    ),
    "a file system in a file on a tmpfs": (
        'truncate -s 8M "$M/i"; mkfs.ext4 -q "$M/i"; mount -o loop "$M/i" "$D"',
        Storage(NO, "ext4 on tmpfs"),
    ),
    "a file system in a file on a disk": (
        'truncate -s 8M "$T/i"; mkfs.ext4 -q "$T/i"; mount -o loop "$T/i" "$D"',
        Storage(YES, "ext4"),
    ),
    "a link into a tmpfs": (
        'rm "$D/device.json5"; ln -s "$M/f" "$D/device.json5"',
        Storage(NO, "tmpfs"),
    ),
    "a link into a disk": (
        'mkdir -p "$T/d"; mount -t tmpfs x "$D"; ln -s "$T/d/f" "$D/device.json5"',
        Storage(YES, "ext4"),
    ),
    "a link on the way": (
        'mount -t tmpfs x "${D%/*}"; mkdir "$T/d"; ln -s "$T/d" "$D"',
        Storage(YES, "ext4"),
    ),
    "a link on the way into a tmpfs": ('mount -t tmpfs x "${D%/*}"; ln -s "$M" "$D"', Storage(NO, "tmpfs")),
}


@contextmanager
def mounted(folder: Path, shell: str, setup: str, content: bytes | None = None) -> Iterator[tuple[ShellDevice, Path]]:
    """Have a device whose scripts run among mounts of their own, made by the script `setup`, and its `$T` for us."""
    device = make_device(folder / STRANGE_NAME, **({} if content is None else {"content": content}))
    with mount_namespace() as namespace:
        _mount(namespace, folder, device, setup)
        device.shell = namespace.inside(SHELLS[shell])
        yield device, namespace.seen(folder / "other")


def _mount(namespace: MountNamespace, folder: Path, device: ShellDevice, setup: str) -> None:
    places = {"D": device.config_dir, "T": folder / "other", "M": folder / "memory"}
    # A disk of their own, so that its type is known.
    namespace.run(
        'mkdir "$T" "$M"; truncate -s 64M "$F/disk"; mkfs.ext4 -q "$F/disk"; '
        'mkdir "$F/d"; mount -o loop "$F/disk" "$F/d"; '
        'mkdir "$F/d/T" "$F/d/D"; cp -a "$D/." "$F/d/D"; mount --bind "$F/d/T" "$T"; mount --bind "$F/d/D" "$D"; '
        'mount -t tmpfs x "$M"; cp -a "$D" "$T/kept"',
        **places,
        F=folder,
    )
    namespace.run(setup, **places)
