# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts, rates, estimates and safe texts of the progress display, by a clock that the tests move."""

from __future__ import annotations

import time

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.progress.model import (
    HostOutcome,
    Interval,
    Reported,
    Tally,
    clean,
    duration,
    failure_message,
    one_line,
    progress_line,
    rate_text,
    task_line,
    total_line,
)


def tally_of(total: int, finished: int, *, seconds: float = 1.0, failed: int = 0) -> Tally:
    """A tally named manual in which one host ends every `seconds`, the first ones failing."""
    tally = Tally("manual", total, 0.0)
    for number in range(finished):
        outcome = HostOutcome.FAILED if number < failed else HostOutcome.CHANGED
        tally.finish(f"h{number}", outcome, (number + 1) * seconds)
    return tally


def test_the_line_tells_count_rate_time_left_and_failures() -> None:
    tally = tally_of(60, 23, seconds=0.25, failed=2)
    assert progress_line(tally.figures(23 * 0.25)) == "manual 23/60 · 4.0/s · 0:10 left · 2 failed"


def test_before_the_first_result_there_is_no_rate_and_no_estimate() -> None:
    assert progress_line(Tally("manual", 60, 0.0).figures(9.0)) == "manual 0/60"


def test_the_rate_falls_and_the_estimate_grows_while_nothing_ends() -> None:
    tally = tally_of(20, 10)
    early, late = tally.figures(10.0), tally.figures(40.0)
    assert early.rate == 1.0
    assert early.left == 10.0
    assert late.rate == 0.25
    assert late.left == 40.0


def test_the_rate_follows_the_line_when_it_speeds_up() -> None:
    tally = tally_of(10_000, 200, seconds=10)
    for number in range(200, 400):
        tally.finish(f"h{number}", HostOutcome.OK, 2000 + (number - 199) * 0.5)
    rate = tally.figures(2100.0).rate
    assert rate == pytest.approx(2.0, rel=0.02)


def test_a_complete_tally_tells_the_time_that_it_took_and_its_clock_stands() -> None:
    tally = tally_of(14, 14)
    assert progress_line(tally.figures(500.0)) == "manual 14/14 · 1.0/s · took 0:14"


def test_what_is_left_when_a_flow_ends_early_is_told() -> None:
    assert progress_line(tally_of(10, 7, failed=1).figures(9.0), ended=True) == (
        "manual 7/10 · took 0:09 · 3 not finished: run again · 1 failed"
    )


def test_the_clock_starts_with_the_first_unit_and_not_before() -> None:
    tally = Tally("manual", 2, 0.0)
    tally.start(100.0)
    tally.finish("h0", HostOutcome.OK, 101.0)
    tally.start(200.0)
    assert tally.figures(102.0).elapsed == 2.0


def test_a_host_counts_once_with_what_it_ended_with_last() -> None:
    tally = Tally("manual", 2, 0.0)
    tally.finish("h0", HostOutcome.SKIPPED, 1.0)
    tally.finish("h0", HostOutcome.FAILED, 2.0)
    tally.finish("h1", HostOutcome.UNREACHABLE, 2.5)
    assert tally.outcomes() == {"h0": HostOutcome.FAILED, "h1": HostOutcome.UNREACHABLE}
    tally.finish("h0", HostOutcome.CHANGED, 3.0)
    tally.finish("h0", HostOutcome.SKIPPED, 4.0)
    assert (tally.finished, tally.count(HostOutcome.CHANGED), tally.count(HostOutcome.FAILED)) == (2, 1, 0)
    assert tally.outcomes() == {"h0": HostOutcome.CHANGED, "h1": HostOutcome.UNREACHABLE}


def test_more_hosts_than_were_foreseen_raise_the_total() -> None:
    assert tally_of(1, 3).figures(3.0).total == 3


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (9.4, "0:09"), (59.6, "1:00"), (3599.4, "59:59"), (3600, "1:00:00"), (90061, "25:01:01")],
)
def test_durations_are_told_in_hours_minutes_and_seconds(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("rate", "text"), [(41.6, "42/s"), (9.96, "10/s"), (4.25, "4.2/s"), (0.5, "30/min"), (0.05, "3.0/min")]
)
def test_a_rate_is_told_in_a_unit_that_leaves_something_before_the_point(rate: float, text: str) -> None:
    assert rate_text(rate) == text


def test_a_task_that_is_over_tells_how_its_hosts_ended() -> None:
    assert task_line(tally_of(60, 60, failed=2)) == "manual: 60 hosts · 58 changed · 2 failed"
    assert task_line(tally_of(1, 1)) == "manual: 1 host · 1 changed"


