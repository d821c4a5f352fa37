# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet: devices that are built, started, found again and taken down together, in one folder."""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import contents, dropbear, inventory, processes, removal
from .crowd import Crowd
from .devices import GROUPS, PORT, AgentVersion, Device, DeviceSpec, Kind
from .dropbear import Dropbear
from .errors import FleetError
from .python_ssh import PythonSsh

_KINDS: dict[str, Callable[[Path], Kind]] = {kind.name: kind for kind in (Dropbear, PythonSsh, Crowd)}


@dataclass
class Fleet:
    """The devices in `state_dir`, in the order of their specs. Leaving the `with` block takes the fleet down."""

    state_dir: Path
    kind: str
    password: str = field(repr=False)
    service_url: str | None
    devices: list[Device]
    _guard: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def start(
        cls,
        state_dir: Path,
        *,
        groups: Mapping[str, int] | None = None,
        specs: Sequence[DeviceSpec] = (),
        agent: AgentVersion = "2.7.0",
        agent_delay: float = 0.0,
        kind: str | None = None,
        service_url: str | None = None,
        factory: bool = False,
        outlive: bool = False,
    ) -> Self:
        """Build and start devices in `state_dir` (new, or without a fleet), and return when each answers.

        `groups` says how many plain devices of each mode, with `agent` and `agent_delay` (seconds); `specs` adds
        others. `kind` is `dropbear`, `python-ssh` or `crowd`; by default the first where that is possible, else the
        second. `service_url` goes into the inventory for the group `factory`; `factory` starts such a service. The
        fleet ends with this process unless it is to `outlive` it. Raises `FleetError`.
        """
        processes.check_user()
        state_dir = state_dir.resolve()
        if (state_dir / removal.MARKER).exists():
            raise FleetError(f"{state_dir} already has a fleet; run `python -m tests.fleet down --state {state_dir}`.")
        if strangers := [name for name in removal.OWN if (state_dir / name).exists()]:
            raise FleetError(f"{state_dir} has files of somebody else ({', '.join(strangers)}); name a new folder.")
        wanted = _numbered(
            [DeviceSpec(group=group, agent=agent, agent_delay=agent_delay) for group in _expand(groups)] + [*specs]
        )
        kind = kind or (Dropbear.name if dropbear.available() else PythonSsh.name)
        player = _player(kind, state_dir)
        player.check(wanted)

        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_private(state_dir / removal.MARKER, "{}")
        fleet = cls(state_dir, kind, secrets.token_urlsafe(12), service_url, [])
        try:
            if not outlive:
                fleet._guard = _post_guard(state_dir)
            fleet._build(player, wanted)
            if factory:
                fleet.service_url = _start_factory(state_dir)
            fleet._save()
            player.start(fleet.devices)
        except BaseException:
            fleet.down()
            raise
        return fleet

    @classmethod
    def open(cls, state_dir: Path) -> Self:
        """Return the fleet that is in `state_dir` already. Raises `FleetError`."""
        state_dir = state_dir.resolve()
        try:
            saved = json.loads((state_dir / removal.MARKER).read_text(encoding="utf-8"))
            player = _player(saved["kind"], state_dir)
            devices = [_restore(fields, state_dir, player) for fields in saved["devices"]]
        except FileNotFoundError as error:
            raise FleetError(f"{state_dir} has no fleet; start one with `python -m tests.fleet up`.") from error
        except KeyError as error:
            raise FleetError(f"The fleet in {state_dir} was never complete; run down, then up.") from error
        return cls(state_dir, saved["kind"], saved["password"], saved["service_url"], devices)

    @property
    def inventory(self) -> Path:
        """The Ansible inventory of the fleet, in YAML."""
        return self.state_dir / "inventory.yml"

    def __getitem__(self, name: str) -> Device:
        """Return the device with this name in the inventory."""
        return next(device for device in self.devices if device.name == name)

    def forget_ids(self) -> None:
        """Make the devices new: each without an ID."""
        for device in self.devices:
            path = device.root / "etc/ioto/device.json5"
            text = path.read_text(encoding="utf-8")
            if "id:" in text:
                lines = [line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("id:")]
                path.write_text("".join(lines), encoding="utf-8")

    def down(self) -> None:
        """Kill, unmount and delete all that the fleet has. Raises `FleetError`."""
        removal.remove(self.state_dir)
        if self._guard:
            self._guard.communicate()
            self._guard = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def _build(self, player: Kind, specs: list[DeviceSpec]) -> None:
        key = self.state_dir / "key"
        processes.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ioto-fleet", "-f", str(key))
        (self.state_dir / "devices").mkdir()
        # A device is read by users of its own, whatever the umask of the person at the keyboard.
        umask = os.umask(0o022)
        try:
            player.prepare(self.password)
            free = iter(free_addresses(sum(not spec.address for spec in specs)))
            for number, spec in enumerate(specs, start=1):
                device = self._device(player, spec, number, spec.address or next(free))
                player.build(device, spec)
                _configure(device, spec)
                if spec.storage != "normal":
                    player.set_storage(device, spec.storage)
                self.devices.append(device)
        finally:
            os.umask(umask)

    def _device(self, player: Kind, spec: DeviceSpec, number: int, address: str) -> Device:
        assert spec.name
        root = self.state_dir / "devices" / spec.name
        return Device(
            name=spec.name,
            group=spec.group,
            address=address,
            port=spec.port or player.port,
            root=root,
            config_dir=player.config_dir(root),
            product=spec.product,
            serial=f"SN-{number:04d}",
            mac=f"02:00:5e:00:{number >> 8:02x}:{number & 255:02x}",
            user=spec.user,
            by_password=spec.password,
            tty=spec.tty,
            key=self.state_dir / "key",
            kind=player,
        )

    def _save(self) -> None:
        devices = [asdict(replace(device, kind=None)) for device in self.devices]  # type: ignore[arg-type]
        saved = {
            "kind": self.kind,
            "password": self.password,
            "service_url": self.service_url,
            "devices": devices,
        }
        _write_private(self.state_dir / removal.MARKER, json.dumps(saved, default=str, indent=1))
        _write_private(self.inventory, inventory.render(self.devices, self.password, self.service_url, self.state_dir))


