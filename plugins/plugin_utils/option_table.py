# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of all options: every feature's rows, joined."""

from __future__ import annotations

from .audit import options as audit
from .batch import options as batch
from .checkpoints import options as checkpoints
from .firmware import options as firmware
from .fleet import options as fleet
from .flows import options as flows
from .labelling import options as labelling
from .ledger import options as ledger
from .ledger.rework import options as rework
from .line import options as line
from .option import Option, names_of, of_module
from .report import options as report
from .service import options as service
from .verification import options as verification

TABLE: tuple[Option, ...] = (
    *batch.OPTIONS,
    *fleet.OPTIONS,
    *firmware.OPTIONS,
    *ledger.OPTIONS,
    *rework.OPTIONS,
    *checkpoints.OPTIONS,
    *report.OPTIONS,
    *audit.OPTIONS,
    *labelling.OPTIONS,
    *verification.OPTIONS,
    *flows.OPTIONS,
    *service.OPTIONS,
    *line.OPTIONS,
)
"""Rows of one name and module, or of one variable and flow, stand here once."""

VARIABLES_OF_ALL = names_of(TABLE)
"""Every variable that somebody reads."""


def options_of(module: str) -> dict[str, Option]:
    """Return the options that a module of the collection takes, by name."""
    return of_module(TABLE, module)
