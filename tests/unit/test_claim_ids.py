# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim IDs: made from the CSPRNG, typed by people, never shown whole."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ioto.serialization.plugins.plugin_utils import claim_ids
from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import (
    ALPHABET,
    InvalidClaimIdError,
    InvalidProductError,
)


def test_each_of_the_32_letters_is_as_likely_as_the_others() -> None:
    characters = Counter("".join(claim_ids.generate(20) for _ in range(16_000)))

    # Chi-squared with 31 degrees of freedom: 80.4 is exceeded by chance once in 400,000 runs.
    expected = 16_000 * 20 / 32
    assert set(characters) == set(ALPHABET)
    assert sum((count - expected) ** 2 / expected for count in characters.values()) < 80.4


@pytest.mark.parametrize("length", [10, 16, 20])
def test_a_generated_id_has_the_length_that_was_asked_for_and_is_valid(length: int) -> None:
    claim_id = claim_ids.generate(length)

    assert len(claim_id) == length
    assert claim_ids.is_valid(claim_id)


@pytest.mark.parametrize("length", [0, 9, 21])
def test_a_length_that_the_agent_cannot_take_is_refused_with_the_range(length: int) -> None:
    with pytest.raises(InvalidClaimIdError, match="10 to 20 characters"):
        claim_ids.generate(length)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("JT08FFQXWQ", "JT08FFQXWQ"),
        (" jt08ffqxwq\n", "JT08FFQXWQ"),
        ("JTO8FFQXWQ", "JT08FFQXWQ"),
        ("iLiLiLiLiL", "1111111111"),
        ("JT08-FFQX WQ", "JT08FFQXWQ"),
        ("JT08\N{EN DASH}FFQX\N{NO-BREAK SPACE}WQ", "JT08FFQXWQ"),
    ],
)
def test_a_typed_id_is_folded_as_crockford_says(typed: str, meant: str) -> None:
    assert claim_ids.parse(typed) == meant


@pytest.mark.parametrize(
    "typed", ["", "JT08FFQXW", "JT08FFQXWQJT08FFQXWQ0", "JT08FUQXWQ", "JT08_FFQXWQ", "JT08FFQXW\u0131"]
)
def test_what_is_no_claim_id_is_refused_without_being_repeated(typed: str) -> None:
    with pytest.raises(InvalidClaimIdError) as caught:
        claim_ids.parse(typed)

    assert not typed or typed not in str(caught.value)


@given(st.text())
def test_parsing_gives_a_valid_id_or_an_error_and_nothing_else(text: str) -> None:
    try:
        parsed = claim_ids.parse(text)
    except InvalidClaimIdError:
        return
    assert claim_ids.is_valid(parsed)
    assert claim_ids.parse(parsed) == parsed


@pytest.mark.parametrize("value", [None, 1234567890, "jt08ffqxwq", "JT08FFQXW", ["JT08FFQXWQ"] * 10])
def test_only_the_canonical_form_is_valid(value: object) -> None:
    assert not claim_ids.is_valid(value)


def test_a_product_is_a_ulid() -> None:
    assert claim_ids.parse_product(" 01g8yjkkrnthw213trzyx3yh0m") == "01G8YJKKRNTHW213TRZYX3YH0M"


@pytest.mark.parametrize(
    "typed", ["", "01G8YJKKRNTHW213TRZYX3YH0", "81G8YJKKRNTHW213TRZYX3YH0M", "01G8YJKKRNTHW213TRZYX3YH0U"]
)
def test_a_product_that_is_no_ulid_is_refused(typed: str) -> None:
    with pytest.raises(InvalidProductError, match="is not a product ID"):
        claim_ids.parse_product(typed)


def test_a_masked_id_keeps_its_length_and_its_last_two_letters_alone() -> None:
    assert claim_ids.mask("JT08FFQXWQ") == "********WQ"
    assert claim_ids.mask("") == ""


@given(st.integers(claim_ids.MIN_LENGTH, claim_ids.MAX_LENGTH).map(claim_ids.generate))
@pytest.mark.parametrize("around", ["KeyError: {!r}", "{}", "[{}]", "x_{}.img", "SN-{}-7", "é {} é", "{{'id': '{}'}}"])
def test_no_text_shows_a_claim_id_once_it_is_masked(around: str, claim_id: str) -> None:
    for text in (around.format(claim_id), repr(f"one\n{claim_id}\ntwo"), around.format(claim_id) * 2):
        assert claim_id not in claim_ids.mask_within(text)
        assert claim_id[-2:] in claim_ids.mask_within(text)


def test_what_is_masked_in_a_text_leaves_its_words_as_they_are() -> None:
    text = "connection refused: NoneType has no attribute replace_provisioned, UnreachableError in fleet/engine.py, 202"
    assert claim_ids.mask_within(f"{text} jt08ffqxwq") == f"{text} ********wq"


@pytest.mark.parametrize("typed", ["7K3M-9QX2-TB", "7k3m-9qx2-tb", "7K3M 9QX2 TB", "7k3m9 qx2tb", "7K3M9QX2TB"])
@pytest.mark.parametrize("around", ["{}", "no such id: {}, try again", "id={}", "the id {} is taken", "[{}]"])
def test_an_id_that_is_grouped_is_masked_in_what_others_say(around: str, typed: str) -> None:
    shown = claim_ids.mask_folded(around.format(typed))

    assert typed[5:8] not in shown
    assert typed[:4] not in shown


@pytest.mark.parametrize(
    "text",
    [
        "Permission denied (publickey,password).",
        "ssh: connect to host 192.0.2.10 port 22: Connection refused",
        "exit status 127: sh: line 1: ioto: not found",
        "kex error: no match for method kex algos: diffie-hellman-group14-sha1",
        "no matching host key type found. Their offer: rsa-sha2-512,hmac-sha2-256,aes256-gcm",
    ],
)
def test_what_others_say_stays_readable(text: str) -> None:
    assert claim_ids.mask_folded(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("JT08-FFQX-WQ-JT08-FFQX-WQ", "****-****-**-****-****-WQ"),
        ("a1-b2-c3-d4-e5-f6-g7-h8-j9-k1-m2", "**-**-**-**-**-**-**-**-**-k1-m2"),
        ("7K3M 9QX2 TB, 7K3M 9QX2 T", "**** **** TB, 7K3M 9QX2 T"),
        ("AB-CDEFGH-JK1 rsa-sha256-JT08FFQ1", "**-******-*K1 rsa-sha256-JT08FFQ1"),
        ("12345-67890-12345", "12345-67890-12345"),
        ("A1-B2-C3-D4-U5", "A1-B2-C3-D4-U5"),
    ],
)
def test_of_parts_each_run_that_makes_an_id_is_masked(text: str, shown: str) -> None:
    assert claim_ids.mask_folded(text) == shown


@pytest.mark.parametrize("parts", ["A1-", "1-", "a1 ", "JT08F-FQXWQ-"])
def test_a_text_of_nothing_but_parts_is_masked_in_time(parts: str) -> None:
    started = time.process_time()
    claim_ids.mask_folded(parts * (300_000 // len(parts)))
    assert time.process_time() - started < 2.5
