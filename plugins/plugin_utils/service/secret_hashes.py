# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets as the settings hold them: hashed, so that whoever reads the settings cannot use them.

A secret of ours has 256 random bits, which no guessing finds, so one SHA-256 guards it as well as a slow hash would,
and takes a microsecond for each request instead of a tenth of a second.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

from .errors import ServiceError

_PREFIX = "sha256:"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_MIN_CHARACTERS = 24


def new_secret() -> str:
    """Return a new secret that can stand in a URL."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """Return what the settings hold for `secret`. Raises `ServiceError` where it could be guessed."""
    if len(secret) < _MIN_CHARACTERS or not re.fullmatch(r"[A-Za-z0-9_~.-]+", secret):
        raise ServiceError(
            f"A secret needs at least {_MIN_CHARACTERS} of the characters A to Z, a to z, 0 to 9, - . _ ~; "
            "give none, and one is made for you."
        )
    return _PREFIX + hashlib.sha256(secret.encode()).hexdigest()


class SecretHashes:
    """Some hashed secrets. `matches` takes the same time whichever of them is presented, or none."""

    def __init__(self, hashes: Iterable[str], *, setting: str) -> None:
        """Take the hashes of the `setting`. Raises `ServiceError` at anything else."""
        self._digests = []
        for text in hashes:
            if not _HASH.fullmatch(text):
                raise ServiceError(
                    f"The setting {setting} holds something that is not a hash; make one with the command new-secret."
                )
            self._digests.append(bytes.fromhex(text.removeprefix(_PREFIX)))

    def __bool__(self) -> bool:
        return bool(self._digests)

    def matches(self, secret: bytes) -> bool:
        """Say whether `secret` is one of them."""
        digest = hashlib.sha256(secret).digest()
        found = False
        for known in self._digests:
            found |= hmac.compare_digest(known, digest)
        return found
