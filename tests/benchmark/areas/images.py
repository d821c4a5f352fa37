# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Firmware images a second, beside `cp` and `sync` of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmark.firmware_images import measure as rates_of
from tests.benchmark.measure import Bar, Measure, Size

PEER = "cp and sync"
AT_A_TIME = 5
ROWS = {
    "flow": ("firmware.yml, flow", Bar(0.6, at_least=True)),
    "whole run": ("firmware.yml, run", Bar(0.5, at_least=True)),
    "whole run of an order": ("firmware.yml, order", Bar(0.5, at_least=True)),
}


@dataclass(frozen=True)
class ImagePlan:
    """How many ext4 images of how many megabytes, and how many of each of the other formats, in the first round."""

    images: int
    megabytes: int
    others: int
    formats: tuple[str, ...] = ("fat", "squashfs", "tar", "tar.gz")


PLANS: Mapping[Size, ImagePlan] = {
    Size.FULL: ImagePlan(500, 8, 60),
    Size.QUICK: ImagePlan(150, 8, 20, ("fat", "tar")),
    Size.TINY: ImagePlan(2, 8, 2, ()),
}
"""Of 60 images, the start of Ansible was two thirds of the run; of 500 it is a sixth, so that one sees what an image
costs. They take 4 GB of the disk at a time, and five rounds take two to three minutes.
"""


def measure(size: Size, number: int) -> Iterator[Measure]:
    """Measure one round in the folder at hand."""
    plan = PLANS[size]
    yield from _of("ext4", plan.images, plan.megabytes, with_bars=True)
    if number == 1:
        for kind in plan.formats:
            yield from _of(kind, plan.others, plan.megabytes)


def _of(kind: str, images: int, megabytes: int, *, with_bars: bool = False) -> Iterator[Measure]:
    rates = rates_of(kind, images, megabytes, AT_A_TIME, Path().absolute(), order=with_bars)
    for what, (key, bar) in ROWS.items():
        if key in rates:
            told = f"{kind}, {images} of {megabytes} MB, {what}"
            yield Measure(told, "images/s", (rates[key],), PEER, (rates[PEER],), bar if with_bars else None)
