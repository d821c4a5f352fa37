# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a station at a line, as the rest of it has them. `settings_file` reads them."""

from __future__ import annotations

import dataclasses
import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ..private_files import typed_path, user_folder

_COLLECTION = Path(__file__).resolve().parents[3]


class ScanOrder(StrEnum):
    """What comes first at a line with a scanner."""

    SCAN_THEN_PLUG = "scan_then_plug"
    PLUG_THEN_SCAN = "plug_then_scan"


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
    def ca_path(self) -> str | None:
        """Where the certificates are that the service's own is verified against, or None for the system's."""
        return str(self.folder / typed_path(self.ca_file)) if self.ca_file else None

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
