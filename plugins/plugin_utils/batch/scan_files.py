# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the files of scans and the pictures of a batch: a fault of a file is told once, and no unit gets the blame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import IotoError
from ..modes import Mode
from ..option import Option, of_module
from ..scanning.camera import open_label_picture
from ..scanning.scan_file import read_scan_file
from ..verification import options as verification
from .check_options import Complete
from .problem import Problem

OF_FILES: Mapping[str, Option] = {
    str(option.variable): option
    for name, option in of_module(verification.OPTIONS, "verify").items()
    if name in {"scan", "scans", "image"}
}
"""What says what was scanned, most of it as the name of a file, by variable."""
_OF_ONE_UNIT = {
    "scan": "the same label is given for each ({variable}); a label is on one unit: give each host its own in the "
    "inventory, or one host with --limit, or leave {variable} out and scan when you are asked.",
    "image": "the same picture is given for each ({variable}); a label is on one unit: name the pictures after the "
    "hosts, as in {variable}: labels/{{{{ inventory_hostname }}}}.png, or give one host with --limit.",
}
"""What holds for one host, by option, and what to do where several have it."""


def check_scan_files(hosts: Mapping[str, Mapping[str, Any]], complete: Complete, order: Sequence[str]) -> list[Problem]:
    """Return a problem for each file that cannot be used, without a host, and one for each label of several hosts.

    `order` are all hosts of the play.

    What a file says of a unit, or that it says nothing, is the unit's own verdict.
    """
    openers: Mapping[str, Callable[[str], object]] = {
        "scans": lambda path: read_scan_file(path, order),
        "image": open_label_picture,
    }
    files = dict.fromkeys(
        (option.name, _path(variables[name], name, option, complete))
        for variables in hosts.values()
        if variables.get("ioto_mode") != Mode.NONE
        for name, option in OF_FILES.items()
        if name in variables and option.name in openers
    )
    sentences: dict[str, None] = {}
    for kind, path in files:
        try:
            if path:
                openers[kind](path)
        except IotoError as error:
            sentences[str(error)] = None
    return [*(Problem((), sentence) for sentence in sentences), *_of_several(hosts)]


def _of_several(hosts: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    """Yield a problem for each label or picture that several hosts have."""
    for name, option in OF_FILES.items():
        whose: dict[str, list[str]] = {}
        for host, variables in hosts.items() if option.name in _OF_ONE_UNIT else ():
            # As people type a claim ID; two paths that are alike but for capitals are two.
            text = str(variables.get(name) or "").strip()
            text = "".join(filter(str.isalnum, text.casefold())) if option.name == "scan" else text
            if text and variables.get("ioto_mode") != Mode.NONE:
                whose.setdefault(text, []).append(host)
        for found in whose.values():
            if len(found) > 1:
                yield Problem(tuple(found), _OF_ONE_UNIT[option.name].format(variable=name))


def _path(value: object, name: str, option: Option, complete: Complete) -> str | None:
    """Return the path as the task will have it; None for what is no path, which `check_options` tells."""
    try:
        path: str | None = complete({name: value}, {name: option.spec})[name]
    except IotoError:
        return None
    return path
