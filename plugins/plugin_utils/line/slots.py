# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots of a jig: hosts of the inventory, each with the place where a board answers when it is plugged."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any, TypeVar

from ..display_text import quoted
from ..errors import IotoError
from ..service.host_names import canonical_name, is_address
from .errors import LineError
from .inventory import read_inventory
from .settings import LineSettings
from .slot_key import key_of
from .slot_labels import SlotLabels, slot_labels

T = TypeVar("T")

MOST_SLOTS = 64
LEASE_VARIABLE = "ioto_slot_lease"
_SSH = ("ssh", "ansible.builtin.ssh", "ansible.legacy.ssh", "smart")
_OLD_NAMES = {"ansible_ssh_host": "ansible_host", "ansible_ssh_port": "ansible_port"}
"""Ansible still takes them, and a run would go elsewhere than the station looks."""
_MOST_LETTERS = 64
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
"""Of a slot: what stands in a limit for itself alone, whatever else is in the inventory."""
_OF_ONE_BOARD = ("ioto_serial", "ioto_claim_id", "ioto_scan")
_CONTROLLER = frozenset({"localhost", "127.0.0.1"})
"""What the playbooks call the machine that they run on."""
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)", re.ASCII)
"""As in 192.168.7, which a resolver takes for 192.168.0.7."""


@dataclass(frozen=True, slots=True)
class JigSlot:
    """A place for one board. Its name is that of a host in the inventory."""

    name: str
    address: str
    """An IP address or a name; empty where leases say it."""
    port: int = 22
    lease: str = ""
    """A pattern for the MAC address or the host name in a lease."""
    labels: SlotLabels = field(default=SlotLabels(), repr=False)
    key: Path | None = None
    """What opens the boards, where the inventory says it."""

    @property
    def place(self) -> tuple[str, int]:
        """What no other slot has: the address, or the pattern of the lease, as it is compared, and the port."""
        if self.lease:
            return f"lease {self.lease.lower()}", self.port
        return _compared(self.address), self.port


def read_slots(settings: LineSettings) -> list[JigSlot]:
    """Return the slots that the settings' inventory has, in its order. Raises `LineError` with every problem."""
    return slots_in(read_inventory(settings), settings)


def slots_in(inventory: Mapping[str, Any], settings: LineSettings) -> list[JigSlot]:
    """Return the slots in what `ansible-inventory --list` says. Raises `LineError` with every problem."""
    names = list(dict.fromkeys(_members(inventory, settings.group)))
    if not names:
        raise LineError(
            f"The inventory has no host in the group {quoted(settings.group)}; put a host for each slot there, "
            "or name their group in the setting group."
        )
    if len(names) > MOST_SLOTS:
        raise LineError(f"The group {quoted(settings.group)} has {len(names)} slots; one station watches {MOST_SLOTS}.")
    variables = inventory.get("_meta", {}).get("hostvars", {})
    groups = {"all", "ungrouped", *inventory} - {"_meta"}
    slots, problems = [], []
    for name in names:
        try:
            slots.append(_slot(name, variables.get(name, {}), settings, groups))
        except LineError as error:
            problems.append(str(error))
    problems += _alike(names)
    problems += _shared(slots)
    if problems:
        raise LineError("\n".join(problems))
    return slots


def _slot(name: str, variables: Mapping[str, Any], settings: LineSettings, groups: Iterable[str]) -> JigSlot:
    """Return the slot. Raises `LineError` with all that is wrong with it."""
    if len(name) > _MOST_LETTERS or not _NAME.fullmatch(name):
        raise LineError(
            f"The slot {quoted(name)} has a name that cannot stand in a limit; use at most {_MOST_LETTERS} letters "
            "(a to z), digits, _ . and -, and begin with a letter or a digit."
        )
    where = f"The slot {name}"
    wrong = [f"{where} {what}" for what in _objections(name, variables, groups)]
    read: list[Any] = []
    for part in (_port, _lease, _address, slot_labels):
        try:
            read.append(part(where, {"ansible_host": name, **variables}, settings))
        except IotoError as error:
            wrong.append(str(error))
    if wrong:
        raise LineError("\n".join(wrong))
    port, lease, address, labels = read
    return JigSlot(name, "" if lease else address, port, lease, labels, key_of(variables, settings))


