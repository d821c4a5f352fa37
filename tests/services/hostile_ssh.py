# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SSH servers that misbehave, each from one state of the dialogue on, in a process of their own.

    with HostileServers(folder) as servers:
        port = servers.ports["exec", "silence"]

Up to that state they do as any server does, and let in whoever has a key. `silence` says nothing any more, `drip`
a little every 0.2 s, `flood` as much as the other side takes, `reset` breaks the connection off. `refuse`, of a login,
a session, a command or a script, says no as the protocol has it; `farewell` ends the connection with `FAREWELL`, and
`words`, in place of a banner, are a line and the end. `unread`, of a script, asks without end and reads nothing.
`status N`, of a script, ends it with that, or with more than one; `no status` with none, `no end` its answer alone;
`no session` closes at once; `unknown` sends a message that there is not, and `requests` asks without end. `version` is
no word of a version, `size` no size of a packet, and `proofs` takes each and wants another one.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import paramiko

from tests.fleet.devices import Device

_ROOT = Path(__file__).parents[2]
_PAUSE = 0.2
_GREETINGS = {
    "lines": b"Welcome to 7K3M9QX2TB\r\n" * 1100,
    "version": b"SSH-2.0-x\0y\r\n",
    "size": b"SSH-2.0-x\r\n\x7f\xff\xff\xf0" + b"y" * 400,
    "ssh-1": b"SSH-1.5-Cisco-1.25\r\n",
    "words": b"Not allowed at this time: 7K3M9QX2TB \x1b[2J\r\n",
}
_IDENTIFICATION = b"SSH-2.0-dropbear_2022.83\r\n"

STATES = ("connect", "banner", "key exchange", "login", "session", "exec", "script", "answer", "complaint", "end")
"""In the order of the dialogue. `script`: the shell takes none; `complaint`: it answers on stderr alone; `end`: it has
answered what nobody asked for, and does not end."""
FAREWELL = (
    b"""\x1b[2Jno more \xff of 7K3M9QX2TB
debug2: Received exit status from master 255
Host key verification failed.
Connection closed by 192.0.2.1 port 22
"""
    + b"x" * 2000
)
"""What a peer says of itself: an escape sequence, no UTF-8, a claim ID, ssh's own lines, and no end."""
MANNERS = ("silence", "drip", "flood", "reset")


class HostileServers:
    """All states and manners, each at a port of its own on 127.0.0.1."""

    def __init__(self, kinds: Sequence[tuple[str, str]] | None = None) -> None:
        self._kinds = [(state, manner) for state in STATES for manner in MANNERS] if kinds is None else kinds

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.services.hostile_ssh", json.dumps(self._kinds)],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout
        ports = json.loads(self._process.stdout.readline())
        self.ports: Mapping[tuple[str, str], int] = dict(zip(map(tuple, self._kinds), ports, strict=True))
        return self

    def inventory(
        self,
        file: Path,
        device: Device,
        *,
        more: Mapping[tuple[str, str], int] = {},
        seconds: Mapping[tuple[str, str], float] = {},
    ) -> Path:
        """Write an inventory of them, and of who is at the ports `more`, for who may log in to `device`; return it.

        `seconds` says how long some of them may take.
        """
        hosts = {
            host_name(kind): {
                "ansible_host": "127.0.0.1",
                "ansible_port": port,
                **({"ioto_device_timeout": seconds[kind]} if kind in seconds else {}),
            }
            for kind, port in (dict(self.ports) | dict(more)).items()
        }
        shared = {
            "ioto_mode": "manual",
            "ioto_product": device.product,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(device.key),
            "ansible_ssh_common_args": "-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
            "-o IdentityAgent=none",
        }
        file.write_text(json.dumps({"hostile": {"hosts": hosts, "vars": shared}}), encoding="utf-8")
        return file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()


def host_name(kind: tuple[str, str]) -> str:
    """Return how the server of this kind is called in the inventory."""
    return "-".join(kind).replace(" ", "-")


