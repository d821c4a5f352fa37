# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sum up a batch: how many units are done, which are not and why, and where the records are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from ..display_text import counted, printable
from .results import some_of
from .twins import without_twins

FLEET_RESULTS = ("_ioto_fleet", "ioto_fleet")
"""Where the result of one task for many hosts is: as our playbooks register it, and as the role firmware and plays of
a user's own do."""
LABEL_RESULTS = "_ioto_labels"
VARIABLES = (
    *("ioto_mode", "ioto_outcome", "ansible_failed_result"),
    *(*FLEET_RESULTS, LABEL_RESULTS),
)
"""What has to be known of each host: its mode, and what its flow registered; what is for all hosts, one of them has."""


class Fate(StrEnum):
    """What became of a unit."""

    DONE = "done"
    ALREADY_DONE = "already done"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


_DONE = {Fate.DONE, Fate.ALREADY_DONE}
_UNUSUAL = {
    "adopted": "Adopted: the claim ID of {}, which had it, and the ledger did not know it",
    "rewritten": "Written again: the claim ID of {}",
    "not_confirmed": "Not confirmed to the factory service, which the next run makes up for: {}",
}
"""Members of a result, and what it means that they are there."""
_REPLACED = {
    "retired_claim_id": "the claim ID of {}; labels with the old one are void",
    "foreign_claim_id": "what {} had as claim ID, which was another unit's or none",
    "product": "the product of {}; labels that say the old one are void",
    "board": "the board or host key of {}",
}
"""Members of `replaced`, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """The lines to show, a sentence for each host that is not done, and what became of each that was not left alone."""

    lines: Sequence[str]
    not_done: Mapping[str, str]
    fates: Mapping[str, Fate]
    hosts: Mapping[str, Mapping[str, Any]]
    """What is known of each host, as `with_fleet` returns it."""


def summarize(hosts: Mapping[str, Mapping[str, Any]], *, check: bool, tags: str = "") -> BatchSummary:
    """Return the summary of a batch; `hosts` maps each host to its `VARIABLES`.

    `tags` are the options of the command line that choose among the tasks, such as `--tags auto`; empty for none.
    """
    hosts = with_fleet(hosts)
    fates = {host: _fate(facts, tags) for host, facts in hosts.items() if facts.get("ioto_mode") != "none"}
    counts = Counter(fate for fate, sentence in fates.values())
    done = "would be done" if check else "done"
    if rewritten := sum(bool((outcome_of(facts) or {}).get("rewritten")) for facts in hosts.values()):
        done += f" ({rewritten} re-written)"
    lines = [
        f"{counted(len(fates), 'device')}: {counts[Fate.DONE]} {done}, {counts[Fate.ALREADY_DONE]} already done, "
        f"{counts[Fate.FAILED]} failed, {counts[Fate.UNREACHABLE]} unreachable."
    ]
    not_done = {host: sentence for host, (fate, sentence) in fates.items() if fate in {Fate.FAILED, Fate.UNREACHABLE}}
    done_ones = {host: hosts[host]["ioto_outcome"] for host, (fate, _why) in fates.items() if fate in _DONE}
    lines += [*_unusual(done_ones, check=check), *_noticed(hosts), *_images(hosts, done_ones, check=check)]
    labels = next((facts[LABEL_RESULTS] for facts in hosts.values() if _has_labels(facts)), None)
    if labels is not None:
        lines.append(printable(labels["msg"]))
        if files := labels.get("files"):
            lines.append(f"The labels {'would be' if check else 'are'} in {some_of(list(files))}.")
        lines += [printable(notice) for notice in labels["notices"]]
        missing = {host: f"It has no label yet. {printable(why)}" for host, why in labels["not_labelled"].items()}
        not_done = {**missing, **not_done}
    lines += [f"{printable(host)}: {sentence}" for host, sentence in not_done.items()]
    open_ones = [host for host, facts in hosts.items() if (outcome_of(facts) or {}).get("readable_by_others")]
    if open_ones:
        lines.append(
            f"A device.json5 that every user of its device may read, and with it the claim ID: {some_of(open_ones)}; "
            "chmod 600 it there, or in the firmware."
        )
    left_alone = len(hosts) - len(fates)
    if left_alone:
        were = "host was" if left_alone == 1 else "hosts were"
        lines.append(f"{left_alone} more {were} left alone (ioto_mode: none).")
    return BatchSummary(lines, not_done, {host: fate for host, (fate, _unused) in fates.items()}, hosts)


def with_fleet(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return `hosts` with what the fleet engine found out of each, as if the host's own flow had; no twin is done."""
    fleet = {
        result["host"]: {"ioto_outcome": result}
        for facts in hosts.values()
        for name in FLEET_RESULTS
        if isinstance(facts.get(name), Mapping)
        for result in facts[name].get("results", ())
        if not result.get("skipped")
    }
    found = {host: {**facts, **fleet.get(host, {})} for host, facts in hosts.items()}
    outcomes = {
        host: facts["ioto_outcome"]
        for host, facts in found.items()
        if facts.get("ioto_mode") != "none" and isinstance(facts.get("ioto_outcome"), Mapping)
    }
    return {**found, **{host: {**found[host], "ioto_outcome": of} for host, of in without_twins(outcomes).items()}}