def test_the_total_names_failures_even_when_there_are_none() -> None:
    assert total_line({HostOutcome.OK: 3}, 61.0) == "3 hosts · 3 ok · 0 failed · 0 unreachable · took 1:01"
    assert total_line({HostOutcome.FAILED: 1}, 0.0) == "1 host · 1 failed · 0 unreachable · took 0:00"


FULL = "The disk is full; free space and run again."


@pytest.mark.parametrize(
    "verdict",
    [FULL, f"Not serialized: {FULL}", f"FAIL  h1: {FULL}", "free space and run again.", f"{FULL}\n  h1: {FULL}"],
)
def test_a_failure_is_told_once_also_when_a_verdict_quotes_it(verdict: str) -> None:
    reported = Reported()
    assert reported.new_in("h1", FULL) == FULL
    assert reported.new_in("h1", verdict) == ""
    assert reported.new_in("h2", FULL) == FULL
    assert reported.new_in("h1", "The agent does not start.") == "The agent does not start."


@pytest.mark.parametrize(
    "message",
    [
        f"The run is not in the ledger: {FULL}",
        f"Not serialized: {FULL} Its label was printed: destroy it.",
        f"h1, which was done before: {FULL}",
        "The disk is full; free spac",
    ],
)
def test_a_message_that_says_more_than_was_told_is_told(message: str) -> None:
    reported = Reported()
    reported.new_in("h1", FULL)
    assert reported.new_in("h1", message) == message


def test_of_a_message_whose_lines_were_told_in_part_the_rest_is_told() -> None:
    count, loss = "2 devices: 0 done, 2 failed.", f"That is not in the ledger: {FULL}"
    reported = Reported()
    reported.new_in("h1", FULL)
    assert reported.new_in("h1", "\n  ".join([count, f"h1: {FULL}", loss])) == f"{count}\n  {loss}"
    assert reported.new_in("h1", "\n".join([loss, count, FULL])) == ""
    assert reported.new_in("h1", f"{FULL}\n  The agent does not start.") == "The agent does not start."


def test_a_list_that_was_told_is_not_told_again_on_one_line() -> None:
    reported = Reported()
    reported.new_in("h1", "2 problems:\n  - bad ID\n  - no serial")
    assert reported.new_in("h1", "2 problems: - bad ID - no serial") == ""
    assert reported.new_in("h1", "- bad ID") == ""


def test_a_short_message_hides_no_longer_one() -> None:
    reported = Reported()
    assert reported.new_in("h1", "full") == "full"
    assert reported.new_in("h1", "The disk is full.") == "The disk is full."


def test_many_messages_of_one_host_cost_no_more_each_than_few() -> None:
    reported = Reported()
    messages = [
        f"The item {number} cannot be written to its place; correct it and run again." for number in range(5000)
    ]
    started = time.process_time()
    assert [reported.new_in("h1", message) for message in messages] == messages
    assert not any(reported.new_in("h1", f"h1: {message}") for message in messages)
    assert time.process_time() - started < 5


def test_a_gate_opens_once_in_its_interval() -> None:
    gate = Interval(5.0, 0.0)
    assert [now for now in range(20) if gate.is_due(float(now))] == [5, 10, 15]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x9b31mred", "red"),
        ("a\x1b(Bb\x1bcc", "abc"),
        ("half\x1b[", "half"),
        ("bell\x07 back\x08 nul\0 del\x7f", "bell back nul del"),
        ("over\rwritten", "overwritten"),
        ("tab\there", "tab here"),
        ("turn\u202eed \u200bzero", "turned zero"),
        ("sur\udc80rogate", "surrogate"),
        ("[bold]Grüße 漢字[/bold]", "[bold]Grüße 漢字[/bold]"),
    ],
)
def test_nothing_that_steers_a_terminal_is_shown(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_one_line_is_one_line_and_not_endless() -> None:
    assert one_line("first\r\n  second\n") == "first second"
    assert len(one_line("x" * 10_000)) < 1000


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"msg": "Task failed: The disk is full; free space."}, "The disk is full; free space."),
        ({"msg": " why "}, "why"),
        ({"msg": "", "stderr": "no such file"}, "no such file"),
        ({"msg": ["a", "b\x1b[1m"]}, "a\nb"),
        ({"censored": "hidden"}, "hidden"),
        ({"rc": 3}, "the command ended with status 3"),
        ({}, "no reason was given"),
    ],
)
def test_the_reason_of_a_failure_is_found_in_its_result(result: dict[str, object], message: str) -> None:
    assert failure_message(result) == message
