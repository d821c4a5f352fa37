# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first kind of device: real dropbear and BusyBox in a chroot. Needs root, and Debian's dropbear-bin and busybox.

Six megabytes of programs are copied once for a fleet and hard-linked into each device. The copy keeps the machine's
own files safe from a device that writes to its /bin. Nothing is mounted unless a device asks for `storage` or a `tty`.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

from . import agent, processes, readiness
from .devices import PORT, Device, DeviceSpec, Storage
from .errors import FleetError

_DROPBEAR = "/usr/sbin/dropbear"
_BUSYBOX = "/usr/bin/busybox"
_SU = "/bin/su"
_PASSWORDS = "/usr/sbin/unix_chkpwd"  # reads /etc/shadow for PAM, since Debian 13 for root as well
_MERGED = ("bin", "sbin", "lib", "lib64")  # as Debian has them: PAM looks for its modules below /usr alone
_NODES = {"null": (1, 3), "zero": (1, 5), "random": (1, 8), "urandom": (1, 9)}
_OPERATOR = 1000
_STORAGE_SIZE = "1m"

# As on a board with an SD card. The device's own /proc would tell of the machine that plays it.
_MOUNTS = """\
/dev/root / ext4 rw,noatime 0 0
devtmpfs /dev devtmpfs rw,relatime,mode=755 0 0
proc /proc proc rw,relatime 0 0
sysfs /sys sysfs rw,relatime 0 0
tmpfs /tmp tmpfs rw,nosuid,nodev 0 0
/dev/mmcblk0p3 /persist ext4 rw,noatime 0 0
"""
_PAM_SU = """\
auth sufficient pam_rootok.so
auth required pam_unix.so
account required pam_permit.so
session required pam_permit.so
"""


def available() -> bool:
    """Say whether this machine and this user can play this kind."""
    return os.geteuid() == 0 and all(Path(program).exists() for program in (_DROPBEAR, _BUSYBOX))


