# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the task `report` does: a run, or a period of the ledger, becomes a page and tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ..batch.run_record import unit_of
from ..batch.summary import with_fleet
from ..display_text import counted, printable
from ..ledger.ledger import Ledger
from ..ledger.moments import parse_moment, refuse_backwards
from ..ledger.records import Context
from ..private_files import make_private_folder, write_private
from .collect import Period, collect, last_run, units_of_run
from .page import page
from .page_place import ReportError, page_path
from .pictures import Pictures
from .records import Report, ReportedUnit, Row
from .tables import csv_table, json_lines

LOOKS = ("layout", "dpi", "qr", "brand", "product_name", "product_names", "logo")
"""The options of `label` that say what a label looks like; a report has them too."""
_LOOKS = {name: f"ioto_label_{name}" for name in LOOKS}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the task sees of Ansible: its hosts' variables, how options are completed, how a ledger is opened."""

    hosts: Mapping[str, Mapping[str, Any]]
    complete: Callable[[Mapping[str, Any]], dict[str, Any]]
    open_ledger: Callable[[str | None], Ledger]
    run: str | None = None
    """The number of the run that the task belongs to; None is that of this process."""


def make_report(options: Mapping[str, Any], around: Surroundings, *, check: bool) -> dict[str, Any]:
    """Write the report that `options` (those of the module `report`) ask for, and return the task's result."""
    made_at = datetime.now().astimezone()
    hosts = with_fleet(around.hosts)
    if options["started"]:
        here = Context.here(run=around.run)
        period = Period(parse_moment(options["started"]), made_at, here.actor, here.run)
        report = _of_this_run(options, hosts, period, around)
    else:
        report = _of_the_ledger(options, around, made_at)
    reveal = options["reveal"]
    pictures = _pictures(options, hosts, around)
    names = dict.fromkeys(printable(pictures.product_name(row)) for row in report.rows)
    report = replace(report, product_names=[name for name in names if name])
    html = page_path(options["dest"])
    contents: dict[Path, Callable[[], str]] = {
        html: lambda: page(
            report,
            pictures if options["pictures"] else None,
            most_pictures=options["pictures"],
            reveal=reveal,
            made_at=made_at,
        ),
        html.with_suffix(".csv"): lambda: csv_table(report, reveal=reveal),
        html.with_suffix(".jsonl"): lambda: json_lines(report, reveal=reveal),
    }
    if not check:
        for path, text in contents.items():
            _write(path, text())
    message = (
        f"The report of {counted(len(report.rows), 'unit')} {'would be' if check else 'is'} in {printable(str(html))}."
    )
    if report.is_cut_off:
        message += " That run has not come to its end: this is how far it went."
    if not report.rows:
        message += " Nothing happened to any unit in that time."
    counts = {verdict.value: count for verdict, count in report.counts.items()}
    return {
        "changed": True,
        "msg": message,
        "lines": [message],
        "files": [str(path) for path in contents],
        "counts": counts,
    }


def _of_this_run(
    options: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]], period: Period, around: Surroundings
) -> Report:
    """Return the report of the run that the task belongs to: every host of it, in the order of the inventory."""
    by_ledger: dict[str | None, list[ReportedUnit]] = {}
    for host, facts in hosts.items():
        mode = facts.get("ioto_mode")
        if mode != "none":
            unit = ReportedUnit(host, *unit_of(facts), flow=mode if isinstance(mode, str) else None)
            by_ledger.setdefault(options["ledger"] or facts.get("ioto_ledger"), []).append(unit)
    rows: list[Row] = []
    places = []
    for location, units in by_ledger.items():
        with closing(around.open_ledger(location)) as ledger:
            rows += collect(ledger, period, units, only=True)
            places.append(ledger.location)
    order = {host: number for number, host in enumerate(hosts)}
    rows.sort(key=lambda row: order.get(row.host or "", len(order)))
    return Report(options["title"] or "Serialization report", period.since, period.until, places, rows)


def _of_the_ledger(options: Mapping[str, Any], around: Surroundings, made_at: datetime) -> Report:
    """Return the report of a period, or of the last run that the ledger has recorded."""
    with closing(around.open_ledger(options["ledger"])) as ledger:
        if ledger.is_absent:
            raise ReportError(f"There is no ledger in {ledger.location}; name the one that was used (ioto_ledger).")
        if options["since"] or options["until"]:
            since = parse_moment(options["since"]) if options["since"] else datetime.fromtimestamp(0).astimezone()
            until = parse_moment(options["until"], is_end=True) if options["until"] else made_at
            refuse_backwards(since, until)
            period = Period(since, until)
        else:
            found = last_run(ledger, options["run"])
            if found is None and options["run"]:
                raise ReportError(
                    f"The ledger {ledger.location} knows no run {printable(options['run'])}; give the number that the "
                    "run's summary says, or since."
                )
            if found is None:
                raise ReportError(
                    f"The ledger {ledger.location} has recorded no run; give since, such as {made_at:%Y-%m-%d}."
                )
            period = found
        rows = collect(ledger, period, units_of_run(ledger, period.run) if period.run else ())
        title = options["title"] or f"Serialization report{' of a run that has not ended' if period.is_cut_off else ''}"
        until = min(period.until, made_at)
        return Report(title, period.since, until, [ledger.location], rows, is_cut_off=period.is_cut_off)


def _pictures(options: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]], around: Surroundings) -> Pictures:
    """Return who draws labels: as the host's own variables say, else as the task's options do."""
    of_task = {name: options[name] for name in LOOKS if options[name] not in (None, "", {})}
    known: dict[str, dict[str, Any]] = {}

    def options_of(row: Row) -> dict[str, Any]:
        facts = hosts.get(row.host or "", {})
        of_host = {name: facts[variable] for name, variable in _LOOKS.items() if facts.get(variable) not in (None, "")}
        said = repr(of_host)  # most hosts say the same, or nothing
        if said not in known:
            known[said] = around.complete({**of_host, **of_task})
        return known[said]

    return Pictures(options_of, reveal=options["reveal"])


def _write(path: Path, text: str) -> None:
    try:
        make_private_folder(path.parent)
        write_private(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise ReportError(f"The report cannot be written to {path} ({error.strerror}); give another dest.") from error
