# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a device is another one than was known, and what is known of it then."""

from __future__ import annotations

from ansible_collections.ioto.serialization.plugins.plugin_utils.identity.facts import (
    addresses,
    described,
    differences,
    merged,
)

ONE, TWO, THREE = "00:1b:21:3a:40:01", "00:1b:21:3a:40:02", "00:1b:21:3a:40:03"


def differing(known: dict[str, object], now: dict[str, object]) -> list[str]:
    return [each.fact for each in differences(known, now)]


def test_a_serial_that_matches_does_not_excuse_another_address_or_key() -> None:
    known = {"serial": "7", "host_key": "SHA256:a", **addresses([ONE])}

    assert differing(known, known) == []
    assert differing(known, {**known, **addresses([TWO])}) == ["mac"]
    assert differing(known, {**known, "serial": "8", "host_key": "SHA256:b"}) == ["serial", "host_key"]


def test_what_only_one_of_them_says_contradicts_nothing() -> None:
    assert differing({}, {"serial": "7", **addresses([ONE])}) == []
    assert differing({"serial": "7", "confirmed_at": "x"}, addresses([ONE])) == []


def test_an_interface_may_be_seen_late_and_none_may_be_exchanged() -> None:
    assert differing(addresses([ONE, TWO]), addresses([TWO])) == []
    assert differing(addresses([ONE]), addresses([TWO, ONE])) == []
    assert differing(addresses([ONE, TWO]), addresses([ONE, THREE])) == ["mac"]


def test_what_is_seen_is_added_and_the_first_address_stays_the_first() -> None:
    known = merged({"kept": 1, **addresses([TWO])}, {"serial": "7", **addresses([ONE, TWO])})

    assert known == {"kept": 1, "serial": "7", "mac": TWO, "macs": [ONE, TWO]}
    assert merged(known, addresses([ONE])) == known


def test_a_fact_that_is_replaced_leaves_nothing_of_what_was_known() -> None:
    known = {"serial": "7", **addresses([ONE, TWO])}

    assert merged(known, {"serial": "8", **addresses([THREE])}, replaced=["mac"]) == {"serial": "8", "mac": THREE}


def test_a_device_is_described_alike_whenever_it_is_seen() -> None:
    assert described({"serial": "7", **addresses([TWO, ONE])}) == f"mac {ONE} and {TWO}, serial 7"
