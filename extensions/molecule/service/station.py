# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The station of this scenario: a Debian root of its own, with Python and an SSH server and nothing of ours.

In the repository's root: `python -m extensions.molecule.service.station up DIR INVENTORY KEY [GROUP]` makes a station
in DIR, where `python -m tests.fleet down` of a folder above ends it. `… make` makes the root that the stations are
copies of, once, in .cache.
"""

from __future__ import annotations

import os
import platform
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from tests.fleet import FleetError, processes, readiness

PORT = 2222
PACKAGES = (
    *("python3-venv", "python3-packaging", "passwd"),  # what the role wants
    "systemd",  # for systemd-analyze, which looks at the units; it does not run here
    "dropbear-bin",  # the SSH server
    "openssh-client",  # with which a line's station reaches its boards
)
CACHE = processes.REPOSITORY / ".cache" / "debian-roots"
PATIENCE = 20.0  # seconds for the SSH server to answer

# What this machine needs to reach PyPI, the station needs too.
PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
PASSED_ON_PREFIX = "PIP_"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def main() -> int:
    """Do what the arguments say; return the exit status."""
    try:
        match sys.argv[1:]:
            case ["make"]:
                make()
            case ["up", folder, inventory, key, *group]:
                up(Path(folder), Path(inventory), Path(key), *group)
            case _:
                raise FleetError(
                    "Usage: python -m extensions.molecule.service.station make | up DIR INVENTORY KEY [GROUP]"
                )
    except (FleetError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def make() -> Path:
    """Return the folder of the root that is kept; make it where it is missing. Raises `FleetError`."""
    release = platform.freedesktop_os_release().get("VERSION_CODENAME", "bookworm")
    root = CACHE / "-".join((release, *PACKAGES))
    if not root.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = CACHE / f"unfinished-{os.getpid()}"
        try:
            command = ("tools/debian-root", release, str(unfinished), *PACKAGES)
            done = subprocess.run(command, cwd=processes.REPOSITORY, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                raise FleetError(done.stderr.strip())
            processes.run("sync", "--file-system", str(unfinished))
            unfinished.rename(root)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return root


def up(folder: Path, inventory: Path, key: Path, group: str = "service") -> None:
    """Make a station in `folder`, switch it on, and write its `inventory`; `key` opens it. Raises `FleetError`."""
    # A corner of 127.0.0.0/8 of its own, as each fleet has.
    address = f"127.{1 + secrets.randbelow(250)}.{secrets.randbelow(250)}.250"
    root = folder / "root"
    folder.mkdir(mode=0o700)
    processes.run("cp", "--archive", "--reflink=auto", str(make()), str(root))
    keys = root / "root/.ssh/authorized_keys"
    keys.parent.mkdir(exist_ok=True)
    keys.parent.chmod(0o700)
    keys.write_bytes(key.with_suffix(".pub").read_bytes())
    keys.chmod(0o600)
    (root / "etc/dropbear").mkdir(exist_ok=True)
    environment = _environment(root)

    # A process tree of its own, in which the first process is no systemd; all of it ends with the SSH server.
    # Mounts stay as shared as they are: where this machine is itself a root, they cannot be made private.
    enter = ("unshare", "--mount", "--propagation=unchanged", "--pid", "--fork", "--kill-child", f"--root={root}")
    listen = ("/usr/sbin/dropbear", "-F", "-E", "-m", "-s", "-R", "-p", f"{address}:{PORT}")
    server = processes.spawn(*enter, "--mount-proc", *listen, folder=folder, log=folder / "log")
    _wait(server, address, folder / "log")
    station = {"ansible_host": address, "station_root": str(root), "station_environment": environment}
    inventory.touch(mode=0o600)  # a proxy's address may hold a password
    inventory.write_text(yaml.safe_dump({group: {"hosts": {f"{group}-1": station}}}), encoding="utf-8")


def _environment(root: Path) -> dict[str, str]:
    """Return what the station's pip has to be told, and copy the files that it names."""
    passed_on = {
        name: value
        for name, value in os.environ.items()
        if name in PASSED_ON or name.startswith(PASSED_ON_PREFIX)
    }  # fmt: skip
    for file in {CERTIFICATES, *passed_on.values()}:
        if Path(file).is_absolute() and Path(file).is_file():
            target = root / file.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    return passed_on


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not readiness.answers(address, PORT):
        if server.poll() is not None or time.monotonic() > deadline:
            raise FleetError(f"The station's SSH server does not answer at {address}:{PORT}: {log.read_text().strip()}")
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
