# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the progress display says of a run, told event by event, by a clock that the tests move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.progress.model import (
    HostOutcome,
    clean_texts,
    debug_lines,
    host_line,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.progress.run_model import (
    OutputLine,
    PlayStart,
    RunModel,
    TaskEnd,
    TaskStart,
    Tone,
    is_flow_role,
    units_of,
)
from tests.support.ansible import ROOT

SERIALIZE = "ioto.serialization.serialize"
FLEET = "ioto.serialization.serialize_fleet"
PREFLIGHT = "ioto.serialization.preflight"
SUMMARY = "ioto.serialization.summary"
FAIL = "ioto.serialization.fail"
COMMAND = "ansible.builtin.command"


def counts(**known: int) -> dict[str, int]:
    """Ansible's own counts of a host; those that are not given are zero."""
    keys = ("ok", "changed", "unreachable", "failures", "skipped", "rescued", "ignored")
    return {key: known.get(key, 0) for key in keys}


class Run:
    """A run of a few plays on a clock that stands still until `seconds` is moved; collects what is printed."""

    def __init__(self, *, interval: float = 5.0, live: bool = False, verbose: bool = False) -> None:
        self.seconds = 100.0
        self.model = RunModel(lambda: self.seconds, interval=interval, live=live, verbose=verbose)
        self.printed: list[OutputLine] = []

    @property
    def lines(self) -> list[str]:
        return [line.text for line in self.printed]

    def play(self, name: str = "manual", hosts: int = 3, *, batch: int | None = None, **known: bool) -> None:
        self.printed += self.model.end_play()
        self.model.start_play(PlayStart(name, name, hosts, known.get("is_flow", False), known.get("is_free", False)))
        self.batch(hosts if batch is None else batch)

    def batch(self, hosts: int) -> None:
        self.printed += self.model.start_batch(hosts)

    def task(self, action: str = COMMAND, name: str = "Install", *, run_once: bool = False) -> None:
        self.printed += self.model.start_task(TaskStart(name, name, action, run_once))

    def end(
        self,
        host: str,
        outcome: HostOutcome = HostOutcome.OK,
        action: str = COMMAND,
        task: str = "Install",
        **more: Any,
    ) -> None:
        self.printed += self.model.end_task(TaskEnd(task, action, host, outcome, **more))

    def end_item(self, host: str, outcome: HostOutcome, result: Mapping[str, Any], action: str = COMMAND) -> None:
        self.printed += self.model.end_item(TaskEnd("Install", action, host, outcome), result)

    def fail(
        self,
        host: str,
        message: str,
        action: str = COMMAND,
        outcome: HostOutcome = HostOutcome.FAILED,
        *,
        is_ignored: bool = False,
        label: str | None = None,
    ) -> None:
        end = TaskEnd("Install", action, host, outcome, is_final=not is_ignored)
        label = host if label is None else label
        self.printed += self.model.fail(end, message, label=label, task="Install", is_ignored=is_ignored)
        self.printed += self.model.end_task(end)

    def close(self, **summaries: dict[str, int]) -> None:
        self.printed += self.model.end_play() + self.model.recap(summaries) + self.model.take_summary()


# --- flows ------------------------------------------------------------------------------------------------------


def test_a_flow_is_told_when_its_last_device_has_ended() -> None:
    run = Run()
    run.play(hosts=2)
    run.task(SERIALIZE)
    run.seconds += 1
    run.end("h1", HostOutcome.CHANGED, SERIALIZE)
    assert run.printed == []
    run.seconds += 1
    run.end("h2", HostOutcome.OK, SERIALIZE)
    assert run.printed == [OutputLine("manual 2/2 · 1.0/s · took 0:02", Tone.GOOD)]


def test_a_flow_that_was_told_is_not_told_again_at_the_end_of_its_play() -> None:
    run = Run()
    run.play(hosts=1)
    run.task(SERIALIZE)
    run.end("h1", HostOutcome.OK, SERIALIZE)
    told = len(run.printed)
    assert run.model.end_play() == []
    assert told == 1


def test_a_flow_with_a_failure_is_told_in_the_tone_of_a_failure() -> None:
    run = Run()
    run.play(hosts=1)
    run.task(SERIALIZE)
    run.fail("h1", "The disk is full.", SERIALIZE)
    assert run.printed == [
        OutputLine("FAILED h1: The disk is full.", Tone.BAD),
        OutputLine("manual 1/1 · took 0:00 · 1 failed", Tone.BAD),
    ]


