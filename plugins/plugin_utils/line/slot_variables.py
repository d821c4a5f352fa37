# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check before each run would say of the slots' variables, before the first board comes.

Templates are left out: what they say may be of the board, or be there only once it is. So are the ledger and the
service, which may come up later than the station.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import chdir
from typing import Any

from ..batch.check import check_batch
from ..batch.check_options import check_options, without
from ..batch.problem import Problem
from ..batch.unknown_variables import check_names
from ..display_text import quoted
from ..labelling.options import label_variables
from ..modes import Mode
from .settings import FIELDS, LineSettings

_MODE = "ioto_mode"
_OF_SLOTS = (Mode.MANUAL, Mode.AUTO, Mode.FACTORY)
_ADDRESS = ("ansible_host", "ansible_port", "ansible_connection")
"""What the slots' own check looks at."""


def variable_problems(
    inventory: Mapping[str, Any], slots: Sequence[str], settings: LineSettings, known: Collection[str]
) -> list[str]:
    """Return what is wrong with the variables of `slots` in what `ansible-inventory --list` says, sentence by sentence.

    `known` are the names of all variables that somebody reads; of a playbook that is not ours nothing is known.
    """
    if settings.playbook != FIELDS["playbook"].default:
        return []
    # Here, since it takes Ansible, half a second of it.
    from ..ansible_adapter.action import complete  # noqa: PLC0415

    all_of_hosts = inventory.get("_meta", {}).get("hostvars", {})
    given = {slot: dict(all_of_hosts.get(slot, {})) for slot in slots}
    plain = {
        slot: {name: value for name, value in said.items() if name not in _ADDRESS and not _is_template(value)}
        for slot, said in given.items()
    }
    # A mode from a template is left to the runs, with what it decides.
    of_modes = [*_wrong_modes(given)]
    sound = {slot: said for slot, said in without(plain, of_modes).items() if _MODE in said}
    with chdir(settings.folder):  # where the runs are
        problems = [
            *of_modes,
            *check_names(given, known, plain),
            *check_batch(sound, with_ledgers=False),
            *check_options(plain, complete),
            *check_options(plain, complete, label_variables),
        ]
    return [str(problem) for problem in dict.fromkeys(problems)]


def _wrong_modes(hosts: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    for slot, said in hosts.items():
        mode = said.get(_MODE)
        if mode not in _OF_SLOTS and not _is_template(mode):
            has = "it has no ioto_mode" if mode is None else f"ioto_mode is {quoted(mode)}"
            remedy = f"give the slots one of {', '.join(_OF_SLOTS)}"
            yield Problem((slot,), f"{has}, and nothing would be done with a board in it; {remedy}.")


def _is_template(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_is_template(one) for one in (*value, *value.values()))
    if isinstance(value, list):
        return any(map(_is_template, value))
    return isinstance(value, str) and ("{{" in value or "{%" in value)