# --- the servers' own process ----------------------------------------------------------------------------------------


def _serve(kinds: Sequence[Sequence[str]]) -> None:
    key = paramiko.ECDSAKey.generate()
    ports = []
    for state, manner in kinds:
        listener = socket.create_server(("127.0.0.1", 0), backlog=0 if state == "connect" else 16)
        ports.append(listener.getsockname()[1])
        if state == "connect" and manner != "reset":
            # Its queue is full: the system drops who comes, as where a cable was pulled.
            _FULL.extend(_fill(listener))
            continue
        threading.Thread(target=_accept, args=(listener, state, manner, key), daemon=True).start()
    print(json.dumps(ports), flush=True)
    threading.Event().wait()


_FULL: list[socket.socket] = []


def _fill(listener: socket.socket) -> Iterator[socket.socket]:
    yield listener
    for _unused in range(2):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        yield client


def _accept(listener: socket.socket, state: str, manner: str, key: paramiko.PKey) -> None:
    while True:
        connection, _peer = listener.accept()
        threading.Thread(target=_play, args=(connection, state, manner, key), daemon=True).start()


def _play(connection: socket.socket, state: str, manner: str, key: paramiko.PKey) -> None:
    with suppress(OSError, EOFError, paramiko.SSHException):
        if state in {"connect", "banner"}:
            if manner in _GREETINGS:
                connection.sendall(_GREETINGS[manner])
                while manner in {"lines", "version", "size"} and connection.recv(4096):
                    pass
                connection.close()
                return
            _misbehave(manner, connection, connection.sendall, b"welcome ")
        elif state == "key exchange":
            connection.sendall(_IDENTIFICATION)
            if manner == "farewell":
                connection.sendall(_plain_packet(_farewell().asbytes()))
                connection.recv(4096)
                return
            ignored = _plain_packet(b"\x02" + struct.pack(">I", 900) + bytes(900))
            _misbehave(manner, connection, connection.sendall, ignored)
        else:
            transport = paramiko.Transport(connection)
            transport.add_server_key(key)
            if state == "script" and manner not in _ENDS:
                transport.default_window_size = 1
            transport.start_server(server=_Server(transport, connection, state, manner))


def _farewell() -> paramiko.Message:
    message = paramiko.Message()
    message.add_byte(b"\x01")  # SSH_MSG_DISCONNECT
    message.add_int(11)
    message.add_string(FAREWELL)
    message.add_string("")
    return message


