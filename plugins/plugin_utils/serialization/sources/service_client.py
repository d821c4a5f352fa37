# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One exchange with a factory service over HTTP: retries with growing pauses, a deadline, verified TLS.

The time-outs of urllib3 are for each read. A peer that drips bytes would never be over them, so an alarm hangs up.
"""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from ...display_text import printable

_ENDED = "it ended the connection in the handshake of TLS"
_ENDS = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""A peer hung up: which of them it is depends on the release of Python."""
_MAX_REPLY = 64 * 1024
_BACKOFF_SECONDS = 0.5
_BACKOFF_MAX_SECONDS = 8.0
_NO_TLS = ("wrong version number", "record layer failure")
"""What OpenSSL calls an answer in plain text: 3.0, and 3.2 and later."""
_RETRIED_STATUSES = (429, 500, 502, 503, 504)


class UntrustedServiceError(OSError):
    """The service's certificate is not accepted; that stays so, and is not tried again."""


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

    `timeout` is in seconds for each of the `retries` + 1 tries, from connecting to the last byte. TLS certificates are
    verified, against `ca_file` where one is given; what is wrong with them stays wrong, and is not tried again. Raises
    `OSError` whose text is the reason, with the number of tries where there were several, without the URL, which may
    hold a secret; it is a `TimeoutError` or an `UntrustedServiceError` where it is that.
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
        with _pool(url, ca_file) as pool:
            response = pool.request(
                method,
                urllib3.util.parse_url(url).request_uri,
                body=body,
                headers=dict(headers),
                retries=retry,
                timeout=urllib3.Timeout(total=timeout),
                preload_content=False,
            )
            with response:
                return response.status, response.read(_MAX_REPLY)
    except urllib3.exceptions.MaxRetryError as error:
        raise _failure(error.reason or error, f", {retries + 1} tries" if retries else "") from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise _failure(error) from None


class _Alarm:
    """Hangs up on a peer when the time of an exchange is over; to be mixed into a connection of urllib3."""

    sock: socket.socket | None
    timeout: Any
    _alarm: threading.Timer | None = None
    _is_used = False
    _is_late = False

    def connect(self) -> None:
        self._set()
        super().connect()  # type: ignore[misc]

    def request(self, *arguments: Any, **named: Any) -> None:
        if self._is_used:  # it is kept from another exchange, whose time is not that of this one
            self._set()
        self._is_used = True
        super().request(*arguments, **named)  # type: ignore[misc]

    def getresponse(self) -> Any:
        try:
            response = super().getresponse()  # type: ignore[misc]
        except Exception:
            if not self._is_late:
                raise
        if self._is_late:  # what ends in the middle may look whole
            raise TimeoutError
        return response

    def close(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        super().close()  # type: ignore[misc]

    def _set(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._is_late = False
        self._alarm = threading.Timer(self.timeout, self._hang_up)
        self._alarm.daemon = True
        self._alarm.start()

    def _hang_up(self) -> None:
        self._is_late = True
        if (connection := self.sock) is not None:
            _shut(connection)


class _PromptConnection(_Alarm, HTTPConnection):
    pass


class _PromptTlsConnection(_Alarm, HTTPSConnection):
    pass


class _PromptTlsSocket(ssl.SSLSocket):
    """One whose handshake is over in time: while it lasts, no connection has its socket yet."""

    def do_handshake(self, block: bool = False) -> None:
        is_late = threading.Event()

        def hang_up() -> None:
            is_late.set()
            _shut(self)

        alarm = threading.Timer(self.gettimeout() or 0.0, hang_up)
        alarm.daemon = True
        alarm.start()
        try:
            super().do_handshake(block)
        except OSError as error:
            if is_late.is_set():
                raise TimeoutError from None
            if isinstance(error, _ENDS):  # of the connection, and nothing is said of a certificate
                raise ConnectionResetError(errno.ECONNRESET, _ENDED) from None
            raise
        finally:
            alarm.cancel()


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        # Not the method of a TLS socket, which takes its state away from whoever reads from it.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _pool(url: str, ca_file: str | None) -> urllib3.HTTPConnectionPool:
    """Return what holds the connections to the service. Raises `OSError` or `ValueError`."""
    if urllib3.util.parse_url(url).scheme == "https":
        pool = urllib3.connection_from_url(url, ssl_context=_trust(ca_file))
        pool.ConnectionCls = _PromptTlsConnection
    else:
        pool = urllib3.connection_from_url(url)
        pool.ConnectionCls = _PromptConnection
    return pool


def _trust(ca_file: str | None) -> ssl.SSLContext:
    """Return what verifies certificates against those in `ca_file` alone, or else the system's. Raises `OSError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = _PromptTlsSocket
    if ca_file is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        reason = "it holds none" if isinstance(error, ssl.SSLError) else error.strerror
        raise OSError(f"the certificates in {printable(ca_file)} cannot be read ({reason})") from None
    return context


def _failure(error: Exception, tries: str = "") -> OSError:
    """Return why an exchange failed, without the URL that the texts of urllib3 repeat."""
    if isinstance(error, urllib3.exceptions.NewConnectionError) and isinstance(error.__cause__, OSError):
        error = error.__cause__  # without the number of the error
    if isinstance(error, urllib3.exceptions.ProtocolError) and isinstance(error.args[-1], OSError):
        error = error.args[-1]  # why it was aborted
    if isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError):
        return TimeoutError(f"no answer in time{tries}")
    if isinstance(error, urllib3.exceptions.SSLError):  # tried once
        return _tls_failure(error.args[0])
    if isinstance(error, OSError):
        return OSError(f"{printable(error.strerror or str(error))}{tries}")
    reason = str(error.args[0]) if error.args else type(error).__name__
    return OSError(f"{printable(reason).rpartition(': ')[2].rstrip('.')}{tries}")


def _tls_failure(error: Exception | str) -> OSError:
    """Return what is wrong with its certificate, or else with its TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return UntrustedServiceError(f"its certificate is not accepted ({printable(error.verify_message)})")
    reason = printable(getattr(error, "reason", None) or str(error)).lower().replace("_", " ")
    if reason.startswith(_NO_TLS):
        return OSError("it speaks no TLS on this port, and its URL says https")
    return OSError(f"no TLS could be agreed with it ({reason})")