def _expand(groups: Mapping[str, int] | None) -> list[str]:
    return [group for group, count in (groups or {}).items() for _ in range(count)]


def _numbered(specs: list[DeviceSpec]) -> list[DeviceSpec]:
    if not specs:
        raise FleetError("A fleet without devices is none; say how many, for example --count 12.")
    if strange := sorted({spec.group for spec in specs} - set(GROUPS)):
        raise FleetError(f"No such group: {', '.join(strange)}; a device is in one of {', '.join(GROUPS)}.")
    seen: dict[str, int] = {}
    named = []
    for spec in specs:
        seen[spec.group] = seen.get(spec.group, 0) + 1
        named.append(replace(spec, name=spec.name or f"{spec.group}-{seen[spec.group]}"))
    if len({spec.name for spec in named}) < len(named):
        raise FleetError("Two devices have the same name; give each its own.")
    return named


def _player(kind: str, state_dir: Path) -> Kind:
    if kind not in _KINDS:
        raise FleetError(f"No such kind of device: {kind}; choose one of {', '.join(_KINDS)}.")
    return _KINDS[kind](state_dir)


def _restore(fields: dict[str, Any], state_dir: Path, player: Kind) -> Device:
    return Device(**fields | {"root": Path(fields["root"]), "key": state_dir / "key", "kind": player})


def _configure(device: Device, spec: DeviceSpec) -> None:
    folder = "/etc/ioto"
    device_file = f"{folder}/device.json5"
    if spec.linked:
        target = device.root / "persist/ioto/device.json5"
        inside = target if device.config_dir != folder else "/persist/ioto/device.json5"
        target.parent.mkdir(parents=True)
        (device.path(folder) / "device.json5").symlink_to(inside)
    template = contents.DEVICE_WITH_ID if spec.claim_id else contents.DEVICE
    text = contents.render(template, product=spec.product, claim_id=spec.claim_id or "")
    device.write(device_file, text, spec.mode)
    if spec.owner:
        os.chown(device.path(device_file), spec.owner, spec.owner)
    configuration = contents.IOTO if spec.configuration == "ioto.json5" else contents.CONFIG
    device.write(f"{folder}/{spec.configuration}", contents.render(configuration, serialize=spec.serialize), 0o644)
    for name, content in spec.files.items():
        if content is None:
            device.remove(f"{folder}/{name}")
        else:
            device.write(f"{folder}/{name}", content, 0o600)


def free_addresses(count: int) -> list[str]:
    """Return addresses of this machine at which nobody has the port of devices. Raises `FleetError`."""
    # Each fleet in a corner of 127.0.0.0/8 of its own, so that several can be up at a time.
    for _ in range(100):
        base = ipaddress.IPv4Address(f"127.{1 + secrets.randbelow(250)}.{secrets.randbelow(250)}.0")
        found = [str(base + number) for number in range(1, count + 1)]
        if all(map(_is_free, found)):
            return found
    raise FleetError(f"There are no {count} free addresses in 127.0.0.0/8 with port {PORT}; take other fleets down.")


def _is_free(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, PORT))
        except OSError:
            return False
    return True


def _start_factory(state_dir: Path) -> str:
    (state_dir / inventory.TOKEN_FILE).parent.mkdir(mode=0o700)
    _write_private(state_dir / inventory.TOKEN_FILE, secrets.token_urlsafe(32))
    # The service itself, with a ledger of its own. It inherits a socket that listens already: ready before it runs.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        processes.spawn(
            *("env", f"IOTO_SERVICE_TOKEN_FILE={state_dir / inventory.TOKEN_FILE}"),
            *(sys.executable, "-m", "plugins.plugin_utils.service"),
            *("--ledger", str(state_dir / "service/ledger.db"), "--listener", str(listener.fileno())),
            folder=state_dir,
            log=state_dir / "log/factory",
            pass_fds=[listener.fileno()],
        )
        return f"http://127.0.0.1:{listener.getsockname()[1]}/ioto/serialize"


def _post_guard(state_dir: Path) -> subprocess.Popen[bytes]:
    command = (sys.executable, "-m", "tests.fleet.guard", str(state_dir))
    # A session of its own: what interrupts us must not take the guard with it.
    return subprocess.Popen(command, stdin=subprocess.PIPE, cwd=processes.REPOSITORY, start_new_session=True)


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
