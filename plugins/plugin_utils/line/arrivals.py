# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boards of all slots: who came, who went, each arrival with a number that is greater than those before."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from .lease import LeaseFile
from .presence import Patience, Place, SlotChange, watch
from .settings import LineSettings
from .slots import JigSlot


@dataclass(frozen=True, slots=True)
class Arrival:
    """A board is in a slot, and its SSH server answers at `address`."""

    slot: JigSlot
    number: int
    address: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Departure:
    """The board with this number is gone."""

    slot: JigSlot
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class NeverReady:
    """Something in a slot takes connections, and did not become an SSH server within the time to give up."""

    slot: JigSlot
    number: int
    at: datetime


Event = Arrival | Departure | NeverReady


async def arrivals(slots: Iterable[JigSlot], settings: LineSettings) -> AsyncGenerator[Event]:
    """Yield what happens in `slots`, for ever; what is there at the start has arrived.

    The numbers begin at the time in milliseconds, so that those of a station that is started again are greater. Close
    the iterator (`aclose`) to let go of the boards.
    """
    numbers = itertools.count(int(time.time() * 1000))
    events: asyncio.Queue[Event] = asyncio.Queue()
    leases = LeaseFile(settings.leases_path) if settings.leases_path else None
    patience = Patience(settings.banner_seconds, settings.give_up_seconds)
    watchers = [
        asyncio.create_task(_watch(slot, _place(slot, leases), patience, numbers, events), name=f"watch {slot.name}")
        for slot in slots
    ]
    try:
        while True:
            event = asyncio.create_task(events.get())
            await asyncio.wait({event, *watchers}, return_when=asyncio.FIRST_COMPLETED)
            if not event.done():
                event.cancel()
                for watcher in watchers:
                    if watcher.done():
                        watcher.result()  # a watcher never ends but by a defect, which is not for swallowing
            yield event.result()
    finally:
        for watcher in watchers:
            watcher.cancel()
        for watcher in watchers:
            with suppress(asyncio.CancelledError, Exception):
                await watcher


async def _watch(
    slot: JigSlot, place: Place, patience: Patience, numbers: Iterator[int], events: asyncio.Queue[Event]
) -> None:
    number = 0
    async for seen in watch(place, patience):
        at = datetime.now(UTC)
        if seen.change is SlotChange.LEFT:
            events.put_nowait(Departure(slot, number, at))
            continue
        number = next(numbers)
        if seen.change is SlotChange.ARRIVED:
            events.put_nowait(Arrival(slot, number, seen.address, at))
        else:
            events.put_nowait(NeverReady(slot, number, at))


def _place(slot: JigSlot, leases: LeaseFile | None) -> Place:
    async def fixed() -> tuple[str, int] | None:
        return slot.address, slot.port

    async def leased() -> tuple[str, int] | None:
        address = leases.address_for(slot.lease) if leases else None
        return (address, slot.port) if address else None

    return leased if slot.lease else fixed
