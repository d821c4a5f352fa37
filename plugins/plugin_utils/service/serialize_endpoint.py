# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoint that a line lives by: POST gives a unit its claim ID, PUT says that the unit has it.

A POST that is here whole is answered by `SerializeEndpoint.post`, without a task of its own: `connection_limits` calls
it for the usual ones, because all that a framework does for a request costs as much as the ledger does. The others come
by ASGI.
"""

from __future__ import annotations

import asyncio
import json
import logging
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

_log = logging.getLogger("ioto.service")


class DisconnectedError(Exception):
    """The client went away."""


class Reply(NamedTuple):
    """What goes back: a status, JSON, and headers beside those that every reply has."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


GivenReply = Callable[[Reply], None]

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
        method = scope["method"]
        try:
            data = await read_body(receive, self._settings.max_body)
        except RefusedError as error:
            await send_reply(send, self.refuse(scope, error))
            return
        except DisconnectedError:
            self._metrics.count(_kind(method), "disconnected")
            return
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def give(given: Reply) -> None:
            if not reply.done():
                reply.set_result(given)

        if method == "POST":
            self.post(scope, data, give)
        elif method == "PUT":
            self.put(scope, data, give)
        else:
            self._refuse_method(scope, give)
        await send_reply(send, await reply)

    def post(self, scope: Scope, data: bytes, give: GivenReply, known: Caller | None = None) -> Caller | None:
        """Answer a unit that asks for its claim ID with the body `data`: `give` is called with the reply, once.

        Returns who asked, if that was let in: `known` at the next request with the same head on the same connection.
        """
        caller = None
        try:
            if known is not None:
                self._access.admit_again(known)
                caller = known
            else:
                asking = self._access.admit(scope)
                self._access.admit_unit(scope, asking)
                caller = asking
            if (body := parse_json(data)) is not None:
                self._issue(scope, caller, body, give)
            else:
                self._read_json5(scope, caller, data, partial(self._issue, scope, caller, give=give), give)
        except Exception as error:
            give(self.refuse(scope, error))
        return caller

    def put(self, scope: Scope, data: bytes, give: GivenReply) -> None:
        """Answer a controller that confirms; otherwise as `post`."""
        try:
            caller = self._access.admit(scope)
            self._access.require_controller(caller)
            if (body := parse_json(data)) is not None:
                self._confirm(scope, caller, body, give)
            else:
                self._read_json5(scope, caller, data, partial(self._confirm, scope, caller, give=give), give)
        except Exception as error:
            give(self.refuse(scope, error))

    def _refuse_method(self, scope: Scope, give: GivenReply) -> None:
        try:
            self._access.admit(scope)
            raise RefusedError(405, "method", "Send a POST with device.json5.", headers={"Allow": _METHODS})
        except RefusedError as error:
            give(self.refuse(scope, error))

    def refuse(self, scope: Scope, error: Exception) -> Reply:
        """Return the reply to a request that cannot have what it asked for, and note it."""
        if not isinstance(error, RefusedError):
            # A defect of ours: the log has it, the client gets a sentence.
            _log.error("A request failed; report this.", exc_info=error)
            return reply_of(RefusedError(500, "defect", "The service failed; see its log."))
        self._refusals.add(_kind(scope["method"]), (scope.get("client") or ("unknown",))[0], error)
        return reply_of(error)

    def _issue(self, scope: Scope, caller: Caller, body: Body, give: GivenReply) -> None:
        unit = self._names.of(body)
        product, name = unit.product, unit.unit or self._fresh_name(unit)
        if objection := self._allow_list.objection(product, name):
            raise _about(product, name, RefusedError(403, "not_allowed", objection))

        def tell(answer: Answer) -> None:
            if isinstance(answer, Claim):
                if not caller.controller and (objection := self._reissue.objection(answer)):
                    give(self.refuse(scope, _about(product, name, RefusedError(403, "closed", objection))))
                    return
                self._feed.asked(product, name)
                self._metrics.count("issue", "ok")
                give(Reply(200, b'{"id": "%s"}' % answer.claim_id.encode()))
            else:
                give(self.refuse(scope, _about(product, name, from_ledger(answer))))

        context = _context(caller.address)
        self._writer.submit(
            AllocationRequest(product, name, SOURCE, context, None, self._settings.length, unit.hardware), tell
        )

    def _confirm(self, scope: Scope, caller: Caller, body: Body, give: GivenReply) -> None:
        what = confirmation(body, self._names)

        def tell(answer: Answer) -> None:
            if isinstance(answer, Claim):
                self._metrics.count("confirm", "ok")
                said = {"id": answer.masked, "unit": answer.unit, "state": answer.state.value}
                give(Reply(200, json.dumps(said).encode()))
            else:
                give(self.refuse(scope, _about(what.product, what.unit, from_ledger(answer))))

        self._writer.submit(Confirm(what, _context(caller.address)), tell)

    def _read_json5(
        self, scope: Scope, caller: Caller, data: bytes, go_on: Callable[[Body], None], give: GivenReply
    ) -> None:
        """Read a body that is no strict JSON beside the event loop, and `go_on` with it."""

        def take(done: asyncio.Future[Body]) -> None:
            try:
                go_on(done.result())
            except Exception as error:
                give(self.refuse(scope, error))

        self._json5.read(data, caller.address, take)

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
        holder = {"unit": error.claim.unit, "product": error.claim.product}
        return RefusedError(409, "conflict", str(error), extra=holder)
    if isinstance(error, UnknownClaimError):
        return RefusedError(404, "unknown", str(error))
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
