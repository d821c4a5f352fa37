# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as one page of HTML that needs nothing beside it: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from ..display_text import local_time, offset, printable
from ..errors import IotoError
from ..ledger.records import State
from .chart import chart
from .pictures import Pictures
from .records import Report, Row, UnitVerdict

_FOLDER = Path(__file__).parent
_STATES = [state for state in State if state is not State.RETIRED]
_MOST_LISTED = 50
_MOST_NAMED = 5
_SHORT_ID = 11
"""Characters of a claim ID for which the page has a narrow column."""


class LabelPicture(NamedTuple):
    """The picture of a label as an `svg` element, or why it is missing."""

    svg: str
    problem: str


class Tile(NamedTuple):
    """A figure at the top of the page."""

    kind: str
    figure: str
    name: str


def page(report: Report, pictures: Pictures | None, *, most_pictures: int, reveal: bool, made_at: datetime) -> str:
    """Return the page; at most `most_pictures` labels are drawn. Times are those of this machine's clock."""
    drawings = _draw(report, pictures, most_pictures)
    # What somebody has to look at, before the list of all.
    not_done = [row for row in report.rows if not row.verdict.is_good and row.verdict is not UnitVerdict.RETIRED]
    return _template().render(
        report=report,
        document_title=_document_title(report),
        made_at=made_at,
        reveal=reveal,
        style=style(),
        states=_STATES,
        tiles=_tiles(report),
        chart=chart(report.rows, None),
        drawings=drawings,
        drawings_left_out=sum(map(_has_label, report.rows)) - len(drawings) if pictures else 0,
        definitions=pictures.definitions() if pictures else "",
        not_done=not_done,
        most_listed=_MOST_LISTED,
        most_named=_MOST_NAMED,
        has_long_ids=any(row.claim and len(row.claim.claim_id) > _SHORT_ID for row in report.rows),
    )


def style() -> str:
    """Return the look of a page that is handed to somebody."""
    return (_FOLDER / "report.css").read_text(encoding="utf-8")


def page_environment(folder: Path) -> Environment:
    """Return what makes pages of the templates in `folder`: all is escaped, and what is not there is an error."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "printable": printable,
        "breakable": _breakable,
        "grouped": "{:,}".format,
        "moment": local_time,
    }
    return environment


@cache
def _template() -> Template:
    environment = page_environment(_FOLDER)
    environment.filters |= {
        "kind": _kind,
        "doubt": _doubt,
        "reason": _reason,
        "day": lambda at: f"{at.astimezone():%Y-%m-%d} {offset(at.astimezone())}",
        "clock": lambda at: f"{at.astimezone():%H:%M:%S}",
    }
    return environment.get_template("page.html.j2")


def _document_title(report: Report) -> str:
    """Return what a browser calls the page, and a PDF that it makes of it: the title with products and day."""
    names = ", ".join(report.product_names[:_MOST_NAMED])
    days = dict.fromkeys(f"{at.astimezone():%Y-%m-%d}" for at in (report.since, report.until))
    return printable(" - ".join(filter(None, (report.title, names, " to ".join(days)))))


def _doubt(row: Row) -> str:
    """Return why a unit is in doubt, as a sentence."""
    doubt = row.doubt or ""
    return f"{doubt[:1].upper()}{doubt[1:]}."


def _reason(row: Row) -> str:
    """Return why a unit is not done, and what to do."""
    if row.failures and row.verdict is not UnitVerdict.IN_DOUBT:
        return row.failures[-1].reason
    if row.verdict is UnitVerdict.NOT_REACHED:
        return "Its run was cut off before it came to it; run again."
    if row.claim is None:
        return "It has no claim ID, and nothing says why; run again."
    return _doubt(row) if row.doubt else "It has an ID that was not read back; run again."


def _breakable(text: str) -> Markup:
    """Return a sentence whose paths may be broken behind each slash, as a browser breaks no word."""
    return escape(text).replace("/", Markup("/<wbr>"))


def _has_label(row: Row) -> bool:
    return row.claim is not None and row.claim.state in {State.VERIFIED, State.LABELLED}


def _draw(report: Report, pictures: Pictures | None, most: int) -> dict[int, LabelPicture]:
    """Return the drawings of the labels by the number of the row, from 1."""
    drawings: dict[int, LabelPicture] = {}
    for number, row in enumerate(report.rows, 1):
        if pictures is None or len(drawings) == most:
            break
        if _has_label(row):
            try:
                drawings[number] = LabelPicture(pictures.of(row), "")
            except IotoError as error:
                drawings[number] = LabelPicture("", str(error))
    return drawings


def _tiles(report: Report) -> list[Tile]:
    counts = report.counts
    tiles = [Tile("all", f"{len(report.rows):,}", "unit" if len(report.rows) == 1 else "units")]
    tiles += [
        Tile(_kind(verdict), f"{counts[verdict]:,}", verdict.value)
        for verdict in UnitVerdict
        if counts[verdict] or verdict in {UnitVerdict.DONE, UnitVerdict.FAILED}
    ]
    percent = report.yield_percent
    if percent is not None:
        # 99.96 % of a batch is not all of it.
        tiles.append(Tile("all", f"{int(percent * 10) / 10:g} %", "yield"))
    rate = _rate(report)
    if rate:
        tiles.append(Tile("all", rate, "units an hour"))
    return tiles


def _rate(report: Report) -> str:
    """Return how many units an hour were done, from the first that got its ID to the last that was read back."""
    done = [
        row for row in report.rows if row.verdict is UnitVerdict.DONE and row.ended_at and State.ALLOCATED in row.times
    ]
    if len(done) < 2:
        return ""
    begin = max(report.since, min(row.times[State.ALLOCATED] for row in done))
    seconds = (max(row.ended_at for row in done if row.ended_at) - begin).total_seconds()
    return f"{len(done) / seconds * 3600:,.0f}" if seconds > 0 else ""


def _kind(verdict: UnitVerdict) -> str:
    return "good" if verdict.is_good else "idle" if verdict is UnitVerdict.RETIRED else "bad"
