# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No two slices of a job have one of its hosts at a time, on either database, and the last one has the last word."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.job.check import CheckedJob, Step, check_job
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.job.finish import (
    job_results,
    record_finish,
    still_to_come,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.job.process import is_alive, name_of_parent
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.job.slices import (
    begin_slice,
    record_slice,
    slices_to_replace,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.run_record import begin_run
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.summary import summarize
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    LedgerError,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.run_number import new_run_number
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.slices import (
    NewSlice,
    SliceOverlapError,
    open_slice,
    slices_of,
)
from tests.support.ledgers import PRODUCT

DONE = {"changed": True, "product": PRODUCT}
STARTED = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)


@dataclass
class Job:
    """A job of some hosts in one ledger, as its steps see it, each on a machine of its own."""

    location: str
    number: str
    names: Sequence[str]

    def hosts(self, *names: str, **more: Any) -> dict[str, dict[str, Any]]:
        """The variables of these hosts, or of all."""
        facts = {"ioto_mode": "manual", "ioto_product": PRODUCT, "ioto_ledger": self.location, "ioto_job": self.number}
        return {name: {**facts, "ioto_serial": f"SN-{name}", **more} for name in names or self.names}

    def begin(self, *names: str, replaces: str = "") -> tuple[str, list[str]]:
        """Begin a slice of these hosts; its number, and why it was refused."""
        number = new_run_number()
        hosts = self.hosts(*names)
        may_replace = {replaces} if replaces else set()
        return number, [*map(str, begin_slice(hosts, number, Ledger, may_replace=may_replace, check=False))]

    def end(self, number: str, outcomes: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """End a slice, with what became of each of its hosts."""
        facts = {
            name: {**variables, "ioto_outcome": {**outcomes[name], "serial": f"SN-{name}"}}
            for name, variables in self.hosts(*outcomes).items()
        }
        return record_slice(summarize(facts, check=False), Ledger, number=number)

    def checked(self, step: Step = Step.FINISH, **more: Any) -> CheckedJob:
        return check_job(self.hosts(**more), partial(Ledger, read_only=True), step)

    def results(self) -> dict[str, dict[str, Any]]:
        job = self.checked()
        assert not job.problems
        return {result["host"]: result for result in job_results(job)}

    def finish(self) -> list[str]:
        facts = self.hosts()
        facts[self.names[0]]["_ioto_fleet"] = {"results": list(self.results().values())}
        return record_finish(summarize(facts, check=False), Ledger, started=STARTED.isoformat())

    def events(self, *kinds: EventKind) -> list[Any]:
        with Ledger(self.location, read_only=True) as ledger:
            return list(ledger.events(run=self.number, kinds=kinds))


@pytest.fixture
def job(location: str) -> Job:
    made = Job(location, new_run_number(), ("a", "b", "c", "d"))
    begin_run(made.hosts(ioto_job=None), Ledger, run=made.number, job_started=STARTED)
    return made


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not this one."""
    process = subprocess.Popen((sys.executable, "-c", "import time; time.sleep(1000)"))
    yield process
    if process.poll() is None:
        process.kill()
        process.wait()


def test_of_slices_that_begin_at_once_one_has_the_host(job: Job) -> None:
    """Each on its own connection, as on machines of their own; nobody knows the others' processes."""
    start = threading.Barrier(8)

    def begin(number: int) -> bool:
        hosts = (f"own-{number}", "shared")
        with Ledger(job.location) as ledger:
            start.wait(timeout=30)
            try:
                open_slice(ledger.database, NewSlice(f"S-{number}", hosts, Context("ann@line", run=job.number)))
            except SliceOverlapError as error:
                assert "1 host of this slice (shared) is in another one" in str(error)
                return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(begin, range(8))) == [*[False] * 7, True]
    assert len(job.events(EventKind.SLICE)) == 1


def test_a_slice_keeps_its_hosts_until_it_ends(job: Job) -> None:
    first, refused = job.begin("a", "b")
    assert not refused
    _second, refused = job.begin("b", "c")
    (sentence,) = refused
    assert sentence.startswith("1 host of this slice (b) is in another one that has not ended, the slice ")
    assert f"the slice {first} ({Context.here().actor}, since " in sentence
    assert f"take its place with -e ioto_replaces_slice={first}" in sentence
    job.end(first, {"a": DONE, "b": {"failed": True, "msg": "It is dead."}})
    second, refused = job.begin("b", "c")
    assert not refused and job.results()["b"]["msg"].startswith(f"the slice {second} (")


def test_a_slice_that_takes_the_place_of_very_many_has_its_hosts(job: Job) -> None:
    """The numbers alone are more than the ledger keeps in one text."""
    context = Context("ann@line", run=job.number)
    hosts = [f"host-{number}" for number in range(25)]
    with Ledger(job.location) as ledger:
        for host in hosts:
            open_slice(ledger.database, NewSlice(f"{host:-<100}", (host,), context))
        whole = NewSlice("S-whole", hosts, context, is_alive=lambda _process: False)
        assert len(open_slice(ledger.database, whole)) == 25
        last = slices_of(ledger.events(run=job.number))["S-whole"]
        assert [*last.hosts] == hosts and len(last.replaces) == 25
        with pytest.raises(SliceOverlapError, match="S-whole"):
            open_slice(ledger.database, NewSlice("S-late", hosts[:2], context))


def test_whose_process_lives_on_this_machine_is_not_replaced_unless_somebody_says_so(job: Job) -> None:
    first, _refused = job.begin("a", "b")
    _second, refused = job.begin("a", "b")
    assert len(refused) == 1 and "it runs on this machine; wait for its end, or end it and take its place" in refused[0]
    _third, refused = job.begin("b", "c", replaces=first)
    assert not refused
    assert "did not come to an end with it, and another one took its place" in job.results()["a"]["msg"]


@pytest.mark.parametrize(
    ("hosts", "is_replaced"), [(("a", "b"), True), (("b", "a"), True), (("a",), False), (("a", "b", "c"), False)]
)
def test_where_nobody_can_see_its_process_only_a_slice_with_the_same_hosts_takes_its_place(
    job: Job, hosts: Sequence[str], *, is_replaced: bool
) -> None:
    with Ledger(job.location) as ledger:
        there = Context("ann@other", run=job.number)
        open_slice(ledger.database, NewSlice("S-1", ("a", "b"), there, process="elsewhere 1 1", is_alive=is_alive))
    number, refused = job.begin(*hosts)
    assert (not refused) is is_replaced
    assert not refused or "the slice S-1 (ann@other, since " in refused[0]
    if is_replaced:
        told = job.end(number, {"a": DONE, "b": DONE})
        assert any(line.startswith("It took the place of the slice S-1 (ann@other, since ") for line in told)


def test_a_slice_whose_process_has_died_here_gives_its_hosts_back(job: Job, stranger: subprocess.Popen[bytes]) -> None:
    where, _number, _started = name_of_parent().split(" ")
    started = Path(f"/proc/{stranger.pid}/stat").read_text().rpartition(")")[2].split()[19]
    name = f"{where} {stranger.pid} {started}"
    with Ledger(job.location) as ledger:
        context = Context("ann@line", run=job.number)
        open_slice(ledger.database, NewSlice("S-1", ("a", "b"), context, process=name))
    assert is_alive(name) and job.begin("b")[1]
    os.kill(stranger.pid, signal.SIGSTOP)
    assert is_alive(name)
    os.kill(stranger.pid, signal.SIGKILL)
    os.waitid(os.P_PID, stranger.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(name) is False  # not even where nobody has asked for its status yet
    stranger.wait()
    assert (
        is_alive(name) is False and is_alive(f"{where} {os.getpid()} 1") is False and is_alive("elsewhere 1 1") is None
    )
    assert not job.begin("b")[1]


def test_the_last_slice_of_a_host_has_the_last_word_and_not_the_one_that_ended_last(job: Job) -> None:
    first, _refused = job.begin("a", "b")
    second, _refused = job.begin("a", "b", replaces=first)
    job.end(second, {"a": DONE, "b": DONE})
    told = job.end(first, {"a": {"unreachable": True, "msg": "It is off."}, "b": DONE})
    assert any(line.startswith(f"Meanwhile its place was taken by the slice {second} (") for line in told)
    assert job.results()["a"]["changed"] is True and "failed" not in job.results()["a"]


def test_what_becomes_of_hosts_is_kept_as_far_as_the_finish_needs_it(job: Job) -> None:
    number, _refused = job.begin()
    claim_id = "M8JN7WZJMK"
    outcomes = {
        "a": {**DONE, "adopted": True, "notices": ["It is odd."], "claim_id": claim_id, "hardware": {"mac": "m"}},
        "b": {**DONE, "changed": False, "rewritten": True, "replaced": {"product": "X"}, "readable_by_others": True},
        "c": {"failed": True, "msg": "x" * 5000, "twin": "z", "failure": "twin", "hardware": {"mac": "n"}},
        "d": {"unreachable": True, "msg": "It is off.", "notices": ["y" * 5000]},
    }
    job.end(number, outcomes)
    found = job.results()
    assert found["a"]["adopted"] and found["a"]["notices"] == ["It is odd."] and found["a"]["serial"] == "SN-a"
    assert found["b"]["rewritten"] and found["b"]["replaced"] == {"product": "X"} and not found["b"]["changed"]
    assert found["c"]["twin"] == "z" and found["c"]["msg"].startswith("xxx") and found["c"]["failed"]
    assert found["d"]["unreachable"] and "failed" not in found["d"] and found["d"]["msg"] == "It is off."
    assert claim_id not in "".join(event.detail or "" for event in job.events(*EventKind))
    assert "still at work" not in str(still_to_come(job.checked()))
    line = summarize(
        {**job.hosts(), "a": {**job.hosts()["a"], "ioto_fleet": {"results": [*found.values()]}}}, check=False
    )
    assert line.lines[0].startswith("4 devices: 1 done (1 re-written), 1 already done, 1 failed, 1 unreachable.")


def test_labels_wait_for_each_host_until_it_had_its_slice(job: Job) -> None:
    """The twin of a unit that is done may be among those to come."""
    done = {"product": PRODUCT, "changed": True}
    first, _refused = job.begin("a", "b")
    assert "still at work, or dead: the slice " in str(still_to_come(job.checked()))
    job.end(first, {"a": done, "b": done})
    assert still_to_come(job.checked()) == "still to come: c, d"
    second, _refused = job.begin("c", "d")
    job.end(second, {"c": done, "d": {"failed": True, "msg": "it has no power."}})
    assert still_to_come(job.checked()) is None


def test_what_was_unusual_is_told_though_a_later_slice_found_it_done(job: Job) -> None:
    first, _refused = job.begin("a")
    job.end(first, {"a": {"product": PRODUCT, "changed": True, "adopted": True, "replaced": {"board": "x"}}})
    later, _refused = job.begin("a")
    job.end(later, {"a": {"product": PRODUCT, "changed": False}})
    told = job.results()["a"]
    assert told["adopted"] and told["replaced"] == {"board": "x"}


def test_what_is_to_be_typed_for_a_host_can_be_typed(location: str) -> None:
    strange = Job(location, new_run_number(), ("$(id)", "x;id"))
    begin_run(strange.hosts(ioto_job=None), Ledger, run=strange.number, job_started=STARTED)
    for result in job_results(strange.checked(), ["/srv/my line.yml"]):
        command = shlex.split(result["msg"].partition(": run the provision step again: ")[2])
        assert command[-2:] == ["--limit", result["host"]] and command[2:4] == ["-i", "/srv/my line.yml"]


def test_a_finish_records_once_what_is_new(job: Job) -> None:
    number, _refused = job.begin("a", "b", "c")
    job.end(number, {"a": DONE, "b": DONE, "c": {"failed": True, "msg": "It is dead."}})
    before = len(job.events(*EventKind))
    first = job.finish()
    new = job.events(*EventKind)[before:]
    # What the slice has said of c is there already; d no slice came to.
    assert [(event.kind, event.host) for event in new if event.kind != EventKind.RUN_HOSTS] == [
        (EventKind.FAILED, "d"),
        (EventKind.RUN, None),
    ]
    assert not any("finished before" in line or "A new ledger was made" in line for line in first)
    assert any("finished before, at" in line and "nothing has changed since" in line for line in job.finish())
    assert len(job.events(*EventKind)) == before + len(new)

    number, _refused = job.begin("c", "d")
    job.end(number, {"c": DONE, "d": DONE})
    assert any("what has changed since is recorded now" in line for line in job.finish())
    assert [event.detail.count('"done": 4') for event in job.events(EventKind.RUN)] == [0, 1]


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_of_finishes_at_the_same_instant_one_records_the_end(job: Job) -> None:
    number, _none = job.begin()
    job.end(number, dict.fromkeys(job.names, DONE))
    processes = get_context("fork")
    start = processes.Barrier(4)

    def finish() -> None:
        start.wait(timeout=30)
        job.finish()

    finishes = [processes.Process(target=finish) for _number in range(4)]
    for process in finishes:
        process.start()
    for process in finishes:
        process.join(timeout=60)

    assert [process.exitcode for process in finishes] == [0] * 4
    assert len(job.events(EventKind.RUN)) == 1


def test_a_finish_holds_twins_back_that_no_slice_saw_and_once(job: Job) -> None:
    context = Context("ann@line", run=job.number)
    with Ledger(job.location) as ledger:
        ids = [
            ledger.allocate(AllocationRequest(PRODUCT, f"SN-{name}", "generated", context)).claim_id for name in "abcd"
        ]
    for pair, twin in (("ab", {}), ("cd", {"failed": True, "msg": "Twins.", "twin": "c"})):
        for name, more in zip(pair, ({}, twin), strict=True):
            number, _refused = job.begin(name)
            job.end(number, {name: {**DONE, "hardware": {"mac": pair}, **more}})

    def held_back() -> list[bool]:
        with Ledger(job.location, read_only=True) as ledger:
            return [bool((claim := ledger.find(claim_id)) and claim.twin) for claim_id in ids]

    assert held_back() == [False, False, False, True]  # what the slice of d knew
    with Ledger(job.location) as ledger:
        ledger.resolve(ids[3], reason="it is the right one", context=context)
    job.finish()
    assert held_back() == [True, True, False, False]
    assert all("say that they are the same unit" in (event.detail or "") for event in job.events(EventKind.FAILED)[1:])
    with Ledger(job.location) as ledger:
        ledger.resolve(ids[0], reason="it is the right one", context=context)
    job.finish()
    assert held_back() == [False, True, False, False]


def test_a_step_whose_record_is_lost_fails(job: Job) -> None:
    def lost(_location: str | None) -> Ledger:
        raise LedgerError("The disk is full.")

    hosts = job.hosts("a", ioto_outcome={**DONE, "serial": "SN-a"})
    for record in (
        partial(record_slice, number="S-1"),
        partial(record_finish, started=STARTED.isoformat()),
    ):
        with pytest.raises(LedgerError, match=r"The disk is full\."):
            record(summarize(hosts, check=False), lost)


def test_hosts_that_are_not_those_of_the_check_are_refused_with_both_values(job: Job) -> None:
    def problems(step: Step, hosts: Mapping[str, Mapping[str, Any]]) -> list[str]:
        return [*map(str, check_job(hosts, partial(Ledger, read_only=True), step).problems)]

    assert not problems(Step.PROVISION, job.hosts("a", "c")) and not job.checked().problems
    assert job.checked().order == ["a", "b", "c", "d"]
    begin = "ansible-playbook ioto.serialization.job_check"
    assert problems(Step.PROVISION, job.hosts("a", ioto_serial="SN-9")) == [
        f"a: its ioto_serial is 'SN-9' and was 'SN-a' when the job {job.number} was checked; give what it was, or "
        f"begin a new job: {begin}."
    ]
    assert problems(Step.PROVISION, job.hosts("a", ioto_mode="auto"))[0].startswith(
        "a: its ioto_mode is 'auto' and was"
    )
    assert "is not set and was" in problems(Step.PROVISION, job.hosts("a", ioto_product=None))[0]
    assert problems(Step.PROVISION, job.hosts("a", "z")) == [
        f"z: it was not in the check of the job {job.number}; leave it out of this step, or begin a job that has it: "
        f"{begin}."
    ]
    (missing,) = problems(Step.FINISH, job.hosts("a"))
    assert missing.startswith("b, c, d: the job ") and missing.endswith(
        "the whole inventory of the check, without --limit."
    )
    (unknown,) = problems(Step.PROVISION, job.hosts("a", ioto_job="20261127T143210-7QK4XW"))
    assert "knows no job 20261127T143210-7QK4XW; give the number that the check said" in unknown
    assert "which is not the number of a job" in problems(Step.PROVISION, job.hosts("a", ioto_job="yesterday"))[0]
    assert "nothing says which job this step is of" in problems(Step.FINISH, job.hosts(ioto_job=""))[0]
    assert problems(Step.CHECK, job.hosts("a")) == [
        "a: ioto_job is given, and the check begins a new job; leave it out."
    ]
    mixed = {**job.hosts("a"), **job.hosts("b", ioto_job="20261127T143210-7QK4XW")}
    assert len(problems(Step.PROVISION, mixed)) == 2
    assert not problems(Step.PROVISION, {**job.hosts("a"), "left": {"ioto_mode": "none"}})


def test_only_slices_that_there_are_can_be_replaced(job: Job) -> None:
    number, _refused = job.begin("a")
    hosts = job.hosts("a", "b", ioto_replaces_slice=f"{number.lower()}, {new_run_number()}")
    found, problems = slices_to_replace(hosts, job.checked())
    assert found == {number} and len(problems) == 1 and "has no such slice" in str(problems[0])
    assert slices_to_replace(job.hosts("a"), job.checked()) == (set(), [])
    one = job.hosts("a", ioto_replaces_slice=f"{number},")
    assert slices_to_replace(one, job.checked()) == ({number}, [])


def test_a_job_of_many_hosts_is_read_back_whole(location: str) -> None:
    many = Job(location, new_run_number(), [f"pump-{number}" for number in range(500)])
    begin_run(many.hosts(ioto_job=None), Ledger, run=many.number, job_started=STARTED)
    number, _refused = many.begin(*many.names[:250])
    many.end(number, {name: {**DONE, "hardware": {"mac": name}, "notices": ["z" * 300]} for name in many.names[:250]})
    found = many.results()
    assert list(found) == list(many.names)
    assert [bool(result.get("failed")) for result in found.values()] == [False] * 250 + [True] * 250
