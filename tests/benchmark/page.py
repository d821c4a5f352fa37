# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the measured part of the guide *what is measured* from the results of a run, so that no figure is typed.

python -m tests.benchmark.page [build/benchmark/results.json]
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from plugins.plugin_utils.display_text import counted
from tests.benchmark.areas import AREAS
from tests.benchmark.run import BenchmarkRun
from tests.benchmark.table import Cells, one_for_all, titled
from tests.benchmark.tree import PAGE, PICTURE, ROOT

RESULTS = ROOT / "build/benchmark/results.json"
BEGIN, END = ".. measured: written by tests/benchmark/page.py", ".. end of the measured part"


def main() -> int:
    """Write the page; return 1, with the reason on the error output, where that cannot be done."""
    path = Path(sys.argv[1]) if sys.argv[1:] else RESULTS
    try:
        write(BenchmarkRun.load(path), path.with_suffix(".svg"))
    except FileNotFoundError as error:
        print(f"There is no {error.filename}; make it with `make bench`.", file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename}: {error.strerror}; see to it, then run again.", file=sys.stderr)
        return 1
    print(f"Wrote {PAGE}.")
    return 0


def write(run: BenchmarkRun, picture: Path) -> None:
    """Put a run into the page, and its picture beside it. Raises `ValueError` where the page has no place for it."""
    page = ROOT / PAGE
    page.write_text(renewed(page.read_text(encoding="utf-8"), run), encoding="utf-8")
    shutil.copyfile(picture, ROOT / PICTURE)


def renewed(page: str, run: BenchmarkRun) -> str:
    """Return the page with a run between its marks. Raises `ValueError` without them."""
    marks = re.compile(rf"(?<={re.escape(BEGIN)}\n).*?(?=^{re.escape(END)}$)", re.DOTALL | re.MULTILINE)
    text = "\n" + "\n".join(measured_part(run)) + "\n\n"
    new, count = marks.subn(lambda _found: text, page)
    if count != 1:
        raise ValueError(f"{PAGE} has no place for what was measured; write {BEGIN!r} and {END!r} into it.")
    return new


def measured_part(run: BenchmarkRun) -> Iterator[str]:
    """Yield the lines in reStructuredText."""
    today, machine = run.revisions[0], run.machine
    day = f"{run.began.day} {run.began:%B %Y}"
    yield from (
        f"``{run.command}`` on {day}, in {counted(round(run.seconds / 60), 'minute')}.",
        "",
        ".. list-table::",
        "",
        *_row(("revision", today.name)),
        *_row(("processor", f"{machine.processor}, {machine.cores} cores, {machine.memory / 2**30:.1f} GiB")),
        *_row(("system", f"{machine.distribution}, {machine.kernel}")),
        *_row(("Python, ansible-core", f"{today.python}, {today.ansible_core}")),
        *_row(("cores that others used when it began", f"{machine.others:g}")),
    )
    for other in run.revisions[1:]:
        yield from _row(
            ("beside it", f"{other.name}, with Python {other.python} and ansible-core {other.ansible_core}")
        )
    yield ""
    if machine.busy:
        yield from (*_wrapped("The machine did other work when the run began: these figures say little."), "")
    yield from (
        *_wrapped(
            "All figures are medians of the rounds of that run, in which ours and the peer took turns. The ratio is "
            "the median of those of the rounds, and not the quotient of the two medians; where there were several, the "
            "least and the greatest stand beside it. What counts are the ratios."
        ),
        "",
        f".. image:: {Path(PICTURE).name}",
        "   :alt: how far from its bar each measure is; the tables below have the figures",
    )
    for area in run.found:
        title = titled(run, area)
        yield from ("", title, "~" * len(title), "", *_wrapped(AREAS[area].about), "", *_table(run, area))


def _table(run: BenchmarkRun, area: str) -> Iterator[str]:
    alone = len(run.revisions) == 1
    rows = list(run.rows(area))
    if not rows:
        yield f"Not measured: {run.lacks.get(area, {}).get(run.revisions[0].name, 'it was left out')}."
        return
    yield from (".. list-table::", "   :header-rows: 1", "")
    yield from _row(
        ("what", "ours", "peer", "ratio", "bar") if alone else ("what", "peer", "bar", *(r.name for r in run.revisions))
    )
    for row in rows:
        common = one_for_all(row)
        cells = [Cells.of(measure) for measure in row]
        if alone:
            (one,) = cells
            peer = f"{common.peer}: {one.theirs}" if one.theirs else ""
            bar = f"{one.bar}: {one.verdict}" if one.verdict else ""
            yield from _row((common.what, one.ours, peer, one.ratio, bar))
        else:
            bar = str(common.bar or "")
            yield from _row((common.what, common.peer, bar, *(one.in_one() for one in cells)))


def _wrapped(text: str) -> list[str]:
    return wrap(text, 120, break_long_words=False, break_on_hyphens=False)


def _row(cells: tuple[str, ...]) -> Iterator[str]:
    for number, cell in enumerate(cells):
        yield f"   {'* -' if number == 0 else '  -'} {_escaped(cell)}".rstrip()


def _escaped(text: str) -> str:
    return re.sub(r"([\\*`|]|_\b)", r"\\\1", text)


if __name__ == "__main__":
    sys.exit(main())
