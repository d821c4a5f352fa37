# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Envelopes by the protocol DSSE, version 1 (https://github.com/secure-systems-lab/dsse): a payload with signatures.

What is signed is the payload with its type before it, as `pre_authentication` writes both. The payload is read after
a signature of it was found good, and never before.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ..display_text import printable
from .errors import CheckpointError
from .input_files import parse_json
from .keys import key_id

PAYLOAD_TYPE = "application/vnd.ioto.serialization.checkpoint+json"
MOST_BYTES = 32 * 1024 * 1024
"""Of an envelope; one of 50,000 units has 13 MB."""
MOST_SIGNATURES = 16
_MOST_PARTS = 200
"""Brackets and commas of an envelope, whose payload has none."""
_SHOWN = 80
_STANDARD = str.maketrans("-_", "+/")
"""The protocol has a reader take both alphabets."""


def sign(payload: bytes, key: Ed25519PrivateKey) -> bytes:
    """Return the envelope of `payload`, signed with `key`, as a line of JSON. Raises `CheckpointError`."""
    signature = key.sign(pre_authentication(PAYLOAD_TYPE, payload))
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode()}],
    }
    data = f"{json.dumps(envelope)}\n".encode()
    if len(data) > MOST_BYTES:
        raise CheckpointError(
            f"The checkpoint would have {len(data)} bytes, and may have {MOST_BYTES}; sign fewer units."
        )
    return data


def verified_payload(data: bytes, key: Ed25519PublicKey) -> bytes:
    """Return the payload of the envelope `data`, of which one signature is by `key`. Raises `CheckpointError`.

    The key ID beside a signature is not signed itself, so it chooses nothing.
    """
    payload_type, payload, signatures = _parsed(data)
    message = pre_authentication(payload_type, payload)
    for signature in signatures:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            continue
        return payload
    raise CheckpointError(
        f"The checkpoint is not signed with the key {key_id(key)}, or it was changed since; get the file again, and "
        "the public key from whoever signed it."
    )


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """Return the protocol's pre-authentication encoding of both: what is signed."""
    name = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def _parsed(data: bytes) -> tuple[str, bytes, list[bytes]]:
    try:
        envelope = parse_json(data, _MOST_PARTS)
        payload_type = _text(envelope, "payloadType")
        payload = _decoded(_text(envelope, "payload"))
        signatures = envelope.get("signatures")
        if not isinstance(signatures, list) or not all(isinstance(each, dict) for each in signatures):
            raise ValueError("its signatures are not a list of objects")
        if not 0 < len(signatures) <= MOST_SIGNATURES:
            raise ValueError(f"it has {len(signatures)} signatures in place of 1 to {MOST_SIGNATURES}")
        found = [_decoded(_text(each, "sig")) for each in signatures]
    except ValueError as error:
        raise CheckpointError(f"The file is not an envelope of DSSE: {error}; name the file of a checkpoint.") from None
    if payload_type != PAYLOAD_TYPE:
        raise CheckpointError(
            f"The envelope holds {printable(payload_type[:_SHOWN])}, and a checkpoint is {PAYLOAD_TYPE}; name the "
            "file of a checkpoint."
        )
    return payload_type, payload, found


def _text(container: dict[str, Any], name: str) -> str:
    value = container.get(name)
    if not isinstance(value, str):
        raise ValueError(f"it has no {name}, or one that is not text")
    return value


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.translate(_STANDARD), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("its payload or a signature is not base64") from None
