# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Into which ledger what is done with a host is recorded, and as whose doing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..ledger.records import Context
from ..ledger.run_number import parse_job_number
from ..option import given_by
from .options import RECORDED, parse_operator


@dataclass(frozen=True, slots=True)
class Recording:
    """What the options say that every task has which writes to the ledger."""

    ledger: str | None = None
    """Path or URL; None is the default one."""
    operator: str | None = None
    """Who stands at the line."""
    run: str | None = None
    """The number of the run, that of its job if it has one; None is that of this process."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Recording:
        """Return what a task's `options` say. Raises `OperatorError` or `JobNumberError`."""
        return cls(options.get("ledger"), parse_operator(options.get("operator")), parse_job_number(options.get("job")))

    @classmethod
    def of_host(cls, variables: Mapping[str, Any]) -> Recording:
        """Return what a host's variables say: those of `VARIABLES` that are set."""
        return cls.of(given_by(RECORDED, variables))

    def under(self, run: str | None) -> Recording:
        """Return the same under the number `run`; None changes nothing."""
        return self if run is None else replace(self, run=run)

    def context(self, host: str | None = None) -> Context:
        """Return by whom, and at which device, for the ledger's events."""
        return replace(Context.here(host, run=self.run), operator=self.operator)


def job_of(hosts: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the number of the job that the variables of hosts say, one for all; None for no job."""
    return next((number for facts in hosts if (number := Recording.of_host(facts).run) is not None), None)


def account_of(actor: str) -> str:
    """Return the `user@station` of an event's `actor`; before events had a column for the operator, he stood there."""
    return actor.rpartition(_AT)[2]


_AT = ", "
"""Between the operator and `user@station`, which holds none."""


VARIABLES = tuple(RECORDED)
"""What has to be known of a host."""
