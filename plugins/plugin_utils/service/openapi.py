# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's description of itself, in OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import claim_ids
from ..ledger.columns import LedgerColumn, ValueKind, columns_of
from ..ledger.records import Claim, Event
from .settings import ServiceSettings
from .slot_message import MOST_CHARACTERS, MOST_NOTICES, MOST_SLOTS, NOTICE_SECONDS, PATH, SlotState

_CHARACTERS = f"[{claim_ids.ALPHABET}]{{{claim_ids.MIN_LENGTH},{claim_ids.MAX_LENGTH}}}"
_CLAIM_ID = f"^{_CHARACTERS}$"
_MASKED = rf"^(\*+[{claim_ids.ALPHABET}]{{2}}|{_CHARACTERS})$"
_TEXT = {"type": "string"}
_SCHEMAS: Mapping[ValueKind, dict[str, Any]] = {
    ValueKind.TEXT: {"type": "string"},
    ValueKind.NUMBER: {"type": "integer"},
    ValueKind.MOMENT: {"type": "string", "format": "date-time"},
    ValueKind.OBJECT: {"type": "object"},
}


def _told(column: LedgerColumn) -> dict[str, Any]:
    """Return the schema of what the service tells of a column."""
    if column.is_claim_id:
        return {"type": "string", "pattern": _MASKED, "description": "Masked unless revealed."}
    if column.words is not None:
        return _TEXT if column.takes_unknown_words else {"enum": [word.value for word in column.words]}
    schema = _SCHEMAS[column.kind]
    return {**schema, "type": [schema["type"], "null"]} if column.is_optional else schema


