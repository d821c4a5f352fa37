# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A defect of this collection that shows on one unit: that unit fails alone, and what it takes to mend it is kept."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from ..claim_ids import mask_within
from ..display_text import printable
from ..errors import FailureKind

Log = Callable[[str], None]
"""Takes what is for who mends this collection, and for nobody's screen."""


class UnitResult(NamedTuple):
    """What became of one unit: the result to show, and the trace where a defect ended it, for a `Log`."""

    result: dict[str, Any]
    trace: str | None = None


def failed_by_defect(host: str, error: Exception, where: str) -> UnitResult:
    """Return what became of `host`, where `error` was never to be raised; `where` begins the sentence that says so.

    Claim IDs are masked in both, since nobody knows what an unforeseen message holds.
    """
    what = f"{type(error).__name__}: {printable(mask_within(str(error)))}"
    sentence = f"{where} ({what}); report it, with what is shown of it with -vvv."
    trace = mask_within("".join(traceback.format_exception(error)))
    return UnitResult(
        {"host": host, "changed": False, "failed": True, "failure": FailureKind.DEFECT.value, "msg": sentence},
        f"{where}:\n{trace.rstrip()}",
    )