def test_progress_is_told_once_an_interval() -> None:
    run = Run(interval=5)
    run.play(hosts=100)
    run.task(SERIALIZE)
    for number in range(12):
        run.seconds += 1
        run.end(f"h{number}", HostOutcome.OK, SERIALIZE)
    assert [text.split(" · ")[0] for text in run.lines] == ["manual 5/100", "manual 10/100"]


def test_where_a_live_line_shows_progress_no_lines_do_until_the_play_ends() -> None:
    run = Run(interval=0, live=True)
    run.play(hosts=1)
    run.task(SERIALIZE)
    run.end("h1", HostOutcome.OK, SERIALIZE)
    assert run.printed == []
    run.play("next")
    assert run.lines == ["manual 1/1 · took 0:00"]


def test_the_clock_of_a_flow_starts_with_its_transaction() -> None:
    run = Run()
    run.play(hosts=1, is_flow=True)
    run.task(name="Prepare")
    run.seconds += 60
    run.task(SERIALIZE, name="Serialize")
    run.seconds += 2
    run.end("h1", HostOutcome.OK, SERIALIZE, task="Serialize")
    assert run.lines == ["manual 1/1 · 30/min · took 0:02"]


def test_batches_of_one_play_are_one_flow() -> None:
    run = Run()
    run.play("factory", hosts=3, batch=2)
    run.task(SERIALIZE)
    for host in ("h1", "h2"):
        run.end(host, HostOutcome.OK, SERIALIZE)
    assert run.model.is_playing("factory")
    run.batch(1)
    run.task(SERIALIZE)
    run.end("h3", HostOutcome.OK, SERIALIZE)
    assert [text.split(" · ")[0] for text in run.lines] == ["factory 3/3"]


def test_a_flow_that_is_broken_off_says_how_many_devices_are_left() -> None:
    run = Run()
    run.play(hosts=3)
    run.task(SERIALIZE)
    run.end("h1", HostOutcome.OK, SERIALIZE)
    run.printed += run.model.end_play()
    assert run.printed == [OutputLine("manual 1/3 · took 0:00 · 2 not finished: run again", Tone.BAD)]


def test_a_device_that_fails_for_good_before_its_transaction_has_ended() -> None:
    run = Run()
    run.play(hosts=1, is_flow=True)
    run.task()
    run.fail("h1", "no serial")
    assert run.lines == ["FAILED h1 [Install]: no serial", "manual 1/1 · took 0:00 · 1 failed"]


def test_a_failure_that_is_ignored_before_the_transaction_ends_no_device() -> None:
    run = Run()
    run.play(hosts=1, is_flow=True)
    run.task()
    run.fail("h1", "no serial", is_ignored=True)
    assert run.printed == [OutputLine("FAILED h1 [Install]: no serial (ignored)", Tone.WARNING)]


def test_within_a_flow_its_other_tasks_have_no_lines() -> None:
    run = Run()
    run.play(hosts=1, is_flow=True)
    run.task(name="Prepare")
    run.end("h1", task="Prepare")
    run.task(name="Write")
    assert run.printed == []


def test_a_play_that_means_no_host_is_no_flow_and_is_told_only_on_demand() -> None:
    quiet, verbose = Run(), Run(verbose=True)
    for run in (quiet, verbose):
        run.play(hosts=0, is_flow=True)
        run.printed += run.model.find_no_host() + run.model.end_play()
    assert quiet.lines == []
    assert verbose.lines == ["manual: no host is meant by this play"]


def test_a_play_that_lost_all_its_hosts_says_so() -> None:
    run = Run()
    run.play()
    assert run.model.lose_all_hosts() == [OutputLine("manual: no host is left to go on with", Tone.BAD)]


# --- one task for many units ------------------------------------------------------------------------------------

UNITS = (
    {"host": "h1", "changed": True},
    {"host": "h2", "failed": True, "msg": "The disk is full."},
    {"host": "h3", "unreachable": True, "msg": "no route"},
)


def test_units_of_one_task_are_counted_each() -> None:
    run = Run()
    run.play(hosts=3)
    run.task(FLEET, run_once=True)
    run.end("h1", HostOutcome.FAILED, FLEET, units=UNITS)
    assert run.lines == [
        "FAILED h2: The disk is full.",
        "UNREACHABLE h3: no route",
        "manual 3/3 · took 0:00 · 1 failed · 1 unreachable",
    ]


