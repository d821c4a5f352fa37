# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The message of a station: what is sent is understood, and nothing else is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ioto.serialization.plugins.plugin_utils.service.errors import RefusedError
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.slot_message import (
    MOST_BYTES,
    MOST_NOTICES,
    MOST_SLOTS,
    SlotReport,
    SlotState,
    StationMessage,
    StationNotice,
    parse_message,
)

SLOT: dict[str, Any] = {"slot": "slot-1", "arrival": 17, "state": "pass"}


def refusal(body: object) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        parse_message(body if isinstance(body, bytes) else json.dumps(body).encode())
    return caught.value


def of_slot(**said: object) -> dict[str, object]:
    return {"station": "line-1", "slots": [{**SLOT, **said}]}


@given(
    st.builds(
        SlotReport,
        slot=st.text(min_size=1).filter(str.isprintable).filter(str.strip),
        arrival=st.integers(0, 2**53 - 1),
        state=st.sampled_from(SlotState),
        step=st.none() | st.text(),
        serial=st.none() | st.text(),
        reason=st.none() | st.text(max_size=500),
        claim_id_end=st.none() | st.sampled_from(["WQ", "07"]),
        at=st.none() | st.datetimes(timezones=st.just(UTC)),
    )
)
def test_whatever_is_sent_is_understood(report: SlotReport) -> None:
    if not report.to_json()["slot"]:
        return  # nothing of its name can be seen
    found = parse_message(StationMessage("line-1", (report,), "Petra", whole=True).encode())
    assert (found.station, found.operator, found.whole) == ("line-1", "Petra", True)
    (read,) = found.slots
    assert read.to_json() == report.to_json()


def test_a_message_of_all_slots_is_short_enough() -> None:
    text = "🙂" * 300
    slots = tuple(
        SlotReport(f"slot-{number}", 2**53 - 1, SlotState.FAIL, text, text, "WQ", text, text, datetime.now(UTC), text)
        for number in range(MOST_SLOTS)
    )
    notices = tuple(StationNotice(text, slot) for slot in (None, *(report.slot for report in slots)))
    message = StationMessage("line-1", slots, text, whole=True, notices=notices).encode()
    assert len(message) <= MOST_BYTES
    assert len(parse_message(message).notices) == MOST_NOTICES
    assert len(parse_message(message).slots) == MOST_SLOTS


@pytest.mark.parametrize(
    ("said", "about"),
    [
        ({"serial": "SN-1\u001b[2J"}, "serial holds a character that cannot be seen"),
        ({"reason": "two\nlines"}, "reason holds"),
        ({"remedy": "turned \u202e round"}, "remedy holds"),
        ({"serial": "\ud800"}, "serial holds"),
        ({"step": "x" * 201}, "step is a text of at most 200"),
        ({"step": 7}, "step is a text"),
        ({"slot": ""}, "slot is missing"),
        ({"slot": None}, "slot is missing"),
        ({"arrival": -1}, "arrival is a whole number"),
        ({"arrival": 1.5}, "arrival is"),
        ({"arrival": True}, "arrival is"),
        ({"arrival": 2**53}, "arrival is"),
        ({"detail": "two\nlines"}, "detail holds"),
        ({"state": "great"}, "state is one of empty, working"),
        ({"state": ["pass"]}, "state is one of"),
        ({"claim_id_end": "JT08FFQXWQ"}, "the last 2 characters of a claim ID, and no more"),
        ({"claim_id_end": "<b"}, "the last 2"),
        ({"at": "yesterday"}, "at is a moment"),
        ({"at": "2026-11-27T10:00:00"}, "at is a moment with its offset"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "at is a moment"),
        ({"colour": "red"}, "says 'colour', which is not known here"),
    ],
)
def test_what_is_wrong_with_a_slot_is_told(said: dict[str, object], about: str) -> None:
    refused = refusal(of_slot(**said))
    assert refused.status == 422
    assert about in str(refused)
    assert str(refused).isprintable()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"station": "line-1", "slots": [1' + b"0" * 5000 + b"]}", 400),
        ([], 422),
        ({"slots": []}, 422),
        ({"station": "line-1"}, 422),
        ({"station": "line-1", "slots": {}}, 422),
        ({"station": "line-1", "slots": ["slot-1"]}, 422),
        ({"station": "line-1", "slots": [SLOT] * 2}, 422),
        ({"station": "line-1", "slots": [{**SLOT, "slot": str(at)} for at in range(65)]}, 422),
        ({"station": "line-1", "slots": [], "whole": 1}, 422),
        ({"station": "line-1", "slots": [], "shift": 1}, 422),
        ({"station": "line-1", "slots": [], "start": "x"}, 422),
        ({"station": "line-1", "slots": [], "start": "x", "number": 2**53}, 422),
        ({"station": "x" * 201, "slots": []}, 422),
    ],
)
def test_what_is_no_message_is_refused(body: object, status: int) -> None:
    assert refusal(body).status == status