def outcome_of(facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what the flow of a host found or did, with product and serial; None where it failed or has not run."""
    outcome = facts.get("ioto_outcome")
    if not isinstance(outcome, Mapping) or not outcome.get("product") or not outcome.get("serial"):
        return None
    return None if outcome.get("failed") or outcome.get("unreachable") else outcome


def _unusual(outcomes: Mapping[str, Mapping[str, Any]], *, check: bool) -> list[str]:
    """What was done that a batch of new devices does not need, a line for each kind; void labels are listed, all."""
    lines = []
    for key, sentence in _UNUSUAL.items():
        if who := [host for host, outcome in outcomes.items() if outcome.get(key)]:
            lines.append(f"{sentence.format(counted(len(who), 'device'))}: {some_of(who)}.")
    gone = {host: outcome["replaced"] for host, outcome in outcomes.items() if outcome.get("replaced")}
    for fact, sentence in _REPLACED.items():
        if old := [f"{printable(host)} ({found[fact]})" for host, found in gone.items() if fact in found]:
            word = "Would be replaced" if check else "Replaced"
            lines.append(f"{word}: {sentence.format(counted(len(old), 'device'))}: {', '.join(old)}.")
    return lines


def _images(
    hosts: Mapping[str, Mapping[str, Any]], outcomes: Mapping[str, Mapping[str, Any]], *, check: bool
) -> list[str]:
    folders = Counter(
        str(PurePath(outcome["path"]).parent)
        for host, outcome in outcomes.items()
        if hosts[host].get("ioto_mode") == "firmware" and outcome.get("path")
    )
    return [
        f"{counted(number, 'image')} {'would be' if check else 'is' if number == 1 else 'are'} in {printable(folder)}."
        for folder, number in folders.items()
    ]


def _noticed(hosts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What was unusual about devices that are done, a line for those with the same."""
    noticed: dict[str, list[str]] = {}
    for host, facts in hosts.items():
        outcome = facts.get("ioto_outcome")
        if isinstance(outcome, Mapping):
            for notice in outcome.get("notices", ()):
                noticed.setdefault(printable(str(notice)), []).append(host)
    return [f"{some_of(who)}: {notice}" for notice, who in noticed.items()]


def _has_labels(facts: Mapping[str, Any]) -> bool:
    labels = facts.get(LABEL_RESULTS)
    return isinstance(labels, Mapping) and "not_labelled" in labels


def _fate(facts: Mapping[str, Any], tags: str) -> tuple[Fate, str]:
    outcome = facts.get("ioto_outcome")
    if not isinstance(outcome, Mapping) or outcome.get("skipped"):
        failed = facts.get("ansible_failed_result")
        reason = "its flow did not come to an end; run again."
        if tags:
            reason = f"nothing was done with it, since {printable(tags)} leaves out its flow; run without that."
        return Fate.FAILED, _sentence(failed, reason) if isinstance(failed, Mapping) else reason
    if outcome.get("unreachable"):
        return Fate.UNREACHABLE, _sentence(outcome, "it cannot be reached; check its address, power and network.")
    if outcome.get("failed"):
        return Fate.FAILED, _sentence(outcome, "it failed.")
    return (Fate.DONE if outcome.get("changed") else Fate.ALREADY_DONE), ""


def _sentence(result: Mapping[str, Any], otherwise: str) -> str:
    return printable(str(result.get("msg") or otherwise))
