# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the plays of verify.yml, by what the three-way check said of each."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.ioto.serialization.plugins.lookup.batch_hosts import LookupModule

SKIPPED = {"skipped": True}
FACTS: dict[str, dict[str, Any]] = {
    "good": {"ioto_verdict": {"passed": True}},
    "bad": {"ioto_verdict": {"passed": False}},
    "gone": {"ioto_verdict": {"unreachable": True, "msg": "It cannot be reached."}},
    "unscanned": {"ioto_verdict": SKIPPED, "ioto_mode": "manual"},
    "of no mode": {"ioto_verdict": SKIPPED},
    "left out": {"ioto_verdict": SKIPPED, "ioto_mode": "none"},
    "not looked at": {},
}


class HostVars(dict[str, dict[str, Any]]):
    """What Ansible knows of each host, as it stands in the inventory."""

    def raw_get(self, host: str) -> dict[str, Any]:
        return self[host]


def hosts_of(play: str, *names: str, **more: object) -> list[str]:
    facts = HostVars({name: FACTS[name] for name in names or FACTS})
    found: list[str] = LookupModule(loader=DataLoader()).run(
        [play], {"hostvars": facts, "groups": {"all": list(facts)}, **more}
    )
    return found


def test_who_passed_is_checked_and_no_failure() -> None:
    assert hosts_of("checked") == ["good", "bad", "gone"]
    assert hosts_of("not_passed") == ["bad", "gone"]
    assert hosts_of("not_passed", "good") == ["!all"]


def test_who_was_not_scanned_is_asked_for_but_not_whom_the_inventory_leaves_out() -> None:
    assert hosts_of("unscanned") == ["unscanned", "of no mode"]


@pytest.mark.parametrize(
    ("names", "limit", "expected"),
    [
        (("good",), {}, ["!all"]),
        (("unscanned",), {}, ["localhost"]),
        (("not looked at",), {"ansible_limit": "a*"}, ["all"]),
    ],
)
def test_a_run_that_checked_nobody_fails_one_host(
    names: tuple[str, ...], limit: dict[str, str], expected: list[str]
) -> None:
    assert hosts_of("nobody_checked", *names, **limit) == expected
