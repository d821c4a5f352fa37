# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots of a jig: hosts of the inventory, each with the place where a board answers when it is plugged."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..claim_ids import DEFAULT_LENGTH, MAX_LENGTH, MIN_LENGTH
from ..display_text import printable, quoted, shortened
from ..errors import IotoError
from ..labels.layout import names as layout_names
from ..labels.qr_templates import qr_templates
from ..private_files import typed_path
from ..scanning.scan import DEFAULT_TEMPLATE
from .errors import LineError
from .settings import LineSettings

MOST_SLOTS = 64
LEASE_VARIABLE = "ioto_slot_lease"
_LEDGER, _QR, _LAYOUT, _LENGTH = "ioto_ledger", "ioto_label_qr", "ioto_label_layout", "ioto_claim_id_length"
_SSH = ("ssh", "ansible.builtin.ssh", "ansible.legacy.ssh", "smart")
_READ_SECONDS = 60
_MOST_LETTERS = 64


@dataclass(frozen=True, slots=True)
class JigSlot:
    """A place for one board. Its name is that of a host in the inventory."""

    name: str
    address: str
    """An IP address or a name; empty where leases say it."""
    port: int = 22
    lease: str = ""
    """A pattern for the MAC address or the host name in a lease."""
    ledger: str = field(default="", repr=False)
    """Path or URL of the ledger that its boards go into; empty for the default one."""
    templates: tuple[str, ...] = (DEFAULT_TEMPLATE,)
    """Of the QR codes of its boards' labels."""
    claim_id_length: int = DEFAULT_LENGTH
    """Characters of the IDs on its boards' labels."""


def read_slots(settings: LineSettings) -> list[JigSlot]:
    """Return the slots that the settings' inventory has, in its order. Raises `LineError` with every problem."""
    of_runs = _inventory(settings, settings.extra_vars) if settings.scanner and settings.extra_vars else None
    return slots_in(_inventory(settings), settings, of_runs)


def slots_in(
    inventory: Mapping[str, Any], settings: LineSettings, of_runs: Mapping[str, Any] | None = None
) -> list[JigSlot]:
    """Return the slots in what `ansible-inventory --list` says. Raises `LineError` with every problem.

    `of_runs` is the same with the extra variables of the runs, which say of labels what holds.
    """
    names = list(dict.fromkeys(_members(inventory, settings.group)))
    if not names:
        raise LineError(
            f"The inventory has no host in the group {quoted(settings.group)}; put a host for each slot there, "
            "or name their group in the setting group."
        )
    if len(names) > MOST_SLOTS:
        raise LineError(f"The group {quoted(settings.group)} has {len(names)} slots; one station watches {MOST_SLOTS}.")
    variables, in_runs = (said.get("_meta", {}).get("hostvars", {}) for said in (inventory, of_runs or inventory))
    slots, problems = [], []
    for name in names:
        try:
            labels = _labels(f"The slot {name}", in_runs.get(name, {}), settings)
            slots.append(_slot(name, variables.get(name, {}), settings, labels))
        except LineError as error:
            problems.append(str(error))
    problems += _shared(slots)
    if problems:
        raise LineError("\n".join(problems))
    return slots


class _Labels(NamedTuple):
    """What a scan of a label is understood by."""

    ledger: str = ""
    templates: tuple[str, ...] = (DEFAULT_TEMPLATE,)
    claim_id_length: int = DEFAULT_LENGTH