def test_units_of_a_loop_are_counted_as_they_end_and_not_again_with_the_loop() -> None:
    run = Run(interval=0)
    run.play(hosts=3)
    run.task(FLEET, run_once=True)
    run.end_item("h1", HostOutcome.CHANGED, UNITS[0], FLEET)
    run.end_item("h1", HostOutcome.FAILED, UNITS[1], FLEET)
    run.end_item("h1", HostOutcome.UNREACHABLE, UNITS[2], FLEET)
    told = [
        "manual 1/3",
        "FAILED h2: The disk is full.",
        "manual 2/3 · 1 failed",
        "UNREACHABLE h3: no route",
        "manual 3/3 · took 0:00 · 1 failed · 1 unreachable",
    ]
    assert run.lines == told
    run.end("h1", HostOutcome.FAILED, FLEET, units=UNITS, is_loop=True)
    assert run.lines == told


def test_the_host_that_spoke_for_a_failed_batch_is_judged_by_its_own_unit() -> None:
    run = Run()
    run.play(hosts=3)
    run.task(FLEET, run_once=True)
    run.end("h1", HostOutcome.FAILED, FLEET, units=UNITS)
    run.printed.clear()
    run.close(h1=counts(failures=1))
    assert run.lines == [
        "h2 : ok=0 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0",
        "h3 : ok=0 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0",
        "3 hosts · 1 changed · 1 failed · 1 unreachable · took 0:00",
    ]
    assert [line.tone for line in run.printed] == [Tone.BAD, Tone.UNREACHABLE, Tone.BAD]


def test_only_results_that_name_a_host_are_units() -> None:
    assert units_of({"results": [{"host": "h1"}, {"item": 1}, "text", None]}) == [{"host": "h1"}]
    assert units_of({"results": "censored"}) == []
    assert units_of({}) == []


# --- any other play ---------------------------------------------------------------------------------------------


def test_a_task_is_told_when_the_next_one_starts() -> None:
    run = Run()
    run.play("other")
    run.task(name="First")
    run.end("h1", HostOutcome.CHANGED, task="First")
    run.end("h2", HostOutcome.FAILED, task="First")
    run.end("h3", HostOutcome.SKIPPED, task="First")
    assert run.printed == []
    run.task(name="Second")
    assert run.printed == [OutputLine("First: 3 hosts · 1 changed · 1 skipped · 1 failed", Tone.BAD)]


def test_where_hosts_do_not_wait_for_each_other_tasks_are_told_at_the_end() -> None:
    run = Run()
    run.play("other", hosts=2, is_free=True)
    for host in ("h1", "h2"):
        for name in ("First", "Second"):
            run.task(name=name)
            run.end(host, task=name)
    assert run.printed == []
    run.printed += run.model.end_play()
    assert run.lines == ["First: 2 hosts · 2 ok", "Second: 2 hosts · 2 ok"]


def test_a_task_that_all_hosts_skip_is_told_only_on_demand() -> None:
    quiet, verbose = Run(), Run(verbose=True)
    for run in (quiet, verbose):
        run.play("other", hosts=1)
        run.task(name="Never")
        run.end("h1", HostOutcome.SKIPPED, task="Never")
        run.printed += run.model.end_play()
    assert quiet.lines == []
    assert verbose.lines == ["Never: 1 host · 1 skipped"]


# --- failures ---------------------------------------------------------------------------------------------------


def test_a_verdict_that_repeats_a_failure_is_not_told_again() -> None:
    run = Run()
    run.play("other")
    run.fail("h1", "The disk of h1 is full; free space.", SERIALIZE)
    run.fail("h1", "Not serialized: The disk of h1 is full; free space.")
    run.fail("h2", "The disk of h1 is full; free space.")
    assert [text.split(":")[0] for text in run.lines] == ["FAILED h1", "FAILED h2 [Install]"]


def test_a_summary_that_fails_is_told_whole_whatever_was_told_of_the_host_that_has_it() -> None:
    run = Run()
    run.play(hosts=2)
    run.task(SERIALIZE)
    gone = "The ledger cannot be reached; start its database and run again."
    run.fail("h1", gone, SERIALIZE)
    run.fail("h2", gone, SERIALIZE)
    run.play("sum up", hosts=2)
    run.printed.clear()
    summary = ["2 devices: 0 done, 2 failed.", f"h1: {gone}", f"h2: {gone}", f"That is not in the ledger: {gone}"]
    run.fail("h1", "\n".join(summary), SUMMARY)
    assert run.lines == ["FAILED h1 [Install]: " + "\n  ".join(summary)]


