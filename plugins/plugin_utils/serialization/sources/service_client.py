# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One exchange with a factory service over HTTP: retries with growing pauses, a time-out, verified TLS."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import urllib3

from ...display_text import printable

_MAX_REPLY = 64 * 1024
_BACKOFF_SECONDS = 0.5
_BACKOFF_MAX_SECONDS = 8.0
_RETRIED_STATUSES = (429, 500, 502, 503, 504)


def send(
    method: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout: float,
    retries: int,
    ca_file: str | None,
) -> tuple[int, bytes]:
    """Send `body` to `url`; return the status and the reply, of which the first 64 KiB count.

    `timeout` is in seconds for each of the `retries` + 1 tries. TLS certificates are verified, against `ca_file` where
    one is given; what is wrong with them stays wrong, and is not tried again. Raises `OSError` whose text is the
    reason, with the number of tries where there were several, without the URL, which may hold a secret.
    """
    retry = urllib3.Retry(
        total=retries,
        other=0,  # TLS
        status_forcelist=_RETRIED_STATUSES,
        allowed_methods=None,  # a POST too: for the same unit a service gives the same ID
        backoff_factor=_BACKOFF_SECONDS,
        backoff_max=_BACKOFF_MAX_SECONDS,
        backoff_jitter=_BACKOFF_SECONDS,
        respect_retry_after_header=False,  # it may say hours
        redirect=0,
        raise_on_status=False,
        raise_on_redirect=False,
    )
    try:
        with urllib3.PoolManager(ssl_context=_trust(ca_file) if ca_file else None) as pool:
            response = pool.request(
                method,
                url,
                body=body,
                headers=dict(headers),
                retries=retry,
                timeout=urllib3.Timeout(total=timeout),
                preload_content=False,
            )
            with response:
                return response.status, response.read(_MAX_REPLY)
    except urllib3.exceptions.MaxRetryError as error:
        tries = (
            f", {retries + 1} tries" if retries and not isinstance(error.reason, urllib3.exceptions.SSLError) else ""
        )
        raise OSError(f"{_reason(error.reason or error)}{tries}") from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise OSError(_reason(error)) from None


def _trust(ca_file: str) -> ssl.SSLContext:
    """Return what verifies certificates against those in `ca_file` alone. Raises `OSError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        reason = "it holds none" if isinstance(error, ssl.SSLError) else error.strerror
        raise OSError(f"the certificates in {printable(ca_file)} cannot be read ({reason})") from None
    return context


def _reason(error: Exception) -> str:
    """Why an exchange failed, without the URL that the texts of urllib3 repeat."""
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return printable(str(error).rpartition(": ")[2])
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(error, urllib3.exceptions.SSLError):
        return f"its certificate is not accepted ({printable(str(error.args[0]))})"
    if isinstance(error, OSError):
        return printable(error.strerror or str(error))
    return printable(str(error.args[0]) if error.args else type(error).__name__).rpartition(": ")[2]
