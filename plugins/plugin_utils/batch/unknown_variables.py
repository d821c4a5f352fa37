# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that begin as ours do, and that nobody reads: most are mistyped, and would be ignored without a word."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from ..production_order.columns import column_meant, names_claim_id
from .options import RESULTS
from .problem import Problem, by_sentence

PREFIX = "ioto_"
_PREFIX_LETTERS = "ioto"
_OF_COLUMN = {"claim_id": "ioto_claim_id", "serial": "ioto_serial", "product": "ioto_product", "mode": "ioto_mode"}
"""The variables that a production order has columns for; what else it has, such as `user`, may well be his own."""
_BARE = {"replaceid": "ioto_replace_id"}
"""What somebody who means ours may leave the prefix off, letters alone."""
_GLUED = re.compile(r"(?:iot+o|iot|ito)[_-]*(?=[a-z])")
OWN = "ioto_own_variables"
_LEFT_OVER = "_raw_params"
"""Where Ansible puts the words of `-e` that belong to no name: `-e ioto_reason="two words"` is one word, and this."""
_CUT = (
    "-e ends a value at its first space, and the words after it belong to no variable; write a value with spaces as "
    """JSON: -e '{"ioto_reason": "two words"}'."""
)

_GONE = {
    "ioto_force": "ioto_accept_product, ioto_replace_id or ioto_accept_board, whichever is meant",
    "ioto_replace_provisioned": "ioto_replace_id",
    "ioto_accept_host_key": "ioto_accept_board",
}
"""Variables that said yes or no, and those that name what is to be replaced in their place."""


def check_names(
    names: Mapping[str, Iterable[str]], known: Collection[str], own: Mapping[str, Mapping[str, Any]]
) -> list[Problem]:
    """Return a problem for each unknown name among `names`, which are the variables of each host, and for cut values.

    `known` are those of the table of options, and `own` holds, for each host, the user's own names as `OWN` says.
    """
    known = sorted({*known, *RESULTS})
    found: dict[str, list[str]] = {}
    meant = {name: _meant(name, known) for name in {name for of_host in names.values() for name in of_host}}
    for host, of_host in names.items():
        listed = own.get(host, {}).get(OWN) or []
        # One text is a list with commas, as for Ansible.
        allowed = {str(name).strip() for name in (listed if isinstance(listed, list) else str(listed).split(","))}
        for name in sorted({name for name in of_host if name.startswith(PREFIX)} - {*known, *allowed}):
            found.setdefault(_sentence(name, known), []).append(host)
        present = set(of_host)
        for name in sorted(present - {*allowed}):
            if (ours := meant[name]) and ours not in present:
                found.setdefault(_not_ours(name, ours), []).append(host)
    cut = [Problem((), _CUT)] if any(_LEFT_OVER in of_host for of_host in names.values()) else []
    return [*cut, *by_sentence(found)]


def check_not_read(
    names: Mapping[str, Iterable[str]], not_read: Mapping[str, str], hosts: Collection[str]
) -> list[Problem]:
    """Return a problem for each variable that one of `hosts` has and that the playbook would ignore.

    `not_read` says of each such variable what to do instead.
    """
    return by_sentence(
        {
            f"{variable} is given, and this playbook does not read it; remove it, and {instead}.": having
            for variable, instead in not_read.items()
            if (having := [host for host in hosts if variable in set(names[host])])
        }
    )


def _meant(name: str, known: Collection[str]) -> str | None:
    """Return the variable of ours that `name` is but for a prefix that is missing, mistyped or in capitals."""
    if name.startswith(PREFIX):
        return None
    letters = re.sub(r"[\W_]", "", name.lower())
    if letters in _BARE:
        return _BARE[letters]
    if letters.startswith(_PREFIX_LETTERS) and (ours := [one for one in known if one.replace("_", "") == letters]):
        return ours[0]
    head, _line, rest = name.lower().replace("-", "_").partition("_")
    is_prefix = bool(rest and get_close_matches(head, [_PREFIX_LETTERS], cutoff=0.75))
    if is_prefix and f"{PREFIX}{rest}" in known:
        return f"{PREFIX}{rest}"
    glued = _GLUED.match(name.lower())
    rest = rest if is_prefix else name[glued.end() :] if glued else ""
    if meant := _of_column(rest, known):
        return meant
    return _OF_COLUMN["claim_id"] if names_claim_id(name) and _OF_COLUMN["claim_id"] in known else None


def _of_column(name: str, known: Collection[str]) -> str | None:
    """Return the variable of ours that people call `name`, as the title of a column, too."""
    meant = _OF_COLUMN.get(column_meant(name) or "") if name else None
    return meant if meant in known else None


def _not_ours(name: str, ours: str) -> str:
    return f"the variable {name} is unknown: did you mean {ours}? (List one of your own in {OWN}.)"


def _sentence(name: str, known: Collection[str]) -> str:
    if name in _GONE:
        return (
            f"the variable {name} is gone: name what is to be replaced in {_GONE[name]}, and why in ioto_reason "
            "(the refusal of the unit says the value)."
        )
    nearest = _of_column(name.removeprefix(PREFIX), known) or next(
        iter(get_close_matches(name, known, n=1, cutoff=0.75)), None
    )
    if nearest:
        return f"the variable {name} is unknown: did you mean {nearest}? (List one of your own in {OWN}.)"
    return f"the variable {name} is unknown; remove it, or list it in {OWN} if it is your own."
