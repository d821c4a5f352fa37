# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The board of slots: what two programs that overtake each other tell of one slot comes out as the truth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.service.errors import RefusedError
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.shift_counts import ShiftCounts
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.slot_board import LOST_SECONDS, SlotBoard
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.slot_message import (
    MOST_SLOTS,
    NOTICE_SECONDS,
    SlotReport,
    SlotState,
    StationMessage,
    StationNotice,
)

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


class Wall:
    """Clocks that somebody sets: seconds that only grow, and the time of day."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at
        self.seconds = 1000.0

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.seconds += seconds


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def board(wall: Wall) -> SlotBoard:
    counts = ShiftCounts(["06:00", "14:00", "22:00"], clock=lambda: wall.at)
    return SlotBoard(shifts=(), working_seconds=60, clock=lambda: wall.seconds, counts=counts)


def report(state: SlotState | str, arrival: int = 17, slot: str = "slot-1", **more: Any) -> SlotReport:
    return SlotReport(slot, arrival, SlotState(state), **more)


def tell(board: SlotBoard, *reports: SlotReport, station: str = "line-1", whole: bool = False) -> list[str]:
    return board.tell(StationMessage(station, reports, whole=whole))


def states(board: SlotBoard) -> dict[str, str]:
    slots: Any = board.look()["slots"]
    return {slot["slot"]: slot["state"] for slot in slots}


def shift(board: SlotBoard) -> dict[str, Any]:
    found: Any = board.look()["shift"]
    return dict(found)


# --- what overtakes what ---


def test_an_older_arrival_changes_nothing(board: SlotBoard) -> None:
    tell(board, report("working", 18))
    with pytest.raises(RefusedError, match="Something newer is known") as caught:
        tell(board, report("pass", 17))
    assert caught.value.status == 409
    assert tell(board, report("pass", 17), report("pass", 3, "slot-2")) == ["slot-1"]
    assert states(board) == {"slot-1": "working", "slot-2": "pass"}
    assert shift(board)["passed"] == 1


def orders() -> Iterator[tuple[SlotReport, ...]]:
    run = report("working", 17), report("pass", 17, serial="SN-1")
    for order in permutations((*run, report("empty", 17), report("working", 18))):
        if order.index(run[0]) < order.index(run[1]):
            yield order


@pytest.mark.parametrize("order", list(orders()))
def test_however_the_run_and_the_station_overtake_each_other_the_newest_board_is_shown(
    board: SlotBoard, order: tuple[SlotReport, ...]
) -> None:
    for one in order:
        try:
            tell(board, one)
        except RefusedError as error:
            assert error.status == 409
    assert states(board) == {"slot-1": "working"}
    slots: Any = board.look()["slots"]
    assert "serial" not in slots[0], "what was known of the other board is not told of this one"


def test_a_heartbeat_that_still_works_takes_no_verdict_back(board: SlotBoard) -> None:
    tell(board, report("working"), whole=True)
    tell(board, report("fail", serial="SN-1", reason="It is broken.", remedy="Mend it."))
    assert tell(board, report("working"), whole=True) == ["slot-1"]
    tell(board, report("fail"), whole=True)
    slots: Any = board.look()["slots"]
    assert (slots[0]["state"], slots[0]["reason"], slots[0]["remedy"]) == ("fail", "It is broken.", "Mend it.")


def test_a_board_that_left_is_not_brought_back_by_its_run(board: SlotBoard) -> None:
    tell(board, report("working"))
    tell(board, report("empty"))
    with pytest.raises(RefusedError):
        tell(board, report("pass"))
    assert states(board) == {"slot-1": "empty"}
    tell(board, report("scan_now"))
    assert states(board) == {"slot-1": "scan_now"}


def test_a_whole_message_counts_whatever_its_numbers_are(board: SlotBoard, wall: Wall) -> None:
    tell(board, report("pass", 10**15), report("fail", 8, "slot-2"), whole=True)
    assert tell(board, report("working", 5), report("empty", 0, "slot-2"), whole=True) == []
    assert states(board) == {"slot-1": "working", "slot-2": "empty"}
    tell(board, report("pass", 2**53 - 1))  # whoever has the token may say that
    assert states(board)["slot-1"] == "pass"
    wall.pass_by(2)
    tell(board, report("working", 5), report("empty", 0, "slot-2"), whole=True)
    assert states(board)["slot-1"] == "working"


def test_a_heartbeat_takes_back_a_verdict_that_its_run_never_told(board: SlotBoard, wall: Wall) -> None:
    tell(board, report("working"), whole=True)
    tell(board, report("pass"))
    for _ in range(6):
        wall.pass_by(2)
        tell(board, report("working"), whole=True)
    assert states(board) == {"slot-1": "working"}


class Station:
    """One start of a station, which numbers its messages."""

    def __init__(self, board: SlotBoard, start: str, name: str = "line-1") -> None:
        self.board, self.start, self.name, self.number = board, start, name, 0

    def tell(self, *reports: SlotReport, whole: bool = True, late_by: int = 0) -> list[str]:
        self.number += 1
        message = StationMessage(self.name, reports, whole=whole, start=self.start, number=self.number - late_by)
        return self.board.tell(message)


def test_a_clock_that_is_set_back_keeps_no_old_verdict(board: SlotBoard, wall: Wall) -> None:
    Station(board, "before").tell(report("pass", 10**12, serial="SN-1"))
    wall.pass_by(1)
    after = Station(board, "after")
    assert after.tell(report("working", 5), whole=False) == [], "also before its first heartbeat"
    assert states(board) == {"slot-1": "working"}
    after.tell(report("fail", 5))
    slots: Any = board.look()["slots"]
    assert (slots[0]["state"], slots[0]["arrival"], "serial" in slots[0]) == ("fail", 5, False)


def test_a_late_message_of_a_station_that_was_started_again_changes_nothing(board: SlotBoard, wall: Wall) -> None:
    before, after = Station(board, "before"), Station(board, "after")
    before.tell(report("pass", 17))
    after.tell(report("working", 5))
    with pytest.raises(RefusedError, match="Another station of this name was started since") as caught:
        before.tell(report("fail", 99))
    assert caught.value.status == 409
    assert states(board) == {"slot-1": "working"}
    wall.pass_by(LOST_SECONDS + 1)  # that one was started by mistake, and is gone
    before.tell(report("pass", 17))
    assert states(board) == {"slot-1": "pass"}
    with pytest.raises(RefusedError):
        after.tell(report("working", 5))


def test_what_a_station_said_before_is_late(board: SlotBoard) -> None:
    station = Station(board, "one")
    station.tell(report("working", 17))
    station.tell(report("pass", 17))
    with pytest.raises(RefusedError, match="something newer already"):
        station.tell(report("working", 17), late_by=1)
    assert states(board) == {"slot-1": "pass"}


def test_two_stations_do_not_stand_in_each_others_way(board: SlotBoard) -> None:
    one, two = Station(board, "one", "line-1"), Station(board, "two", "line-2")
    for _ in range(2):
        one.tell(report("pass", 10**12))
        two.tell(report("fail", 5))
    slots: Any = board.look()["slots"]
    assert {slot["station"]: slot["state"] for slot in slots} == {"line-1": "pass", "line-2": "fail"}


def test_a_run_of_an_older_board_is_late_however_long_it_takes_where_a_station_speaks(
    board: SlotBoard, wall: Wall
) -> None:
    station = Station(board, "one")
    for _ in range(60):
        station.tell(report("pass", 18))
        wall.pass_by(2)
    with pytest.raises(RefusedError, match="Something newer is known"):
        tell(board, report("fail", 17))
    assert states(board) == {"slot-1": "pass"}


def test_without_a_station_a_number_holds_for_as_long_as_a_run_may_take(board: SlotBoard, wall: Wall) -> None:
    tell(board, report("pass", 2**53 - 1))
    wall.pass_by(59)
    with pytest.raises(RefusedError):
        tell(board, report("working", 5))
    wall.pass_by(2)
    tell(board, report("working", 5))
    assert states(board) == {"slot-1": "working"}


def test_a_whole_message_drops_slots_that_are_no_more(board: SlotBoard) -> None:
    tell(board, report("pass"), report("pass", slot="slot-2"), whole=True)
    tell(board, report("pass"), whole=True)
    assert states(board) == {"slot-1": "pass"}


# --- limits ---


def test_a_station_has_so_many_slots_and_there_are_so_many_stations(board: SlotBoard, wall: Wall) -> None:
    tell(board, *(report("empty", slot=f"slot-{number}") for number in range(MOST_SLOTS)))
    with pytest.raises(RefusedError, match="at most"):
        tell(board, report("empty", slot="one more"))
    assert len(states(board)) == MOST_SLOTS
    for number in range(15):
        tell(board, report("empty"), station=f"other-{number}")
    with pytest.raises(RefusedError, match="16 stations"):
        tell(board, report("empty"), station="one too many")
    wall.pass_by(601)
    tell(board, report("empty"), station="another")
    stations: Any = board.look()["stations"]
    assert len(stations) == 16


def test_a_station_is_lost_when_its_heartbeat_is_missing(board: SlotBoard, wall: Wall) -> None:
    tell(board, report("empty"), whole=True)
    tell(board, report("empty"), station="by hand")
    wall.pass_by(LOST_SECONDS + 0.1)
    tell(board, report("working", 18))  # a run goes on without it
    stations: Any = board.look()["stations"]
    assert {station["station"]: station["lost"] for station in stations} == {"line-1": True, "by hand": False}
    wall.pass_by(12 * 3600)
    assert board.look()["stations"] == board.look()["slots"] == []


def test_how_long_a_board_is_worked_on_counts_from_its_first_step(board: SlotBoard, wall: Wall) -> None:
    tell(board, report("working", step="one"))
    wall.pass_by(30)
    tell(board, report("working", step="two"))
    slots: Any = board.look()["slots"]
    assert (slots[0]["seconds"], slots[0]["step"]) == (30.0, "two")


def test_a_station_that_is_refused_is_told_for_as_long_as_it_is(board: SlotBoard, wall: Wall) -> None:
    known = board.version
    board.note_refusal()
    assert board.look()["refuses"] is True and board.version != known
    known = board.version
    board.note_refusal()
    assert board.version == known
    wall.pass_by(LOST_SECONDS + 0.1)
    assert board.look()["refuses"] is False


# --- counts ---


def test_a_unit_counts_once_as_it_stands(board: SlotBoard, wall: Wall) -> None:
    tell(board, report("fail", 1, serial="SN-1"))
    tell(board, report("pass", 2, serial="SN-1"))
    tell(board, report("pass", 3, serial="SN-1"))
    tell(board, report("fail", 4))
    tell(board, report("no_label", 5, serial="SN-2"))
    wall.pass_by(1800)
    found = shift(board)
    assert (found["passed"], found["failed"], found["yield"], found["pace"]) == (1, 2, 1 / 3, 2.0)
    for _ in range(3):  # heartbeats
        tell(board, report("no_label", 5, serial="SN-2"), whole=True)
    assert (shift(board)["passed"], shift(board)["failed"]) == (1, 2)


def test_a_failure_whose_serial_comes_to_be_known_counts_once(board: SlotBoard) -> None:
    tell(board, report("fail", 1))
    tell(board, report("fail", 1, serial="SN-1"))
    assert shift(board)["failed"] == 1


def test_the_next_shift_begins_with_nothing(board: SlotBoard, wall: Wall) -> None:
    tell(board, report("pass", 1, serial="SN-1"))
    assert shift(board)["since"] == NOON.isoformat(), "before, nobody counted"
    wall.pass_by(2 * 3600)
    assert (shift(board)["passed"], shift(board)["yield"], shift(board)["pace"]) == (0, None, None)
    assert shift(board)["since"] == NOON.replace(hour=14).isoformat()


def test_the_night_shift_goes_on_over_midnight_and_summer_time_begins_none() -> None:
    wall = Wall(datetime(2026, 10, 24, 23, 0, tzinfo=timezone(timedelta(hours=2))))
    counts = ShiftCounts(["06:00", "22:00"], clock=lambda: wall.at)
    counts.note("line-1", report("pass", serial="SN-1"))
    wall.pass_by(4 * 3600)
    assert counts.look()["passed"] == 1
    wall.at = wall.at.astimezone(timezone(timedelta(hours=1)))
    assert counts.look()["passed"] == 1
    wall.pass_by(4 * 3600)
    assert counts.look()["passed"] == 0


# --- notices


def notify(board: SlotBoard, text: str, slot: str | None = None, station: str = "line-1") -> None:
    board.tell(StationMessage(station, (), notices=(StationNotice(text, slot),)))


def notices(board: SlotBoard, station: str | None = None) -> list[tuple[str | None, str]]:
    shown: Any = board.look(station)["notices"]
    return [(notice["slot"], notice["text"]) for notice in shown]


def test_a_notice_is_shown_for_a_while_where_it_belongs(board: SlotBoard, wall: Wall) -> None:
    tell(board, report("empty"), whole=True)
    known = board.version
    notify(board, "Scan again.", "slot-1")
    assert board.version != known
    notify(board, "No code of a slot.")
    notify(board, "Of a slot that is not there.", "slot-9", station="line-2")
    assert notices(board, "line-1") == [("slot-1", "Scan again."), (None, "No code of a slot.")]
    assert notices(board, "line-2") == [(None, "Of a slot that is not there.")]
    tell(board, report("empty"), whole=True)
    wall.pass_by(NOTICE_SECONDS - 1)
    assert len(notices(board)) == 3, "a heartbeat changes nothing"
    notify(board, "Scan the slot.")
    wall.pass_by(1)
    assert notices(board) == [(None, "Scan the slot.")]


def test_a_notice_goes_when_it_is_taken_back_or_its_slot_stands_otherwise(board: SlotBoard) -> None:
    tell(board, report("empty"), report("empty", slot="slot-2"), whole=True)
    for text in ("Scan again.", ""):
        notify(board, text, "slot-1")
        notify(board, text)
    assert notices(board) == []
    known = board.version
    notify(board, "", "slot-1")
    assert board.version == known, "there was none"
    for slot in ("slot-1", "slot-2"):
        notify(board, "Scan again.", slot)
    tell(board, report("working", 18))
    assert notices(board) == [("slot-2", "Scan again.")]
    tell(board, report("working", 18), whole=True)
    assert notices(board) == [], "the slot is there no more"


def test_notices_of_slots_that_there_are_not_fill_no_memory(board: SlotBoard) -> None:
    for number in range(1000):
        notify(board, "Scan again.", f"slot-{number}")
    assert len(notices(board)) == 1
