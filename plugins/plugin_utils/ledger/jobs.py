# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of `playbooks/ledger.yml`: which variables each takes, and which it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ..display_text import quoted
from .options import JOB, JOBS, OF_THE_PLAYBOOK

_REASON = "ioto_reason"
_PREFIX = "ioto_ledger_"
_FILTER = ("claim_id", "serial", "product", "host", "state", "source", "run", "since", "until", "reveal")
_WHOLE = f"{_PREFIX}whole"
_TRUE = ("true", "yes", "on", "1", "y", "t")
_CLAIM = ("claim_id", "serial", "product", "reveal")


@dataclass(frozen=True, slots=True)
class LedgerJob:
    """Variables without their prefix, or whole where they begin otherwise; of `one_of`, one is needed."""

    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    needs_reason: bool = False


_NAMED = ("claim_id", "serial")
_TABLE: Mapping[str, LedgerJob] = {
    "find": LedgerJob((*_FILTER, "limit", "history")),
    "chain": LedgerJob(_CLAIM, one_of=_NAMED),
    "void-labels": LedgerJob(("product", "since", "until", "dest", "format", "reveal")),
    "conflicts": LedgerJob(("reveal",)),
    "export": LedgerJob((*_FILTER, "dest", "format", "whole"), needs=("dest",)),
    "import": LedgerJob(("src", "format"), needs=("src",)),
    "retire": LedgerJob(_CLAIM, one_of=_NAMED, needs_reason=True),
    "rebind": LedgerJob((*_CLAIM, "new_serial"), needs=("new_serial",), one_of=_NAMED, needs_reason=True),
    "labelled": LedgerJob(_CLAIM, one_of=_NAMED, needs_reason=True),
    "resolve": LedgerJob(_CLAIM, one_of=_NAMED, needs_reason=True),
    "check": LedgerJob(),
    "backup": LedgerJob(("dest", "keep"), needs=("dest",)),
    "restore": LedgerJob(("src",), needs=("src",)),
    "migrate": LedgerJob(),
    "move": LedgerJob(("to",), needs=("to",)),
    "merge": LedgerJob(("from",), needs=("from",)),
    "compare": LedgerJob(("with",), needs=("with",)),
    "checkpoint": LedgerJob(("run",), needs=("ioto_checkpoint_key",)),
    "verify": LedgerJob(("src", "claim_id", "serial", "product"), needs=("src", "ioto_checkpoint_public_key")),
    "new-key": LedgerJob(needs=("ioto_checkpoint_key",)),
}


def job_problems(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the job that `variables` name, and with what is said beside it: a sentence each."""
    name = variables.get(JOB)
    job = _TABLE.get(name) if isinstance(name, str) else None
    if job is None:
        yield _unknown(name)
        return
    given = {variable for variable in OF_THE_PLAYBOOK if variables.get(variable) not in (None, "")}
    for variable in map(_whole, job.needs):
        if variables.get(variable) in (None, ""):
            yield f"The job {name} needs {variable}; give it."
    if job.one_of and not any(f"{_PREFIX}{word}" in given for word in job.one_of):
        yield f"The job {name} needs to know whose; give {' or '.join(_PREFIX + word for word in job.one_of)}."
    if job.needs_reason and _REASON not in given:
        yield f"The job {name} needs {_REASON}, which the history keeps; give it."
    taken = {JOB, _REASON, *(f"{_PREFIX}{word}" for word in job.takes)}
    for variable in sorted(given - taken):
        yield f"{variable} has no meaning for the job {name}; leave it out."
    if name == "export" and str(variables.get(_WHOLE)).lower() in _TRUE:
        for variable in sorted(given & {f"{_PREFIX}{word}" for word in _FILTER if word != "reveal"}):
            yield f"{variable} has no meaning where the whole ledger is exported; leave it, or {_WHOLE}, out."


def _whole(word: str) -> str:
    return word if word.startswith("ioto_") else f"{_PREFIX}{word}"


def _unknown(name: object) -> str:
    listed = ", ".join(JOBS)
    if name in (None, ""):
        return f"Nothing says what to do with the ledger; give {JOB}, one of {listed}."
    nearest = get_close_matches(str(name), JOBS, n=1)
    meant = f" Did you mean {nearest[0]}?" if nearest else ""
    return f"{JOB} is {quoted(str(name))}, which is not a job.{meant} The jobs are {listed}."
