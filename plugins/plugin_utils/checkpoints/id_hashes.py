# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim IDs as a checkpoint has them: hashed so that whoever holds it cannot try them all.

An ID of ten characters is one of 2^50. A plain hash of each is tried in a day on one graphics card; scrypt (RFC 7914)
with these costs takes 16 MiB and a twentieth of a second for each. The salt is drawn for each batch, and goes on with
the unit's product and serial: so a guess is tried against one unit and not against all of the batch at once, and a hash
says to which unit its ID belongs.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .errors import CheckpointError

_SALT_BYTES = 16
_SALT_LENGTHS = range(8, 65)
_HASH_LENGTHS = range(16, 65)
_MOST_MEMORY = 128 * 1024 * 1024
_MOST_RUNS = 4
_MOST_BLOCKS = 1024
_ROOM = 1024 * 1024
"""What OpenSSL counts beside its table."""
_MOST_THREADS = 16


@dataclass(frozen=True, slots=True)
class IdHash:
    """How the IDs of a batch are hashed. Raises `ValueError` where a checkpoint asks for more than a machine has."""

    salt: bytes
    n: int = 2**14
    r: int = 8
    p: int = 1
    length: int = 32

    def __post_init__(self) -> None:
        """Refuse what is no scrypt, takes more than 128 MiB, or longer than half a second or so."""
        if not (
            len(self.salt) in _SALT_LENGTHS
            and self.length in _HASH_LENGTHS
            and 1 < self.n <= _MOST_MEMORY
            and self.n & (self.n - 1) == 0
            and 1 <= self.r <= _MOST_BLOCKS
            and self.n < 2 ** (16 * self.r)  # of RFC 7914
            and 1 <= self.p <= _MOST_RUNS
            and 128 * self.n * self.r * self.p <= _MOST_MEMORY
        ):
            raise ValueError("its scrypt has parameters that are no use")

    @classmethod
    def new(cls) -> IdHash:
        """Return how the IDs of a new batch are hashed, with a salt of its own."""
        return cls(secrets.token_bytes(_SALT_BYTES))

    def of(self, claim_id: str, product: str, serial: str) -> bytes:
        """Return the hash of a claim ID, in its canonical form, of that unit. Raises `CheckpointError`."""
        salt = b"\0".join((self.salt, product.encode(), serial.encode()))
        try:
            return hashlib.scrypt(
                claim_id.encode(),
                salt=salt,
                n=self.n,
                r=self.r,
                p=self.p,
                dklen=self.length,
                maxmem=128 * self.r * (self.n + 2) + 128 * self.r * self.p + _ROOM,
            )
        except (ValueError, MemoryError):
            raise CheckpointError(
                f"The claim ID cannot be hashed on this machine as the checkpoint says (scrypt with n {self.n}, "
                f"r {self.r} and p {self.p}); try on another one, or ask whoever signed for a checkpoint with less."
            ) from None

    def of_many(self, units: Iterable[tuple[str, str, str]]) -> list[bytes]:
        """Return the hash of each of many, an ID with its product and serial, in their order, on all cores."""
        with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as threads:
            return list(threads.map(lambda unit: self.of(*unit), units))
