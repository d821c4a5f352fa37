# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the settings leave open: told by `check`, in the log at the start, and in part on the station page."""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Iterator

from ..ledger.location import Location
from .certificate import Certificate, doubt_of_key, read_certificate
from .host_names import canonical_name, is_address
from .networks import Networks
from .settings import ServiceSettings

_SOON_SECONDS = 30 * 24 * 3600
_VERIFIED_TLS = "verify-full"


def openings(settings: ServiceSettings) -> list[str]:
    """Return what the settings open to others than this machine, each as a sentence for whoever stands at the line."""
    wide = Networks(settings.networks).beyond_loopback
    if not wide:
        return []
    who = ", ".join(wide)
    found = []
    if not settings.agent_secrets:
        found.append(f"Anybody in {who} can draw the claim ID of any unit: set agent_secrets (command new-secret).")
    if not settings.tls and not settings.trusted_proxies:
        found.append(f"Claim IDs, secrets and tokens cross {who} in the clear: set certificate and key.")
    return found


def doubts(settings: ServiceSettings) -> list[str]:
    """Return `openings`, and what else somebody should look at; each a sentence."""
    found = [*openings(settings), *_doubts_of_ledger(settings)]
    if settings.key and (doubt := doubt_of_key(settings.key)):
        found.append(f"{doubt}.")
    if settings.certificate and settings.key:
        read = read_certificate(settings.certificate, settings.key)
        found += _doubts_of_certificate(read, settings.certificate)
    return found


def _doubts_of_certificate(read: Certificate, file: str) -> Iterator[str]:
    now = time.time()
    if read.valid_from > now:
        yield f"The certificate {file} is not valid yet: set the clock, or give another one."
    if read.valid_until < now:
        yield f"The certificate {file} has expired, so nobody accepts it: renew it."
    elif read.valid_until < now + _SOON_SECONDS:
        days = int((read.valid_until - now) / 86400)
        yield f"The certificate {file} expires in {days} days: renew it, and restart the service."
    name = read.common_name
    if not name or is_address(name) or not canonical_name(name):
        yield (
            f"The certificate {file} names no host as its common name (CN), and agents accept no other: "
            "give one whose CN is the host name in their URL."
        )


def _doubts_of_ledger(settings: ServiceSettings) -> Iterator[str]:
    url = Location.parse(settings.ledger).url
    if url is None or "service" in url.query:
        return
    hosts = [url.host or ""]
    for said in (url.query.get("host"), url.query.get("hostaddr")):
        hosts += (said,) if isinstance(said, str) else said or ()
    named = [host for text in hosts for host in text.split(",") if host] or [os.environ.get("PGHOST", "")]
    if not any(map(_is_remote, named)):
        return
    mode = url.query.get("sslmode") or os.environ.get("PGSSLMODE") or "prefer"
    if mode != _VERIFIED_TLS:
        yield (
            f"The ledger's database is on another machine, and sslmode is {mode}, so anybody on the way can read and "
            "change it: add sslmode=verify-full and sslrootcert=FILE to the URL of the ledger."
        )


def _is_remote(host: str) -> bool:
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return False
    return not (is_address(host) and ipaddress.ip_address(host).is_loopback)
