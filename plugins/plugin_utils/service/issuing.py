# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoint that a line lives by: POST gives a unit its claim ID, PUT says that the unit has it.

Plain ASGI, not a Starlette route: a route would cost as much again as all that is done here.
"""

from __future__ import annotations

import asyncio
import json
import platform
import secrets
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from ..errors import IotoError
from ..ledger import Ask, ClaimConflictError, Context, InvalidUnitError, LedgerError, UnknownClaimError
from .access import Caller, Scope
from .allow_list import AllowList
from .commits import RETRY_AFTER, SOURCE, CommitWriter, Confirm
from .errors import RefusedError
from .house import House
from .unit_body import Body, Named, confirmation, named, nameless, parse_json, parse_json5

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_JSON = (b"content-type", b"application/json")
_PRIVATE = (b"cache-control", b"no-store")
_METHODS = "POST, PUT"


class DisconnectedError(Exception):
    """The client went away."""


class Issuing:
    """The ASGI application below the operator's path."""

    def __init__(self, house: House, *, allow_list: AllowList, writer: CommitWriter) -> None:
        self._settings = house.settings
        self._door = house.door
        self._line = house.line
        self._refusals = house.refusals
        self._metrics = house.metrics
        self._slow = house.slow
        self._allow_list = allow_list
        self._writer = writer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method = scope["method"]
        kind = "confirm" if method == "PUT" else "issue"
        try:
            caller = self._door.admit(scope)
            if method == "POST":
                answer = await self._issue(scope, receive, caller)
            elif method == "PUT":
                answer = await self._confirm(scope, receive, caller)
            else:
                raise RefusedError(405, "method", "Send a POST with device.json5.", headers={"Allow": _METHODS})
        except RefusedError as error:
            self._refusals.add(kind, (scope.get("client") or ("unknown",))[0], error)
            await send_refusal(send, error)
        except DisconnectedError:
            self._metrics.count(kind, "disconnected")
        else:
            self._metrics.count(kind, "ok")
            await send_json(send, 200, answer)

    async def _issue(self, scope: Scope, receive: Receive, caller: Caller) -> bytes:
        self._door.admit_unit(scope, caller)
        body = await self._body(receive)
        unit = named(body, self._settings.unit)
        name = unit.unit or self._fresh_name(unit)
        try:
            self._check_served(unit.product, name)
            ask = Ask(unit.product, name, SOURCE, _context(caller.address), length=self._settings.length)
            claim = await self._writer.submit(ask)
        except IotoError as error:
            raise _refusal(error, unit.product, name) from None
        self._line.asked(unit.product, name)
        return b'{"id": "%s"}' % claim.claim_id.encode()

    async def _confirm(self, scope: Scope, receive: Receive, caller: Caller) -> bytes:
        self._door.admit_confirmation(scope, caller)
        what = confirmation(await self._body(receive), self._settings.unit)
        try:
            claim = await self._writer.submit(Confirm(what, _context(caller.address)))
        except IotoError as error:
            raise _refusal(error, what.product, what.unit) from None
        return json.dumps({"id": claim.masked, "unit": claim.unit, "state": claim.state.value}).encode()

    async def _body(self, receive: Receive) -> Body:
        data = await read_body(receive, self._settings.max_body)
        if (body := parse_json(data)) is not None:
            return body
        return await asyncio.get_running_loop().run_in_executor(self._slow, parse_json5, data)

    def _fresh_name(self, unit: Named) -> str:
        if self._settings.without_unit == "refuse":
            error = nameless(self._settings.unit)
            error.product = unit.product
            raise error
        return f"unnamed-{secrets.token_hex(8)}"

    def _check_served(self, product: str, unit: str) -> None:
        if objection := self._allow_list.objection(product, unit):
            raise RefusedError(403, "not_allowed", objection)


async def read_body(receive: Receive, limit: int) -> bytes:
    """Return the body of at most `limit` bytes. Raises `RefusedError`, or `DisconnectedError`."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise DisconnectedError
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            # The connection ends, because the rest of the body would have to be read first.
            raise RefusedError(
                413,
                "size",
                f"The body has more than {limit} bytes; send device.json5 alone.",
                headers={"Connection": "close"},
            )
        if not message.get("more_body"):
            return b"".join((*parts, part)) if parts else part
        parts.append(part)


async def send_json(send: Send, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    """Send a reply that nobody may keep."""
    lines = [_JSON, (b"content-length", b"%d" % len(body)), _PRIVATE]
    if headers:
        lines += [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def send_refusal(send: Send, error: RefusedError) -> None:
    """Send a refusal: its sentence as `error`."""
    await send_json(send, error.status, json.dumps({"error": str(error), **error.extra}).encode(), error.headers)


def from_ledger(error: IotoError) -> RefusedError:
    """Return how HTTP says what the ledger said."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, ClaimConflictError):
        holder = {"unit": error.claim.unit, "product": error.claim.product}
        return RefusedError(409, "conflict", str(error), extra=holder)
    if isinstance(error, UnknownClaimError):
        return RefusedError(404, "unknown", str(error))
    if isinstance(error, LedgerError) and not isinstance(error, InvalidUnitError):
        return RefusedError(503, "ledger", "The ledger cannot be used now; ask again.", headers=RETRY_AFTER)
    return RefusedError(422, "body", str(error))


def _refusal(error: IotoError, product: str, unit: str) -> RefusedError:
    refused = from_ledger(error)
    refused.product, refused.unit = product, unit
    return refused


@lru_cache(maxsize=1024)
def _context(address: str) -> Context:
    return Context(f"service@{platform.node()} for {address}")
