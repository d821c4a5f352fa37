# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the front answers itself is one whole POST as agents send it, however it is cut; all else is another's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.service.usual_request import Stage, UsualRequest

PATH = b"/ioto/serialize"
HEAD = b"POST /ioto/serialize HTTP/1.1\r\nHost: station\r\nContent-Length: 4\r\n\r\n"
CLIENT = ("192.0.2.1", 1)


@pytest.fixture
def request_() -> Iterator[UsualRequest]:
    request = UsualRequest(lambda url: url.startswith(PATH), 16)
    yield request
    request.close()


def asked(request: UsualRequest, piece: bytes) -> bytes:
    """Feed what is a whole request, and return its body."""
    assert request.feed(piece) is Stage.WHOLE
    scope = request.scope(CLIENT)
    assert (scope["raw_path"], scope["headers"][0], scope["client"]) == (PATH, (b"host", b"station"), CLIENT)
    body = request.body
    request.expect()
    return body


@pytest.mark.parametrize("cut", range(1, len(HEAD) + 4, 7))
def test_a_request_in_two_parts_is_whole_with_the_second(request_: UsualRequest, cut: int) -> None:
    data = HEAD + b"abcd"
    assert request_.feed(data[:cut]) is Stage.COMING
    assert asked(request_, data[cut:]) == b"abcd"
    assert asked(request_, HEAD + b"efgh") == b"efgh"


def test_a_head_that_is_known_gives_the_same_scope_and_the_body_that_is_there_now(request_: UsualRequest) -> None:
    assert asked(request_, HEAD + b"abcd") == b"abcd"
    first = request_.scope(CLIENT)
    assert asked(request_, HEAD + b"wxyz") == b"wxyz"
    assert request_.scope(CLIENT) is first


@pytest.mark.parametrize(
    ("data", "stage"),
    [
        (HEAD + b"wxy", Stage.COMING),
        (HEAD + b"wxyz" + HEAD, Stage.OTHER),
        (HEAD + b"wxyz" + HEAD + b"wxyz", Stage.OTHER),
        (HEAD, Stage.COMING),
        (HEAD.replace(b"station", b"statioN") + b"wxyz", Stage.WHOLE),
        (HEAD.replace(b"4\r\n", b"3\r\n") + b"wxyz", Stage.MALFORMED),
        (HEAD.replace(b"POST", b"PUT", 1) + b"wxyz", Stage.OTHER),
        (HEAD.replace(b"1.1", b"1.0") + b"wxyz", Stage.OTHER),
        (HEAD.replace(b"Host: station", b"Expect: a") + b"wxyz", Stage.OTHER),
        (HEAD.replace(b"Host: station", b"Connection: close") + b"wxyz", Stage.OTHER),
        (HEAD.replace(b"Content-Length: 4", b"Transfer-Encoding: chunked") + b"0\r\n\r\n", Stage.OTHER),
        (HEAD.replace(b" 4", b" 17") + b"x" * 17, Stage.OTHER),
        (HEAD.replace(PATH, b"/") + b"wxyz", Stage.OTHER),
        (b"\x16\x03\x01", Stage.MALFORMED),
    ],
)
@pytest.mark.parametrize("is_known", [False, True], ids=["first", "after a known head"])
def test_what_is_not_one_usual_request_alone_is_seen(
    request_: UsualRequest, data: bytes, stage: Stage, is_known: bool
) -> None:
    if is_known:
        asked(request_, HEAD + b"abcd")
    assert request_.feed(data) is stage


def test_two_requests_that_came_as_one_teach_no_head(request_: UsualRequest) -> None:
    assert request_.feed(HEAD[:9]) is Stage.COMING
    assert asked(request_, HEAD[9:] + b"abcd") == b"abcd"
    assert request_.feed(HEAD[9:] + b"abcd") is Stage.MALFORMED
