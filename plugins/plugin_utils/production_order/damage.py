# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a spreadsheet makes of a serial that it takes for a number, a date, a formula, or a yes or no."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import TypeVar

Key = TypeVar("Key", int, str)

# Without a sign and without a point it may well be a serial, such as 12E5.
_EXPONENT = re.compile(r"[+-]?\d+(?:(?:[.,]\d+)?E[+-]\d+|[.,]\d+E\d+)", re.IGNORECASE)
_FRACTION = re.compile(r"\d{5,}[.,]0+")
_ERROR = re.compile(r"#(?:[^\W\d_][\w/]*[!?]|DIV/0|NAME|REF|VALUE|NUM|NULL|N/?[AV])|#{3,}|Err:\d{3}", re.IGNORECASE)
_MONTHS = (
    "jan(?:uary|uar|vier|eiro|uari)?|feb(?:ruary|ruar|br)?|f[eé]v(?:rier)?|mar(?:ch|s|zo)?|m[aä]rz?|mrz|apr(?:il|ile)?|"
    "avr(?:il)?|abr(?:il)?|may|mai|maggio|june?|juni|juin|july?|juli|juillet|aug(?:ust)?|août|sept?(?:ember|embre)?|"
    "o[ck]t(?:ober|obre)?|nov(?:ember|embre)?|de[cz](?:ember|embre)?|déc(?:embre)?"
)
_DAY = r"(?:[^\W\d_]{2,10}[.,]{1,2} )?"
_YEAR = r"(?:\d{2}|(?:19|20)\d{2})"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AP]M)?"
_DATE_IN_WORDS = (
    rf"{_DAY}(?:\d{{1,2}}[./ -]+(?:{_MONTHS})\.?(?:[./, -]+{_YEAR})?|"
    rf"(?:{_MONTHS})\.?[./ -]+(?:\d{{1,2}}, ?)?{_YEAR}|(?:{_MONTHS})\.? \d|"
    rf"{_YEAR}[./ -]+(?:{_MONTHS})(?:[./ -]+\d{{1,2}})?)(?: {_CLOCK})?"
)
_DATE = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}")
_MOMENT = re.compile(rf"\d{{1,4}}([./-])\d{{1,2}}\1\d{{1,4}}[T ]{_CLOCK}Z?|{_CLOCK}", re.IGNORECASE)
_DIGITS_OF_A_NUMBER = 15
"""So many digits of a number a spreadsheet keeps; the others become zeros."""
_REPLACED_SIGN = "[\\u00a0\\u2007\\u200b-\\u2015\\u2018-\\u201f\\u202f\\u2060\\u2212\\ufeff]"
_LOOKS = {
    _EXPONENT: "a long number that a spreadsheet has rounded",
    _FRACTION: "a number to which a spreadsheet has added a fraction",
    _ERROR: "the error of a formula",
    re.compile("['=].*"): "a cell with its mark for a text or a formula",
    re.compile(f".*{_REPLACED_SIGN}.*"): (
        "a text in which a program has put dashes, quotes or spaces of its own in place of the typed ones"
    ),
}
_PLAIN = re.compile(r"(?=.*\d)[0-9A-Z]+(?:-[0-9A-Z]+)*")
"""What most serials are: capitals, digits and single dashes. But for `12E-5` nothing of the above looks so."""
_TRUTHS = frozenset({"true", "false", "wahr", "falsch", "vrai", "faux", "vero", "falso", "verdadero"})


def damage(text: str) -> str | None:
    """Return what a spreadsheet seems to have made of a cell, as the end of "it looks like", or None."""
    if _PLAIN.fullmatch(text) and "E-" not in text:
        return None
    if looks_like := next((words for pattern, words in _LOOKS.items() if pattern.fullmatch(text)), None):
        return looks_like
    if text.casefold() in _TRUTHS:
        return "a yes or no that a spreadsheet has made"
    # A spreadsheet writes no month in capitals, and a factory its DEC-12.
    is_date = _MOMENT.fullmatch(text) or (not text.isupper() and _date_in_words().fullmatch(text))
    return "a date that a spreadsheet has made" if is_date else None


@cache
def _date_in_words() -> re.Pattern[str]:
    # Compiled for the first serial that is not plain: it takes longer than the rest of this file.
    return re.compile(_DATE_IN_WORDS, re.IGNORECASE)


def damage_beside_others(serials: Mapping[Key, str]) -> dict[Key, str]:
    """Return what seems to be damaged among `serials`, by their line or host; what it looks like beside the others.

    A factory may have all its serials look so, but not some of them.
    """
    dates = [line for line, serial in serials.items() if _DATE.fullmatch(serial)]
    found: dict[Key, str] = {}
    if len(dates) < len(serials):
        found |= dict.fromkeys(dates, "a date among serials that are not dates")
    numbers = {line: serial for line, serial in serials.items() if serial.isascii() and serial.isdecimal()}
    found |= dict.fromkeys(_without_zeros(numbers), "a number whose leading zeros a spreadsheet has taken away")
    long = {line: serial for line, serial in numbers.items() if len(serial) > _DIGITS_OF_A_NUMBER}
    if len(long) > 1 and not any(serial[_DIGITS_OF_A_NUMBER:].strip("0") for serial in long.values()):
        found |= dict.fromkeys(long, "a long number that a spreadsheet has rounded")
    return found


def _without_zeros(numbers: Mapping[Key, str]) -> list[Key]:
    """Return the lines of numbers that are shorter than all others, some of which begin with a zero."""
    lengths = Counter(map(len, numbers.values()))
    usual = max(lengths, default=0)
    filled = any(number.startswith("0") for number in numbers.values() if len(number) == usual)
    short = [line for line, number in numbers.items() if len(number) < usual]
    if not filled or any(numbers[line].startswith("0") for line in short):
        return []
    return short
