# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By an IP address, `localhost` or its own names the service is called, by no other."""

from __future__ import annotations

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.service.host_names import HostNames, canonical_name

NAMES = HostNames(["station.example", "Line-7.Example.", "*.factory.example", "Our Factory", "line_8", "192.0.2.1"])


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "192.168.7.1:1234", "[::1]", "[::1]:1234", "[fe80::1%eth0]:1234", "[::ffff:127.0.0.1]:80"),
        *("localhost", "LOCALHOST:1234", "localhost.", "localhost.:1234", "localhost:"),
        *("station.example", "Station.Example.:443", "line-7.example", "line_8:1234", "a.factory.example:1"),
    ],
)
def test_addresses_localhost_and_own_names_are_taken_whatever_their_case_dot_and_port(host: str) -> None:
    assert NAMES.accepts(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", ":1234", "evil.example", "evil.example:1234", "127.0.0.1.evil.example", "localhost.evil.example"),
        *("station.example.evil.example", "evil-station.example", "factory.example", "a.b.factory.example"),
        *("*.factory.example", "our factory", "2130706433", "127.1", "0x7f.1", "::1", "[127.0.0.1]", "[evil.example]"),
        *("[::1", "::1]", "[::1]evil", "127.0.0.1:1234:1", "127.0.0.1:port", "127.0.0.1:123456", "localhost..", "."),
        *("user@127.0.0.1", "127.0.0.1/", "127.0.0.1\n", "127.0.0.1 ", "127.0.0.1,evil.example", "a" * 100_000),
        *("stat\u0131on.example", "\x00", "localhost\x00"),
    ],
)
def test_any_other_name_is_refused(host: str) -> None:
    assert not NAMES.accepts(host)


def test_without_names_addresses_and_localhost_remain() -> None:
    assert HostNames([]).accepts("192.168.7.1:1234") and HostNames([]).accepts("localhost")
    assert not HostNames([]).accepts("station.example")


def test_what_is_no_host_name_is_none() -> None:
    assert canonical_name("Station.Example.") == "station.example"
    assert canonical_name("*.example") == "*.example"
    for text in ("", "*", "a b", "-a", "a-", "a..b", "*.*.b", "a.*.b", "stat\u0131on", "a:1", f"{'a' * 300}"):
        assert canonical_name(text) is None, text
