# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of one run whose devices are one unit by what they say: none of them is done, whichever came first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from ..display_text import printable
from ..errors import FailureKind
from ..identity.board_names import as_said, names_of_board, remedy_for_twins

Outcome = Mapping[str, Any]
_UNIT = "unit "


def without_twins(outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """Return the `outcomes` of hosts, where those of hosts that are one unit have failed and name each other."""
    return {**outcomes, **{host: _failed(outcomes[host], *found) for host, found in _twins(outcomes).items()}}


def _twins(outcomes: Mapping[str, Outcome]) -> dict[str, tuple[list[str], list[str]]]:
    """Return the hosts that are one unit with others: who these are, and what they have in common."""
    who: dict[str, list[str]] = defaultdict(list)
    for host, outcome in outcomes.items():
        for mark in _marks(outcome):
            who[mark].append(host)
    others: dict[str, dict[str, None]] = defaultdict(dict)
    shared: dict[str, dict[str, None]] = defaultdict(dict)
    for mark, hosts in who.items():
        for host in hosts if len(hosts) > 1 else ():
            others[host] |= dict.fromkeys(other for other in hosts if other != host)
            shared[host][mark] = None
    # What the ledger refused to bind: its twin may have been done by then.
    for host, outcome in outcomes.items():
        twin = outcome.get("twin")
        if isinstance(twin, str) and twin in outcomes:
            others[host][twin] = others[twin][host] = None
    return {host: (list(found), list(shared[host])) for host, found in others.items()}


def _marks(outcome: Outcome) -> Iterator[str]:
    """Yield what identifies the device of a host, as far as it was looked at."""
    product, hardware = str(outcome.get("product") or ""), outcome.get("hardware")
    if product and outcome.get("serial"):
        yield f"{_UNIT}{outcome['serial']} of product {product}"
    yield from sorted(names_of_board(product, hardware if isinstance(hardware, Mapping) else None))


def _failed(outcome: Outcome, others: list[str], shared: list[str]) -> Outcome:
    board = [as_said(mark) for mark in shared if not mark.startswith(_UNIT)]
    unit = [mark for mark in shared if mark.startswith(_UNIT)]
    what = f" ({printable('; '.join([*unit, *board]))})" if shared else ""
    # What nothing is known of was told by the ledger alone.
    remedy = remedy_for_twins(is_one_board=bool(board) or not shared, is_one_unit=bool(unit) or not shared)
    sentence = (
        f"It and {printable(', '.join(others))} say that they are the same unit{what}, so none of them is done: "
        f"{remedy}."
    )
    twin = outcome.get("twin") or others[0]
    return {
        **outcome,
        "failed": True,
        "changed": False,
        "unreachable": False,
        "msg": sentence,
        "twin": twin,
        "failure": FailureKind.TWIN.value,
    }
