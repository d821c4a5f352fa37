# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a station needs before its first board: the start and `--check` refuse the same, in the same words."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..display_text import printable
from ..errors import IotoError
from ..flows.options import parse_operator
from .errors import LineError
from .inventory import playbook_problem, read_inventory
from .scan_desk import ScanDesk
from .settings import LineSettings
from .settings_file import examine
from .slot_key import key_problems
from .slot_variables import variable_problems
from .slots import JigSlot, slots_in
from .telling import ServiceAddress, check_ca_file, service_address, station_token


@dataclass(frozen=True)
class Prepared:
    """What a station works with."""

    settings: LineSettings
    slots: Sequence[JigSlot]
    service: ServiceAddress | None
    """Whose page shows the slots."""
    desk: ScanDesk | None
    """The scanner's."""


def prepare(file: Path, folder: Path | None, known: Collection[str]) -> Prepared:
    """Return what the settings in `file` say. Raises `LineError` with every problem.

    `folder` is what the paths in it are relative to, where that is not the folder of the file. `known` are the names of
    all variables that somebody reads.
    """
    settings, problems = examine(file, folder)
    problems += _problems_of_machine()
    problems += _problems_of_service(settings)
    problems += _problems_of_operator(settings.operator)
    # Both take Ansible a second.
    with ThreadPoolExecutor(1) as beside:
        playbook = beside.submit(playbook_problem, settings)
        slots: list[JigSlot] = []
        try:
            if settings.inventory:
                inventory = read_inventory(settings)
                slots = slots_in(inventory, settings)
                problems += key_problems(slot.key for slot in slots)
                problems += variable_problems(inventory, [slot.name for slot in slots], settings, known)
        except LineError as error:
            problems.append(str(error))
        if why := playbook.result():
            # Of an inventory that cannot be read, it would be told twice.
            why = playbook_problem(replace(settings, inventory=(), extra_vars=())) if problems else why
            problems += [why] if why else []
    if problems:
        raise LineError("\n".join(problems))
    service = None
    if settings.service_url:
        service = service_address(settings.service_url, settings.token_path, settings.ca_path)
    return Prepared(settings, slots, service, ScanDesk(settings, slots) if settings.scanner else None)


def _problems_of_machine() -> Iterator[str]:
    ssh = os.environ.get("ANSIBLE_SSH_EXECUTABLE", "ssh")
    if shutil.which(ssh) is None:
        yield f"There is no {printable(ssh)} on this machine; install an SSH client (Debian: openssh-client)."
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        yield (
            f"ssh works for no user without a name, and this one is the number {os.getuid()}; add a line for it to "
            "/etc/passwd, or start the station as a user that has one."
        )


def _problems_of_operator(name: str) -> Iterator[str]:
    try:
        # It becomes a variable of each run, and Ansible would run what braces hold.
        if "{" not in name and bool(parse_operator(name)) == bool(name):
            return
    except IotoError:
        pass
    yield "A run takes no such name as the setting operator; write a short one, or the number of a badge, without {."


def _problems_of_service(settings: LineSettings) -> Iterator[str]:
    if not settings.service_url:
        return
    checks: list[Callable[[], object]] = []
    if token := settings.token_path:
        checks.append(partial(station_token, token))
    if certificates := settings.ca_path:
        checks.append(partial(check_ca_file, certificates))
    for check in checks:
        try:
            check()
        except IotoError as error:
            yield str(error)
