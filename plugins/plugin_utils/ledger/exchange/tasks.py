# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks `ledger_entry` and `ledger_info` do with ledgers as wholes: move, merge, compare, export, import."""

from __future__ import annotations

import filecmp
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from ...display_text import counted, printable
from ...private_files import draft, refuse_precious, typed_path
from ..database import Database
from ..integrity.check import require_sound, snapshot
from ..ledger import Ledger
from ..records import Context, LedgerError
from .compare import compare
from .copying import continue_copy
from .exchange_file import dump, loaded
from .ledger_row import hold_writers, last_event
from .merge import merge
from .move import has_event, key_of_event, move, require_continuation


def _move(options: Mapping[str, Any], _context: Context, *, check: bool) -> dict[str, Any]:
    done = move(options["ledger"], _needed(options, "to"), check=check)
    held = f"{counted(done.claims, 'claim')}, {counted(done.events, 'event')} and {counted(done.seals, 'seal')}"
    source, place = printable(done.source), printable(done.place)
    if done.source == done.place:
        msg = f"The ledger {source} {'would stay' if check else 'stays'} where it is, and may be written to."
    elif not done.is_news:
        msg = f"The ledger {source} is in {place} already, with {held}; nothing was left to do."
    elif check:
        msg = f"The ledger {source} would be moved to {place}, with {held}; nobody would write to it here any more."
    else:
        msg = (
            f"The ledger {source} is now in {place}, with {held}, compared row for row; whoever still writes here is "
            "refused. Give the new place as ioto_ledger wherever this one was used."
        )
    return {
        "changed": done.is_news,
        "ledger": place,
        "moved": {"claims": done.claims, "events": done.events, "seals": done.seals},
        "msg": msg,
    }


def _merge(options: Mapping[str, Any], context: Context, *, check: bool) -> dict[str, Any]:
    sources = [str(source) for source in options["sources"] or ()]
    if not sources:
        raise LedgerError("The action merge needs sources; give the ledgers to merge.")
    done = merge(options["ledger"], sources, context, check=check)
    place, many = printable(done.place), counted(len(sources), "ledger")
    were = "would be" if check else "were"
    new = "the new ledger " if done.is_new else ""
    return {
        "changed": done.is_news,
        "ledger": place,
        "merged": {"claims": done.claims, "changed": done.changed, "events": done.events},
        "msg": (
            f"Of {many}, {counted(done.claims, 'claim')} and {counted(done.events, 'event')} {were} added to "
            f"{new}{place}, and {done.changed} of its claims {'would be brought' if check else 'brought'} up to date."
            if done.is_news
            else f"All that is in {many} is in {place} already; nothing was left to do."
        ),
    }


def compared(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a comparison comes to. Raises `LedgersDifferError` where the ledger lacks something."""
    done = compare(options["ledger"], options["compare_with"])
    held = f"{counted(done.claims, 'claim')}, {counted(done.events, 'event')} and {counted(done.seals, 'seal')}"
    more = (
        "and nothing more"
        if done.is_same
        else f"and {counted(done.more_claims, 'claim')} and {counted(done.more_events, 'event')} more; "
        f"{counted(done.gone_on, 'claim')} went on since"
    )
    return {
        "compared": {
            **{name: getattr(done, name) for name in ("claims", "events", "seals", "more_claims", "more_events")},
            "gone_on": done.gone_on,
            "same": done.is_same,
        },
        "msg": f"{done.here} holds all that is in {done.there}, row for row: {held}, {more}.",
    }


def export_whole(ledger: Ledger, options: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Write the whole ledger to a file, for its owner alone."""
    path = typed_path(options["dest"]).absolute()
    refuse_precious(path)
    if options["format"] == "csv":
        raise LedgerError("A whole ledger is written as JSON Lines; leave the format out, or export claims alone.")
    if check:
        number, changed = ledger.summary().total, True
    else:
        try:
            with draft(path) as temporary:
                with temporary.open("wb") as file:
                    number = dump(ledger.database, file)
                changed = not (path.is_file() and filecmp.cmp(path, temporary, shallow=False))
        except OSError as error:
            raise LedgerError(
                f"The file {path} cannot be written ({error.strerror}); see whether its directory is there and may be "
                "written."
            ) from None
    told = f"{counted(number, 'claim')} {'would be' if check else 'is' if number == 1 else 'are'}"
    return {
        "changed": changed,
        "dest": options["dest"],
        "msg": f"The whole ledger, {told} in {printable(str(path))}, with whole claim IDs; only its owner may read it.",
    }


def import_whole(database: Database, path: Path, *, check: bool) -> dict[str, Any]:
    """Have a ledger that holds nothing, or an older state of the same, be the one in the file."""
    with loaded(path) as source:
        report = require_sound(source, str(path))
        with snapshot(source) as held, database.read() as copy:
            number = last_event(held)
            is_known = number > 0 and has_event(copy, number, key_of_event(held, number))
            if not is_known:
                require_continuation(held, copy, str(database.location))
        if is_known:  # nothing is written then, which a ledger that was moved would refuse
            database.tell_of_move()
        elif not check:
            database.write(lambda connection: _take_in(source, connection, str(database.location)))
    news = {"added": 0, "changed": 0, "unchanged": report.claims} if is_known else {"added": report.claims}
    would = "is" if is_known else "would be" if check else "is now"
    return {
        "changed": not is_known,
        "imported": {"added": 0, "changed": 0, "unchanged": 0, **news},
        "msg": (
            f"The whole ledger of {printable(str(path))} {would} in {printable(str(database.location))}"
            f"{' already' if is_known else ''}: {report}."
        ),
    }


def _take_in(source: Database, copy: Connection, place: str) -> None:
    hold_writers(copy)
    with snapshot(source) as held:
        require_continuation(held, copy, place)
        continue_copy(held, copy)


def _needed(options: Mapping[str, Any], name: str) -> str:
    if options[name] is None:
        raise LedgerError(f"The action {options['action']} needs {name}; give it.")
    return str(options[name])


EXCHANGE: Mapping[str, Callable[..., dict[str, Any]]] = {"move": _move, "merge": _merge}
"""What does an action with whole ledgers that the task's options name, and returns the task's result."""
