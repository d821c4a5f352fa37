# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkpoint is read by others' programs too, and whatever a hostile one holds is told in a sentence."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from itertools import product as product_of
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.against_device import (
    DeviceDisagreesError,
    check_device,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.checkpoint import (
    Checkpoint,
    SignedSeal,
    SignedUnit,
    decoded,
    read_checkpoint,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.envelope import (
    MOST_BYTES,
    PAYLOAD_TYPE,
    sign,
    verified_payload,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.errors import (
    CheckpointError,
    SigningKeyError,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.id_hashes import IdHash
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.keys import (
    key_id,
    new_key_pair,
    private_key,
    public_key,
    refuse_place,
)
from tests.support.ansible import ROOT

PRODUCT, OTHER = "01G8YJKKRNTHW213TRZYX3YH0M", "01G8YJKKRNTHW213TRZYX3YH0N"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key()
FAST = IdHash(b"salt of a batch", n=2, r=1)
MADE = datetime(2026, 11, 28, 3, tzinfo=UTC)


def unit(serial: str, claim_id: str, state: str = "verified", product: str = PRODUCT, **more: bool) -> SignedUnit:
    return SignedUnit(product, serial, state, MADE, FAST.of(claim_id, product, serial), **more)


CHECKPOINT = Checkpoint(
    made_at=MADE,
    identity="drawn",
    claims=9,
    seal=SignedSeal(7, "0123456789abcdef" * 4, 1234, MADE),
    run="20261128T030000-7QK4XW",
    began_at=MADE,
    ended_at=MADE,
    id_hash=FAST,
    units=[
        unit("SN-1", "1111111111"),
        unit("SN-2", "2222222222", "labelled"),
        unit("SN-3", "3333333333", "written"),
        unit("SN-4", "4444444444", "retired"),
        unit("SN-4", "5555555555"),
        unit("SN-5", "6666666666", in_doubt=True),
        unit("SN-6", "7777777777"),
        unit("SN-6", "8888888888", product=OTHER),
        unit("00:1b:21:33:44:55", "9999999999"),
    ],
)
ENVELOPE = sign(CHECKPOINT.encoded(), KEY)


def enveloped(payload: object, payload_type: str = PAYLOAD_TYPE, /, **more: object) -> bytes:
    """An envelope with a good signature, made by the protocol's text and not by our code."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    name = payload_type.encode()
    message = b" ".join([b"DSSEv1", str(len(name)).encode(), name, str(len(data)).encode(), data])
    signatures = [{"sig": base64.b64encode(KEY.sign(message)).decode()}]
    said = {"payload": base64.b64encode(data).decode(), "payloadType": payload_type, "signatures": signatures}
    return json.dumps({**said, **more}).encode()


def payload_with(**more: object) -> dict[str, Any]:
    return {**json.loads(CHECKPOINT.encoded()), **more}


# Read by others


def test_what_is_signed_is_read_back() -> None:
    assert decoded(verified_payload(ENVELOPE, PUBLIC)) == CHECKPOINT
    bare = replace(CHECKPOINT, units=None, id_hash=None, run=None, began_at=None, ended_at=None)
    assert decoded(verified_payload(sign(bare.encoded(), KEY), PUBLIC)) == bare


def test_an_envelope_made_by_the_text_of_the_protocol_is_read_and_needs_no_key_id() -> None:
    assert decoded(verified_payload(enveloped(payload_with()), PUBLIC)) == CHECKPOINT
    url_safe = ENVELOPE.replace(b"+", b"-").replace(PAYLOAD_TYPE.replace("+", "-").encode(), PAYLOAD_TYPE.encode())
    assert verified_payload(url_safe, PUBLIC) == CHECKPOINT.encoded()


def test_openssl_verifies_it(tmp_path: Path) -> None:
    envelope = json.loads(ENVELOPE)
    payload = base64.b64decode(envelope["payload"])
    name = envelope["payloadType"]
    (tmp_path / "message").write_bytes(f"DSSEv1 {len(name)} {name} {len(payload)} ".encode() + payload)
    (tmp_path / "signature").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    (tmp_path / "key").write_bytes(PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    verify = "openssl pkeyutl -verify -pubin -inkey key -rawin -in message -sigfile signature"
    told = subprocess.run(verify.split(), cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "Signature Verified Successfully" in told
    as_der = ["openssl", "pkey", "-pubin", "-in", "key", "-outform", "DER"]
    der = subprocess.run(as_der, cwd=tmp_path, capture_output=True, check=True).stdout
    assert hashlib.sha256(der).hexdigest() == envelope["signatures"][0]["keyid"] == key_id(PUBLIC)


def test_securesystemslib_verifies_it() -> None:
    pytest.importorskip("securesystemslib", reason="securesystemslib is not installed; uv sync has it")
    from securesystemslib.dsse import Envelope  # noqa: PLC0415
    from securesystemslib.exceptions import VerificationError  # noqa: PLC0415
    from securesystemslib.signer import SSlibKey  # noqa: PLC0415

    envelope = json.loads(ENVELOPE)
    key = SSlibKey.from_crypto(PUBLIC, keyid=envelope["signatures"][0]["keyid"])
    assert list(Envelope.from_dict(json.loads(ENVELOPE)).verify([key], 1)) == [key.keyid]
    envelope["payload"] = base64.b64encode(CHECKPOINT.encoded() + b" ").decode()
    with pytest.raises(VerificationError):
        Envelope.from_dict(envelope).verify([key], 1)


def test_the_hash_of_an_id_is_that_of_the_documented_formula() -> None:
    salt = FAST.salt + b"\0" + PRODUCT.encode() + b"\0" + b"SN-1"
    assert FAST.of("1111111111", PRODUCT, "SN-1") == hashlib.scrypt(b"1111111111", salt=salt, n=2, r=1, p=1, dklen=32)


def test_the_most_that_is_taken_is_hashed_or_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for n, r, p in ((2, 1024, 4), (2**15, 1, 1), (2**10, 1024, 1)):
        assert len(IdHash(b"salt of a batch", n=n, r=r, p=p).of("1111111111", PRODUCT, "SN-1")) == 32

    def refuse(*_given: object, **_more: object) -> bytes:
        raise ValueError("memory limit exceeded")

    monkeypatch.setattr(hashlib, "scrypt", refuse)
    with pytest.raises(CheckpointError, match="cannot be hashed on this machine"):
        FAST.of("1111111111", PRODUCT, "SN-1")


def test_a_guess_is_tried_against_one_unit_and_costs_what_a_password_does() -> None:
    new, other = IdHash.new(), IdHash.new()
    assert (new.n, new.r, new.p) == (16384, 8, 1) and len(new.salt) == 16 and new.salt != other.salt
    same = {FAST.of("1111111111", PRODUCT, "SN-1"), FAST.of("1111111111", PRODUCT, "SN-2")}
    same |= {
        FAST.of("1111111111", OTHER, "SN-1"),
        replace(FAST, salt=b"another salt").of("1111111111", PRODUCT, "SN-1"),
    }
    assert len(same) == 4
    assert FAST.of_many([("1111111111", PRODUCT, "SN-1")]) == [FAST.of("1111111111", PRODUCT, "SN-1")]


def test_no_claim_id_is_in_it() -> None:
    assert b"1111111111" not in CHECKPOINT.encoded() and b"1111111111" not in ENVELOPE


# A device with its label


@pytest.mark.parametrize(
    ("claim_id", "serial", "product"),
    [
        ("1111111111", "SN-1", None),
        ("11111-iiiLL", " SN-1 ", PRODUCT.lower()),
        ("2222222222", "SN-2", None),
        ("5555555555", "SN-4", None),
        ("8888888888", "SN-6", OTHER),
        ("9999999999", "00-1B-21-33-44-55", None),
    ],
)
def test_a_genuine_device_is_told_so(claim_id: str, serial: str, product: str | None) -> None:
    sentence = check_device(CHECKPOINT, claim_id, serial, product)
    assert sentence.startswith("The claim ID ********") and " is that of unit " in sentence


@pytest.mark.parametrize(
    ("claim_id", "serial", "why"),
    [
        ("1111111112", "SN-1", "is not the one that was signed"),
        ("2222222222", "SN-1", "is not the one that was signed"),
        ("1111111111", "SN-9", "lists no unit SN-9"),
        ("3333333333", "SN-3", "as written, and nobody had read it back"),
        ("4444444444", "SN-4", "was out of use"),
        ("6666666666", "SN-5", "was in doubt"),
        ("7777777777", "SN-6", f"of 2 products; give the product, one of {PRODUCT}, {OTHER}."),
    ],
)
def test_any_other_device_is_told_why_not(claim_id: str, serial: str, why: str) -> None:
    with pytest.raises(DeviceDisagreesError, match=why) as caught:
        check_device(CHECKPOINT, claim_id, serial)
    assert claim_id not in str(caught.value)


def test_a_checkpoint_of_the_seal_alone_says_nothing_of_a_device() -> None:
    with pytest.raises(DeviceDisagreesError, match="lists no units"):
        check_device(replace(CHECKPOINT, units=None, id_hash=None), "1111111111", "SN-1")


def test_one_unit_under_very_many_names_is_not_hashed_for_each() -> None:
    spellings = (
        "".join(pair) for pair in product_of(*(c + c.upper() if c.isalpha() else c for c in "00:ab:cd:ef:ab:cd"))
    )
    units = [unit(name, "1111111111") for name in islice(spellings, 40)]
    with pytest.raises(DeviceDisagreesError, match="one unit under 40 names"):
        check_device(replace(CHECKPOINT, units=units), "1111111111", "00:ab:cd:ef:ab:cd")


# Hostile files


def test_another_key_or_a_changed_byte_is_refused() -> None:
    with pytest.raises(CheckpointError, match="is not signed with the key"):
        verified_payload(ENVELOPE, Ed25519PrivateKey.generate().public_key())
    for changed in (
        CHECKPOINT.encoded() + b" ",
        CHECKPOINT.encoded()[:-1],
        CHECKPOINT.encoded().replace(b"SN-1", b"SN-8"),
    ):
        envelope = {**json.loads(ENVELOPE), "payload": base64.b64encode(changed).decode()}
        with pytest.raises(CheckpointError, match="or it was changed since"):
            verified_payload(json.dumps(envelope).encode(), PUBLIC)


def test_what_a_stranger_put_beside_our_signature_changes_nothing() -> None:
    envelope = json.loads(ENVELOPE)
    ours = envelope["signatures"][0]
    strangers = [{"keyid": ours["keyid"], "sig": base64.b64encode(bytes(64)).decode()}, {"sig": "AA=="}]
    envelope["signatures"] = [*strangers, {**ours, "keyid": "another"}]
    assert verified_payload(json.dumps(envelope).encode(), PUBLIC) == CHECKPOINT.encoded()


@pytest.mark.parametrize("cut", [0, 1, 100, -2, -40])
def test_a_file_that_is_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(CheckpointError, match="is not an envelope of DSSE"):
        verified_payload(ENVELOPE[:cut], PUBLIC)


ENVELOPES: list[tuple[bytes | Callable[[], bytes], str]] = [
    (b"PK\x03\x04\xff", "not UTF-8"),
    (b"[1]", "is not a JSON object"),
    (b"null", "is not a JSON object"),
    (b"{", "is not JSON from line 1, column 2 on"),
    (b'{"a": 1, "a": 2}', "it says something twice"),
    (b'{"a": NaN}', "it has NaN"),
    (b'{"a": ' + b"9" * 5000 + b"}", "a number of 5000 digits"),
    (b"[" * 100_000, "lists more than a checkpoint does"),
    (b'{"a":' * 90 + b"1" + b"}" * 90, "has no payloadType"),
    (b"{}", "has no payloadType"),
    (b'{"payloadType": 7}', "has no payloadType"),
    (lambda: enveloped({}, payload=7), "has no payload"),
    (lambda: enveloped({}, payload="%%"), "is not base64"),
    (lambda: enveloped({}, payload="\u00e4"), "is not base64"),
    (lambda: enveloped({}, signatures={}), "signatures are not a list"),
    (lambda: enveloped({}, signatures=[1]), "signatures are not a list"),
    (lambda: enveloped({}, signatures=[]), "0 signatures in place of 1 to 16"),
    (lambda: enveloped({}, signatures=[{"sig": "AA=="}] * 17), "17 signatures in place of 1 to 16"),
    (lambda: enveloped({}, signatures=[{"sig": "AA=="}] * 5000), "lists more than a checkpoint does"),
    (lambda: enveloped({}, signatures=[{"keyid": "x"}]), "has no sig"),
    (
        lambda: enveloped({}, "application/vnd.in-toto+json"),
        "holds application/vnd.in-toto[+]json, and a checkpoint is",
    ),
    (lambda: enveloped({}, "\x1b[2J\u202e" + "x" * 1000), "holds  ?.2J x+, and a checkpoint is"),
]


@pytest.mark.parametrize(("data", "why"), ENVELOPES, ids=[why for _data, why in ENVELOPES])
def test_what_is_no_envelope_is_told_in_a_sentence(data: bytes | Callable[[], bytes], why: str) -> None:
    with pytest.raises(CheckpointError, match=why) as caught:
        verified_payload(data if isinstance(data, bytes) else data(), PUBLIC)
    assert "\n" not in str(caught.value) and str(caught.value).isprintable() and len(str(caught.value)) < 400


HASH = json.loads(CHECKPOINT.encoded())["id_hash"]
UNIT = json.loads(CHECKPOINT.encoded())["units"][0]
PAYLOADS: list[tuple[object, str]] = [
    (b"\xff", "not UTF-8"),
    (b"{" * 100_000 + b"}" * 100_000, "is not JSON|nested too deeply"),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    (b"[" + b"[]," * 600_000 + b"1]", "lists more than a checkpoint does"),
    ([], "is not a JSON object"),
    ({}, "another version"),
    (payload_with(version=2), "another version"),
    (payload_with(made_at="yesterday"), "made_at is missing, or no time"),
    (payload_with(made_at="0001-01-01T00:00:00+23:00"), "made_at is missing, or no time"),
    (payload_with(made_at=None), "made_at is missing, or no time"),
    (payload_with(made_at="9999-12-31T23:59:59+00:00"), "made_at is missing, or no time"),
    (payload_with(made_at="0001-01-01T00:00:00+00:00"), "made_at is missing, or no time"),
    (payload_with(ledger=[]), "ledger is missing"),
    (payload_with(ledger={"identity": "\x1b[2J", "claims": 1}), "identity is missing"),
    (payload_with(ledger={"identity": "x", "claims": True}), "claims is missing"),
    (payload_with(seal={}), "number is missing"),
    (payload_with(batch=None), "batch is missing"),
    (payload_with(units={}), "units are not a list"),
    (payload_with(units=[UNIT] * 50_001), "units are not a list of up to 50000"),
    (payload_with(units=[7]), "a unit of it is not an object"),
    (payload_with(units=[{**UNIT, "state": "sold"}]), "unknown state"),
    (payload_with(units=[{**UNIT, "state": []}]), "unknown state"),
    (payload_with(units=[{**UNIT, "product": "x"}]), "no product ID"),
    (payload_with(units=[{**UNIT, "serial": "\ud800"}]), "serial is missing, or no text"),
    (payload_with(units=[{**UNIT, "serial": "x" * 256}]), "serial is missing, or no text"),
    (payload_with(units=[{**UNIT, "id_hash": "%"}]), "id_hash is missing, or not base64"),
    (payload_with(id_hash=None), "id_hash is missing"),
    (payload_with(id_hash={**HASH, "algorithm": "argon2id"}), "something else than scrypt"),
    *(
        (payload_with(id_hash={**HASH, **numbers}), "scrypt has parameters that are no use")
        for numbers in (
            *({"n": 2**40}, {"n": 2**20, "r": 8}, {"n": 3}, {"n": 0}, {"n": 1}, {"r": 2**30}, {"r": 0}, {"p": 0}),
            *(
                {"n": 2, "r": 524288},
                {"n": 2**16, "r": 1},
                {"n": 2, "r": 1025},
                {"p": 2**30},
                {"length": 2**40},
                {"length": 0},
                {"salt": "AA=="},
                {"salt": "A" * 200},
            ),
        )
    ),
    (payload_with(id_hash={**HASH, "n": 2**63}), "n is missing, or no whole number"),
    (payload_with(id_hash={**HASH, "n": 16384.0}), "n is missing, or no whole number"),
]


@pytest.mark.parametrize(("payload", "why"), PAYLOADS, ids=range(len(PAYLOADS)))
def test_what_was_signed_and_makes_no_sense_is_told_in_a_sentence(payload: object, why: str) -> None:
    with pytest.raises(CheckpointError, match=why) as caught:
        decoded(verified_payload(enveloped(payload), PUBLIC))
    assert "\n" not in str(caught.value) and str(caught.value).isprintable() and len(str(caught.value)) < 400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*UNIT, *HASH, "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from([*payload_with()]), json_values)
def test_whatever_a_signed_member_is_nothing_but_a_sentence_comes_of_it(name: str, value: object) -> None:
    try:
        decoded(json.dumps(payload_with(**{name: value})).encode())
    except CheckpointError as error:
        assert str(error).isprintable()


@given(st.binary(max_size=200), st.integers(0, len(ENVELOPE)))
def test_bytes_that_are_put_in_are_a_sentence_and_never_another_checkpoint(stray: bytes, at: int) -> None:
    try:
        found = decoded(verified_payload(ENVELOPE[:at] + stray + ENVELOPE[at + len(stray) :], PUBLIC))
    except CheckpointError as error:
        assert str(error).isprintable()
    else:
        assert found == CHECKPOINT


def test_files_without_an_end_and_files_that_are_none_are_refused(tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    os.mkfifo(tmp_path / "pipe")
    for path, why in (
        (huge, "has more than 33554432 bytes"),
        (tmp_path / "pipe", "is not a file"),
        (Path("/dev/zero"), "is not a file"),
        (tmp_path, "is not a file|Is a directory"),
        (tmp_path / "absent", "No such file"),
        (tmp_path / "a\0b", "has a NUL"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(Exception, match=why) as caught:
            read_checkpoint(str(path), PUBLIC)
        assert "\n" not in str(caught.value)


def test_the_largest_hostile_file_takes_little_memory(tmp_path: Path) -> None:
    """In a process that may have 600 MB: of brackets, of commas, and of a payload that is all base64."""
    (tmp_path / "key").write_bytes(PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    path = tmp_path / "checkpoint"
    body = MOST_BYTES - 200
    for data in (
        b'{"a": [' + b"[]," * (body // 3) + b"1]}",
        b'{"payloadType": "x", "payload": "' + b"A" * (body // 4 * 4) + b'", "signatures": [{"sig": "AA=="}]}',
        b'{"payloadType": "'
        + PAYLOAD_TYPE.encode()
        + b'", "payload": "'
        + b"-" * (body // 4 * 4 - 100)
        + b'", "signatures": [{"sig": "AA=="}]}',
    ):
        path.write_bytes(data)
        done = subprocess.run(
            [*COMMAND, "verify", "--checkpoint", path, "--public-key", tmp_path / "key"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (600 * 2**20, 600 * 2**20)),
        )
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr[-2000:]


# Keys


def test_a_key_pair_is_made_for_its_owner_and_never_over_another(tmp_path: Path) -> None:
    public, number = new_key_pair(tmp_path / "keys" / "line.key")
    assert (tmp_path / "keys/line.key").stat().st_mode & 0o777 == 0o600
    assert public == tmp_path / "keys/line.key.pub" and number == key_id(public_key(public))
    assert key_id(private_key(tmp_path / "keys/line.key").public_key()) == number
    with pytest.raises(SigningKeyError, match="already, and it stays"):
        new_key_pair(tmp_path / "keys/line.key")
    (tmp_path / "keys/line.key").unlink()
    with pytest.raises(SigningKeyError, match=r"line\.key\.pub already, and it stays"):
        new_key_pair(tmp_path / "keys/line.key")


def test_check_mode_says_where_no_key_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, why in (("file", "already, and it stays"), ("file/key", "cannot be written below")):
        with pytest.raises(SigningKeyError, match=why):
            refuse_place(tmp_path / name)
    refuse_place(tmp_path / "new/key")
    # Python 3.14 no longer says what hinders it to look there.
    with suppress(SigningKeyError):
        refuse_place(tmp_path / ("x" * 300))


def test_a_private_key_with_a_passphrase_needs_it(tmp_path: Path) -> None:
    for name, text in (("right", "some words\nmore\n"), ("wrong", "other words\n"), ("empty", "\n"), ("read", "x\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o644 if name == "read" else 0o600)
    path = tmp_path / "line.key"
    new_key_pair(path, tmp_path / "right")
    assert b"ENCRYPTED" in path.read_bytes()
    private_key(path, tmp_path / "right")
    for passphrase, why in (
        (None, "has a passphrase; give its file"),
        (tmp_path / "wrong", "cannot be read with that passphrase"),
        (tmp_path / "empty", "has no passphrase in its first line"),
        (tmp_path / "read", "Others may read the passphrase in"),
    ):
        with pytest.raises(SigningKeyError, match=why):
            private_key(path, passphrase)
    new_key_pair(tmp_path / "open.key")
    with pytest.raises(SigningKeyError, match="has no passphrase; leave out"):
        private_key(tmp_path / "open.key", tmp_path / "right")


def test_a_key_that_is_of_no_use_is_told_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "key"
    public, _number = new_key_pair(tmp_path / "line.key")
    curve = generate_private_key(SECP256R1())
    other = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    other_public = curve.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for data, mode, why in (
        (b"", 0o600, "is no private key in PEM"),
        (public.read_bytes(), 0o644, "is the public key, which signs nothing; give the private one"),
        (other, 0o600, "is not one of Ed25519"),
        (other, 0o640, "Others may read the private key"),
        (b"x" * 20_000, 0o600, "has more than 16384 bytes"),
    ):
        path.write_bytes(data)
        path.chmod(mode)
        with pytest.raises(CheckpointError, match=why):
            private_key(path)
    for data, why in (
        ((tmp_path / "line.key").read_bytes(), "is a private key, which nobody else may have"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "is no public key in PEM"),
        (other_public, "is not one of Ed25519"),
    ):
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match=why):
            public_key(path)


# The command


COMMAND = [sys.executable, "-m", "plugins.plugin_utils.checkpoints"]


def run(*arguments: str | Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command as somebody does who has unpacked the collection."""
    return subprocess.run([*COMMAND, *arguments], cwd=ROOT, input=typed, capture_output=True, text=True, check=False)


@pytest.fixture
def handed_out(tmp_path: Path) -> list[str]:
    """What a buyer has: the checkpoint and the public key, as arguments."""
    (tmp_path / "line.pub").write_bytes(PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "checkpoint.json").write_bytes(ENVELOPE)
    return ["verify", "--public-key", str(tmp_path / "line.pub"), "--checkpoint", str(tmp_path / "checkpoint.json")]


def test_a_buyer_verifies_a_device_with_the_public_key_alone(tmp_path: Path, handed_out: list[str]) -> None:
    genuine = run(*handed_out, "--serial", "SN-1", "--claim-id-file", "-", typed="11111-11111\n")
    assert genuine.returncode == 0 and "********11 is that of unit SN-1" in genuine.stdout, genuine.stderr
    (tmp_path / "id").write_text("2222222222\n")
    false = run(*handed_out, "--serial", "SN-1", "--claim-id-file", tmp_path / "id")
    assert false.returncode == 1 and "is not the one that was signed" in false.stderr and false.stdout == ""
    whole = run(*handed_out)
    assert whole.returncode == 0 and "it lists 9 units of the run 20261128T030000-7QK4XW (1 written" in whole.stdout
    for done in (genuine, false, whole):
        assert "1111111111" not in done.stdout + done.stderr and "Traceback" not in done.stderr


def test_what_is_typed_wrong_is_a_sentence(handed_out: list[str]) -> None:
    for arguments, typed, status, why in (
        (["--serial", "SN-1"], "", 1, "The claim ID has 0 characters"),
        (["--serial", "SN-1"], "\xff\x00" * 3000, 1, "The claim ID has"),
        (["--claim-id-file", "-"], "1111111111", 1, "give --serial"),
        (["--serial", "SN-1", "--claim-id-file", "/absent"], "", 1, "cannot be read (No such file"),
        (["--serial", "SN-1", "--product", "x"], "1111111111", 1, "is not a product ID"),
        (["--ledger", "/absent/ledger.db"], "", 1, "There is no ledger in /absent/ledger.db"),
        (["--serial"], "", 2, "expected one argument"),
    ):
        done = run(*handed_out, *arguments, typed=typed)
        assert done.returncode == status and why in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_claim_id_that_nobody_can_type_is_asked_for_in_a_file(handed_out: list[str]) -> None:
    closed = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, *handed_out, "--serial", "SN-1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert closed.returncode == 1
    assert closed.stderr == (
        "The standard input, from which the claim ID is read, is closed; give the ID in a file (--claim-id-file).\n"
    )


def test_a_serial_is_told_where_the_terminal_lacks_its_letters(tmp_path: Path, handed_out: list[str]) -> None:
    (tmp_path / "checkpoint.json").write_bytes(
        sign(replace(CHECKPOINT, units=[unit("SN-é", "1111111111")]).encoded(), KEY)
    )
    done = subprocess.run(
        [*COMMAND, *handed_out, "--serial", "SN-é"],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"},
        input=b"1111111111",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert rb"is that of unit SN-\xe9 of product" in done.stdout


def test_a_key_pair_is_made_by_the_command(tmp_path: Path) -> None:
    made = run("new-key", tmp_path / "line.key")
    number = key_id(public_key(tmp_path / "line.key.pub"))
    assert made.returncode == 0 and made.stdout.endswith(f"line.key.pub; the key is {number}.\n")
    assert run("new-key", tmp_path / "line.key").returncode == 1


def test_a_device_is_verified_without_a_database_and_without_ansible() -> None:
    program = (
        "import sys; from plugins.plugin_utils.checkpoints import command; "
        "print({'sqlalchemy', 'ansible', 'yaml', 'jinja2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
