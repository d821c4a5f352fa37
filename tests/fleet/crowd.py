# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The third kind of device, for thousands: one OpenSSH server that plays them all. Needs root, sshd and dash.

There is no chroot. A device is a folder, found by the address that a client came to; its configuration directory is
`<root>/etc/ioto`, its programs and its Python are the machine's own, and all have one host key. The login shell is
dash, in a mount namespace with an /etc/passwd of its own: bash reads its start-up files for every channel.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

from . import processes, readiness
from .devices import Device, DeviceSpec, Storage
from .errors import FleetError

_SSHD = "/usr/sbin/sshd"
_DASH = "/bin/dash"
_SFTP = "/usr/lib/openssh/sftp-server"

_PATIENCE = 20.0  # seconds for the last sessions to end
_PAUSE = 0.01

_CONFIGURATION = """\
AddressFamily inet
ListenAddress 0.0.0.0:{port}
HostKey {state}/host_key
PidFile none
UsePAM no
UseDNS no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
AuthorizedKeysFile {state}/key.pub
PrintMotd no
PrintLastLog no
MaxStartups 10000
Subsystem sftp {sftp}
# What dropbear has: a post-quantum exchange would cost the controller seven times as much.
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org
LogLevel VERBOSE
ForceCommand set -- $SSH_CONNECTION; cd {state}/by-address/$3 && eval "$SSH_ORIGINAL_COMMAND"
"""

_START = """\
mount --bind "$1/passwd" /etc/passwd || exit
mkdir -p /run/sshd
exec /usr/sbin/sshd -D -f "$1/sshd_config" -E "$1/log/sshd.log"
"""


def available() -> bool:
    """Say whether this machine and this user can play this kind."""
    return os.geteuid() == 0 and all(Path(program).exists() for program in (_SSHD, _DASH))


class Crowd:
    """Plays devices in folders below `state_dir`."""

    name = "crowd"
    port = 2223  # on every address, so it cannot be that of the others

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._addresses = state_dir / "by-address"
        self._server: subprocess.Popen[bytes] | None = None

    def check(self, specs: list[DeviceSpec]) -> None:
        if not available():
            raise FleetError("A crowd needs root, sshd and dash: apt install openssh-server dash.")
        if readiness.answers("127.0.0.1", self.port):
            raise FleetError(f"Port {self.port} is taken, as by another crowd; take that one down first.")
        if any(spec != DeviceSpec(group=spec.group, name=spec.name) for spec in specs):
            raise FleetError("Devices of a crowd are all alike and plain; what they cannot be needs --kind dropbear.")

    def config_dir(self, root: Path) -> str:
        return f"{root}/etc/ioto"

    def prepare(self, password: str) -> None:
        (self._state_dir / "log").mkdir()
        self._addresses.mkdir()
        key = self._state_dir / "host_key"
        processes.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ioto-crowd", "-f", str(key))
        users = Path("/etc/passwd").read_text(encoding="utf-8")
        users = re.sub(r"^(root:.*):[^:\n]*$", rf"\1:{_DASH}", users, flags=re.MULTILINE)
        (self._state_dir / "passwd").write_text(users, encoding="utf-8")
        configuration = _CONFIGURATION.format(state=self._state_dir, port=self.port, sftp=_SFTP)
        (self._state_dir / "sshd_config").write_text(configuration, encoding="utf-8")

    def build(self, device: Device, spec: DeviceSpec) -> None:
        (device.root / "etc/ioto").mkdir(parents=True)
        (self._addresses / device.address).symlink_to(device.root)

    def start(self, devices: list[Device]) -> None:
        self._server = subprocess.Popen(
            # When unshare is killed, so is all that runs in its namespace.
            ("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _START, "sh", str(self._state_dir)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=processes.environment(self._state_dir),
            start_new_session=True,
        )
        # One server answers for all.
        readiness.wait(devices[:1], lambda _: self._server is not None and self._server.poll() is None)

    def wait_until_left(self) -> None:
        """Return when no session is left, and what the server logs of them is in its log.

        Raises `FleetError` after 20 s.
        """
        assert self._server, "not started by this process"
        deadline = time.monotonic() + _PATIENCE
        # The server has a process for each session, which logs what it does until it ends.
        while len(left := processes.descendants(self._server.pid)) > 1:
            if time.monotonic() > deadline:
                raise FleetError(f"{len(left) - 1} processes of sessions with the crowd do not end; end its clients.")
            time.sleep(_PAUSE)

    def stop(self, device: Device) -> None:
        raise FleetError("A device of a crowd cannot be stopped alone; use --kind dropbear.")

    def set_storage(self, device: Device, storage: Storage) -> None:
        raise FleetError("The storage of a device can be changed with --kind dropbear only.")
