# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible leaves out of a run with no more than a warning."""

from __future__ import annotations

from collections.abc import Sequence

from ..batch.problem import Problem
from ..batch.selection import check_host_names, check_limit, check_sources
from .controller import Controller


def check_selection(controller: Controller, everybody: Sequence[str]) -> list[Problem]:
    """List it, for the hosts of the play."""
    sources, patterns, known = controller.selection()
    strange = check_host_names(controller.taken_for_patterns(everybody))
    return [*check_sources(sources), *check_limit(patterns, known), *strange]