def _labels(where: str, variables: Mapping[str, Any], settings: LineSettings) -> _Labels:
    """Return what the runs' variables say of labels: the same that the playbooks read a scan by."""
    if not settings.scanner:
        return _Labels()
    said = {name: variables.get(name) for name in (_LEDGER, _QR, _LAYOUT)}
    for name, value in said.items():
        if value is not None and (not isinstance(value, str) or "{{" in value):
            raise LineError(f"{where} has {name} {quoted(value)}, and scans are read by it; write it as it is.")
    layout = said[_LAYOUT]
    if layout and layout not in layout_names():
        layout = str(settings.folder / typed_path(layout))  # the runs' own folder
    try:
        templates = qr_templates(said[_QR], layout)
    except IotoError as error:
        raise LineError(f"{where} has labels that cannot be read by a scan: {error}") from None
    length = variables.get(_LENGTH, DEFAULT_LENGTH)
    if isinstance(length, bool) or not str(length).isdecimal() or not MIN_LENGTH <= int(length) <= MAX_LENGTH:
        raise LineError(f"{where} has {_LENGTH} {quoted(length)}; write a number from {MIN_LENGTH} to {MAX_LENGTH}.")
    ledger = said[_LEDGER] or ""
    if ledger and "://" not in ledger:  # a file, which the runs look for from their own folder
        ledger = str(settings.folder / typed_path(ledger))
    return _Labels(ledger, templates, int(length))


def _slot(name: str, variables: Mapping[str, Any], settings: LineSettings, labels: _Labels) -> JigSlot:
    if len(name) > _MOST_LETTERS or printable(name) != name or set(name) & set(",:!&~[]*"):
        raise LineError(f"The slot {quoted(name)} has a name that cannot stand in a limit; use letters, digits and -.")
    where = f"The slot {name}"
    if (connection := variables.get("ansible_connection", "ssh")) not in _SSH:
        raise LineError(f"{where} has ansible_connection {quoted(connection)}; boards are reached by ssh.")
    if "ioto_serial" in variables:
        raise LineError(f"{where} has an ioto_serial, but each board in it is another; leave it out.")
    port = variables.get("ansible_port", 22)
    if isinstance(port, bool) or not str(port).isdecimal() or not 1 <= int(port) <= 65535:
        raise LineError(f"{where} has ansible_port {quoted(port)}; write a number from 1 to 65535.")
    if lease := str(variables.get(LEASE_VARIABLE, "")):
        if not settings.leases:
            raise LineError(f"{where} has {LEASE_VARIABLE}; name the DHCP server's file in the setting leases.")
        return JigSlot(name, "", int(port), lease, *labels)
    address = str(variables.get("ansible_host", name))
    if "{{" in address or printable(address) != address or not address:
        raise LineError(f"{where} has ansible_host {quoted(address)}; write its address as it is.")
    if address.endswith(".local") and not settings.mdns:
        raise LineError(f"{where} has the mDNS name {address}; set mdns = true if that is meant.")
    return JigSlot(name, address, int(port), "", *labels)


def _shared(slots: Iterable[JigSlot]) -> Iterator[str]:
    places = Counter((slot.lease or slot.address, slot.port) for slot in slots)
    for (place, port), number in places.items():
        if number > 1:
            yield f"{number} slots have {quoted(place)} with port {port}; give each its own."


def _members(inventory: Mapping[str, Any], group: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    entry = inventory.get(group, {})
    if group in seen or not isinstance(entry, Mapping):
        return
    yield from entry.get("hosts", [])
    for child in entry.get("children", []):
        yield from _members(inventory, child, seen | {group})


def _inventory(settings: LineSettings, extra_vars: Iterable[str] = ()) -> Mapping[str, Any]:
    command = [settings.program("ansible-inventory"), "--list"]
    for source in settings.inventory:
        command += ["-i", source]
    for file in extra_vars:
        command += ["-e", f"@{file}"]
    try:
        done = subprocess.run(
            command,
            env=settings.environment(),
            cwd=settings.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_READ_SECONDS,
        )
        if done.returncode:
            raise ValueError(printable(done.stderr[-500:]) or f"exit status {done.returncode}")
        found = json.loads(done.stdout)
    except (OSError, ValueError, RecursionError, subprocess.TimeoutExpired) as error:
        raise LineError(f"The inventory cannot be read ({shortened(str(error), 600)}); correct it.") from None
    if not isinstance(found, dict):
        raise LineError("The inventory cannot be read (ansible-inventory gave no object); correct it.")
    return found
