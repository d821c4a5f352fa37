# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plays after those of the devices have to know: who gets labels, the run's report and its checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..batch.check import NOBODY
from ..batch.check_options import check_options, without
from ..batch.problem import Problem
from ..checkpoints import options as checkpoint_options
from ..labelling import options as label_options
from ..labelling.hosts import check_hosts, labelled_hosts
from ..report import options as report_options
from .controller import Controller, Hosts

VARIABLES = (*label_options.VARIABLES, *report_options.VARIABLES, *checkpoint_options.VARIABLES)
"""What has to be known of each host for it."""


@dataclass(slots=True)
class LastPlays:
    """The hosts that take part in labelling, the options of report and checkpoint, what is wrong, and what is told."""

    problems: Sequence[Problem] = ()
    labelled: list[str] = field(default_factory=lambda: NOBODY)
    report: dict[str, Any] | None = None
    checkpoint: dict[str, Any] | None = None
    told: list[str] = field(default_factory=list)

    def wait_for(self, others: str | None) -> None:
        """Have no labels made before each host had its slice: one may yet be the twin of a unit that is done."""
        if others and self.labelled != NOBODY:
            self.labelled = NOBODY
            self.told.append(
                f"No labels are made before each host of the job has had its slice; {others}. Finish again then."
            )


def check_last_plays(controller: Controller, hosts: Hosts, run: str) -> LastPlays:
    """Return what those plays do for `hosts`, and what is wrong with it; `run` is the number of the run or job."""

    def check_key(key: str, passphrase_file: str | None) -> None:
        controller.require("checkpoints")
        # Not at the top: the library is needed where somebody signs.
        from ..checkpoints.keys import private_key  # noqa: PLC0415

        private_key(key, passphrase_file)

    report, report_problems = report_options.run_report(hosts, controller.complete)
    checkpoint, checkpoint_problems = checkpoint_options.run_checkpoint(hosts, controller.complete, check_key)
    mistyped = check_options(hosts, controller.complete, label_options.label_variables)
    of_labels, without_label = check_hosts(
        without(hosts, mistyped), lambda options: controller.complete(options, label_options.ARGUMENTS)
    )
    problems = [
        *mistyped,
        *of_labels,
        *report_problems,
        *(Problem(tuple(members), sentence) for members, sentence in checkpoint_problems),
    ]
    told = [f"One unit gets no label, and the others go on: {problem}" for problem in without_label]
    return LastPlays(problems, labelled_hosts(hosts), report, checkpoint and {**checkpoint, "run": run}, told)
