# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots of a line over HTTP: a station tells how they stand, and the page at `/line` asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .components import Components
from .errors import RefusedError
from .serialize_endpoint import read_body
from .slot_board import SlotBoard
from .slot_message import MOST_BYTES, PATH, parse_message

_WAIT_SECONDS = 1.0
"""For news, so that a page need not ask often to have them at once."""
_UNCACHED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class SlotEndpoints:
    """The routes of the line, and the board behind them."""

    def __init__(self, components: Components) -> None:
        settings = components.settings
        self._access = components.access
        self._metrics = components.metrics
        self._board = SlotBoard(shifts=settings.shifts, working_seconds=settings.working_seconds)

    @property
    def routes(self) -> list[Route]:
        """What is answered; whoever asks was let in before."""
        return [Route(PATH, self._tell, methods=["POST"]), Route(PATH, self._look, methods=["GET"])]

    def note_refusal(self, scope: Mapping[str, Any], error: RefusedError) -> None:
        """Have the page say that a station is refused for its token, where it is that which was refused."""
        if error.reason == "token" and scope["path"] == PATH and scope["method"] == "POST":
            self._board.note_refusal()

    async def _tell(self, request: Request) -> Response:
        try:
            self._access.require_station(request.scope["caller"])
        except RefusedError as error:
            self.note_refusal(request.scope, error)
            raise
        try:
            data = await read_body(request.receive, MOST_BYTES)  # type: ignore[arg-type]
        except RefusedError as error:
            if error.reason == "size":
                raise _too_long() from None
            raise
        late = self._board.tell(parse_message(data))
        return self._json({"ignored": late})

    async def _look(self, request: Request) -> Response:
        await self._board.wait_for_news(request.query_params.get("known"), _WAIT_SECONDS)
        return self._json(self._board.look(request.query_params.get("station")))

    def _json(self, content: object) -> Response:
        self._metrics.count("read", "ok")
        return JSONResponse(content, headers=_UNCACHED)


def _too_long() -> RefusedError:
    return RefusedError(
        413,
        "size",
        f"The body has more than {MOST_BYTES} bytes; tell fewer slots at once.",
        headers={"Connection": "close"},
    )
