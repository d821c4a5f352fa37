# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit reads of other ledgers: from themselves, from whole ones in a file, and from lists of claims."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..csv_reader import LineProblem
from ..display_text import printable
from ..ledger.database import Database
from ..ledger.exchange.exchange_file import is_exchange
from ..ledger.exchange.merge import name_of, opened_source
from ..ledger.location import Location, is_same_place
from ..ledger.queries import each, select_claims
from ..ledger.records import Claim
from ..ledger.transfer import ImportRowsError, read_claims
from ..private_files import open_regular, typed_path
from .findings import Origin
from .sources import AuditError
from .stage import AuditStage

_LISTS = {".csv": "csv", ".jsonl": "jsonl"}


def take_other(
    stage: AuditStage, number: int, place: str, own: Location, check: Callable[[Database, str], object]
) -> str:
    """Read all claims of another ledger, or of an export; return how it may be shown. Raises `IotoError`.

    `own` is where the audited ledger is, and `check` is called with every database and its name; not with
    lists of claims. Other ledgers are never changed.
    """
    before = stage.seen[Origin.OTHER_LEDGER]
    shown, query = printable(place), select_claims({}, newest_first=False)
    fmt = _LISTS.get(Path(place).suffix.lower()) if "://" not in place else None
    try:
        if fmt is not None and not is_exchange(typed_path(place)):
            _take_list(stage, number, place, fmt)
        else:
            shown = name_of(place)
            if is_same_place(Location.parse(place), own):
                raise AuditError(
                    f"The ledger {shown} is named as one of the others as well; correct ioto_audit_ledgers."
                )
            with opened_source(place) as database:
                for claim in each(database, Claim, query, newest_first=False, limit=None):
                    stage.add_other(number, claim)
                check(database, shown)
    except ImportRowsError as error:
        raise AuditError(f"The export {shown} cannot be read, {error.problems[0]}") from None
    except OSError as error:
        raise AuditError(f"The export {shown} cannot be read ({error.strerror}); correct ioto_audit_ledgers.") from None
    if stage.seen[Origin.OTHER_LEDGER] == before:
        raise AuditError(f"The other ledger {shown} has no claims; correct ioto_audit_ledgers.")
    return shown


def _take_list(stage: AuditStage, number: int, place: str, fmt: str) -> None:
    with open_regular(typed_path(place)) as stream:
        for row in read_claims(stream, fmt):
            if isinstance(row, LineProblem):
                raise AuditError(f"The export {printable(place)} cannot be read, {row}")
            stage.add_other(number, row[1])
