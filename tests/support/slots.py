# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a station tells the service of its slots, for tests, and a service that lets it."""

from __future__ import annotations

import hashlib

from tests.services.factory_service import Reply, RunningService, bearer
from tests.services.factory_service_fixture import ServiceMaker

STATION_TOKEN = "a-token-of-the-station-of-a-line"
SLOTS = "/line/v1/slots"
AT = "2026-11-27T10:42:07+00:00"

EVERY_STATE: tuple[dict[str, object], ...] = (
    {"state": "empty"},
    {"state": "working", "step": "Writing the ID and reading it back", "serial": "SN-0002"},
    {"state": "pass", "serial": "SN-0003", "claim_id_end": "WQ"},
    {
        "state": "fail",
        "serial": "SN-0004",
        "reason": "Something on the board is broken.",
        "remedy": "Put the board aside for the technician, and take the next one.",
        "detail": "The file /etc/ioto/device.json5 cannot be written: the disk is full; make room on the board.",
    },
    {"state": "scan_now", "serial": "SN-0005", "remedy": "Scan the label now."},
    {
        "state": "no_label",
        "serial": "SN-0006",
        "claim_id_end": "7K",
        "reason": "The label was not printed.",
        "remedy": "See to the printer, then plug the board in again. No label again: call the technician.",
        "detail": "The printer socket://192.0.2.10:9100 does not answer.",
    },
    {"state": "pass", "serial": "SN-0007", "claim_id_end": "3M"},
    {
        "state": "fail",
        "reason": "The board does not answer.",
        "remedy": "Take the board out and plug it in again. Red again: put it aside for the technician.",
    },
)
"""Eight slots; between them they stand in every state."""


def hashed(token: str) -> str:
    """Return what the settings hold for a token."""
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


def service_of_a_line(service_with: ServiceMaker, **settings: object) -> RunningService:
    """Start a service that knows the station's token."""
    return service_with(station_tokens=[hashed(STATION_TOKEN)], **settings)


def slots(*states: dict[str, object], arrival: int = 17) -> list[dict[str, object]]:
    """Return what a message says of slots `slot-1`, `slot-2` and so on."""
    return [
        {"slot": f"slot-{number}", "arrival": arrival, "at": AT, **state}
        for number, state in enumerate(states, start=1)
    ]


def tell(service: RunningService, told: object, *, token: str | None = STATION_TOKEN, **more: object) -> Reply:
    """Send the service a message of the station `line-1`, or one with other members."""
    body = {"station": "line-1", "slots": told, **more}
    return service.ask(body, path=SLOTS, headers=bearer(token) if token else {})
