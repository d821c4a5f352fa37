# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as one page of HTML that needs nothing beside it: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from datetime import datetime, tzinfo
from html import escape
from pathlib import Path

from ..display_text import printable
from ..errors import IotoError
from ..ledger.records import State
from .chart import chart
from .pictures import Pictures
from .records import Report, Row, Verdict

_STYLE = Path(__file__).with_name("report.css")
_STATES = [state for state in State if state is not State.RETIRED]


def page(report: Report, pictures: Pictures | None, *, most_pictures: int, reveal: bool, made_at: datetime) -> str:
    """Return the page; at most `most_pictures` labels are drawn. Times are in the zone of `made_at`."""
    zone = made_at.tzinfo
    drawn = _draw(report, pictures, most_pictures)
    rows = [_row(number, row, drawn.get(number), reveal=reveal, zone=zone) for number, row in enumerate(report.rows, 1)]
    notes = _notes(report, drawn, pictures is not None, reveal=reveal)
    title = escape(report.title)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>
{_STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
{pictures.definitions() if pictures else ""}
<header>
<h1>{title}</h1>
<p>{_moment(report.since, zone)} to {_moment(report.until, zone)} ({escape(str(made_at.tzname()))}), \
from {escape(printable(", ".join(report.ledgers)))}.</p>
</header>
<section class="counts" aria-label="Counts">
{_counts(report)}
</section>
{_chart(report, zone)}
{"".join(f"<p class='note'>{note}</p>" for note in notes)}
{_not_done(report)}
<table>
<thead><tr><th>No.<th>Unit<th>Flow<th>Claim ID<th>States<th>Result<th>Label</tr></thead>
<tbody>
{"".join(rows)}</tbody>
</table>
<footer>Made {_moment(made_at, zone)} by ioto.serialization.</footer>
</body>
</html>
"""


def _has_label(row: Row) -> bool:
    return row.claim is not None and row.claim.state in {State.VERIFIED, State.LABELLED}


def _draw(report: Report, pictures: Pictures | None, most: int) -> dict[int, str]:
    """Return the pictures of the labels, or why there is none, by the number of the row."""
    drawn: dict[int, str] = {}
    for number, row in enumerate(report.rows, 1):
        if pictures is None or len(drawn) == most:
            break
        if _has_label(row):
            try:
                drawn[number] = pictures.of(row)
            except IotoError as error:
                drawn[number] = f"<small>{escape(printable(str(error)))}</small>"
    return drawn


def _notes(report: Report, drawn: dict[int, str], has_pictures: bool, *, reveal: bool) -> list[str]:
    notes = []
    if reveal:
        notes.append(
            "<strong>This page holds whole claim IDs.</strong> Who has one can claim the device: keep it as you keep "
            "the ledger."
        )
    elif drawn:
        notes.append("Claim IDs are masked, on the pictures of the labels and in their QR codes too.")
    wanted = sum(map(_has_label, report.rows))
    if has_pictures and len(drawn) < wanted:
        notes.append(f"Labels are drawn for the first {len(drawn):,} of {wanted:,} units (option pictures).")
    return notes


def _counts(report: Report) -> str:
    counts = report.counts
    tiles = [("all", f"{len(report.rows):,}", "unit" if len(report.rows) == 1 else "units")]
    tiles += [
        (_kind(verdict), f"{counts[verdict]:,}", verdict.value)
        for verdict in Verdict
        if counts[verdict] or verdict in {Verdict.DONE, Verdict.FAILED}
    ]
    percent = report.yield_percent
    if percent is not None:
        # 99.96 % of a batch is not all of it.
        tiles.append(("all", f"{int(percent * 10) / 10:g} %", "yield"))
    rate = _rate(report)
    if rate:
        tiles.append(("all", rate, "units an hour"))
    return "\n".join(f"<div class='{kind}'><b>{number}</b>{escape(name)}</div>" for kind, number, name in tiles)


def _rate(report: Report) -> str:
    """Return how many units an hour were done, from the first that got its ID to the last that was read back."""
    done = [row for row in report.rows if row.verdict is Verdict.DONE and row.ended_at and State.ALLOCATED in row.times]
    if len(done) < 2:
        return ""
    begin = max(report.since, min(row.times[State.ALLOCATED] for row in done))
    seconds = (max(row.ended_at for row in done if row.ended_at) - begin).total_seconds()
    return f"{len(done) / seconds * 3600:,.0f}" if seconds > 0 else ""


def _chart(report: Report, zone: tzinfo | None) -> str:
    picture = chart(report.rows, zone)
    if not picture:
        return ""
    return (
        f"<figure>{picture}<figcaption><span class='good'></span> done <span class='bad'></span> failed "
        "<span class='yield'></span> yield</figcaption></figure>"
    )


def _not_done(report: Report) -> str:
    """Return what somebody has to look at, before the list of all."""
    rows = [row for row in report.rows if not row.verdict.is_good and row.verdict is not Verdict.RETIRED]
    if not rows:
        return ""
    lines = "".join(
        f"<li><b>{escape(printable(row.host or row.serial or ''))}</b> "
        f"{escape(row.failures[-1].reason if row.failures else 'It has an ID that was not read back; run again.')}</li>"
        for row in rows[:_MOST_LISTED]
    )
    more = f"<li>and {len(rows) - _MOST_LISTED:,} more, below.</li>" if len(rows) > _MOST_LISTED else ""
    return f"<section class='not-done'><h2>Not done: {len(rows):,}</h2><ul>{lines}{more}</ul></section>"


_MOST_LISTED = 50


def _row(number: int, row: Row, picture: str | None, *, reveal: bool, zone: tzinfo | None) -> str:
    claim = row.claim
    host = f"<small>{escape(printable(row.host))}</small>" if row.host else ""
    serial = f"<b>{escape(printable(row.serial))}</b>" if row.serial else "<i>serial unknown</i>"
    product = f"<small>{escape(printable(row.product))}</small>" if row.product else ""
    flow = escape(printable(row.flow or ""))
    source = f"<small>{escape(printable(claim.source))}</small>" if claim and claim.source != row.flow else ""
    claim_id = f"<code>{escape(claim.claim_id if reveal else claim.masked)}</code>" if claim else ""
    times = "".join(
        f"<dt>{state.value}<dd>{row.times[state].astimezone(zone):%H:%M:%S}" for state in _STATES if state in row.times
    )
    day = f"<small>{min(row.times.values()).astimezone(zone):%Y-%m-%d}</small>" if row.times else ""
    failures = "".join(
        f"<p>{failure.at.astimezone(zone):%H:%M:%S} {escape(printable(failure.what))}: {escape(failure.reason)}</p>"
        for failure in row.failures
    )
    return (
        f"<tr class='{_kind(row.verdict)}'><td>{number}<td>{serial}{product}{host}<td>{flow}{source}<td>{claim_id}"
        f"<td>{day}<dl>{times}</dl><td><b class='verdict'>{row.verdict.value}</b>{failures}<td>{picture or ''}</tr>\n"
    )


def _kind(verdict: Verdict) -> str:
    return "good" if verdict.is_good else "idle" if verdict is Verdict.RETIRED else "bad"


def _moment(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"