@pytest.mark.parametrize(
    ("notices", "about"),
    [
        ("Scan again.", "notices is a list of at most 65 notices"),
        ([{"text": "Scan again."}] * 66, "notices is a list of at most 65 notices"),
        (["Scan again."], "A notice is not an object"),
        ([{"slot": "slot-1"}], "text of a notice is missing"),
        ([{"text": 7}], "text is a text of at most 200"),
        ([{"text": "two\nlines"}], "text holds a character"),
        ([{"text": "x", "slot": "x" * 201}], "slot is a text of at most 200"),
        ([{"text": "x", "seconds": 9}], "'seconds', which is not known here"),
    ],
)
def test_a_notice_that_is_none_is_refused(notices: object, about: str) -> None:
    assert about in str(refusal({"station": "line-1", "slots": [], "notices": notices}))


def test_notices_are_understood() -> None:
    told = (StationNotice("Scan again.", "slot-1"), StationNotice(""))
    assert parse_message(StationMessage("line-1", (), notices=told).encode()).notices == told


def test_a_badge_that_holds_a_claim_id_is_not_shown_whole() -> None:
    said = StationMessage("line-1", (), "JT08FFQXWQ").encode()
    assert b"JT08FFQXWQ" not in said
    assert parse_message(said.replace(b"********WQ", b"JT08FFQXWQ")).operator == "********WQ"


def test_no_text_keeps_a_whole_claim_id_whoever_sends_it() -> None:
    said = "It has JT08FFQXWQ, and its label JT08-FFQX-WQ."
    explained = dict.fromkeys(("step", "reason", "remedy", "detail"), said)
    body = {**of_slot(serial="SN-0000000012", **explained), "notices": [{"text": said, "slot": "slot-1"}]}
    found = parse_message(json.dumps(body).encode())
    masked = "It has ********WQ, and its label ****-****-WQ."
    (read,) = found.slots
    assert [read.step, read.reason, read.remedy, read.detail, found.notices[0].text] == [masked] * 5
    assert read.serial == "SN-0000000012", "a serial is no claim ID"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("The file /etc/ioto/device.json5 cannot be written.", "The file /etc/ioto/device.json5 cannot be written."),
        ("slot-1 has 12 of 12 MiB since 2026-11-27.", "slot-1 has 12 of 12 MiB since 2026-11-27."),
        ("Its ID is JT08 FFQX WQ.", "Its ID is **** **** WQ."),
        ("Its ID is jt08-ffqx-w7.", "Its ID is ****-****-w7."),
    ],
)
def test_a_sentence_stays_readable(said: str, kept: str) -> None:
    assert SlotReport("slot-1", 1, SlotState.FAIL, detail=said).to_json()["detail"] == kept


@pytest.mark.parametrize("length", range(190, 212))
def test_a_claim_id_at_the_end_of_what_is_cut_is_not_half_there(length: int) -> None:
    text = "x " * (length // 2) + "JT08FFQXWQ and more"
    sent = SlotReport("slot-1", 1, SlotState.FAIL, reason=text).to_json()["reason"]
    assert str(sent).endswith("…") and len(str(sent)) <= 200
    assert "JT" not in str(sent)
