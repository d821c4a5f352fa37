# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be read: claims, units, health, metrics, the description of all this, and the pages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from string import Template
from typing import Any, TypeVar, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .. import claim_ids
from ..errors import IotoError
from ..ledger.columns import told_by_service
from ..ledger.ledger import Ledger
from ..ledger.records import Claim, parse_unit
from .access import Caller
from .commits import silence
from .components import Components
from .errors import RefusedError
from .ledger_handle import LedgerHandle
from .openapi import describe
from .serialize_endpoint import Receive, Send, from_ledger, read_body, reply_of, send_reply
from .settings_doubts import openings
from .slot_endpoints import SlotEndpoints
from .station_feed import claim_verdict

_HISTORY = 50
_FOUND = 20
_SEARCH_BYTES = 1024
_STATION = Path(__file__).parent / "station"
_PAGES = {"/": ("station", "Serialization station"), "/line": ("line", "The line")}
"""By their path: what their files are called, and their titles."""
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_AT_ONCE = 8
"""Questions to the ledger at a time. Neither /healthz nor what needs no ledger waits for them."""
_UNCACHED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Item = TypeVar("Item")


class ReadEndpoints:
    """The ASGI application for everything but the serialize endpoint."""

    def __init__(self, components: Components, ledger: LedgerHandle) -> None:
        self._settings = components.settings
        self._access = components.access
        self._feed = components.feed
        self._refusals = components.refusals
        self._metrics = components.metrics
        self._slow = components.slow
        self._ledger = ledger
        self._warnings = openings(components.settings)
        self._description = json.dumps(describe(components.settings)).encode()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._slots = SlotEndpoints(components)
        self._app = Starlette(
            routes=[
                Route("/claims/{claim_id}", self._claim, methods=["GET"]),
                Route("/units/{serial:path}", self._units, methods=["GET"]),
                Route("/healthz", self._health, methods=["GET"]),
                Route("/metrics", self._metrics_text, methods=["GET"]),
                Route("/openapi.json", self._openapi, methods=["GET"]),
                Route("/station/line", self._station_line, methods=["GET"]),
                Route("/station/search", self._station_search, methods=["POST"]),
                *self._slots.routes,
                *(route for path, page in _PAGES.items() for route in _page_routes(path, *page)),
            ],
            exception_handlers={HTTPException: self._not_here, RefusedError: self._refuse, IotoError: self._refuse},
        )
        self._app.router.redirect_slashes = False

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            try:
                scope["caller"] = self._access.admit(scope)
            except RefusedError as error:
                self._slots.note_refusal(scope, error)
                self._refusals.add("read", (scope.get("client") or ("unknown",))[0], error)
                await send_reply(send, reply_of(error))
                return
        await self._app(scope, receive, send)  # type: ignore[arg-type]

    async def _claim(self, request: Request) -> Response:
        claim_id = claim_ids.parse(request.path_params["claim_id"])
        reveal = self._may_reveal(request)

        def find(ledger: Ledger) -> tuple[Claim | None, list[dict[str, object]]]:
            claim = ledger.find(claim_id)
            history = ledger.events(claim_id=claim_id, newest_first=True, limit=_HISTORY) if claim else ()
            return claim, [{**told_by_service(event, reveal=reveal), "by": event.by} for event in history]

        claim, history = await self._ask(find)
        if claim is None:
            raise RefusedError(404, "unknown", f"The ledger does not know the claim ID {claim_ids.mask(claim_id)}.")
        return self._json(request, {**_shown(claim, reveal=reveal), "history": history})

    async def _units(self, request: Request) -> Response:
        unit = parse_unit(request.path_params["serial"])
        product = request.query_params.get("product")
        wanted = claim_ids.parse_product(product) if product is not None else None
        reveal = self._may_reveal(request)
        found = await self._ask(
            lambda ledger: list(ledger.claims(unit=unit, product=wanted, newest_first=True, limit=_FOUND))
        )
        if not found:
            # It goes into the log, and may be a claim ID that somebody took for a serial.
            shown = claim_ids.mask_folded(unit)
            raise RefusedError(404, "unknown", f"The ledger does not know the serial {shown}.")
        return self._json(request, {"serial": unit, "claims": [_shown(claim, reveal=reveal) for claim in found]})

    async def _health(self, request: Request) -> Response:
        await self._ask(lambda ledger: ledger.find("0" * claim_ids.MIN_LENGTH), in_turn=False)
        return self._json(request, {"status": "ok"})

    async def _metrics_text(self, request: Request) -> Response:
        self._metrics.count("read", "ok")
        return PlainTextResponse(self._metrics.text(), headers=_UNCACHED, media_type="text/plain; version=0.0.4")

    async def _openapi(self, request: Request) -> Response:
        self._metrics.count("read", "ok")
        return Response(self._description, headers=_UNCACHED, media_type="application/json")

    async def _station_line(self, request: Request) -> Response:
        look = await self._beside(self._feed.look)
        return self._json(request, {**look, "warnings": self._warnings})

    async def _station_search(self, request: Request) -> Response:
        """Search by serial or claim ID. A POST, so that a claim ID stands in no URL and no proxy's log."""
        try:
            body = json.loads(await read_body(request.receive, _SEARCH_BYTES))  # type: ignore[arg-type]
        except (ValueError, RecursionError):
            body = None
        text = body.get("text") if isinstance(body, dict) else None
        if not isinstance(text, str):
            raise RefusedError(422, "body", 'The body is not a search; send {"text": "…"}.')
        reveal = isinstance(body, dict) and body.get("reveal") is True
        if reveal:
            self._access.require_controller(_caller(request))
        unit = parse_unit(text)
        try:
            claim_id = claim_ids.parse(text)
        except claim_ids.InvalidClaimIdError:
            claim_id = None

        def find(ledger: Ledger) -> list[Claim]:
            held = ledger.find(claim_id) if claim_id else None
            return ([held] if held else []) + list(ledger.claims(unit=unit, newest_first=True, limit=_FOUND))

        found = await self._ask(find)
        return self._json(request, {"claims": [_shown(claim, reveal=reveal) for claim in found]})

    async def _ask(self, question: Callable[[Ledger], Item], *, in_turn: bool = True) -> Item:
        """Put a question to the ledger, beside the event loop."""

        def put() -> Item:
            with self._ledger.use() as ledger:
                return question(ledger)

        return await self._beside(put, in_turn=in_turn)

    async def _beside(self, work: Callable[[], Item], *, in_turn: bool = True) -> Item:
        """Do `work` beside the event loop. Raises `RefusedError` with 503 where that, and its turn, take too long."""
        try:
            async with asyncio.timeout(self._settings.answer_seconds), self._turns if in_turn else nullcontext():
                return await asyncio.get_running_loop().run_in_executor(self._slow, work)
        except TimeoutError:
            raise silence() from None

    def _may_reveal(self, request: Request) -> bool:
        text = request.query_params.get("reveal")
        if text in (None, "0", "false"):
            return False
        if text not in ("1", "true"):
            raise RefusedError(422, "query", "reveal is true or false.")
        self._access.require_controller(_caller(request))
        return True

    def _json(self, request: Request, content: object) -> Response:
        self._metrics.count("read", "ok")
        return JSONResponse(content, headers=_UNCACHED)

    async def _not_here(self, request: Request, error: Exception) -> Response:
        missed = cast("HTTPException", error)  # what this handler is registered for
        sentence = "There is nothing here; correct the URL." if missed.status_code == 404 else str(missed.detail)
        return await self._refuse(request, RefusedError(missed.status_code, "path", sentence, headers=missed.headers))

    async def _refuse(self, request: Request, error: Exception) -> Response:
        refused = from_ledger(cast("IotoError", error))  # what this handler is registered for
        self._refusals.add("read", _caller(request).address, refused)
        return JSONResponse(
            {"error": str(refused), **refused.extra},
            status_code=refused.status,
            headers={**_UNCACHED, **refused.headers},
        )


def _caller(request: Request) -> Caller:
    caller: Caller = request.scope["caller"]
    return caller


def _shown(claim: Claim, *, reveal: bool) -> dict[str, object]:
    verdict, text = claim_verdict(claim)
    return {**told_by_service(claim, reveal=reveal), "verdict": verdict, "text": text}


def _page_routes(path: str, name: str, title: str) -> Iterator[Route]:
    """Yield what serves a page and its two files."""
    body = (_STATION / f"{name}.html").read_text(encoding="utf-8")
    page = Template((_STATION / "page.html").read_text(encoding="utf-8")).substitute(name=name, title=title, body=body)
    yield Route(path, _file(page.encode(), "text/html"), methods=["GET"])
    for ending, kind in (("css", "text/css"), ("js", "text/javascript")):
        content = (_STATION / f"{name}.{ending}").read_bytes()
        yield Route(f"/{name}.{ending}", _file(content, kind), methods=["GET"])


def _file(content: bytes, kind: str) -> Callable[[Request], Response]:
    async def serve(request: Request) -> Response:
        return Response(content, media_type=f"{kind}; charset=utf-8", headers=_PAGE_HEADERS)

    return serve  # type: ignore[return-value]