def _objections(name: str, variables: Mapping[str, Any], groups: Iterable[str]) -> Iterator[str]:
    if name in groups:
        yield "is called as a group is, so that a run would take the whole group; call it otherwise."
    if name.lower() in _CONTROLLER:
        yield "is called as the station's own machine is in the playbooks; call it otherwise."
    for old, new in _OLD_NAMES.items():
        if old in variables:
            yield f"has {old}; write {new} in its place."
    if (connection := variables.get("ansible_connection", "ssh")) not in _SSH:
        yield f"has ansible_connection {quoted(connection)}; boards are reached by ssh."
    for variable in _OF_ONE_BOARD:
        value = variables.get(variable)
        # A template may ask whatever tells the boards apart at each run.
        if variable in variables and not (isinstance(value, str) and "{{" in value):
            yield f"has an {variable}, but each board in it is another; leave it out."


def _port(where: str, variables: Mapping[str, Any], _settings: LineSettings) -> int:
    port = variables.get("ansible_port", 22)
    if isinstance(port, bool) or not _PORT.fullmatch(str(port)) or not 1 <= int(port) <= 65535:
        raise LineError(f"{where} has ansible_port {quoted(port)}; write a number from 1 to 65535.")
    return int(port)


def _lease(where: str, variables: Mapping[str, Any], settings: LineSettings) -> str:
    """Return the pattern of its lease, or an empty text where it has an address."""
    if (lease := variables.get(LEASE_VARIABLE, "")) == "":
        return ""
    if not isinstance(lease, str) or "{{" in lease or not lease.isprintable() or not lease.strip():
        raise LineError(
            f"{where} has {LEASE_VARIABLE} {quoted(lease)}; write a pattern of a MAC address or a host name."
        )
    if not settings.leases:
        raise LineError(f"{where} has {LEASE_VARIABLE}; name the DHCP server's file in the setting leases.")
    return lease.strip()


def _address(where: str, variables: Mapping[str, Any], settings: LineSettings) -> str:
    """Return the address or the name that ssh is given, of one host; what stands beside a lease is not looked at."""
    said = variables["ansible_host"]
    if variables.get(LEASE_VARIABLE, "") != "":
        return ""
    text = said if isinstance(said, str) else ""
    if is_address(text):
        fits = not (ip_address(text).is_unspecified or ip_address(text).is_multicast)
    else:
        name = canonical_name(text) or ""
        fits = bool(name) and not name.startswith("*") and not _NUMBER.fullmatch(name)
        if fits and f".{name}".endswith(".local") and not settings.mdns:
            raise LineError(f"{where} has the mDNS name {text}; set mdns = true if that is meant.")
    if not fits:
        raise LineError(
            f"{where} has ansible_host {quoted(said)}; write its address or its name as it is, such as 192.168.7.11."
        )
    return text


def _compared(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return canonical_name(address) or address
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


def _alike(names: Iterable[str]) -> Iterator[str]:
    """Names that an operator, or a scan of a slot's code, would not tell apart."""
    for found in _several(names, str.casefold):
        yield f"The slots {' and '.join(map(quoted, found))} differ in capital letters alone; call one otherwise."


def _shared(slots: Iterable[JigSlot]) -> Iterator[str]:
    for found in _several(slots, lambda slot: slot.place):
        place = quoted(found[0].lease or found[0].address)
        yield f"{len(found)} slots have {place} with port {found[0].port}; give each its own."


def _several(values: Iterable[T], key: Callable[[T], object]) -> Iterator[list[T]]:
    """Yield those of `values` that share a key with others."""
    by_key: defaultdict[object, list[T]] = defaultdict(list)
    for value in values:
        by_key[key(value)].append(value)
    return (found for found in by_key.values() if len(found) > 1)


def _members(inventory: Mapping[str, Any], group: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    entry = inventory.get(group, {})
    if group in seen or not isinstance(entry, Mapping):
        return
    yield from entry.get("hosts", [])
    for child in entry.get("children", []):
        yield from _members(inventory, child, seen | {group})
