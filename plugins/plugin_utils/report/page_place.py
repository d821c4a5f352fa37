# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a page goes, and the two tables that are beside it under its name: a report's, or an audit's."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from ..display_text import quoted
from ..errors import IotoError
from ..private_files import obstacle_to, open_regular, refuse_precious, typed_path

FIRST_COLUMNS = ("host", "serial", "product", "claim_id", "flow")
"""How each line of a report's tables begins."""
_LONGEST_LINE = 1024 * 1024


class ReportError(IotoError):
    """A report that cannot be made."""


def page_path(dest: str, first_columns: Sequence[str] = FIRST_COLUMNS) -> Path:
    """Return where the page is to be; its tables, which begin with `first_columns`, are beside it.

    Raises `IotoError` where it cannot be there, as far as one sees before.
    """
    path = typed_path(dest).absolute()
    if path.suffix.lower() not in {".html", ".htm"}:
        raise ReportError(
            f"The report is a page, and {quoted(path.name)} does not name one; let its name end in .html."
        )
    if obstacle := obstacle_to(path):
        raise ReportError(f"The report cannot be written {obstacle}.")
    tables = path.with_suffix(".csv"), path.with_suffix(".jsonl")
    for place in (path, *tables):
        refuse_precious(place)
    for table in tables:
        # Nobody has named it: it may be the order, or the scans, of which the page tells.
        if not _is_ours(table, first_columns):
            raise ReportError(
                f"{quoted(str(table))} would be lost: a table of the page {quoted(path.name)} has that name, and what "
                "is there is no such table; give another dest."
            )
    return path


def _is_ours(table: Path, first_columns: Sequence[str]) -> bool:
    """Whether a file may be replaced by a table with these columns: it is missing, empty, or begins as one."""
    try:
        with open_regular(table) as file:
            first = file.readline(_LONGEST_LINE)
    except OSError:
        # A folder, a pipe, or a file that we may not read; or no file, and whoever writes one tells what hinders it.
        return not os.path.lexists(table)
    if not first:
        return True
    if table.suffix == ".csv":
        return first.startswith(",".join(first_columns).encode())
    try:
        names = [*json.loads(first)]
    except (ValueError, TypeError, RecursionError):
        return False
    return names[: len(first_columns)] == [*first_columns]
