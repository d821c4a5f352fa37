# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole run of the benchmark: when, on which machine, of which revisions, and what came of it."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tests.benchmark.areas import AREAS
from tests.benchmark.measure import Measure, Size, joined

FORMAT = 2
_LOOK = 2.0
"""Seconds: the load of the minute before would count what made ready for the run."""


@dataclass(frozen=True)
class Machine:
    """What the figures are of. `others` are the cores that others used when the run began; bytes of `memory`."""

    processor: str
    cores: int
    memory: int
    kernel: str
    distribution: str
    others: float

    @property
    def busy(self) -> bool:
        """Whether it did so much else that what is measured on it says little."""
        return self.others > self.cores / 10

    @classmethod
    def here(cls) -> Self:
        """Return this machine, now."""
        processors = _fields(Path("/proc/cpuinfo"), ":")
        return cls(
            processor=processors.get("model name") or platform.machine(),
            cores=len(os.sched_getaffinity(0)),
            memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            kernel=f"{platform.system()} {platform.release()}",
            distribution=_fields(Path("/etc/os-release"), "=").get("PRETTY_NAME", "").strip('"') or platform.system(),
            others=round(_cores_in_use(), 2),
        )


def _cores_in_use() -> float:
    """Return how many cores are used, of all there are, by a look at the next two seconds."""
    before = _ticks()
    time.sleep(_LOOK)
    (spent, idle), (spent_before, idle_before) = _ticks(), before
    return max(0.0, 1 - (idle - idle_before) / max(1, spent - spent_before)) * (os.cpu_count() or 1)


def _ticks() -> tuple[int, int]:
    """Return what all cores have spent, and what of it was idle or waiting for a disk."""
    with Path("/proc/stat").open(encoding="ascii") as lines:
        counts = [int(count) for count in lines.readline().split()[1:9]]
    return sum(counts), counts[3] + counts[4]


def _fields(path: Path, sign: str) -> Mapping[str, str]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    parts = (line.partition(sign) for line in lines)
    return {name.strip(): value.strip() for name, _sign, value in parts}


@dataclass(frozen=True)
class Revision:
    """One that was measured, with the versions of its environment."""

    name: str
    python: str
    ansible_core: str


@dataclass
class BenchmarkRun:
    """`found` and `lacks` are by the area's name, then by the revision's; the first revision is today's."""

    command: str
    """As it can be typed."""
    size: Size
    machine: Machine
    revisions: list[Revision]
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    found: dict[str, dict[str, list[Measure]]] = field(default_factory=dict)
    lacks: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, area: str, revision: str, measures: list[Measure], lacks: str) -> None:
        """Take in one round."""
        of_area = self.found.setdefault(area, {})
        of_area[revision] = joined([*of_area.get(revision, []), *measures])
        if lacks:
            self.lacks.setdefault(area, {})[revision] = lacks

    def rows(self, area: str) -> Iterator[list[Measure]]:
        """Yield one measure for each revision, row by row; where a revision has none, one that says what it lacks."""
        of_area = {revision.name: self.found[area].get(revision.name, []) for revision in self.revisions}
        for what in dict.fromkeys(measure.what for measures in of_area.values() for measure in measures):
            yield [
                next(
                    (measure for measure in measures if measure.what == what),
                    Measure(what, lacks=self.lacks.get(area, {}).get(name, "it has none")),
                )
                for name, measures in of_area.items()
            ]

    def unmeasured(self) -> Iterator[str]:
        """Yield, in a few words each, what of today's revision could not be measured."""
        today = self.revisions[0].name
        for area, of_area in self.found.items():
            if reason := self.lacks.get(area, {}).get(today):
                yield f"{AREAS[area].title}: {reason}"
            yield from (f"{measure.what}: {measure.lacks}" for measure in of_area.get(today, []) if measure.lacks)

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        told: dict[str, Any] = {
            "format": FORMAT,
            "command": self.command,
            "size": self.size.value,
            "began": self.began.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 1),
            "machine": asdict(self.machine),
            "revisions": [asdict(revision) for revision in self.revisions],
            "found": {
                area: {name: [one.to_json() for one in measures] for name, measures in of_area.items()}
                for area, of_area in self.found.items()
            },
            "lacks": self.lacks,
        }
        new = path.with_suffix(".new")
        new.write_text(json.dumps(told, indent=1), encoding="utf-8")
        new.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return what `save` wrote. Raises `OSError`, and `ValueError` where it is something else."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            if told["format"] != FORMAT:
                raise ValueError(told["format"])
            return cls(
                command=told["command"],
                size=Size(told["size"]),
                machine=Machine(**told["machine"]),
                revisions=[Revision(**one) for one in told["revisions"]],
                began=datetime.fromisoformat(told["began"]),
                seconds=told["seconds"],
                found={
                    area: {name: [Measure.from_json(one) for one in measures] for name, measures in of_area.items()}
                    for area, of_area in told["found"].items()
                },
                lacks=told["lacks"],
            )
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"{path} is no result of this benchmark; make one with `make bench`.") from None
