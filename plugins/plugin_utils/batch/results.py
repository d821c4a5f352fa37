# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one result of a task that served many hosts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..display_text import counted, printable
from .twins import without_twins

_SHOWN_HOSTS = 5


def sum_up(results: Sequence[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Return the task's result: the `results` of all hosts by name, and a sentence that counts them.

    `kind` is what one of them is called, such as `device`.
    """
    judged = without_twins({result["host"]: result for result in results})
    results = sorted((dict(result) for result in judged.values()), key=lambda result: str(result["host"]))
    unreachable = [result["host"] for result in results if result.get("unreachable")]
    failed = [result["host"] for result in results if result.get("failed")]
    changed = sum(bool(result.get("changed")) for result in results)
    skipped = sum(bool(result.get("skipped")) for result in results)
    done = len(results) - len(unreachable) - len(failed) - skipped
    sentence = (
        f"{counted(len(results), kind)}: {changed} changed, {done - changed} already done, {len(failed)} failed, "
        f"{len(unreachable)} unreachable{f', {skipped} left alone' if skipped else ''}."
    )
    if failed or unreachable:
        sentence += f" Run again, or with --limit: {some_of([*failed, *unreachable])}."
    return {
        "changed": changed > 0,
        "failed": bool(failed or unreachable),
        "unreachable": False,  # the task's own host was not asked more than the others
        "msg": sentence,
        "results": results,
    }


def some_of(hosts: Sequence[str]) -> str:
    """Return the first few of `hosts` as they may be shown, and how many more there are."""
    names = ", ".join(printable(host) for host in hosts[:_SHOWN_HOSTS])
    return names if len(hosts) <= _SHOWN_HOSTS else f"{names} and {len(hosts) - _SHOWN_HOSTS} more"
