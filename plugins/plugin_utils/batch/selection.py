# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run was to be about and Ansible leaves out with a warning: an inventory that is not there, a name, a host."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches

from .problem import Problem

_PLAIN = re.compile(r"[&!]?([^~@&!*?\[\]]+)")
_DEFAULT_SOURCE = "/etc/ansible/hosts"
"""What Ansible names where nobody has given an inventory; then there is nothing to do, which is told elsewhere."""


def check_sources(sources: Iterable[str]) -> list[Problem]:
    """Return a problem for each of the inventory `sources`, paths or lists with commas, that does not exist."""
    return [
        Problem((source,), "this inventory does not exist, and its units would be left out; correct -i.")
        for source in sources
        # Where one may not look, and for a name that is too long, `Path.exists` raises, before Python 3.14.
        if "," not in source and source != _DEFAULT_SOURCE and not os.path.exists(source)  # noqa: PTH110
    ]


def check_limit(patterns: Iterable[str], known: Collection[str]) -> list[Problem]:
    """Return a problem for each name among the `patterns` of `--limit` that no `known` host or group has."""
    problems = []
    for pattern in patterns:
        found = _PLAIN.fullmatch(pattern)
        if found is None or found[1] in known:
            continue
        nearest = get_close_matches(found[1], known, n=1)
        remedy = f"did you mean {nearest[0]}?" if nearest else "correct it."
        problems.append(Problem((found[1],), f"--limit names it, and no host or group is called so: {remedy}"))
    return problems


def check_host_names(patterns: Iterable[str]) -> list[Problem]:
    """Return a problem for each name of a host that Ansible takes for a pattern, and would leave out."""
    sentence = (
        "Ansible takes its name for a pattern, and would leave the host out; rename it in the inventory, with "
        "letters, digits, '.', '_' and '-'."
    )
    return [Problem((host,), sentence) for host in patterns]
