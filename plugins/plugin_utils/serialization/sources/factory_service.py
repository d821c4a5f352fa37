# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A factory service hands the ID out: the controller asks it as the agent would."""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from ... import controller_token
from ...claim_ids import is_valid, mask, mask_within
from ...device.device import DEVICE_FILE
from ...display_text import printable, shortened, url_origin
from ...json5.reader import JsonValue
from .confirmation import UNAUTHORIZED, read_answer, unconfirmed
from .source import ClaimSource, SourceError

DEFAULT_TIMEOUT = 30.0
"""Seconds to wait for an answer, for each try."""
DEFAULT_RETRIES = 5

_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = 500
_SHOWN = 300
_SHORTEST_SECRET = 6
_USUAL_WORDS = frozenset({"serialize", "confirm"})
_PARTS_OF_A_URL = re.compile(r"[/?&=#]")


def load_client() -> Callable[..., tuple[int, bytes]]:
    """Return what asks a service (`service_client.send`).

    Most tasks ask no service, and its library takes a while to load. Call this before processes are forked that would
    each load it again.
    """
    from .service_client import send  # noqa: PLC0415

    return send


@dataclass(frozen=True, slots=True)
class FactoryService(ClaimSource):
    """A factory service: any endpoint that answers as Ioto's does, its sample in JSON5 included.

    Asked again with growing pauses when it cannot be reached or says that it is busy; `timeout` (seconds) is for
    each try. TLS certificates are verified, against `ca_file` where one is given. `confirms` says whether it remembers
    its units, and can be told (a PUT) that one has its ID; the agent's sample cannot.
    """

    name: ClassVar[str] = "service"
    costs_elsewhere: ClassVar[bool] = True

    url: str = field(repr=False)  # its path or query may hold a secret
    timeout: float = DEFAULT_TIMEOUT
    retries: int = DEFAULT_RETRIES
    token: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    confirms: bool = True

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> FactoryService:
        """Return the source at `service_url`. Raises `SourceError`."""
        url = options["service_url"]
        load_client()  # now, since processes may be forked before it is asked
        if not url or not url.startswith(("http://", "https://")):
            raise SourceError("The source service needs service_url (ioto_service_url), an http or https URL.")
        return cls(
            url,
            timeout=options["service_timeout"],
            retries=options["service_retries"],
            token=_parsed_token(options["service_token"]) or (_own_token(url) if options["service_confirms"] else None),
            ca_file=options["service_ca_file"],
            confirms=options["service_confirms"],
        )

    def claim_id(self, body: Mapping[str, JsonValue]) -> str:
        """Ask the service for the unit's ID, as the agent would: a POST of its `device.json5` as strict JSON."""
        try:
            text = json.dumps(body, ensure_ascii=False, allow_nan=False)
        except ValueError:
            raise SourceError(
                f"The unit's {DEVICE_FILE} holds a number that JSON has not (Infinity or NaN), so no service can be "
                "asked for it; write another one there."
            ) from None
        status, reply = self._send("POST", text.encode())
        if status == _TOO_MANY_REQUESTS or status >= _SERVER_ERRORS:
            raise SourceError(
                f"The service at {self.place} gave no ID (status {status}, {self.retries + 1} tries at most): "
                f"{self._said(reply, body)} See its log and whether its ledger works, then run again."
            )
        if not 200 <= status < 300:
            remedy = (
                "Set ioto_service_token to what its file controller-token holds."
                if status == UNAUTHORIZED
                else "See its log, and whether it may serve this product and unit."
            )
            raise SourceError(
                f"The service at {self.place} refused with status {status}: {self._said(reply, body)} {remedy}"
            )
        found = read_answer(reply).get("id")
        if not is_valid(found):
            raise SourceError(
                f"The service at {self.place} answered without a valid claim ID; see whether the URL is the one of an "
                "Ioto serialization service."
            )
        return str(found)

    @property
    def confirmed_at(self) -> str | None:
        """The service, once: until it is recorded that it was told, each run tells it."""
        return self.place if self.confirms else None

    def confirm(self, body: Mapping[str, JsonValue]) -> str | None:
        """Tell the service that the unit of `body` has been given the `id` in it, verified. Again is as once.

        Return why it could not be reached, as a sentence, or None: it says that it is so. Raises `SourceError` where it
        does not know the ID, has it for another unit, refuses, cannot be told, or answers what is not a confirmation.
        """
        try:
            status, reply = self._send("PUT", json.dumps(body, ensure_ascii=False, allow_nan=False).encode())
        except SourceError as error:
            return f"{error} The ID is on the device and recorded; only the service does not know that yet."
        return unconfirmed(status, reply, self._said(reply, body), body, place=self.place)

    @property
    def place(self) -> str:
        """The service's host and port: a path or a query may hold a secret."""
        return url_origin(self.url)

    def _send(self, method: str, body: bytes) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            return load_client()(
                method, self.url, body, headers, timeout=self.timeout, retries=self.retries, ca_file=self.ca_file
            )
        except OSError as error:
            raise SourceError(
                f"The service at {self.place} could not be asked: {error}; "
                "see whether it runs and the URL is right, then run again."
            ) from None

    def _said(self, reply: bytes, body: Mapping[str, JsonValue]) -> str:
        """Return a reply as a sentence, without the claim ID of `body` and what is secret, should it repeat them."""
        error = read_answer(reply).get("error")
        text = printable(error if isinstance(error, str) else reply)
        for secret in self._secrets():
            text = text.replace(secret, "*" * 8)
        if is_valid(claim_id := body.get("id")):
            text = text.replace(claim_id, mask(claim_id))
        if not isinstance(error, str):
            text = mask_within(text)
        text = shortened(text, _SHOWN)
        return text if text.endswith((".", "!", "?", "…")) else f"{text or 'no reason'}."

    def _secrets(self) -> Sequence[str]:
        """What may let somebody in: the token, and the end of the URL's path and its query, the longest first."""
        address = urlsplit(self.url)
        last = address.path.rpartition("/")[2]
        found = [self.token or "", address.query, *_PARTS_OF_A_URL.split(address.query), address.password or ""]
        # The path's own words, such as its usual last one, are no secret.
        found += [last] if last not in _USUAL_WORDS else []
        return sorted({secret for secret in found if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True)


def _parsed_token(text: str | None) -> str | None:
    """Return the token that somebody gives, without the blanks and line ends around it. Raises `SourceError`."""
    token = (text or "").strip()
    if not (token.isascii() and token.isprintable()):
        # Whoever would send it shows it, in the reason why it cannot be sent.
        raise SourceError(
            "ioto_service_token holds a character that no token has, such as a line end; give it as the service has it."
        )
    return token or None


def _own_token(url: str) -> str | None:
    """Return the token of a service that this user runs on this machine. It goes to no other machine."""
    token = controller_token.read_token(controller_token.default_path())
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return token if token and (_is_ours(host) or (parts.scheme == "https" and _is_name_of_ours(host))) else None
    except (OSError, ValueError):
        return None


def _is_name_of_ours(name: str) -> bool:
    """Say whether a name is this machine's; whoever answers has to prove by a certificate that it is his."""
    return all(_is_ours(str(found[4][0])) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))


def _is_ours(host: str) -> bool:
    """Say whether `host` is an address of this machine: it can be bound to."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
        with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
    except (OSError, ValueError):
        return False
    return not address.is_unspecified and not address.is_multicast
