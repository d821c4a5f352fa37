# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The number of a run, by which its events are told from those of all others: a clock may step back, and two may begin
in the same second.
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from datetime import UTC, datetime

from ..claim_ids import ALPHABET
from ..display_text import quoted, shortened
from ..errors import IotoError

_LETTERS = 6
_MOMENT = "%Y%m%dT%H%M%S"
_NUMBER = re.compile(rf"[0-9]{{8}}T[0-9]{{6}}-[{ALPHABET}]{{{_LETTERS}}}")
_LONGEST_SHOWN = 40


class JobNumberError(IotoError):
    """What is not the number of a job."""


def parse_job_number(value: object) -> str | None:
    """Return the number of a job as somebody typed it; None for nothing. Raises `JobNumberError`."""
    if value is None or value == "":
        return None
    text = value.strip().upper() if isinstance(value, str) else ""
    if not _NUMBER.fullmatch(text):
        raise JobNumberError(
            f"ioto_job is {quoted(shortened(str(value), _LONGEST_SHOWN))}, which is not the number of a job; give it "
            "as ioto.serialization.job_check says it, such as 20261127T143210-7QK4XW."
        )
    return text


def new_run_number() -> str:
    """Return a number for a run that begins now, such as `20261127T143210-7QK4XW`: when, for people, and at random."""
    drawn = "".join(secrets.choice(ALPHABET) for _letter in range(_LETTERS))
    return f"{datetime.now(UTC):{_MOMENT}}-{drawn}"


def seconds_since(number: str | None) -> float | None:
    """Return how long ago the run with that `number` began; None where the number does not say it."""
    with suppress(ValueError):
        begun = datetime.strptime((number or "").partition("-")[0], _MOMENT).replace(tzinfo=UTC)
        return (datetime.now(UTC) - begun).total_seconds()
    return None


THIS_RUN = new_run_number()
"""The number of the run that this process belongs to.

Drawn when the module is loaded: Ansible loads an action in its main process before it forks the workers that run it,
so that all of them have the number of their `ansible-playbook`. A service is one run from its start to its end.
"""
