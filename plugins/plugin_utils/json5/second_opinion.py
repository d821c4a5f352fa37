# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What another reader makes of a document that we are about to write."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..display_text import quoted
from ..errors import FailureKind, IotoError
from .document import Json5Document
from .independent_reader import read_independently
from .reader import JsonValue
from .standard_text import in_json5


class EditorDefectError(IotoError):
    """Our editor and another reader do not understand the same document alike."""

    kind = FailureKind.DEFECT


class UnreadableValueError(IotoError):
    """A document that another reader cannot read, so that nobody could say what a change makes of it."""

    kind = FailureKind.BOARD


def check_values(document: Json5Document) -> None:
    """Raise `UnreadableValueError` where another reader cannot read `document`, and name the member if possible.

    It is better said before anything is made for whoever has that file.
    """
    members = document.value
    if not isinstance(members, dict) or not members:
        return
    try:
        _read_independently(document)
    except ValueError:
        long = next((key for key, value in members.items() if "Infinity" in _comparable(value)), None)
        what = "A value" if long is None else f"The number in {quoted(long)}"
        raise UnreadableValueError(
            f"{what} in {document.name} is too long for other readers; correct it, or put it in quotes."
        ) from None


def seek_second_opinion(old: Json5Document, new: Json5Document, wanted: Mapping[str, JsonValue]) -> None:
    """Have an independent reader find in `new` what was put there, and the rest as it was: else the defect is ours.

    Raises `EditorDefectError`.
    """
    try:
        before = _read_independently(old) if isinstance(old.value, dict) and old.value else {}
        agrees = _comparable(_read_independently(new)) == _comparable({**before, **wanted})
    except ValueError:
        agrees = False
    if not agrees:
        raise EditorDefectError(
            f"Our JSON5 editor made of {new.name} what another reader reads otherwise, and nothing was written; report "
            "this, with the file."
        )


def _read_independently(document: Json5Document) -> dict[str, JsonValue]:
    text = document.data.decode("utf-8")
    try:
        read = read_independently(text)
    except ValueError:
        # What the agent reads, and writes, goes beyond JSON5.
        read = read_independently(in_json5(text))
    if not isinstance(read, dict):
        raise ValueError("no object")
    return read


def _comparable(value: object) -> str:
    return json.dumps(value, sort_keys=True)  # where NaN equals itself, and 1 is not True
