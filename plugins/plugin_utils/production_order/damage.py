# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a spreadsheet makes of a cell that is no number and no date, and of long numbers."""

from __future__ import annotations

import re

_EXPONENT = re.compile(r"[+-]?\d(?:[.,]\d+)?E[+-]\d+", re.IGNORECASE)
_ERROR = re.compile(r"#(?:NAME|REF|VALUE|NUM|NULL|DIV/0|N/A|NV|BEZUG|WERT|ZAHL|####)[!?]?|#{3,}", re.IGNORECASE)
_MONTHS = "jan|feb|m[aä]r|mrz|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz]"
_DATE_IN_WORDS = re.compile(
    rf"\d{{1,2}}[./ -]+(?:{_MONTHS})[a-z]*\.?(?:[./ -]+\d{{2,4}})?|(?:{_MONTHS})[a-z]*[./ -]+\d{{1,4}}", re.IGNORECASE
)
_DATE = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}")


def damage(text: str) -> str | None:
    """Return what a spreadsheet seems to have made of a cell, as the end of "it looks like", or None."""
    if _EXPONENT.fullmatch(text):
        return "a long number that a spreadsheet has rounded"
    if _ERROR.fullmatch(text):
        return "the error of a formula"
    return "a date that a spreadsheet has made" if _DATE_IN_WORDS.fullmatch(text) else None


def is_date(text: str) -> bool:
    """Say whether `text` may be a date, as a spreadsheet makes one of `1-3-26`; a serial may also be written so."""
    return _DATE.fullmatch(text) is not None