def _record(kind: type, **more: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of what the service tells of a claim or an event, and of `more` that comes with it."""
    told = [column for column in columns_of(kind) if column.is_told]
    return {
        "type": "object",
        "properties": {column.task_name: _told(column) for column in told} | more,
        "required": [column.task_name for column in told],
    }


_ASSESSED: dict[str, dict[str, Any]] = {"verdict": {"enum": ["issued", "pass", "fail", "retired"]}, "text": _TEXT}
_CLAIM = _record(Claim, **_ASSESSED)
_CLAIM_HISTORY = _record(Claim, **_ASSESSED, history={"type": "array", "items": _record(Event, by=_TEXT)})
_PRODUCT = {"type": "string", "description": "A ULID from the Builder.", "examples": ["01G8YJKKRNTHW213TRZYX3YH0M"]}
_NAME = {"type": ["string", "integer"], "maxLength": claim_ids.MAX_UNIT_LENGTH}
_SHORT = {"type": "string", "maxLength": MOST_CHARACTERS}
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
_SLOT_NAME = {**_SHORT, "minLength": 1}
_SLOT: dict[str, Any] = {
    "slot": _SLOT_NAME,
    "arrival": _NUMBER,
    "state": {"enum": [state.value for state in SlotState]},
    "step": _SHORT,
    "serial": _SHORT,
    "claim_id_end": {"type": "string", "pattern": f"^[{claim_ids.ALPHABET}]{{0,2}}$"},
    "reason": _SHORT,
    "remedy": _SHORT,
    "detail": {**_SHORT, "description": "The whole sentence, for the technician."},
    "at": {"type": "string", "format": "date-time"},
}
_NEEDED_OF_SLOT = ["slot", "arrival", "state"]
_STATION_MESSAGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "station": _SLOT_NAME,
        "start": {**_SHORT, "description": "Of a station that speaks for itself: another one each time it is started."},
        "number": {**_NUMBER, "description": "Needed with `start`: it grows with each message."},
        "operator": _SHORT,
        "whole": {"type": "boolean", "default": False},
        "notices": {
            "type": "array",
            "maxItems": MOST_NOTICES,
            "items": {
                "type": "object",
                "properties": {"text": _SHORT, "slot": _SHORT},
                "required": ["text"],
                "additionalProperties": False,
            },
            "description": f"Shown for {NOTICE_SECONDS:g} s, on a slot's tile or else as a line. Empty: taken back.",
        },
        "slots": {
            "type": "array",
            "maxItems": MOST_SLOTS,
            "items": {
                "type": "object",
                "properties": _SLOT,
                "required": _NEEDED_OF_SLOT,
                "additionalProperties": False,
            },
        },
    },
    "required": ["station", "slots"],
    "additionalProperties": False,
    "description": "`whole` speaks of all slots of the station, and replaces what was known of them. Of a run, which "
    "names no `start`, nothing is taken of an older arrival than is known.",
}
_FIGURE = {"type": ["number", "null"]}
_SHIFT: dict[str, Any] = {
    "since": {"type": "string", "format": "date-time"},
    "passed": {"type": "integer"},
    "failed": {"type": "integer"},
    "yield": {**_FIGURE, "description": "A share of 1."},
    "pace": {**_FIGURE, "description": "Units an hour."},
}
_STATION_STATE: dict[str, Any] = {
    "station": _TEXT,
    "operator": _TEXT,
    "silent_seconds": {"type": "number"},
    "lost": {"type": "boolean"},
}
_NOTICE_STATE: dict[str, Any] = {
    "station": _TEXT,
    "slot": {"type": ["string", "null"]},
    "text": _TEXT,
    "number": {"type": "integer", "description": "Another one where the same is told again."},
    "seconds": {"type": "number"},
}
_SLOTS: dict[str, Any] = {
    "now": {"type": "string", "format": "date-time"},
    "version": {"type": "string", "description": "Another one once something has changed."},
    "working_seconds": {"type": "integer", "description": "After which a board that is worked on has failed."},
    "refuses": {
        "type": "boolean",
        "description": "Whether somebody who has no token of a station would tell of slots.",
    },
    "shift": {"type": "object", "properties": _SHIFT, "required": list(_SHIFT)},
    "stations": {
        "type": "array",
        "items": {"type": "object", "properties": _STATION_STATE, "required": list(_STATION_STATE)},
    },
    "slots": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"station": _TEXT, **_SLOT, "seconds": {"type": "number"}},
            "required": ["station", *_NEEDED_OF_SLOT, "seconds"],
        },
    },
    "notices": {
        "type": "array",
        "items": {"type": "object", "properties": _NOTICE_STATE, "required": list(_NOTICE_STATE)},
        "description": "What operators are to know for a while; of no slot where `slot` is null.",
    },
}
_REFUSALS = {
    "400": "The body cannot be read.",
    "401": "A controller's or a station's token is needed, or the one given is not known.",
    "403": "Not from there, not with that secret, or not (or no more) for that unit.",
    "404": "There is nothing of that kind.",
    "405": "Not with that method.",
    "408": "The request came too slowly.",
    "409": (
        "The claim ID and the unit do not belong together; the unit with that `serial` holds it. Or something newer is "
        "known."
    ),
    "413": "The body is too large.",
    "421": "The service is not called by that name (Host).",
    "422": "The body or a parameter says something that cannot be.",
    "429": "Too many requests from that address; see Retry-After.",
    "503": "The ledger cannot be used now; see Retry-After.",
}


def describe(settings: ServiceSettings) -> dict[str, Any]:
    """Return the description of the service as it is set up."""
    body = {
        "type": "object",
        "properties": {"product": _PRODUCT, **dict.fromkeys(settings.unit, _NAME)},
        "required": ["product"],
        "description": "The unit's device.json5. Of " + ", ".join(settings.unit) + " the first that is there names it.",
    }
    confirmation = {
        **body,
        "properties": {
            **body["properties"],  # type: ignore[dict-item]
            "id": {"type": "string", "pattern": _CLAIM_ID},
            "state": {"enum": ["written", "verified"], "default": "verified"},
        },
        "required": ["product", "id"],
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Factory serialization service", "version": "1"},
        "components": {
            "securitySchemes": {name: {"type": "http", "scheme": "bearer"} for name in ("controller", "station")}
        },
        "paths": {
            settings.path: {
                "post": _operation(
                    "Give a unit its claim ID, the same one at every time",
                    {"type": "object", "properties": {"id": _string(_CLAIM_ID)}, "required": ["id"]},
                    body=body,
                ),
                "put": _operation(
                    "Confirm that a unit has its claim ID",
                    {"type": "object", "properties": {"id": _string(_MASKED), "serial": _TEXT, "state": _TEXT}},
                    body=confirmation,
                    scheme="controller",
                ),
            },
            **_QUESTIONS,
        },
    }


def _operation(
    summary: str,
    reply: dict[str, Any] | None,
    *,
    body: dict[str, Any] | None = None,
    parameters: list[dict[str, Any]] | None = None,
    scheme: str | None = None,
) -> dict[str, Any]:
    content = {"application/json": {"schema": reply}} if reply else {"text/plain": {"schema": _TEXT}}
    refusal = {
        "application/json": {"schema": {"type": "object", "properties": {"error": _TEXT}, "required": ["error"]}}
    }
    operation: dict[str, Any] = {
        "summary": summary,
        "security": [{scheme: []}] if scheme else [{}, {"controller": []}],
        "responses": {
            "200": {"description": summary, "content": content},
            **{status: {"description": text, "content": refusal} for status, text in _REFUSALS.items()},
        },
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if parameters:
        operation["parameters"] = parameters
    return operation


def _string(pattern: str) -> dict[str, str]:
    return {"type": "string", "pattern": pattern}


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


_REVEAL = {
    "name": "reveal",
    "in": "query",
    "schema": {"type": "boolean"},
    "description": "Show whole claim IDs; for a controller.",
}
# The paths that are the same however the service is set up.
_QUESTIONS: dict[str, Any] = {
    "/claims/{claim_id}": {
        "get": _operation("Who has a claim ID", _CLAIM_HISTORY, parameters=[_in_path("claim_id"), _REVEAL])
    },
    "/units/{serial}": {
        "get": _operation(
            "What a unit has, in all products or one",
            {"type": "object", "properties": {"serial": _TEXT, "claims": {"type": "array", "items": _CLAIM}}},
            parameters=[_in_path("serial"), {"name": "product", "in": "query", "schema": _PRODUCT}, _REVEAL],
        )
    },
    "/station/line": {"get": _operation("The last units and the counts of today", {"type": "object"})},
    "/station/search": {
        "post": _operation(
            "Search by serial or claim ID",
            {"type": "object", "properties": {"claims": {"type": "array", "items": _CLAIM}}},
            body={
                "type": "object",
                "properties": {"text": {"type": "string", "minLength": 1}, "reveal": {"type": "boolean"}},
                "required": ["text"],
            },
        )
    },
    PATH: {
        "get": _operation(
            "How the slots of a line stand",
            {"type": "object", "properties": _SLOTS, "required": list(_SLOTS)},
            parameters=[
                {"name": "station", "in": "query", "schema": _TEXT},
                {
                    "name": "known",
                    "in": "query",
                    "schema": _TEXT,
                    "description": "The version that is known: the answer comes with another, or after a second.",
                },
            ],
        ),
        "post": _operation(
            "Tell how the slots of a line stand",
            {
                "type": "object",
                "properties": {"ignored": {"type": "array", "items": _TEXT}},
                "required": ["ignored"],
            },
            body=_STATION_MESSAGE,
            scheme="station",
        ),
    },
    "/healthz": {"get": _operation("Whether the ledger can be used", {"type": "object"})},
    "/metrics": {"get": _operation("Counters, as Prometheus reads them", None)},
    "/openapi.json": {"get": _operation("This description", {"type": "object"})},
}