class Dropbear:
    """Plays devices in chroots below `state_dir`."""

    name = "dropbear"
    port = PORT

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._shared = state_dir / "shared"
        self._logs = state_dir / "log"
        self._password_hash = ""

    def check(self, specs: list[DeviceSpec]) -> None:
        if not available():
            raise FleetError("Dropbear devices need root, dropbear and busybox: apt install dropbear-bin busybox.")
        if any(spec.user != "root" for spec in specs) and not Path(_SU).exists():
            raise FleetError(f"A device with an operator needs {_SU} of this machine; install util-linux.")

    def config_dir(self, root: Path) -> str:
        return "/etc/ioto"

    def prepare(self, password: str) -> None:
        self._logs.mkdir()
        for folder in _MERGED:
            (self._shared / "usr" / folder).mkdir(parents=True)
            (self._shared / folder).symlink_to(f"usr/{folder}")
        programs = [_DROPBEAR, _BUSYBOX]
        if Path(_SU).exists():
            programs += [_SU, _PASSWORDS, *map(str, _pam_modules())]
        for source in programs + sorted({library for program in programs for library in _libraries(program)}):
            target = self._shared / source.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
        if (self._shared / "bin/su").exists():
            (self._shared / "bin/su").chmod(0o4755)
        for applet in processes.run(_BUSYBOX, "--list").split():
            if not (self._shared / "bin" / applet).exists():
                (self._shared / "bin" / applet).symlink_to(_BUSYBOX)
        self._password_hash = _hash(password)

    def build(self, device: Device, spec: DeviceSpec) -> None:
        root = device.root
        _link_tree(self._shared, root)
        for folder in ("dev", "etc/dropbear", "persist", "var/run", "var/log"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        for folder in ("tmp", "var/tmp"):
            (root / folder).mkdir(parents=True)
            (root / folder).chmod(0o1777)
        self._make_nodes(root / "dev")
        if spec.tty:
            (root / "dev/pts").mkdir()
            (root / "dev/ptmx").symlink_to("pts/ptmx")
            _mount("devpts", "newinstance,ptmxmode=666,mode=620", root / "dev/pts")
        self._make_users(device)
        device.write("/proc/mounts", _MOUNTS, 0o444)
        if spec.serial:
            device.write("/proc/device-tree/serial-number", f"{device.serial}\0", 0o444)
        device.write("/sys/class/net/lo/address", "00:00:00:00:00:00\n", 0o444)
        if spec.mac:
            device.write("/sys/class/net/eth0/address", f"{device.mac}\n", 0o444)
        agent.install(device, spec)
        config_dir = device.path(device.config_dir)
        config_dir.mkdir()
        if spec.storage != "normal":
            _mount("tmpfs", f"size={_STORAGE_SIZE},mode=755", config_dir)

    def start(self, devices: list[Device]) -> None:
        servers = {}
        for device in devices:
            device.path("/var/run/ioto.pid").unlink(missing_ok=True)
            for process in device.root.glob("proc/[0-9]*"):
                shutil.rmtree(process)
            # -B: who has an empty password needs none, as on devices that come from their maker.
            listen = ("-F", "-E", "-m", "-R", "-B", "-p", f"{device.address}:{device.port}")
            command = ("chroot", str(device.root), _DROPBEAR, *listen)
            servers[device.name] = processes.spawn(*command, folder=device.root, log=self._logs / device.name)
        readiness.wait(devices, lambda device: servers[device.name].poll() is None)

    def stop(self, device: Device) -> None:
        processes.kill(device.root)

    def set_storage(self, device: Device, storage: Storage) -> None:
        where = device.path(device.config_dir)
        size = _STORAGE_SIZE
        if storage == "full":
            usage = os.statvfs(where)
            size = str((usage.f_blocks - usage.f_bfree) * usage.f_frsize)
        access = "ro" if storage == "readonly" else "rw"
        processes.run("mount", "-o", f"remount,{access},size={size}", str(where))

    def _make_nodes(self, folder: Path) -> None:
        for name, number in _NODES.items():
            os.mknod(folder / name, 0o666 | stat.S_IFCHR, os.makedev(*number))
            (folder / name).chmod(0o666)
        try:
            (folder / "null").write_bytes(b"")
        except OSError as error:
            raise FleetError(
                f"{folder} is on a file system without device nodes ({error.strerror}); use another --state folder."
            ) from error

    def _make_users(self, device: Device) -> None:
        users = (("root", 0, "/root"), ("operator", _OPERATOR, "/home/operator"))
        accounts = "".join(f"{name}:x:{uid}:{uid}:{name}:{home}:/bin/sh\n" for name, uid, home in users)
        device.write("/etc/passwd", accounts, 0o644)
        device.write("/etc/group", "".join(f"{name}:x:{uid}:\n" for name, uid, _ in users), 0o644)
        hashes = "".join(f"{name}:{self._password_hash}:19000:0:99999:7:::\n" for name, _, _ in users)
        device.write("/etc/shadow", hashes, 0o600)
        device.write("/etc/pam.d/su", _PAM_SU, 0o644)
        for _, uid, home in users:
            keys = f"{home}/.ssh/authorized_keys"
            device.write(keys, device.key.with_suffix(".pub").read_bytes(), 0o600)
            for path, mode in ((home, 0o700), (f"{home}/.ssh", 0o700), (keys, 0o600)):
                device.path(path).chmod(mode)
                os.chown(device.path(path), uid, uid)


def _link_tree(source: Path, target: Path) -> None:
    # The links of the applets are hard-linked too: a symbolic link of its own costs ten times as much to make.
    target.mkdir()
    with os.scandir(source) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _link_tree(Path(entry), target / entry.name)
            else:
                os.link(entry, f"{target}/{entry.name}", follow_symlinks=False)


def _mount(kind: str, options: str, where: Path) -> None:
    processes.run("mount", "-t", kind, "-o", options, "ioto-fleet", str(where))


def _libraries(program: str) -> set[str]:
    # "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)" and, for the loader, "/lib64/ld-linux-x86-64.so.2 (0x…)"
    return set(re.findall(r"(/\S+) \(0x", processes.run("ldd", program)))


def _pam_modules() -> list[Path]:
    folders = {Path(library).parent / "security" for library in _libraries(_SU) if "/libpam." in library}
    names = ("pam_rootok.so", "pam_unix.so", "pam_permit.so")
    return [folder / name for folder in folders for name in names if (folder / name).exists()]


def _hash(password: str) -> str:
    # On stdin, because arguments are for everybody to see.
    command = (_BUSYBOX, "mkpasswd", "-m", "sha512", "-P", "0")
    return subprocess.run(command, input=password, capture_output=True, text=True, check=True).stdout.strip()
