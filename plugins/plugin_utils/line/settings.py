# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a station at a line: a TOML file, as the factory service has one."""

from __future__ import annotations

import dataclasses
import os
import stat
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..display_text import printable, quoted
from ..private_files import typed_path, user_folder
from .errors import LineError

_SCAN_ORDERS = ("scan_then_plug", "plug_then_scan")
_MOST_BYTES = 1024 * 1024
_MOST_LETTERS = 64
_COLLECTION = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How a station works. Only `inventory` has to be given. Paths are relative to the folder of the settings."""

    inventory: tuple[str, ...] = ()
    """The inventories with the slots, as for `ansible-playbook -i`."""
    group: str = "slots"
    """The group whose hosts are the slots."""
    playbook: str = "ioto.serialization.provision"
    extra_vars: tuple[str, ...] = ()
    """Files of variables for every run, as for `ansible-playbook -e @FILE`."""
    station: str = "line-1"
    """What the page calls the station."""
    operator: str = ""
    """Who works here, until a badge says another."""
    service_url: str = ""
    """The factory service whose page shows the slots, such as `http://127.0.0.1:1234`. Empty: no page."""
    token_file: str = ""
    """Where the station's token for the service is."""
    ca_file: str = ""
    """The certificates that the service's own is verified against. Empty: the system's."""
    leases: str = ""
    """The lease file of dnsmasq or Kea (its memfile), for slots with `ioto_slot_lease`."""
    mdns: bool = False
    """Whether a slot may have a name that ends with `.local`."""
    scanner: str = ""
    """The hand scanner, such as `tcp:192.168.7.40:9000`. Empty: none."""
    scan_order: str = "scan_then_plug"
    """What comes first: `scan_then_plug` (a pre-printed label says the ID), or `plug_then_scan` (it is verified)."""
    scan_seconds: float = 30.0
    """How long the code of a slot counts, and how long a label waits for its board."""
    slot_prefix: str = "SLOT:"
    """What the code of a slot begins with, before its name. Capitals and small letters are the same."""
    badge_prefix: str = "BADGE:"
    """What a badge begins with, before somebody's name."""
    work_directory: str = ""
    """Where files of a run lie while it runs (0600). Empty: what systemd gives, or `ioto/line` below `XDG_DATA_HOME`.

    Two stations have two of them.
    """
    gather_seconds: float = 0.15
    """How long a board is there before its run starts, and others may come to share it."""
    banner_seconds: float = 5.0
    """Time in which an SSH server that took a connection has to say who it is."""
    give_up_seconds: float = 120.0
    """Time in which a board that takes connections has to be ready."""
    run_seconds: float = 600.0
    """Time in which a run has to end."""
    most_runs: int = 2
    """Runs at a time. Boards that come meanwhile share the next: it costs less than one run a board."""
    most_arrivals: int = 120
    """Boards that a slot may say it has in an hour."""

    folder: Path = Path()
    """The folder of the settings."""

    @property
    def work_path(self) -> Path:
        """Where files of a run lie."""
        if self.work_directory:
            return self.folder / typed_path(self.work_directory)
        given = os.environ.get("RUNTIME_DIRECTORY", "")
        return Path(given) if given.startswith("/") else user_folder() / "line"

    @property
    def token_path(self) -> Path | None:
        """Where the token is, or None."""
        return self.folder / typed_path(self.token_file) if self.token_file else None

    @property
    def leases_path(self) -> Path | None:
        """Where the leases are, or None."""
        return self.folder / typed_path(self.leases) if self.leases else None

    def program(self, name: str) -> str:
        """Return the path of one of Ansible's programs: that beside this Python, else the one on PATH."""
        beside = Path(sys.executable).with_name(name)
        return str(beside) if beside.exists() else name

    def environment(self) -> dict[str, str]:
        """Return the environment for Ansible's programs: this one, with the collection where they look for it."""
        found = dict(os.environ)
        own = _COLLECTION / "playbooks/collections"  # of a clone
        if _COLLECTION.parents[1].name == "ansible_collections":
            own = _COLLECTION.parents[2]
        others = found.get("ANSIBLE_COLLECTIONS_PATH", "")
        found["ANSIBLE_COLLECTIONS_PATH"] = f"{own}:{others}" if others else str(own)
        if "ANSIBLE_CONFIG" not in found and (_COLLECTION / "ansible.cfg").exists():
            found["ANSIBLE_CONFIG"] = str(_COLLECTION / "ansible.cfg")
        return found


