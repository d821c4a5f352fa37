# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key pairs of Ed25519, in PEM: made, read, and called by their ID.

The ID of a key is the SHA-256, in hex, of its SubjectPublicKeyInfo in DER, which
`openssl pkey -pubin -in FILE -outform DER | sha256sum` says as well.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from ..display_text import printable
from ..private_files import alone_in, make_private_folder, obstacle_to, typed_path, write_private
from .errors import SigningKeyError
from .input_files import read_file

PUBLIC_SUFFIX = ".pub"
_MOST_BYTES = 16 * 1024
_OF_OTHERS = 0o077
_READ_BY_ALL = 0o644
_NEW_KEY = "make a pair with ioto_ledger_job=new-key"


def key_id(key: Ed25519PublicKey) -> str:
    """Return the ID of a key."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def new_key_pair(path: str | Path, passphrase_file: str | Path | None = None) -> tuple[Path, str]:
    """Make a key pair; return the file of the public key and its ID. Raises `SigningKeyError`.

    The private key is in `path` (0600), encrypted where a passphrase is given; the public one beside it, in a file of
    the same name with `.pub` at its end. What is there already stays: what was signed with an old key needs it.
    """
    private = typed_path(path).absolute()
    public = private.with_name(f"{private.name}{PUBLIC_SUFFIX}")
    passphrase = _passphrase(passphrase_file)
    key = Ed25519PrivateKey.generate()
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    try:
        make_private_folder(private.parent)
        with alone_in(private.parent):
            _refuse_existing(private)
            write_private(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
            public.chmod(_READ_BY_ALL)
            write_private(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    except OSError as error:
        raise SigningKeyError(
            f"The key cannot be written to {printable(str(private))} ({error.strerror}); give another place."
        ) from None
    return public, key_id(key.public_key())


def refuse_place(private: Path) -> None:
    """Raise `SigningKeyError` where no key pair can be made in `private`, as far as one sees before."""
    _refuse_existing(private)
    if obstacle := obstacle_to(private):
        raise SigningKeyError(f"The key cannot be written {obstacle}.")


def _refuse_existing(private: Path) -> None:
    """Raise `SigningKeyError` where a key pair in `private` would replace something."""
    for path in (private, private.with_name(f"{private.name}{PUBLIC_SUFFIX}")):
        if os.path.lexists(path):
            raise SigningKeyError(f"There is {printable(str(path))} already, and it stays; give another name.")


def private_key(path: str | Path, passphrase_file: str | Path | None = None) -> Ed25519PrivateKey:
    """Return the private key in the file at `path`. Raises `SigningKeyError`, as where others may read that file."""
    data, shown = read_file(path, "a private key", _MOST_BYTES), printable(str(path))
    if b"PUBLIC KEY" in data:
        raise SigningKeyError(
            f"The file {shown} is the public key, which signs nothing; give the private one, the file without .pub "
            "(ioto_checkpoint_key)."
        )
    if _is_open(path):
        raise SigningKeyError(f"Others may read the private key {shown}; chmod 600 it, or {_NEW_KEY} if they have.")
    passphrase = _passphrase(passphrase_file)
    try:
        key = load_pem_private_key(data, passphrase)
    except TypeError:
        if passphrase is None:
            raise SigningKeyError(
                f"The private key {shown} has a passphrase; give its file (ioto_checkpoint_passphrase_file)."
            ) from None
        raise SigningKeyError(
            f"The private key {shown} has no passphrase; leave out ioto_checkpoint_passphrase_file."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        why = "is no private key in PEM" if passphrase is None else "cannot be read with that passphrase"
        raise SigningKeyError(f"The file {shown} {why}; correct it, or {_NEW_KEY}.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError(f"The private key {shown} is not one of Ed25519; {_NEW_KEY}.")
    return key


def public_key(path: str | Path) -> Ed25519PublicKey:
    """Return the public key in the file at `path`. Raises `SigningKeyError`."""
    data, shown = read_file(path, "a public key", _MOST_BYTES), printable(str(path))
    if b"PRIVATE KEY" in data:
        raise SigningKeyError(f"The file {shown} is a private key, which nobody else may have; give the public one.")
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise SigningKeyError(f"The file {shown} is no public key in PEM; get it from whoever signs.") from None
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyError(f"The public key {shown} is not one of Ed25519, as checkpoints need; give the right one.")
    return key


def _is_open(path: str | Path) -> bool:
    """Whether others than its owner may read or write a file that holds a secret."""
    return bool(typed_path(path).stat().st_mode & _OF_OTHERS)


def _passphrase(path: str | Path | None) -> bytes | None:
    """Return the first line of the file."""
    if path is None:
        return None
    data, shown = read_file(path, "a passphrase", _MOST_BYTES), printable(str(path))
    if _is_open(path):
        raise SigningKeyError(
            f"Others may read the passphrase in {shown}; chmod 600 it, or choose another if they have."
        )
    passphrase = data.partition(b"\n")[0].rstrip(b"\r")
    if not passphrase:
        raise SigningKeyError(f"The file {shown} has no passphrase in its first line; write one there.")
    return passphrase
