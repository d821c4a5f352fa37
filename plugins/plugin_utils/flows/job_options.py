# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a job, whose check, slices and finish may each be on another machine."""

from __future__ import annotations

from ..option import AGENT_FACTORY, AUTO, FACTORY, FIRMWARE, MANUAL, PLAYBOOKS, Option

JOB = Option(
    "job",
    "The number of the job that the task belongs to.",
    modules=("serialize", "firmware_image"),
    flows=(MANUAL, AUTO, FACTORY, AGENT_FACTORY, FIRMWARE),
)
REPLACES_SLICE = Option(
    "replaces_slice",
    "The numbers of slices of the job that are dead, and whose hosts this slice takes over, with commas between them. "
    "A slice with the same hosts as the dead one needs no such word.",
    type="list",
    elements="str",
    flows=(PLAYBOOKS,),
)
