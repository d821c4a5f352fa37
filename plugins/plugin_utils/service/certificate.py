# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service's certificate says, and whether its key is kept from others."""

from __future__ import annotations

import grp
import shlex
import ssl
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..display_text import quoted
from .errors import ServiceError

_NO_CHECK_TIME = 0x200000
"""OpenSSL's `X509_V_FLAG_NO_CHECK_TIME`: an expired certificate has names too."""
_PRIVATE_KEY = b"PRIVATE KEY-----"
_READ_OR_WRITTEN_BY_ALL = stat.S_IROTH | stat.S_IWOTH
_READ_OR_WRITTEN_BY_GROUP = stat.S_IRGRP | stat.S_IWGRP


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is read in a certificate. `names` are those of hosts, the common name included; times in seconds (Unix)."""

    common_name: str | None
    names: tuple[str, ...]
    valid_from: float
    valid_until: float


def read_certificate(certificate: str, key: str) -> Certificate:
    """Return what stands in the PEM file `certificate`, whose key is in `key`. Raises `ServiceError`.

    OpenSSL reads it in a handshake with itself, in memory: Python shows a certificate only to who has verified it.
    """
    try:
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(certificate, key, password=_no_passphrase)
        asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        asking.check_hostname = False
        asking.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
        asking.load_verify_locations(cafile=certificate)
        said = _shake_hands(serving, asking)
    except ssl.SSLError as error:
        raise ServiceError(
            f"The certificate {quoted(certificate)} and the key {quoted(key)} cannot be used for TLS "
            f"({_reason(error)}); give PEM files that belong together, for a server."
        ) from None
    except OSError as error:
        raise ServiceError(
            f"The certificate {quoted(certificate)} or the key {quoted(key)} cannot be read: {error.strerror}; "
            "correct the path, or let the service's user read it."
        ) from None
    subject = dict(pair for part in said.get("subject", ()) for pair in part)
    common_name = subject.get("commonName")
    names = [name for kind, name in said.get("subjectAltName", ()) if kind == "DNS"]
    return Certificate(
        common_name,
        tuple(dict.fromkeys(([common_name] if common_name else []) + names)),
        ssl.cert_time_to_seconds(said["notBefore"]),
        ssl.cert_time_to_seconds(said["notAfter"]),
    )


def objection_to_key(setting: str, path: str) -> str | None:
    """Return why a file cannot be used as it lies, in which there is a TLS key, or None; `setting` names it."""
    file = Path(path)
    if file.stat().st_mode & _READ_OR_WRITTEN_BY_ALL and _PRIVATE_KEY in file.read_bytes():
        return (
            f"{setting} {quoted(path)} holds a private key and can be read or written by every user of this machine; "
            f"type: chmod o-rwx {shlex.quote(path)}"
        )
    return None


def doubt_of_key(key: str) -> str | None:
    """Return a sentence about the group that can use a TLS key, or None."""
    status = Path(key).stat()
    if not status.st_mode & _READ_OR_WRITTEN_BY_GROUP:
        return None
    group = str(status.st_gid)
    with suppress(KeyError):
        group = grp.getgrgid(status.st_gid).gr_name
    return (
        f"The key {key} can be read or written by the group {group}: see that only the service's user is in it, "
        f"or type: chmod g-rwx {shlex.quote(key)}"
    )


def _shake_hands(serving: ssl.SSLContext, asking: ssl.SSLContext) -> dict[str, Any]:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    client = asking.wrap_bio(to_client, to_server)
    for _turn in range(10):
        done = 0
        for side in (client, server):
            try:
                side.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                continue
        if done == 2:
            break
    return dict(client.getpeercert() or {})


def _no_passphrase() -> str:
    raise ServiceError("The key is locked with a passphrase, which nobody can type when the service starts; unlock it.")


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return error.reason.replace("_", " ").lower() if error.reason else "one of them is not a PEM file"
