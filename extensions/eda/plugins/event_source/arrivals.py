# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards that come into the slots of a line and leave them, as events of Event-Driven Ansible."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

DOCUMENTATION = r"""
---
short_description: Boards that come into the slots of a line and leave them
description:
  - Watches the slots of a jig as the station of the hands-free line does, with the same settings, and gives an event
    for each board whose SSH server answers, that leaves, or that never becomes ready. What is there at the start has
    arrived.
  - Each event has C(line), with C(slot) (the host of the inventory), C(event), C(arrival) (a number that grows with
    every board), C(at) (UTC, ISO 8601), and C(address) where a board has arrived, or C(reason) where something is
    wrong.
  - C(line.event) is V(arrived), V(left), V(never_ready), or V(stopped) where more boards came into a slot within an
    hour than O(settings) allow (C(most_arrivals)). What comes into that slot then is no event until the rulebook is
    started again.
  - Only V(arrived) has C(meta.hosts), the slot, so an action of a ruleset whose C(hosts) are nobody's works on no
    other host.
  - It logs in nowhere and sweeps no network. One program watches a jig, this or the station.
  - At a SIGTERM it ends, and ansible-rulebook waits for the playbooks that run, as long as its C(--shutdown-delay)
    says. Java must leave the signal alone for that (C(JAVA_TOOL_OPTIONS=-Xrs)).
options:
  settings:
    description:
      - The full path of the station's settings, a TOML file. C(inventory), C(group), C(leases), C(mdns),
        C(banner_seconds), C(give_up_seconds) and C(most_arrivals) count; the rest is for the station.
    type: str
    required: true
"""

EXAMPLES = r"""
- ioto.serialization.arrivals:
    settings: /etc/ioto-line/settings.toml
"""

_ROOT = Path(__file__).resolve().parents[4]
_IS_INSTALLED = _ROOT.parents[1].name == "ansible_collections"
# ansible-rulebook runs this file by its path, and knows nothing of the collection that it is from.
sys.path.append(str(_ROOT.parents[2] if _IS_INSTALLED else _ROOT / "playbooks/collections"))

from ansible_collections.ioto.serialization.plugins.plugin_utils.line.arrivals import (  # noqa: E402
    Arrival,
    Departure,
    Event,
    arrivals,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.errors import LineError  # noqa: E402
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.exclusive import hold_slots  # noqa: E402
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.settings import LineSettings  # noqa: E402
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.settings_file import load  # noqa: E402
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.slot_records import SlotRecord  # noqa: E402
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.slots import JigSlot, read_slots  # noqa: E402


async def main(queue: asyncio.Queue[dict[str, Any]], args: dict[str, Any]) -> None:
    """Put events into `queue` until SIGTERM. Raises `LineError` where `args` cannot be used.

    ansible-rulebook itself ends the playbooks that run at a SIGTERM. Where a source ends, it waits for them instead, as
    long as its `--shutdown-delay` says.
    """
    settings = _settings(args)
    slots = await asyncio.to_thread(read_slots, settings)
    held = await asyncio.to_thread(hold_slots, slots)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    tasks = [asyncio.create_task(_tell(queue, slots, settings)), asyncio.create_task(stopped.wait())]
    try:
        ended, _going_on = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        loop.remove_signal_handler(signal.SIGTERM)  # a second one ends everything at once
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in held:
            one.close()


async def _tell(queue: asyncio.Queue[dict[str, Any]], slots: Sequence[JigSlot], settings: LineSettings) -> None:
    records = {slot.name: SlotRecord(slot) for slot in slots}
    async with aclosing(arrivals(slots, settings)) as events:
        async for event in events:
            record = records[event.slot.name]
            if record.is_stopped:
                continue
            if isinstance(event, Arrival) and not record.count_arrival(settings.most_arrivals):
                record.is_stopped = True
                reason = (
                    f"Slot {record.slot.name} had more than {settings.most_arrivals} boards within an hour and is "
                    "stopped; look at its plug and at the board, then start the rulebook again."
                )
                await queue.put(_message(event, event="stopped", reason=reason))
            else:
                await queue.put(_told(event, settings))


def _settings(args: dict[str, Any]) -> LineSettings:
    file = args.get("settings")
    if set(args) - {"settings", "eda_feedback_queue"} or not isinstance(file, str) or not file.startswith("/"):
        raise LineError("The event source arrivals takes one argument, settings, the full path of the line's settings.")
    return load(Path(file))


def _told(event: Event, settings: LineSettings) -> dict[str, Any]:
    if isinstance(event, Arrival):
        return _message(event, event="arrived", address=event.address) | {"meta": {"hosts": event.slot.name}}
    if isinstance(event, Departure):
        return _message(event, event="left")
    reason = f"The board did not become ready within {settings.give_up_seconds:g} s; take it out and plug it in again."
    return _message(event, event="never_ready", reason=reason)


def _message(about: Event, /, **more: str) -> dict[str, Any]:
    at = about.at.isoformat(timespec="milliseconds")
    return {"line": {"slot": about.slot.name, "arrival": about.number, "at": at, **more}}
