# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that come from strangers: read whole, within a limit, and JSON in them within a measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from ..display_text import printable
from ..private_files import open_regular, typed_path
from .errors import CheckpointError

_STRUCTURE = (b"[", b"{", b",")
_MOST_DIGITS = 20


def read_file(path: str | Path, what: str, most_bytes: int) -> bytes:
    """Return what is in the file at `path`, at most so many bytes. Raises `CheckpointError`.

    `what` is what it has to be, for a sentence.
    """
    shown = printable(str(path))
    try:
        with open_regular(typed_path(path)) as file:
            data = file.read(most_bytes + 1)
    except OSError as error:
        raise CheckpointError(
            f"The file {shown} cannot be read ({error.strerror}); check its name and owner."
        ) from None
    if len(data) > most_bytes:
        raise CheckpointError(f"The file {shown} has more than {most_bytes} bytes, so it is not {what}; name another.")
    return data


def parse_json(data: bytes, most_parts: int) -> dict[str, Any]:
    """Return the JSON object that `data` is. Raises `ValueError` with the end of a sentence: why it is not.

    Bytes become objects that take up to thirty times their room, so `most_parts`, how many brackets and commas there
    are, is the limit of memory. A name that is there twice would be read differently by another program.
    """
    if sum(map(data.count, _STRUCTURE)) > most_parts:
        raise ValueError("it lists more than a checkpoint does")
    try:
        found = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unambiguous, parse_int=_short, parse_constant=_no_json
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON from line {error.lineno}, column {error.colno} on") from None
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    return found


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it says something twice")
    return found


def _short(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"it has a number of {len(digits)} digits")
    return int(digits)


def _no_json(name: str) -> NoReturn:
    raise ValueError(f"it has {name}, which JSON does not have")
