# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH server behind python_ssh.py: one process, a port for each device, told through a named pipe what to do."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from . import processes

# The one absolute path that everybody calls; without a chroot it would be the machine's own shell.
_SHELL = re.compile(r"(?<![\w./-])/bin/sh(?![\w/-])")


@dataclass
class _Device:
    listener: asyncssh.SSHAcceptor
    connections: set[asyncssh.SSHServerConnection] = field(default_factory=set)


class _Login(asyncssh.SSHServer):
    """Accepts the fleet's key, or its password, for any user, and keeps count of the connections."""

    def __init__(self, password: str, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._password = password
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self._connection)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return hmac.compare_digest(password.encode(), self._password.encode())


class Server:
    """The devices that are switched on."""

    def __init__(self, state_dir: Path) -> None:
        self._settings = json.loads((state_dir / "server.json").read_text(encoding="utf-8"))
        self._keys = str(state_dir / "key.pub")
        self._commands = state_dir / "commands"
        self._devices: dict[str, _Device] = {}

    async def serve(self) -> None:
        """Do as the named pipe says, a JSON object a line, for ever."""
        reader = asyncio.StreamReader()
        # Open for writing too, so that it never ends.
        pipe = os.fdopen(os.open(self._commands, os.O_RDWR), "rb", buffering=0)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        while line := await reader.readline():
            command = json.loads(line)
            if command["do"] == "start":
                await self._start(command["name"], command["address"], command["port"], command["root"])
            else:
                self._stop(command["name"])

    async def _start(self, name: str, address: str, port: int, root: str) -> None:
        connections: set[asyncssh.SSHServerConnection] = set()

        async def run(process: asyncssh.SSHServerProcess[bytes]) -> None:
            await self._run(process, root)

        listener = await asyncssh.create_server(
            lambda: _Login(self._settings["password"], connections),
            address,
            port,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            authorized_client_keys=self._keys,
            # What dropbear has: a post-quantum exchange would cost the controller seven times as much.
            kex_algs=["curve25519-sha256", "curve25519-sha256@libssh.org"],
            process_factory=run,
            encoding=None,
            allow_pty=False,
            server_version="dropbear_stand-in",
        )
        self._devices[name] = _Device(listener, connections)

    def _stop(self, name: str) -> None:
        if device := self._devices.pop(name, None):
            device.listener.close()
            for connection in list(device.connections):
                connection.abort()

    async def _run(self, process: asyncssh.SSHServerProcess[bytes], root: str) -> None:
        shell = self._settings["shell"]
        command = process.command
        arguments = ["-c", _SHELL.sub(lambda _: shell, command)] if command else []
        child = await asyncio.create_subprocess_exec(
            shell,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=f"{root}/root",
            env=processes.environment(Path(root), PATH=self._settings["path"], HOME=f"{root}/root", USER="root"),
            start_new_session=True,
        )
        # No end-of-file when one of the two ends: the other may have something to say yet.
        await process.redirect(child.stdin, child.stdout, child.stderr, send_eof=False)
        status = await child.wait()
        # What it wrote may still be on its way; an exit would overtake it. The client may be gone by now.
        with suppress(asyncssh.Error, OSError):
            await process.stdout.drain()
            await process.stderr.drain()
        process.exit(status if status >= 0 else 128 - status)


def main() -> None:
    asyncio.run(Server(Path(sys.argv[1])).serve())


if __name__ == "__main__":
    main()
