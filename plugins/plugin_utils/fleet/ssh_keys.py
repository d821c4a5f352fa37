# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys, each read once."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from copy import copy
from functools import cache
from pathlib import Path
from threading import Thread

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    SSHCertificate,
    load_pem_private_key,
    load_ssh_public_identity,
)

from ..display_text import printable
from ..errors import IotoError

_TYPES: Sequence[type[paramiko.PKey]] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


class KeyFileError(IotoError):
    """A private key that cannot be used."""


@cache
def load_key(file: str | None, passphrase: str | None, text: str | None = None) -> paramiko.PKey | None:
    """Return the private key in `file` or in `text`; None where it is locked and an agent has to have it.

    Raises `KeyFileError`.
    """
    where = file or "ansible_ssh_private_key"
    try:
        if file:
            _refuse_shared(Path(file))
        content = Path(file).read_text(encoding="utf-8") if file else text or ""
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise KeyFileError(f"The private key {where} cannot be read ({reason}); name another file.") from None
    if "-BEGIN PRIVATE KEY-" in content or "-BEGIN ENCRYPTED PRIVATE KEY-" in content:
        converted = _from_pkcs8(content, passphrase)
        if converted is None:
            return None
        content, passphrase = converted, None
    for kind in _TYPES:
        try:
            return kind.from_private_key(io.StringIO(content), passphrase)
        except paramiko.PasswordRequiredException:
            return None
        except Exception:  # noqa: S112 - of another kind, or damaged: paramiko's parser stumbles, by an error of any type
            continue
    raise KeyFileError(
        f"The private key {where} is of no kind that is known here (ed25519, ecdsa, rsa), or its passphrase is wrong; "
        "name another one."
    )


def _refuse_shared(file: Path) -> None:
    """Raise `KeyFileError` where others may read our user's key, as ssh refuses it."""
    status = file.stat()
    if status.st_uid == os.getuid() and status.st_mode & 0o077:
        raise KeyFileError(f"The private key {file} may be read by others; keep it for its user: chmod 600 {file}")


def _from_pkcs8(content: str, passphrase: str | None) -> str | None:
    """Return a key that is written as PKCS#8 in the form that paramiko reads; None where it is locked."""
    try:
        key = load_pem_private_key(content.encode(), passphrase.encode() if passphrase else None)
        return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    except TypeError:  # what it raises where a passphrase is wanted, or none is
        return None if passphrase is None else _from_pkcs8(content, None)
    except (ValueError, UnsupportedAlgorithm):
        return ""  # of no kind that is known, or that OpenSSH has


class SilentAgentError(IotoError):
    """An ssh agent that does not answer."""


_PATIENCE = 5.0
"""Seconds after which an agent that says nothing is taken to say nothing any more."""
_silent: set[str] = set()
"""Where an agent has not answered: it is asked once, and a thread waits for it still."""


def open_agent(seconds: float) -> paramiko.Agent:
    """Return the user's ssh agent, which has said which keys it holds.

    Raises `SilentAgentError` after `seconds`, or `TimeoutError` where these are too few to say it of an agent. paramiko
    waits for it for as long as it takes, and no end of a device's connection would wake it there.
    """
    place = os.environ.get("SSH_AUTH_SOCK", "")
    answer: Future[paramiko.Agent] = Future()

    def ask() -> None:
        try:
            answer.set_result(paramiko.Agent())
        except Exception as error:  # to be raised by who waits
            answer.set_exception(error)

    if place not in _silent:
        Thread(target=ask, daemon=True).start()
        wait([answer], seconds)
    if not answer.done():
        if seconds < _PATIENCE and place not in _silent:
            raise TimeoutError
        _silent.add(place)
        raise SilentAgentError(
            f"The ssh agent at {printable(place)} does not answer; start another one, or unset SSH_AUTH_SOCK."
        )
    return answer.result()


@cache
def certified(key: paramiko.PKey, files: Sequence[str]) -> Sequence[paramiko.PKey]:
    """Return `key` with each of the certificates in `files` that is its own. What is no certificate is left out."""
    found = []
    for file in files:
        with suppress(Exception):  # as above
            identity = load_ssh_public_identity(Path(file).read_bytes())
            if isinstance(identity, SSHCertificate):
                public = identity.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
                if public.split()[1].decode() == key.get_base64():
                    found.append(copy(key))
                    found[-1].load_certificate(file)
    return found


@cache
def default_keys(files: Sequence[str]) -> Sequence[paramiko.PKey]:
    """Return those of the keys in `files` that can be used and need no passphrase."""
    found = []
    for file in files:
        with suppress(KeyFileError):
            found.append(load_key(file, None))
    return tuple(key for key in found if key is not None)
