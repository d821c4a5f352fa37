# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A factory service hands the ID out: the controller asks it as the agent would."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from ... import claim_ids, controller_token
from ...device.device import DEVICE_FILE
from ...display_text import printable, url_origin
from ...json5.independent_reader import read_independently
from ...json5.reader import JsonValue
from .source import ClaimSource, SourceError

DEFAULT_TIMEOUT = 30.0
"""Seconds to wait for an answer, for each try."""
DEFAULT_RETRIES = 5

_NO_TOKEN = 401
_UNKNOWN = 404
_CONFLICT = 409
_TAKES_NO_CONFIRMATION = (405, 501)
_CANNOT = "if it is one that cannot, such as the agent's sample, say so (ioto_service_confirms: false)."


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
            token=options["service_token"] or (_own_token(url) if options["service_confirms"] else None),
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
        if not 200 <= status < 300:
            raise SourceError(
                f"The service at {self.place} refused with status {status}: {_sentence(reply)} "
                "See its log, and whether it may serve this product and unit."
            )
        # The agent's own sample service answers {id:"..."}, which is JSON5; strict JSON is JSON5 too.
        try:
            answer = read_independently(reply.decode("utf-8"))
        except ValueError:
            answer = None
        found = answer.get("id") if isinstance(answer, dict) else None
        if not claim_ids.is_valid(found):
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

        Return why it could not be reached, as a sentence, or None: it was told. Raises `SourceError` where it does not
        know the ID, has it for another unit, or cannot be told.
        """
        try:
            status, reply = self._send("PUT", json.dumps(body, ensure_ascii=False, allow_nan=False).encode())
        except SourceError as error:
            return f"{error} The ID is on the device and recorded; only the service does not know that yet."
        if 200 <= status < 300:
            return None
        said = _sentence(reply)
        if status == _CONFLICT:
            raise SourceError(f"The service at {self.place} does not accept what the unit has: {said}")
        if status == _NO_TOKEN:
            raise SourceError(
                f"The service at {self.place} takes a confirmation from controllers alone ({said.rstrip('.')}): set "
                "ioto_service_token to the token of that service (the file controller-token, which it made at its "
                "first start)."
            )
        if status == _UNKNOWN:
            raise SourceError(
                f"The service at {self.place} does not know the claim ID that the unit has ({said.rstrip('.')}): see "
                "whether it is the service that the agent asks (api.serialize), and whether it remembers its units "
                f"and takes confirmations; {_CANNOT}"
            )
        if status in _TAKES_NO_CONFIRMATION:
            raise SourceError(f"The service at {self.place} takes no confirmation, status {status}: {_CANNOT}")
        return f"The service at {self.place} took no confirmation, status {status}: {said}"

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


def _own_token(url: str) -> str | None:
    """Return the token of a service that this user runs on this machine. It goes to no other machine."""
    try:
        host = urlsplit(url).hostname or ""
        is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return None
    return controller_token.read_token(controller_token.default_path()) if is_here else None


def _sentence(reply: bytes) -> str:
    text = printable(reply[:300])
    return text if text.endswith((".", "!", "?")) else f"{text or 'no reason'}."