def test_a_report_that_fails_as_its_host_did_is_told_and_its_verdict_is_not() -> None:
    run = Run()
    run.play("other")
    gone = "The ledger cannot be reached; start its database and run again."
    run.fail("h1", gone, SERIALIZE)
    run.fail("h1", gone, "ioto.serialization.report", is_ignored=True)
    run.fail("h1", gone, "ansible.builtin.fail")
    assert run.lines == [f"FAILED h1: {gone}", f"FAILED h1 [Install]: {gone} (ignored)"]


def test_a_host_that_fails_after_a_summary_is_told_unless_the_summary_says_why() -> None:
    run = Run()
    run.model.remember_summary(["1 device: 1 done."])
    run.play("verdict")
    playbook = yaml.safe_load((ROOT / "playbooks" / "finish.yml").read_text("utf-8"))
    tasks = [task for play in playbook for task in play.get("tasks", ()) if FAIL in task]
    assert tasks
    for task in tasks:
        run.fail("h1", task[FAIL]["msg"], FAIL)
    assert run.lines == []
    run.fail("h1", "The label is not that of the device.", FAIL)
    assert run.lines == ["FAILED h1 [Install]: The label is not that of the device."]


def test_an_unreachable_host_has_a_tone_of_its_own() -> None:
    run = Run()
    run.play("other")
    run.fail("h1", "no route", outcome=HostOutcome.UNREACHABLE)
    assert run.printed == [OutputLine("UNREACHABLE h1 [Install]: no route", Tone.UNREACHABLE)]


def test_a_failed_loop_tells_the_reason_of_each_failed_item_once() -> None:
    run = Run()
    run.play("other")
    run.task()
    for item in ("a", "b", "a"):
        run.end_item("h1", HostOutcome.FAILED, {"msg": f"no {item}"})
    run.fail("h1", "One or more items failed")
    assert run.lines == ["FAILED h1 [Install]: no a no b"]


def test_the_batch_check_has_a_line_for_each_problem_and_does_not_make_its_host_a_device() -> None:
    run = Run()
    run.play("other", hosts=1)
    run.fail("localhost", "2 problems:\n- h1: bad ID\n- h2: no serial", PREFLIGHT)
    assert run.printed == [OutputLine("FAILED 2 problems:\n  - h1: bad ID\n  - h2: no serial", Tone.BAD)]
    run.close(localhost=counts(ok=1))
    assert run.lines[-1] == "0 hosts · 0 failed · 0 unreachable · took 0:00"


def test_a_task_of_ours_that_lists_what_is_wrong_lists_all_of_it() -> None:
    run = Run()
    run.play("ledger", hosts=1)
    problems = [f"line {number}: the claim ID is not one; correct it." for number in range(1000)]
    run.fail("localhost", "\n".join(["Nothing was imported:", *problems]), "ioto.serialization.ledger_entry")
    run.fail("localhost", "\n".join(["Nothing:", *("x" for _ in range(1200))]), "ioto.serialization.ledger_info")
    first, second = ([*line.split("\n")] for line in run.lines)
    assert first == ["FAILED localhost [Install]: Nothing was imported:", *(f"  {problem}" for problem in problems)]
    assert (len(second), second[-1]) == (1101, "  … and 101 more lines.")


def test_hostile_names_and_messages_come_out_clean_and_on_one_line() -> None:
    run = Run()
    run.play("man\x1b[2Jual\n", hosts=1, is_flow=True)
    run.fail("h1", "bad\r\x1b]0;owned\x07\nmore", label="h1\x1b[5m -> h2")
    assert run.lines == ["FAILED h1 -> h2 [Install]: bad more", "manual 1/1 · took 0:00 · 1 failed"]


# --- the end of a run -------------------------------------------------------------------------------------------


def test_a_device_that_failed_has_failed_although_a_rescue_hides_it() -> None:
    run = Run()
    run.play(hosts=2)
    run.task(SERIALIZE)
    run.end("h1", HostOutcome.CHANGED, SERIALIZE)
    run.fail("h2", "The disk is full.", SERIALIZE)
    run.printed.clear()
    run.seconds += 14
    run.close(h1=counts(ok=2, changed=1), h2=counts(ok=2, rescued=1))
    assert run.printed == [
        OutputLine("h2 : ok=2 changed=0 unreachable=0 failed=0 skipped=0 rescued=1 ignored=0", Tone.BAD),
        OutputLine("2 hosts · 1 changed · 1 failed · 0 unreachable · took 0:14", Tone.BAD),
    ]


