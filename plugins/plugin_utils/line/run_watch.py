# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of a playbook as the tiles of the line show it: events go in, reports of slots come out.

It knows no Ansible. A board is PASS once the summary has it done, for only then was its ID read back, its label made
and the run recorded. It is FAIL at once, and once: that Ansible tells a failure again at the end adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..flows.action_names import FAIL, LABEL_HOSTS, PREFLIGHT, SERIALIZE, SERIALIZE_FLEET, SUMMARY, VERIFY
from ..service.slot_message import SlotReport, SlotState
from . import words

_FLOWS = frozenset((SERIALIZE, SERIALIZE_FLEET))
_SHOWN_OF_ID = 2

Tell = Callable[[SlotReport], None]


class RunWatch:
    """Follows the hosts of a run that are slots: `arrivals` says which, each with the number of its board."""

    def __init__(self, arrivals: Mapping[str, int], tell: Tell) -> None:
        self._tell = tell
        self._reports = {
            host: SlotReport(host, number, SlotState.WORKING, step=words.STARTED, at=_now())
            for host, number in arrivals.items()
        }
        self._told: dict[str, SlotReport] = {}
        self._done: set[str] = set()
        """Whose last task of ours has read the ID back from the board."""
        self._to_label: Sequence[str] = ()
        self._maybe_twice: Sequence[str] = ()
        """Whose labels may be there twice."""

    def start(self) -> None:
        """Tell that all of them are being worked on."""
        for host in self._reports:
            self._show(host)

    def start_task(self, action: str, hosts: Iterable[str]) -> None:
        """Tell what is done with those of `hosts` that are not done yet; `action` is the name within our collection."""
        hosts = [*hosts]
        if action == LABEL_HOSTS:
            self._to_label = hosts
        if (step := words.STEPS.get(action)) is None:
            return
        for host in hosts:
            if self._is_open(host):
                self._reports[host] = replace(self._reports[host], step=step)
                self._show(host)

    def end_task(self, action: str, host: str, result: Mapping[str, Any]) -> None:
        """Take what a task that succeeded found out."""
        if action in _FLOWS:
            for one in result.get("results") or [{**result, "host": host}]:
                self._learn(str(one.get("host", host)), one)
        elif action == VERIFY:
            self._done.add(host)
        elif action == LABEL_HOSTS:
            self._take_labels(result)
        elif action == SUMMARY:
            self._conclude(result)

    def fail_task(self, action: str, host: str, result: Mapping[str, Any]) -> None:
        """Take that a task failed, or that its host was `unreachable`, and nothing ignores that.

        What another task than ours failed with may be rescued: only the end of the run tells.
        """
        if action == PREFLIGHT:
            # It speaks for all hosts, and ends the run for each of them.
            self._fail_all(words.refused_batch(result))
        elif action == SUMMARY:
            # The lines of the summary come first, and a tile has no room for those of the other boards.
            self._fail_all(words.because(words.NOT_RECORDED, str(result.get("msg") or "").rpartition("\n")[2]))
        elif action == LABEL_HOSTS:
            # Where it does not come to say who has none, nobody has.
            nobody = dict.fromkeys(self._to_label, result.get("msg"))
            self._take_labels(result if "not_labelled" in result else {"not_labelled": nobody})
        elif result.get("results") and action in _FLOWS:
            self.end_task(action, host, result)
        elif action in _FLOWS or action in (FAIL, VERIFY) or result.get("unreachable"):
            self._learn(host, result)
            self._fail(host, words.of_result(result))

    def end(self, failed: Iterable[str], done: Iterable[str]) -> None:
        """Take how the hosts ended by Ansible's own counts: who has no verdict by now gets one."""
        bad, good = set(failed), set(done)
        for host in self._reports:
            if host in good - bad and host in self._done:
                self._pass(host)
            else:
                self._fail(host, words.UNFINISHED)

    def _learn(self, host: str, result: Mapping[str, Any]) -> None:
        """Note whom a result is about; where it failed, say so."""
        if host not in self._reports:
            return
        serial, claim_id = result.get("serial"), result.get("claim_id")
        self._reports[host] = replace(
            self._reports[host],
            serial=str.__str__(serial) if isinstance(serial, str) else self._reports[host].serial,
            claim_id_end=claim_id[-_SHOWN_OF_ID:] if isinstance(claim_id, str) else self._reports[host].claim_id_end,
        )
        if result.get("failed") or result.get("unreachable"):
            self._fail(host, words.of_result(result))
        elif not (result.get("scan_refused") or result.get("skipped")):
            self._done.add(host)
            if self._is_open(host):
                self._show(host)

    def _take_labels(self, result: Mapping[str, Any]) -> None:
        self._maybe_twice = result.get("maybe_twice") or ()
        missing = result.get("not_labelled")
        if not isinstance(missing, Mapping):
            return
        for host, reason in missing.items():
            if self._is_open(host):
                self._judge(host, SlotState.NO_LABEL, words.because(words.NO_LABEL, reason))

    def _conclude(self, result: Mapping[str, Any]) -> None:
        sentences = dict(line.partition(": ")[::2] for line in result.get("lines") or ())
        failures = result.get("failures") or {}
        for host in self._reports:
            if host in (result.get("not_done") or ()):
                self._fail(host, words.of_result({**failures.get(host, {}), "msg": sentences.get(host)}))
            elif host in self._done:
                self._pass(host)
            else:  # its mode may have come to be none, so that it is no part of the batch
                self._fail(host, words.UNFINISHED)

    def _fail_all(self, trouble: words.Trouble) -> None:
        for host in self._reports:
            self._fail(host, trouble)

    def _fail(self, host: str, trouble: words.Trouble) -> None:
        if self._is_open(host):
            self._judge(host, SlotState.FAIL, trouble)

    def _pass(self, host: str) -> None:
        if self._is_open(host):
            self._judge(host, SlotState.PASS, words.MAYBE_TWICE if host in self._maybe_twice else None)

    def _judge(self, host: str, state: SlotState, trouble: words.Trouble | None) -> None:
        report = replace(self._reports[host], state=state, step=None, at=_now())
        self._reports[host] = trouble.told_of(report, state) if trouble else report
        self._show(host)

    def _is_open(self, host: str) -> bool:
        return host in self._reports and not self._reports[host].state.is_verdict

    def _show(self, host: str) -> None:
        report = self._reports[host]
        if self._told.get(host) != report:
            self._told[host] = report
            self._tell(report)


def _now() -> datetime:
    return datetime.now(UTC)