FIELDS = {item.name: item for item in dataclasses.fields(LineSettings) if item.name != "folder"}
_TYPES = {str: "text", bool: "true or false", int: "whole number", float: "number"}


def load(file: Path) -> LineSettings:
    """Return the settings in `file`. Raises `LineError` with every problem."""
    content = _content(file)
    values: dict[str, object] = {}
    problems = [f"{quoted(name)} is no setting" for name in sorted(set(content) - set(FIELDS))]
    for name, value in content.items():
        if name in FIELDS:
            typed = _typed(name, value)
            if typed is None:
                problems.append(f"{name} is no {_kind(name)}")
            else:
                values[name] = typed
    folder = file.absolute().parent
    if not problems:
        settings = LineSettings(**values, folder=folder)  # type: ignore[arg-type]
        problems = list(_problems(settings))
    if problems:
        raise LineError(f"The settings {file} cannot be used; correct them: {'; '.join(problems)}.")
    return dataclasses.replace(
        settings,
        # Whoever runs Ansible for us does so from another folder.
        inventory=tuple(_absolute(folder, source) for source in settings.inventory),
        extra_vars=tuple(_absolute(folder, source) for source in settings.extra_vars),
    )


def _content(file: Path) -> Mapping[str, object]:
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # another kind may never end
            raise LineError(f"The settings {file} are not a file; correct the path.")
        with file.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise LineError(f"The settings {file} are longer than {_MOST_BYTES} bytes; correct the path.")
        return tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise LineError(f"The settings {file} cannot be read: {error.strerror}; correct the path.") from None
    except (ValueError, RecursionError) as error:
        raise LineError(f"The settings {file} are not valid TOML: {printable(str(error))}; correct them.") from None


def _kind(name: str) -> str:
    default = FIELDS[name].default
    return "list of texts" if isinstance(default, tuple) else _TYPES[type(default)]


def _typed(name: str, value: object) -> object:
    """Return `value` as the setting has it, or None where it is of another type."""
    default = FIELDS[name].default
    if isinstance(default, tuple):
        fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return tuple(value) if fits else None  # type: ignore[arg-type]
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value if type(value) is type(default) else None


def _problems(settings: LineSettings) -> Iterator[str]:
    for name in FIELDS:
        value = getattr(settings, name)
        texts = value if isinstance(value, tuple) else (value,)
        if any(isinstance(text, str) and not text.isprintable() for text in texts):
            yield f"{name} holds a character that cannot be printed"
    if not settings.inventory or not all(settings.inventory):
        yield 'inventory names none; write one such as ["slots.yml"]'
    for name in ("group", "playbook", "station"):
        value = getattr(settings, name)
        if not value or value.startswith("-") or len(value) > _MOST_LETTERS * 4:
            yield f"{name} is a name"
    for name, least, most in (
        ("gather_seconds", 0.0, 10.0),
        ("banner_seconds", 0.1, 60.0),
        ("give_up_seconds", 1.0, 3600.0),
        ("scan_seconds", 1.0, 3600.0),
        ("run_seconds", 5.0, 86400.0),
        ("most_runs", 1, 64),
        ("most_arrivals", 1, 3600),
    ):
        if not least <= getattr(settings, name) <= most:
            yield f"{name} is {least} to {most}"
    if settings.scan_order not in _SCAN_ORDERS:
        yield f"scan_order is {' or '.join(_SCAN_ORDERS)}"
    yield from _prefix_problems(settings)
    if settings.service_url:
        try:
            parts = urlsplit(settings.service_url)
            fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.username
        except ValueError:
            fits = False
        if not fits:
            yield "service_url is a URL such as http://127.0.0.1:1234"


def _prefix_problems(settings: LineSettings) -> Iterator[str]:
    prefixes = {name: getattr(settings, name) for name in ("slot_prefix", "badge_prefix")}
    for name, prefix in prefixes.items():
        if not prefix.strip() or prefix != prefix.lstrip() or len(prefix) > _MOST_LETTERS:
            yield f'{name} is what such a code begins with, as in "SLOT:"'
    slot, badge = (prefix.casefold() for prefix in prefixes.values())
    if slot.startswith(badge) or badge.startswith(slot):
        yield "slot_prefix and badge_prefix begin alike; nobody could tell a slot from a badge"


def _absolute(folder: Path, source: str) -> str:
    # `host,` is a list of hosts for Ansible, no path.
    return source if source.endswith(",") or "," in source else str(folder / typed_path(source))
