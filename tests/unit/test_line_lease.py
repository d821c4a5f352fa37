# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leases of dnsmasq and Kea as a hint of where a board is."""

from __future__ import annotations

import time
from pathlib import Path

from ansible_collections.ioto.serialization.plugins.plugin_utils.line.lease import LeaseFile, parsed

NEVER = int(time.time()) + 10_000
PAST = int(time.time()) - 10
DNSMASQ = f"""\
{NEVER} 02:00:5e:00:00:01 192.168.7.21 pump-1 01:02:00:5e:00:00:01
{NEVER + 5} 02:00:5e:00:00:02 192.168.7.22 pump-2 *
{PAST} 02:00:5e:00:00:03 192.168.7.23 pump-3 *
0 02:00:5e:00:00:04 192.168.7.24 * *
duid 00:01:00:01
{NEVER} 1234 fd00::7 pump-6 00:01
{NEVER} 02:00:5e
"""
KEA = f"""\
address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id
192.168.7.21,02:00:5e:00:00:01,,3600,{NEVER},1,0,0,pump-1.,0,,0
192.168.7.22,02:00:5e:00:00:02,,3600,{NEVER},1,0,0,pump-2,0,,0
192.168.7.22,02:00:5e:00:00:02,,3600,{NEVER},1,0,0,pump-2,2,,0
192.168.7.23,02:00:5e:00:00:03,,3600,{PAST},1,0,0,pump-3,0,,0
192.168.7.24,02:00
"""


def found(tmp_path: Path, text: str, pattern: str) -> str | None:
    file = tmp_path / "leases"
    file.write_text(text, encoding="utf-8")
    return LeaseFile(file).address_for(pattern)


def test_dnsmasq_says_the_address_of_a_mac_or_a_host_name(tmp_path: Path) -> None:
    assert found(tmp_path, DNSMASQ, "02:00:5E:00:00:01") == "192.168.7.21"
    assert found(tmp_path, DNSMASQ, "pump-1") == "192.168.7.21"
    assert found(tmp_path, DNSMASQ, "02:00:5e:00:00:04") == "192.168.7.24"  # for ever
    assert found(tmp_path, DNSMASQ, "pump-3") is None  # ended
    assert found(tmp_path, DNSMASQ, "pump-6") is None  # IPv6
    assert found(tmp_path, DNSMASQ, "") is None


def test_the_newest_lease_of_a_pattern_counts(tmp_path: Path) -> None:
    assert found(tmp_path, DNSMASQ, "pump-*") == "192.168.7.22"


def test_kea_says_the_last_word_on_an_address(tmp_path: Path) -> None:
    assert found(tmp_path, KEA, "pump-1") == "192.168.7.21"
    assert found(tmp_path, KEA, "pump-2") is None  # reclaimed since
    assert found(tmp_path, KEA, "pump-3") is None  # ended
    assert len(parsed(KEA)) == 2


def test_of_a_file_that_nobody_cleans_up_the_end_holds(tmp_path: Path) -> None:
    header, row, *_rows = KEA.splitlines(keepends=True)
    later = row.replace("192.168.7.21", "192.168.7.99").replace(str(NEVER), str(NEVER + 1))
    assert found(tmp_path, header + row * 60_000 + later, "pump-1") == "192.168.7.99"
    assert found(tmp_path, DNSMASQ.splitlines(keepends=True)[0] * 90_000, "pump-1") == "192.168.7.21"


def test_what_is_no_lease_file_holds_none() -> None:
    for text in ("", "\0\0\0", "address,hwaddr\n1,2\n", "\n".join(["1 2 3 4"] * 3), 'address,"\n"x'):
        assert parsed(text) == []


def test_a_raised_two_is_no_time() -> None:
    assert parsed("\u00b2 02:00:5e:00:00:01 192.168.7.21 pump *") == []
    kea = "address,hwaddr,expire,hostname,state\n192.168.7.2,02:00:5e:00:00:01,\u00b2,pump,0"
    assert [lease.ends for lease in parsed(kea)] == [0.0]


def test_a_file_is_read_again_when_its_server_has_replaced_it(tmp_path: Path) -> None:
    file = tmp_path / "leases"
    leases = LeaseFile(file)
    assert leases.address_for("pump-1") is None  # no file yet
    file.write_text(DNSMASQ, encoding="utf-8")
    assert leases.address_for("pump-1") == "192.168.7.21"
    other = tmp_path / "new"
    other.write_text(DNSMASQ.replace("192.168.7.21", "192.168.7.99"), encoding="utf-8")
    other.replace(file)
    assert leases.address_for("pump-1") == "192.168.7.99"
