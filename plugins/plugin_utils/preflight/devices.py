# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with devices and images, and with the ways to them, before the first of them is touched."""

from __future__ import annotations

from collections.abc import Sequence

from ..batch.check import check_batch
from ..batch.check_options import check_options, without
from ..batch.job.check import Step
from ..batch.problem import Problem
from ..modes import Mode, is_for_fleet
from .controller import Controller, Hosts
from .result import without_value


def check_devices(controller: Controller, hosts: Hosts, step: Step | None) -> list[Problem]:
    """List it; the finish of a job touches no device and no image any more."""
    if step is Step.FINISH:
        return [*check_batch(hosts, with_ledgers=False), *check_options(hosts, controller.complete)]
    of_units = check_batch(hosts)
    return [
        *of_units,
        *check_options(hosts, controller.complete),
        *_check_images(controller, without(hosts, of_units)),
        *_check_ways(controller, [host for host, found in hosts.items() if is_for_fleet(found)]),
    ]


def _check_images(controller: Controller, hosts: Hosts) -> Sequence[Problem]:
    if not any(variables.get("ioto_mode") == Mode.FIRMWARE for variables in hosts.values()):
        return []
    # Not at the top: other flows have no use for what opens images.
    from ..firmware.check import check_images  # noqa: PLC0415

    return check_images(hosts, controller.complete, at_once=controller.forks)


def _check_ways(controller: Controller, fleet: Sequence[str]) -> list[Problem]:
    """List the problems of the connections that the fleet engine would make."""
    if not fleet:
        return []
    controller.require("fleet")
    # Not at the top: the library is needed where somebody chose the fleet engine alone.
    from ..fleet.batch import check_ways  # noqa: PLC0415

    # Of these hosts alone: a password may come from a lookup that takes its time.
    hosts, unreadable = controller.readable(fleet, controller.ssh_variables())
    return [*without_value(unreadable), *check_ways(hosts, ssh_options=controller.ssh_options)]
