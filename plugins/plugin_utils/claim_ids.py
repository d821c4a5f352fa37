# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim IDs and product IDs: one alphabet, how to make them, how to check what somebody typed.

Both are written in Crockford's base 32 (https://www.crockford.com/base32.html): a claim ID is 10 to 20 characters,
a product ID is a ULID (https://github.com/ulid/spec) of 26 characters. Ten characters carry 50 bits.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeGuard

from .display_text import quoted
from .errors import FailureKind, IotoError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
DEFAULT_LENGTH = 10
MIN_LENGTH = 10
MAX_LENGTH = 20
MAX_UNIT_LENGTH = 255
"""Characters of what names a unit, such as its serial number."""

_PRODUCT_LENGTH = 26
_VISIBLE_TAIL = 2
_COUNTED = ("0123456789", "1234567890", "9876543210")
_FOLD = str.maketrans({"O": "0", "I": "1", "L": "1"})
_HIDES_CLAIM_ID = re.compile(rf"(?<![^\W_])(?=[A-Za-z]*[0-9]|[a-z]?[A-Z]{{{MIN_LENGTH},}})[0-9A-Za-z]{{{MIN_LENGTH},}}")
_GROUPING = str.maketrans("", "", " \t\r\n-\N{NO-BREAK SPACE}\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}")


def _grouped(part: str, gap: str) -> re.Pattern[str]:
    """Return what finds 2 to 10 parts with gaps between them."""
    return re.compile(rf"(?<![0-9A-Za-z]){part}{{1,8}}(?:{gap}{{1,3}}{part}{{1,8}}){{1,9}}(?![0-9A-Za-z])")


_PARTS = _grouped("[0-9A-Za-z]", "[ \t\xa0\u2010\u2011\u2013-]")
_DASHED_PARTS = _grouped("[0-9A-Za-z]", "[\u2010\u2011\u2013-]")
_CAPITAL_PARTS = _grouped("[0-9A-Z]", "[ \t\xa0\u2010\u2011\u2013-]")
_ALGORITHM = frozenset({"rsa", "hmac", "sha1", "sha2", "sha256", "sha512", "aes128", "aes192", "aes256"})
_PART = re.compile(r"[0-9A-Za-z]+")
_PART_CHARACTER = re.compile(r"[0-9A-Za-z]")
_HAS_DIGIT = re.compile(r"[0-9]")
# 256 is a multiple of 32, so each character is as likely as the others.
_CHARACTER_OF_BYTE = (ALPHABET * (256 // len(ALPHABET))).encode()


class InvalidClaimIdError(IotoError):
    """A text that is not a claim ID; the message says why, and does not repeat the text."""

    kind = FailureKind.LABEL


class InvalidProductError(IotoError):
    """A text that is not a product ID."""


def check_length(length: int) -> int:
    """Return `length` (in characters) when a claim ID may have it, else raise `InvalidClaimIdError`."""
    if not MIN_LENGTH <= length <= MAX_LENGTH:
        raise InvalidClaimIdError(
            f"A claim ID has {MIN_LENGTH} to {MAX_LENGTH} characters, not {length}; choose a length in that range."
        )
    return length


def generate(length: int = DEFAULT_LENGTH) -> str:
    """Return a new claim ID of `length` characters, each uniform over the 32, from the system's CSPRNG."""
    return generate_many(1, length)[0]


def generate_many(count: int, length: int = DEFAULT_LENGTH) -> list[str]:
    """Return `count` claim IDs as `generate` makes them, by one question to the system."""
    characters = secrets.token_bytes(count * check_length(length)).translate(_CHARACTER_OF_BYTE).decode("ascii")
    return [characters[start : start + length] for start in range(0, len(characters), length)]


def parse(text: str) -> str:
    """Return the canonical claim ID for a typed `text`, folded as Crockford says and checked.

    Spaces and dashes, by which people group what they type, are left out; lower case becomes upper case, O becomes 0,
    I and L become 1. Raises `InvalidClaimIdError`.
    """
    folded = _fold(text.translate(_GROUPING))
    if stranger := _first_stranger(folded):
        raise InvalidClaimIdError(
            f"The claim ID has {quoted(stranger)} at character {folded.index(stranger) + 1}; "
            "only digits and the letters A to Z without I, L, O and U may stand there, so correct it."
        )
    if not MIN_LENGTH <= len(folded) <= MAX_LENGTH:
        raise InvalidClaimIdError(
            f"The claim ID has {len(folded)} characters; it needs {MIN_LENGTH} to {MAX_LENGTH}, so correct it."
        )
    return folded


def check_typed(claim_id: str, length: int) -> str:
    """Return `claim_id`, which somebody has typed and no ledger knows, where it has the `length` of those of its line.

    One character more or less still makes a claim ID, of another device; so does what fills a form.
    Raises `InvalidClaimIdError`.
    """
    if claim_id.strip("0") == "" or claim_id in _COUNTED:
        raise InvalidClaimIdError(
            f"The claim ID {mask(claim_id)} that was given is zeros, or the digits in their order, which anybody would "
            "guess: give the unit's own, or none."
        )
    if len(claim_id) != length:
        raise InvalidClaimIdError(
            f"The claim ID {mask(claim_id)} that was given has {len(claim_id)} characters, and those of this line have "
            f"{length}: correct it, or, where all have so many, give ioto_claim_id_length: {len(claim_id)}."
        )
    return claim_id


def is_valid(text: object) -> TypeGuard[str]:
    """Say whether `text` is a claim ID in its canonical form, as a device may hold it."""
    return isinstance(text, str) and MIN_LENGTH <= len(text) <= MAX_LENGTH and _first_stranger(text) is None


@lru_cache(maxsize=256)
def parse_product(text: str) -> str:
    """Return the canonical product ID (a ULID, upper case) for a typed `text`. Raises `InvalidProductError`."""
    folded = _fold(text)
    # A ULID is 128 bits in 26 characters of 5: the first character holds 3 bits, so it is at most 7.
    if len(folded) != _PRODUCT_LENGTH or _first_stranger(folded) or folded[0] > "7":
        raise InvalidProductError(
            f"The product {quoted_masked(text)} is not a product ID: that is a ULID, {_PRODUCT_LENGTH} characters such "
            "as 01G8YJKKRNTHW213TRZYX3YH0M; copy it from the Builder."
        )
    return folded


def mask(claim_id: str) -> str:
    """Return `claim_id` as it may be shown: stars, and its last two characters to tell units apart."""
    return "*" * max(len(claim_id) - _VISIBLE_TAIL, 0) + claim_id[-_VISIBLE_TAIL:]


def mask_within(text: str) -> str:
    """Return `text` with each word in it that may be or hold a claim ID as `mask` shows it.

    That is one of so many digits and letters, or capital letters alone; also a longer one, since a text that was
    written into another one, such as a line in the `repr` of some, has the letter of an escape before it.
    """
    return _HIDES_CLAIM_ID.sub(lambda match: mask(match[0]), text)


def mask_folded(text: str) -> str:
    """Return `text` as `mask_within` does, and with what would be a claim ID once `parse` has folded it masked as well.

    That is what is grouped by dashes or blanks, where a digit is in each of its parts but one at the most: words of a
    language have none. For what others say, such as a device or printer.
    """
    return mask_within(_PARTS.sub(_mask_parts, text))


def mask_sentence(text: str) -> str:
    """Return `text` as `mask_folded` does, but for a word beside a name with a digit, as in `device.json5 cannot`.

    For sentences of ours, and of who says that he is one of us.
    """
    return mask_within(_CAPITAL_PARTS.sub(_mask_parts, _DASHED_PARTS.sub(_mask_parts, text)))


def quoted_masked(text: str) -> str:
    """Return what a file or a person gave for something else than a claim ID as a sentence may quote it.

    It may be one all the same, such as where columns are exchanged or the first line of a list is taken for titles.
    """
    return quoted(mask_folded(text))


def _mask_parts(found: re.Match[str]) -> str:
    """Mask every run of parts that makes a claim ID, but for its last characters."""
    text = found[0]
    if len(text) <= MIN_LENGTH or not _HAS_DIGIT.search(text):  # most of what anybody says
        return text
    parts = list(_PART.finditer(text))
    traits = [_Traits.of(part[0]) for part in parts]
    left = sum(part.length for part in traits)
    shown, done = [], 0
    for start, part in enumerate(parts):
        if left < MIN_LENGTH:
            break
        left -= traits[start].length
        end = _longest_id(traits[start : start + MAX_LENGTH])  # each part has a character at least
        # What begins in a hidden run may end behind it.
        begin, until = max(part.start(), done), end and parts[start + end - 1].end() - _VISIBLE_TAIL
        if begin < until:
            shown += [text[done:begin], _PART_CHARACTER.sub("*", text[begin:until])]
            done = until
    return "".join((*shown, text[done:]))


class _Traits(NamedTuple):
    """What counts of a part of what may be a claim ID in groups."""

    length: int
    has_digit: bool
    has_letter: bool
    has_small_letter: bool
    is_none: bool
    """Whether no claim ID has such a part."""

    @classmethod
    def of(cls, word: str) -> _Traits:
        return cls(
            len(word),
            _HAS_DIGIT.search(word) is not None,
            not word.isdigit(),
            word.upper() != word,
            "U" in word or "u" in word or word in _ALGORITHM,
        )


def _longest_id(traits: Sequence[_Traits]) -> int:
    """Return how many parts, from the first one on, make a claim ID at most; 0 where none do."""
    longest = length = wordy = 0
    has_letter = has_small_letter = False
    for number, part in enumerate(traits, start=1):
        length += part.length
        if part.is_none or length > MAX_LENGTH:
            break
        wordy += not part.has_digit
        has_letter |= part.has_letter
        has_small_letter |= part.has_small_letter
        is_readable = wordy == number or (wordy > 1 and has_small_letter)
        if number > 1 and length >= MIN_LENGTH and has_letter and not is_readable:
            longest = number
    return longest


def _fold(text: str) -> str:
    text = text.strip()
    # Only ASCII is folded: str.upper() would turn a dotless i or a long s into one of ours.
    return text.upper().translate(_FOLD) if text.isascii() else text


def _first_stranger(text: str) -> str | None:
    return next((character for character in text if character not in ALPHABET), None)
