# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device without SSH: a folder on this machine and a real shell. It holds state, and it can be made to misbehave."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import Answer

SHELLS: dict[str, Sequence[str]] = {
    "busybox": ("busybox", "sh", "-s"),
    "dash": ("dash", "-s"),
    "bash": ("bash", "--posix", "-s"),
}
_SAYS = (
    *("/proc/mounts", "/proc/self/mountinfo", "/proc/device-tree/"),
    *("/sys/firmware/", "/sys/class/net/", "/sys/class/block/", "/sys/dev/block/", "/sys/block/"),
)
PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"


def available_shells() -> list[str]:
    """Return the names of `SHELLS` that this machine has."""
    return [name for name, command in SHELLS.items() if shutil.which(command[0])]


@dataclass
class ShellDevice:
    """A `Device` whose files are below `root`. `before_run` sees the number of each script before it runs.

    Its processes are those that its own `proc` folder tells of, unless that is the machine's.
    What its system says of itself in /proc and /sys is what the test machine says; with `machine`, it is what stands
    below that folder. Without `has_proc`, it has no /proc at all.
    """

    root: Path
    shell: Sequence[str] = SHELLS["busybox"] if shutil.which("busybox") else ("sh", "-s")
    path: str | None = None
    before_run: Callable[[int], None] | None = None
    scripts: list[str] = field(default_factory=list)
    name: str = "bench-1"
    host_key: str | None = None
    proc: str | None = None
    machine: Path | None = None
    has_proc: bool = True

    @property
    def config_dir(self) -> str:
        """Where its configuration is."""
        return str(self.root / "etc/ioto")

    @property
    def file(self) -> Path:
        """Its device.json5."""
        return self.root / "etc/ioto/device.json5"

    def run(self, script: str) -> Answer:
        """Run the script with the real shell, in an environment of its own."""
        if self.before_run is not None:
            self.before_run(len(self.scripts))
        if self.machine is not None:
            for place in _SAYS:
                script = script.replace(place, f"{self.machine}{place}")
        if not self.has_proc:
            script = script.replace("/proc/", f"{self.root}/no-proc/")
        self.scripts.append(script)
        script = script.replace("ioto_proc=/proc\n", f"ioto_proc={shlex.quote(self.proc or f'{self.root}/proc')}\n")
        done = subprocess.run(
            self.shell,
            input=script.encode("utf-8", "surrogateescape"),
            capture_output=True,
            env={"PATH": self.path or "/usr/bin:/bin:/usr/sbin:/sbin"},
            check=False,
            timeout=60,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def litter(self) -> list[str]:
        """Return the names of temporary files that somebody left."""
        return sorted(path.name for path in (self.root / "etc/ioto").iterdir() if ".ioto-" in path.name)


def link_applets(folder: Path, *without: str) -> bool:
    """Make `folder` hold BusyBox's applets but those of `without`; return whether there is a BusyBox."""
    busybox = shutil.which("busybox")
    if busybox is None:
        return False
    folder.mkdir()
    for applet in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if applet not in without:
            (folder / applet).symlink_to(busybox)
    (folder / "busybox").symlink_to(busybox)
    return True


def make_device(
    root: Path, content: bytes | None = b"{\n    product: '01K9F1EETDEV1CEPR0DVCT0001',\n}\n"
) -> ShellDevice:
    """Return a device with an agent's configuration, and a device.json5 of `content` unless that is None."""
    (root / "etc/ioto").mkdir(parents=True)
    (root / "etc/ioto/ioto.json5").write_text("{\n    services: {\n        serialize: 'none',\n    },\n}\n")
    device = ShellDevice(root)
    if content is not None:
        device.file.write_bytes(content)
        device.file.chmod(0o600)
    return device


def say_mounts(device: ShellDevice, mounts: str) -> None:
    """Have a device say what is mounted, in /proc/mounts alone; `{dir}` in it is its config_dir, `{root}` its root."""
    device.machine = device.root / "machine"
    (device.machine / "proc").mkdir(parents=True, exist_ok=True)
    text = mounts.format(dir=device.config_dir, root=device.root)
    (device.machine / "proc/mounts").write_text(f"{text}\n" if text else "")
