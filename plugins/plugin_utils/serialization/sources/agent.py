# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent makes its own ID: it is started again, saves one, and its factory service knows it."""

from __future__ import annotations

from collections.abc import Mapping

from ... import claim_ids
from ...device.device import Device
from ...json5.reader import Json5Error, JsonValue
from ..look import Look, SerializationError, understand
from .factory_service import Agent


def await_id(source: Agent, device: Device, config_dir: str, old: bytes | None) -> Look | None:
    """Return the first look that shows the ID which the agent saved; None where none came and `source` has a fallback.

    `old` are the bytes of device.json5 (None: there is no file). Raises `IotoError` where none came.
    """
    for observation in source.saves(device, config_dir, old):
        try:
            look = understand(device, config_dir, observation)
        except Json5Error:
            continue  # the agent is in the middle of saving
        if look.seen.claim_id is not None:
            return look
    if source.fallback is not None:
        return None
    raise SerializationError(
        f"The agent on {device.name} saved no ID within {source.seconds} s: agents 2.8 to 3.0.0 never do, each start "
        "makes another one. Let the controller write the ID (ioto_agent_fallback, or the flow manual or factory), or "
        "update the agent; if it is of another version, see its log."
    )


def compare_with_service(source: Agent, device: Device, saved: str, body: Mapping[str, JsonValue]) -> None:
    """Raise `IotoError` where the service that the agent asked answers another ID for `body` than the one `saved`."""
    if source.checked_by is None:
        return
    answer = source.checked_by.claim_id(body)
    if answer != saved:
        raise SerializationError(
            f"The agent on {device.name} saved {claim_ids.mask(saved)}, and the service at {source.checked_by.place} "
            f"answers {claim_ids.mask(answer or '')} for the same unit: it does not remember its units, or the agent "
            "asked another one; see api.serialize."
        )