def test_a_device_that_was_done_and_then_failed_elsewhere_has_failed() -> None:
    run = Run()
    run.play(hosts=1)
    run.task(SERIALIZE)
    run.end("h1", HostOutcome.CHANGED, SERIALIZE)
    run.play("label", hosts=1)
    run.fail("h1", "The printer is out of labels.")
    run.close(h1=counts(changed=1, failures=1))
    assert run.lines[-1] == "1 host · 1 failed · 0 unreachable · took 0:00"


def test_without_a_flow_the_totals_are_ansibles_own() -> None:
    run = Run()
    run.play("other")
    for host in ("h1", "h2", "h3"):
        run.end(host)
    run.close(h1=counts(ok=1), h2=counts(ok=1, changed=1), h3=counts(skipped=1), h4=counts(ok=1))
    assert run.printed == [
        OutputLine("3 hosts · 1 changed · 1 ok · 1 skipped · 0 failed · 0 unreachable · took 0:00", Tone.GOOD)
    ]


def test_the_summary_comes_last_and_once() -> None:
    run = Run()
    run.model.remember_summary(["2 to do again", "Records: /var/\x1b[2Jledger\nand more"])
    run.model.remember_summary("no list")
    run.end("localhost", HostOutcome.OK, SUMMARY)
    run.close()
    assert run.lines[1:] == ["2 to do again", "Records: /var/ledger and more"]
    assert run.model.take_summary() == []


# --- the live line ----------------------------------------------------------------------------------------------


def test_the_live_line_shows_the_flow_and_beside_it_a_task_that_is_no_transaction() -> None:
    run = Run(live=True)
    run.play(hosts=2, is_flow=True)
    run.task(name="Prepare")
    figures, doing = run.model.shown()
    assert (figures.name, figures.finished, figures.total, doing) == ("manual", 0, 2, "Prepare")
    run.task(SERIALIZE, name="Serialize")
    run.end("h1", HostOutcome.FAILED, SERIALIZE, task="Serialize")
    figures, doing = run.model.shown()
    assert (figures.finished, figures.failed, doing) == (1, 1, "")


def test_the_live_line_of_any_other_play_shows_its_task_and_before_that_the_play() -> None:
    run = Run(live=True)
    run.play("other", hosts=4)
    assert (run.model.shown()[0].name, run.model.shown()[0].total) == ("other", 4)
    run.task(name="Once", run_once=True)
    assert (run.model.shown()[0].name, run.model.shown()[0].total) == ("Once", 1)


# --- names and texts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "flow"),
    [
        ("ioto.serialization.manual", True),
        ("ioto.serialization.{{ ioto_mode }}", True),
        ("ioto.serialization.label", False),
        ("manual", False),
        ("other.collection.manual", False),
    ],
)
def test_a_flow_is_known_by_its_role(role: str, flow: bool) -> None:
    assert is_flow_role(role) is flow


def test_a_host_has_a_line_with_its_message_where_there_is_one() -> None:
    assert host_line("h1", "Serialize", HostOutcome.CHANGED, "written\n") == "changed h1 [Serialize]: written"
    assert host_line("h1", "Serialize", HostOutcome.OK, None) == "ok h1 [Serialize]"
    assert host_line("h1", "Serialize", HostOutcome.OK, {"no": "text"}) == "ok h1 [Serialize]"


def test_debug_prints_lists_item_by_item_and_other_values_with_their_name() -> None:
    result = {"msg": ["one", {"two": 2}], "ansible_host": "a\nb\x1b[2J", "changed": False, "_ansible_no_log": False}
    assert debug_lines("h1", result) == [
        "h1: one",
        'h1: {"two": 2}',
        "h1: ansible_host = a\nh1: ansible_host = b",
    ]
    assert debug_lines(None, {"msg": ["3 units: 1 PASS, 2 FAIL."]}) == ["3 units: 1 PASS, 2 FAIL."]


def test_texts_are_cleaned_however_deep_they_lie() -> None:
    assert clean_texts([{"before": "a\x1b[2J"}, 1, None]) == [{"before": "a"}, 1, None]


def test_the_live_line_takes_a_play_that_ends_while_it_is_shown() -> None:
    class Ending(RunModel):
        """Its play ends right behind the first look at it, by the thread that prints."""

        @property
        def _play(self) -> PlayStart | None:
            seen, self.there = self.there, None
            return seen

        @_play.setter
        def _play(self, play: PlayStart | None) -> None:
            self.there = play

    model = Ending(lambda: 100.0, interval=5.0, live=True, verbose=False)
    model.there = PlayStart("manual", "manual", 3, is_flow=False, is_free=False)
    figures, _doing = model.shown()
    assert (figures.name, figures.total) == ("manual", 3)
