# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import importlib
import sys
import types
from contextlib import aclosing
from pathlib import Path
from typing import Any

DOCUMENTATION = r"""
short_description: Tell when a board was plugged into a slot of a line
description:
  - An event for each board that arrives in a slot, which is a host of an inventory, and for each that leaves.
  - It watches the slots as the station of a hands-free line does, with the same settings. One of the two watches a jig.
  - The events of an arrival have C(meta.hosts), so that C(run_playbook) runs for that slot alone.
  - A slot that has more boards within an hour than a person could plug is stopped, which is one last event of it.
options:
  settings:
    description: The station's settings, a TOML file with its full path. See the guide of the line.
    type: str
    required: true
"""

EXAMPLES = r"""
- ioto.serialization.arrivals:
    settings: /etc/ioto-line/settings.toml
"""

_CORE = Path(__file__).resolve().parents[4] / "plugins" / "plugin_utils"
_NAME = "ioto_serialization_core"


def _core(module: str) -> Any:
    """Return a module of the core: whoever loads a source knows no collection, and the core's imports are relative."""
    if _NAME not in sys.modules:
        package = types.ModuleType(_NAME)
        package.__path__ = [str(_CORE)]
        sys.modules[_NAME] = package
    return importlib.import_module(f"{_NAME}.{module}")


async def main(queue: asyncio.Queue[dict[str, Any]], args: dict[str, Any]) -> None:
    """Put an event into `queue` for each arrival and departure, for ever. Raises `ValueError` with what to correct."""
    arrivals, errors = _core("line.arrivals"), _core("errors")
    slots, settings = _core("line.slots"), _core("line.settings")
    records = _core("line.slot_records")
    try:
        loaded = settings.load(Path(str(args.get("settings") or "/etc/ioto-line/settings.toml")))
        found = await asyncio.to_thread(slots.read_slots, loaded)
    except errors.IotoError as error:
        raise ValueError(str(error)) from None
    known = {slot.name: records.SlotRecord(slot) for slot in found}
    async with aclosing(arrivals.arrivals(found, loaded)) as events:
        async for event in events:
            record = known[event.slot.name]
            if record.is_stopped:
                continue
            kinds = {arrivals.Arrival: "arrived", arrivals.Departure: "left", arrivals.NeverReady: "never_ready"}
            told: dict[str, Any] = {
                "event": kinds[type(event)],
                "slot": event.slot.name,
                "arrival": event.number,
                "at": event.at.isoformat(),
            }
            message: dict[str, Any] = {"line": told}
            if isinstance(event, arrivals.Arrival):
                told["address"] = event.address
                if record.count_arrival(loaded.most_arrivals):
                    message["meta"] = {"hosts": event.slot.name}
                else:
                    record.is_stopped = True
                    told["event"] = "stopped"
                    told["reason"] = (
                        f"Slot {event.slot.name} had more than {loaded.most_arrivals} boards within an hour; look at "
                        "its plug and at the board, then start the rulebook again."
                    )
            await queue.put(message)


if __name__ == "__main__":
    # For somebody who wants to see the events: arrivals.py SETTINGS.
    class Printer(asyncio.Queue[dict[str, Any]]):
        """Prints what is put into it."""

        async def put(self, item: dict[str, Any]) -> None:
            """Print `item`."""
            print(item, flush=True)  # noqa: T201

    asyncio.run(main(Printer(), {"settings": sys.argv[1]}))