def _plain_packet(payload: bytes) -> bytes:
    padding = 8 - (len(payload) + 5) % 8 + 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def _misbehave(manner: str, connection: socket.socket, say: Callable[[bytes], object], word: bytes) -> None:
    """Do as `manner` says, for ever."""
    if manner == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        return
    if manner == "silence":
        threading.Event().wait()
    piece = word if manner == "drip" else word * (32_000 // len(word))
    for number in count():
        say(piece[number % len(piece) :][:1] if manner == "drip" else piece)
        if manner == "drip":
            time.sleep(_PAUSE)


def _message(kind: bytes, *parts: int | str | bool) -> paramiko.Message:
    message = paramiko.Message()
    message.add_byte(kind)
    for part in parts:
        add = {bool: message.add_boolean, int: message.add_int, str: message.add_string}[type(part)]
        add(part)
    return message


def _ends_with(*statuses: int) -> Callable[[paramiko.Transport, paramiko.Channel], None]:
    def end(transport: paramiko.Transport, channel: paramiko.Channel) -> None:
        channel.recv(1)  # the answer to the request has gone out before
        for status in statuses:
            transport.packetizer.send_message(_message(b"\x62", channel.remote_chanid, "exit-status", False, status))
        channel.close()

    return end


def _answers_alone(_transport: paramiko.Transport, channel: paramiko.Channel) -> None:
    channel.recv(1)
    channel.shutdown_write()
    threading.Event().wait()


def _says_what_there_is_not(transport: paramiko.Transport, channel: paramiko.Channel) -> None:
    channel.recv(1)
    while transport.is_active():
        transport.packetizer.send_message(_message(b"\xc8", "x" * 20_000))


def _asks_for_more(transport: paramiko.Transport, channel: paramiko.Channel) -> None:
    channel.recv(1)
    while not channel.closed:
        transport.packetizer.send_message(_message(b"\x62", channel.remote_chanid, "eow@openssh.com", True))


_ENDS = {
    "no status": _ends_with(),
    **{f"status {number}": _ends_with(number) for number in (200, 256, 511, 0xFFFFFFFE, 0xFFFFFFFF)},
    "no end": _answers_alone,
    "no session": lambda _transport, channel: channel.close(),
    "unknown": _says_what_there_is_not,
    "requests": _asks_for_more,
}


class _Server(paramiko.ServerInterface):
    def __init__(self, transport: paramiko.Transport, connection: socket.socket, state: str, manner: str) -> None:
        self._transport, self._connection, self._state, self._manner = transport, connection, state, manner

    def _refuses(self, state: str) -> bool:
        return (self._state, self._manner) == (state, "refuse")

    def _reach(self, state: str) -> None:
        if state == self._state and self._manner == "farewell":
            self._leave()
        elif state == self._state and self._manner != "refuse":
            _misbehave(self._manner, self._connection, lambda data: self._transport.send_ignore(len(data)), b"..")

    def _leave(self) -> None:
        self._transport.packetizer.send_message(_farewell())
        threading.Event().wait()  # the other side ends it: a close of ours could overtake the words

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        if self._manner == "proofs":
            return int(paramiko.AUTH_PARTIALLY_SUCCESSFUL)
        self._reach("login")
        return int(paramiko.AUTH_FAILED if self._refuses("login") else paramiko.AUTH_SUCCESSFUL)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        self._reach("session")
        refused = paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        return int(refused if self._refuses("session") else paramiko.OPEN_SUCCEEDED)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self._reach("exec")
        if self._refuses("exec"):
            return False
        threading.Thread(target=self._run, args=(channel,), daemon=True).start()
        return True

    def _run(self, channel: paramiko.Channel) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            if self._refuses("script"):
                channel.recv(1)  # the answer to the request has gone out before
                channel.sendall_stderr(b"This account is locked.\n")
                channel.send_exit_status(255)
                channel.close()
                return
            if self._manner in _ENDS:
                _ENDS[self._manner](self._transport, channel)
                return
            if self._manner == "unread":
                self._ask_without_end()
            if self._manner == "farewell":
                channel.recv(1)
                self._leave()
                return
            if self._state == "script":
                self._take(channel)
                return
            say = channel.sendall_stderr if self._state == "complaint" else channel.sendall
            if self._state == "end":
                channel.sendall(b"hello\n")
                channel.shutdown_write()
                say = lambda data: self._transport.send_ignore(len(data))  # noqa: E731
            _misbehave(self._manner, self._connection, say, b"no such thing\n")

    def _ask_without_end(self) -> None:
        self._transport.packetizer.read_message = threading.Event().wait  # type: ignore[method-assign]
        question = paramiko.Message()
        question.add_byte(b"\x50")  # SSH_MSG_GLOBAL_REQUEST
        question.add_string("keepalive@openssh.com")
        question.add_boolean(True)
        while True:
            self._transport.packetizer.send_message(question)

    def _take(self, channel: paramiko.Channel) -> None:
        """Have a window that opens by one byte at a time, never, or never while we talk."""
        if self._manner == "drip":
            while channel.recv(1):
                time.sleep(_PAUSE)
        _misbehave(self._manner, self._connection, lambda data: self._transport.send_ignore(len(data)), b"..")


if __name__ == "__main__":
    _serve(json.loads(sys.argv[1]))
