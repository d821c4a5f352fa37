# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A head is known when the parser has read it as all of one message, and then only as the same bytes."""

from __future__ import annotations

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.service.connection_limits import (
    MAX_KNOWN_HEAD,
    KnownHeads,
)

HEAD = b"POST /ioto/serialize HTTP/1.1\r\nHost: station\r\nContent-Length: 4\r\n\r\n"
SCOPE = {
    "method": "POST",
    "raw_path": b"/ioto/serialize",
    "query_string": b"",
    "headers": [(b"host", b"station"), (b"content-length", b"4")],
}


@pytest.fixture
def known() -> KnownHeads:
    heads = KnownHeads()
    heads.learn(HEAD + b"abcd", b"abcd", {**SCOPE, "client": ("192.0.2.1", 1)})
    return heads


def test_a_known_head_gives_what_the_parser_read_and_the_body_that_is_there_now(known: KnownHeads) -> None:
    found = known.find(HEAD + b"wxyz")
    assert found is not None
    head, body = found
    assert (head.scope, body) == (SCOPE, b"wxyz")


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"wxy",
        HEAD + b"wxyz" + HEAD,
        HEAD,
        HEAD[:-1],
        b"",
        HEAD.replace(b"station", b"statioN") + b"wxyz",
        HEAD.replace(b"4\r\n\r\n", b"4\r\nX: y\r\n\r\n") + b"wxyz",
        b"\r\n" + HEAD + b"wxyz",
    ],
)
def test_other_bytes_go_to_the_parser(known: KnownHeads, data: bytes) -> None:
    assert known.find(data) is None


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (HEAD + b"abcd" + HEAD + b"abcd", b"abcd"),
        (HEAD + b"abcd" + HEAD, b"abcd"),
        (HEAD.replace(b"Content-Length: 4", b"Transfer-Encoding: chunked") + b"4\r\nabcd\r\n0\r\n\r\n", b"abcd"),
        (b"POST / HTTP/1.1\r\nX: " + b"y" * MAX_KNOWN_HEAD + b"\r\n\r\nabcd", b"abcd"),
    ],
    ids=["two messages", "one and a half", "chunks", "a long head"],
)
def test_what_is_not_one_message_is_not_learned(data: bytes, body: bytes) -> None:
    heads = KnownHeads()
    heads.learn(data, body, SCOPE)
    assert heads.find(data) is None
    assert heads.find(data[: len(data) // 2]) is None


def test_whoever_sends_ever_new_heads_fills_no_memory(known: KnownHeads) -> None:
    for number in range(1000):
        known.learn(HEAD.replace(b"station", b"station%d" % number) + b"abcd", b"abcd", SCOPE)
    assert len(known) <= 256
    assert known.find(HEAD.replace(b"station", b"station999") + b"wxyz") is not None
