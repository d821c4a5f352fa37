# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source of Event-Driven Ansible, run as ansible-rulebook runs it: by its path, with a queue."""

from __future__ import annotations

import asyncio
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.line.errors import LineError
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.exclusive import hold_slots
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.playbook import SSH_ARGUMENTS
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.slots import JigSlot
from tests.support.ansible import ROOT

SOURCE = ROOT / "extensions/eda/plugins/event_source/arrivals.py"
GUIDE = ROOT / "docs/docsite/rst/line-eda.rst"
RULEBOOK = ROOT / "extensions/eda/rulebooks/line.yml"
DEADLINE = 60.0
pytestmark = pytest.mark.ansible
Events = asyncio.Queue[dict[str, Any]]


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def within() -> None:
        async with asyncio.timeout(DEADLINE):
            await test()

    asyncio.run(within())


def source(events: Events, args: Mapping[str, object]) -> asyncio.Task[None]:
    """Start the source, from a copy of its own of the module, as ansible-rulebook has."""
    path = sys.path.copy()
    try:
        return asyncio.ensure_future(runpy.run_path(str(SOURCE))["main"](events, dict(args)))
    finally:
        sys.path[:] = path


def settings(folder: Path, port: int, **more: object) -> dict[str, object]:
    """The arguments for a line of one slot, at `port` of this machine."""
    (folder / "slots.yml").write_text(
        f"slots: {{hosts: {{slot-1: {{ansible_host: 127.0.0.1, ansible_port: {port}}}}}}}\n"
    )
    lines = ['inventory = ["slots.yml"]', *(f"{name} = {value}" for name, value in more.items())]
    (folder / "line.toml").write_text("\n".join(lines))
    return {"settings": str(folder / "line.toml")}


class Board:
    """Something with an SSH server, as far as a greeting goes."""

    def __init__(self, greeting: bytes = b"SSH-2.0-board\r\n") -> None:
        self.greeting = greeting
        self.port = 0
        self._server: asyncio.Server | None = None
        self._clients: list[asyncio.StreamWriter] = []

    async def plug(self) -> None:
        self._server = await asyncio.start_server(self._greet, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def pull(self) -> None:
        assert self._server is not None
        self._server.close()
        for client in self._clients:
            client.transport.abort()
        self._clients.clear()

    async def _greet(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.append(writer)
        writer.write(self.greeting)


def test_it_needs_nothing_that_a_rulebook_s_python_has_not() -> None:
    """What devices and ledgers need is in the Python that runs the playbook, another one."""
    absent = "import runpy, sys; sys.modules |= dict.fromkeys(['pyjson5', 'sqlalchemy', 'alembic', 'reportlab', 'PIL'])"
    done = subprocess.run(
        [sys.executable, "-c", f"{absent}; runpy.run_path({str(SOURCE)!r})"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_boards_that_come_and_go_are_events_and_only_a_board_has_a_host(tmp_path: Path) -> None:
    async def test() -> None:
        events, board = Events(), Board()
        await board.plug()
        running = source(events, settings(tmp_path, board.port))
        first = await events.get()
        assert first["meta"] == {"hosts": "slot-1"}
        arrived = first["line"]
        assert (arrived["slot"], arrived["event"], arrived["address"]) == ("slot-1", "arrived", "127.0.0.1")
        slots = [JigSlot("slot-1", "127.0.0.1", board.port)]
        if sys.platform == "linux":
            with pytest.raises(LineError, match="Another station or rulebook on this machine watches slot-1"):
                hold_slots(slots, 0)
        await board.pull()
        left = await events.get()
        assert (left["line"]["event"], left["line"]["arrival"]) == ("left", arrived["arrival"])
        assert "meta" not in left
        await board.plug()
        assert (await events.get())["line"]["arrival"] > arrived["arrival"]
        os.kill(os.getpid(), signal.SIGTERM)
        await running
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        for one in hold_slots(slots, 0):
            one.close()
        await board.pull()

    run(test)


def test_a_board_that_never_becomes_ready_and_a_slot_of_too_many_say_so(tmp_path: Path) -> None:
    async def test() -> None:
        events, board = Events(), Board(b"")
        await board.plug()
        args = settings(tmp_path, board.port, banner_seconds=0.1, give_up_seconds=1, most_arrivals=1)
        running = source(events, args)
        seen = [await events.get()]
        board.greeting = b"SSH-2.0-board\r\n"
        seen.append(await events.get())
        await board.pull()
        seen.append(await events.get())
        await board.plug()
        seen.append(await events.get())
        assert [event["line"]["event"] for event in seen] == ["never_ready", "arrived", "left", "stopped"]
        assert ["meta" in event for event in seen] == [False, True, False, False]
        assert seen[0]["line"]["reason"].startswith("The board did not become ready within 1 s; take it out")
        assert "had more than 1 boards within an hour and is stopped; look at its plug" in seen[3]["line"]["reason"]
        await board.pull()
        await board.plug()
        running.cancel()
        await asyncio.wait([running])
        assert events.empty()
        await board.pull()

    run(test)


@pytest.mark.parametrize(
    "args", [{}, {"settings": "line.toml"}, {"settings": 1}, {"settings": "/etc/x.toml", "inventory": "slots.yml"}]
)
def test_arguments_that_are_not_understood_are_refused(args: dict[str, object]) -> None:
    async def test() -> None:
        with pytest.raises(LineError, match="takes one argument, settings, the full path of the line's settings"):
            await source(Events(), args)

    run(test)


def test_settings_that_cannot_be_used_are_refused_in_a_sentence(tmp_path: Path) -> None:
    async def test() -> None:
        with pytest.raises(LineError, match=r"no-such\.toml cannot be read: .*; correct the path\."):
            await source(Events(), {"settings": str(tmp_path / "no-such.toml")})

    run(test)


def test_the_guide_has_the_arguments_for_ssh_that_the_station_has() -> None:
    assert f"ANSIBLE_SSH_ARGS='{' '.join(SSH_ARGUMENTS)}'" in GUIDE.read_text(encoding="utf-8")


def test_the_rulebook_runs_for_nobody_but_the_slot_of_an_event() -> None:
    (ruleset,) = yaml.safe_load(RULEBOOK.read_text(encoding="utf-8"))
    assert ruleset["hosts"] == "ioto_line_nobody"
    assert ruleset["execution_strategy"] == "parallel"  # else there are no locks, and one board at a time
    playbooks = [rule["action"]["run_playbook"] for rule in ruleset["rules"] if "run_playbook" in rule["action"]]
    assert [playbook["lock"] for playbook in playbooks] == ["{{ event.line.slot }}"]
