# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make bench` measures, area by area: each is one file here, with a function that measures one round.

    def measure(size: Size, number: int) -> Iterator[Measure]

`number` counts rounds from 1. A round runs in a process of its own, in the folder of the revision that is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from tests.benchmark.measure import Size


@dataclass(frozen=True)
class Area:
    """`rounds` that are run, and how many `seconds` one takes on two idle cores, by size; `about` is for the page."""

    title: str
    about: str
    rounds: Mapping[Size, int]
    seconds: Mapping[Size, float]


def _by_size(full: float, quick: float, tiny: float) -> Mapping[Size, float]:
    return {Size.FULL: full, Size.QUICK: quick, Size.TINY: tiny}


_FIVE: Mapping[Size, int] = {Size.FULL: 5, Size.QUICK: 2, Size.TINY: 1}
_ONE: Mapping[Size, int] = {Size.FULL: 1, Size.QUICK: 1, Size.TINY: 1}

AREAS: Mapping[str, Area] = {
    "fleet": Area(
        "The fleet engine",
        "One SSH server (``tests/fleet``, kind ``crowd``) plays the devices on 127.0.0.0/8, on the machine of the "
        "controller, so that devices and controller share its cores. CPU is user + system of all processes of the "
        "controller, not of the server. A further device costs what the larger inventory takes more, divided by the "
        "devices that it has more; what is left of the smaller one is the fixed cost of a run, beside a playbook that "
        "says ``debug`` once for the same inventory, and 0.4 s.",
        _FIVE,
        _by_size(105, 25, 8),
    ),
    "start": Area(
        "The start of a run, and the default engine",
        "Each playbook beside one that has nothing but a ``debug`` for each host, in turns; CPU of all processes of "
        "the controller.",
        _FIVE,
        _by_size(35, 20, 15),
    ),
    "scale": Area(
        "Large inventories and orders",
        "Batch check, summary and report of hosts that are all done, without a device: one ``ansible-playbook`` for "
        "each size, with the CPU of each play. A host costs what it costs more than an inventory of one host does; the "
        "floor is a play with one ``debug`` for the same hosts. Of an order, ``csv`` reads the same bytes.",
        _FIVE,
        _by_size(80, 20, 12),
    ),
    "images": Area(
        "Firmware images",
        "``playbooks/firmware.yml`` beside ``cp`` and ``sync`` of each image, on the same disk. Each of our images is "
        "on the disk, read back, compared with its base, hashed and recorded. The flow is from the first image to the "
        "last; the run has Ansible's start, the checks, the names and labels of the units and the summary in it. A "
        "production order names the units by itself.",
        _FIVE,
        _by_size(30, 12, 6),
    ),
    "labels": Area(
        "Labels",
        "One PDF, beside the same labels done plainly with reportlab and segno.",
        _FIVE,
        _by_size(8, 3, 1),
    ),
    "service": Area(
        "The factory service",
        "64 connections ask for distinct units; one core serves, and the other one asks. Beside it stands an empty "
        "ASGI application on the same server (uvicorn, uvloop, httptools). Requests are counted by the second of the "
        "server's CPU, in pairs of rounds.",
        _ONE,
        _by_size(75, 25, 15),
    ),
    "ledger": Area(
        "Growth of the ledger",
        "What people ask a ledger of three years, when it is large and when it is small; medians of seven.",
        _ONE,
        _by_size(60, 15, 12),
    ),
}


def module_of(area: str) -> ModuleType:
    """Return the file of an area. Raises `ImportError` where the revision at hand lacks what it measures."""
    return import_module(f"tests.benchmark.areas.{area}")
