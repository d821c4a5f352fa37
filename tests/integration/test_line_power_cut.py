# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A board whose power is cut says no word, neither that it goes nor that nobody is there any more."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.line.presence import Patience, SlotChange, watch
from tests.services.silent_network import SilentNetwork

pytestmark = pytest.mark.skipif(bool(why := SilentNetwork.missing()), reason=str(why))

NOTICED_SECONDS = 20.0
"""By keepalive it takes 4 s; without, the connection would stand for as long as it is not renewed (45 s)."""


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-dropbear_2022.83\r\n")
    await reader.read()
    writer.close()


def test_a_board_that_falls_silent_has_left_within_seconds_and_arrives_when_its_power_is_back(tmp_path: Path) -> None:
    async def story() -> None:
        socket = tmp_path / "board"
        async with await asyncio.start_unix_server(greet, socket):
            with SilentNetwork(socket, tmp_path) as network:

                async def place() -> tuple[str, int]:
                    return network.address, network.port

                sightings: Any = watch(place, Patience())
                async with aclosing(sightings), asyncio.timeout(4 * NOTICED_SECONDS):
                    assert (await anext(sightings)).change is SlotChange.ARRIVED
                    with network.silence():
                        cut = time.monotonic()
                        assert (await anext(sightings)).change is SlotChange.LEFT
                        seconds = time.monotonic() - cut
                    assert (await anext(sightings)).change is SlotChange.ARRIVED
        print(f"noticed after {seconds:.1f} s")
        assert seconds < NOTICED_SECONDS

    asyncio.run(story())
