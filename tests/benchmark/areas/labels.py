# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels in one PDF, beside the same done plainly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.benchmark.measure import Bar, Measure, Size
from tests.benchmark.test_labels import cpu_seconds, labels, ours, plainly

LABELS: Mapping[Size, int] = {Size.FULL: 1000, Size.QUICK: 300, Size.TINY: 5}


def measure(size: Size, number: int) -> Iterator[Measure]:
    """Measure one round."""
    wanted = labels(LABELS[size])
    (mine, _pdf), (theirs, _other) = (cpu_seconds(work, wanted) for work in (ours, plainly))
    what = f"a label of {LABELS[size]:,}"
    each = 1000 / LABELS[size]
    yield Measure(what, "ms", (mine * each,), "reportlab and segno, plainly", (theirs * each,), Bar(0.5))
