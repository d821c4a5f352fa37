# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoint that a line lives by: POST gives a unit its claim ID, PUT says that the unit has it.

The usual POST comes from `front`, because all that a framework does for a request costs as much as the ledger does; the
others come by ASGI.
"""

from __future__ import annotations

import asyncio
import json
import platform
import secrets
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

from ..errors import IotoError
from ..ledger.records import (
    AllocationRequest,
    Claim,
    ClaimConflictError,
    Context,
    InvalidUnitError,
    LedgerError,
    LockedLedgerError,
    UnknownClaimError,
)
from ..ledger.run_number import THIS_RUN
from .access import Caller, Scope
from .allow_list import AllowList
from .commits import RETRY_AFTER, SOURCE, Answer, CommitWriter, Confirm
from .components import Components
from .errors import RefusedError
from .json5_bodies import Json5Bodies
from .reissue import ReissueRule
from .unit_body import Body, Named, UnitNames, confirmation, parse_json

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_METHODS = "POST, PUT"


class DisconnectedError(Exception):
    """The client went away."""


class Reply(NamedTuple):
    """What goes back: a status, JSON, and headers beside those that every reply has."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


COMMON_HEADERS = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
"""What every reply has: nobody may keep it."""


class SerializeEndpoint:
    """The operator's path."""

    def __init__(
        self, components: Components, *, allow_list: AllowList, writer: CommitWriter, json5: Json5Bodies
    ) -> None:
        self._settings = components.settings
        self._reissue = ReissueRule(components.settings)
        self._names = UnitNames(components.settings.unit, components.settings.marks)
        self._access = components.access
        self._feed = components.feed
        self._refusals = components.refusals
        self._metrics = components.metrics
        self._json5 = json5
        self._allow_list = allow_list
        self._writer = writer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request as an ASGI application."""
        try:
            reply = await self.ask(scope, await read_body(receive, self._settings.max_body))
        except RefusedError as error:
            reply = self._refuse(scope, error)
        except DisconnectedError:
            self._metrics.count(_kind(scope["method"]), "disconnected")
            return
        await send_reply(send, reply)

    def ask(self, scope: Scope, data: bytes) -> asyncio.Future[Reply]:
        """Return what will be the reply to a whole request with the body `data`.

        `front` asks here too, and gives the same `scope` where all but the body was the same before.
        """
        try:
            caller = self._admit(scope)
            if (body := parse_json(data)) is not None:
                return self._write(scope, caller, body)
            return asyncio.get_running_loop().create_task(self._ask_in_json5(scope, caller, data))
        except Exception as error:
            refused: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            refused.set_result(self._refuse(scope, error))
            return refused

    async def _ask_in_json5(self, scope: Scope, caller: Caller, data: bytes) -> Reply:
        try:
            return await self._write(scope, caller, await self._json5.read(data, caller.address))
        except Exception as error:
            return self._refuse(scope, error)

    def _admit(self, scope: Scope) -> Caller:
        """Return who asks. All that decides on access to this path is called from here. Raises `RefusedError`."""
        known: Caller | None = scope.get("caller")
        if known is not None:
            self._access.admit_again(known)
            return known
        caller = self._access.admit(scope)
        match scope["method"]:
            case "POST":
                self._access.admit_unit(scope, caller)
            case "PUT":
                self._access.require_controller(caller)
            case _:
                raise RefusedError(405, "method", "Send a POST with device.json5.", headers={"Allow": _METHODS})
        scope["caller"] = caller
        return caller

    def _refuse(self, scope: Scope, error: Exception) -> Reply:
        """Return the reply to a request that cannot have what it asked for, and note it."""
        kind = _kind(scope["method"])
        if not isinstance(error, RefusedError):
            return reply_of(self._refusals.defect(kind, error))
        self._refusals.add(kind, (scope.get("client") or ("unknown",))[0], error)
        return reply_of(error)

    def _write(self, scope: Scope, caller: Caller, body: Body) -> asyncio.Future[Reply]:
        context = _context(caller.address)
        if scope["method"] == "PUT":
            what = confirmation(body, self._names)
            return self._writer.write(
                Confirm(what, context), partial(self._told, scope, caller, what.product, what.unit)
            )
        unit = self._names.of(body)
        product, name = unit.product, unit.unit or self._fresh_name(unit)
        if objection := self._allow_list.objection(product, name):
            raise _about(product, name, RefusedError(403, "not_allowed", objection))
        request = AllocationRequest(product, name, SOURCE, context, None, self._settings.length, unit.hardware)
        return self._writer.write(request, partial(self._told, scope, caller, product, name))

    def _told(self, scope: Scope, caller: Caller, product: str, unit: str, answer: Answer) -> Reply:
        """Return the reply that says what the ledger answered for the unit."""
        if not isinstance(answer, Claim):
            return self._refuse(scope, _about(product, unit, from_ledger(answer)))
        if not caller.controller and (objection := self._reissue.objection(answer)):
            return self._refuse(scope, _about(product, unit, RefusedError(403, "closed", objection)))
        self._metrics.count(_kind(scope["method"]), "ok")
        if scope["method"] == "PUT":
            said = {"id": answer.masked, "serial": answer.unit, "state": answer.state.value}
            return Reply(200, json.dumps(said).encode())
        self._feed.asked(product, unit)
        return Reply(200, b'{"id": "%s"}' % answer.claim_id.encode())

    def _fresh_name(self, unit: Named) -> str:
        if self._settings.without_unit == "refuse":
            error = self._names.nameless()
            error.product = unit.product
            raise error
        return f"unnamed-{secrets.token_hex(8)}"


def too_long(limit: int) -> RefusedError:
    """Return the refusal of a body of more than `limit` bytes, after which the connection ends.

    Otherwise the rest of the body would have to be read first.
    """
    return RefusedError(
        413, "size", f"The body has more than {limit} bytes; send device.json5 alone.", headers={"Connection": "close"}
    )


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
            raise too_long(limit)
        if not message.get("more_body"):
            return b"".join((*parts, part)) if parts else part
        parts.append(part)


async def send_reply(send: Send, reply: Reply) -> None:
    """Send a reply by ASGI."""
    headers = [*COMMON_HEADERS, (b"content-length", b"%d" % len(reply.body)), *reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def reply_of(error: RefusedError) -> Reply:
    """Return a refusal as the reply: its sentence as `error`."""
    headers = tuple((name.lower().encode(), value.encode()) for name, value in error.headers.items())
    return Reply(error.status, json.dumps({"error": str(error), **error.extra}).encode(), headers)


def from_ledger(error: IotoError) -> RefusedError:
    """Return how HTTP says what the ledger said."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, ClaimConflictError):
        holder = {"serial": error.claim.unit, "product": error.claim.product}
        return RefusedError(409, "conflict", str(error), extra=holder)
    if isinstance(error, UnknownClaimError):
        return RefusedError(404, "unknown", str(error))
    if isinstance(error, LockedLedgerError):
        sentence = "Another session of the ledger's server holds the unit, so it cannot be written now; ask again."
        return RefusedError(503, "locked", sentence, headers=RETRY_AFTER)
    if isinstance(error, LedgerError) and not isinstance(error, InvalidUnitError):
        return RefusedError(503, "ledger", "The ledger cannot be used now; ask again.", headers=RETRY_AFTER)
    return RefusedError(422, "body", str(error))


def _about(product: str, unit: str, error: RefusedError) -> RefusedError:
    """Note whose request was refused."""
    error.product, error.unit = product, unit
    return error


def _kind(method: str) -> str:
    return "confirm" if method == "PUT" else "issue"


@lru_cache(maxsize=1024)
def _context(address: str) -> Context:
    return Context(f"service@{platform.node()} for {address}", run=THIS_RUN)
