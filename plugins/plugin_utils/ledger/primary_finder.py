# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connect to the server of a ledger: to the primary, whichever of several hosts that is by now.

All hosts are asked at once, so that one deadline holds for all of them together, and a host that is silent costs
`_GRACE` only. Until one takes writes, they are asked again: a promotion takes seconds. Of two that do, one is a primary
of the past, which came back or was never told: the one that was promoted later counts.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

import psycopg

from .hosts import each_of, is_one_of_several, wants_primary
from .records import LedgerError
from .server_session import ServerSession, is_held, set_up, shared_sessions

_GRACE = 0.5
"""Seconds for the other hosts when one has answered: there may be a primary of a later time among them."""
_PAUSE = 0.2
"""Seconds after which a host that was not the primary is asked again."""
_DOUBT_TIMEOUT = 2.0
"""Seconds to ask whether another one was promoted; it is asked again as long as there is no answer."""
_PROBES = 3
"""How often a pooler is asked for a session to see whether it is clean: others may have got the one that we left."""
_SILENT = "no answer"
_STARTING = "the database system is "
_STANDBY = ("session is read-only", "server is in hot standby mode")

_log = logging.getLogger("ioto.ledger")


class PrimaryFinder:
    """Opens the connections to one ledger. Threads may share it."""

    def __init__(self, name: str, settings: dict[str, str]) -> None:
        """Connect to the ledger that is called `name` in messages, and set up each session with `settings`."""
        self._name = name
        self._settings = settings
        self._newest: dict[str, int] = {}
        """The latest timeline that was seen of a cluster."""
        self._is_sole_user = False
        """Whether a pooler is known to lend a session for as long as a connection lasts."""
        self._told: set[str] = set()
        self._several: tuple[Callable[..., Any], dict[str, Any]] | None = None
        """How the hosts were asked last, where there are several."""

    def connect(
        self, connect: Callable[..., Any], parameters: dict[str, Any], attach: Callable[[Any], None]
    ) -> ServerSession:
        """Return a session of the primary; `attach` is called with a connection that is being set up.

        Raises `LedgerError`, or what the driver raises.
        """
        session = self._session(connect, parameters, attach)
        if not session.is_pooled or self._is_sole_user:
            return session
        for left in reversed(range(_PROBES)):
            if session.was_used or not is_held(session):
                session.connection.close()
                raise shared_sessions(self._name)
            if left:
                # Whoever gets the session that we leave now finds the mark in it, unless it was cleaned.
                session.connection.close()
                session = self._session(connect, parameters, attach)
        self._is_sole_user = True
        return session

    def is_outdated(self, cluster: str | None, timeline: int | None) -> bool:
        """Whether a server of a later timeline was seen than this one."""
        return timeline is not None and timeline < self._newest.get(cluster or "", 0)

    def is_replaced(self, server: tuple[str | None, int | None]) -> bool:
        """Ask all hosts whether one was promoted instead of `server`, of which nothing was heard for a while."""
        if self._several is None:
            return False
        connect, parameters = self._several
        asked = _HostPolls(connect, lambda connection: set_up(connection, self._settings), each_of(parameters))
        try:
            found = asked.found(
                time.monotonic() + _DOUBT_TIMEOUT,
                lambda session: None if (session.timeline or 0) > (server[1] or 0) else "not a later one",
                once=True,
            )
        finally:
            asked.end()
        for session in found.values():
            self._note(session)
            session.connection.close()
        return self.is_outdated(*server)

    def _session(
        self, connect: Callable[..., Any], parameters: dict[str, Any], attach: Callable[[Any], None]
    ) -> ServerSession:
        if is_one_of_several(parameters):
            return self._of_several(connect, dict(parameters))
        connection = connect(**parameters)
        attach(connection)
        session = set_up(connection, self._settings)
        if self.is_outdated(session.cluster, session.timeline):
            session.connection.close()
            raise LedgerError(
                f"The address of the ledger {self._name} leads to a primary server of the past, in whose place another "
                "one was promoted, and nothing was recorded; stop that server, or lead the address to the new one."
            )
        self._note(session)
        return session

    def _of_several(self, connect: Callable[..., Any], parameters: dict[str, Any]) -> ServerSession:
        is_for_writing = wants_primary(parameters)
        if is_for_writing:
            self._several = connect, parameters
        seconds = self._seconds(parameters["connect_timeout"])
        asked = _HostPolls(connect, lambda connection: set_up(connection, self._settings), each_of(parameters))
        try:
            found = asked.found(time.monotonic() + seconds, self._is_primary_of_now if is_for_writing else _is_any)
            for host, error in asked.refused.items():
                if found and not _is_temporary(error):
                    self._tell(f"The ledger {self._name} would not survive its server: {host} says {_reason(error)}.")
            chosen = self._latest(found) if is_for_writing and len(found) > 1 else next(iter(found), None)
        finally:
            asked.end()
        if chosen is None:
            raise LedgerError(
                f"The ledger {self._name} has no host that serves as the primary within {seconds:g} s: "
                f"{'; '.join(f'{host}: {why}' for host, why in asked.reasons().items())}; see that one of them does, "
                "and run again."
            )
        session = found.pop(chosen)
        for other in found.values():
            other.connection.close()
        self._note(session)
        return session

    def _seconds(self, given: object) -> float:
        with suppress(ValueError):
            if 0 < (seconds := float(str(given))) < threading.TIMEOUT_MAX:  # longer than that, nothing can wait
                return seconds
        raise LedgerError(
            f"The ledger {self._name} has a connect_timeout that is not a number of seconds; correct its URL."
        )

    def _is_primary_of_now(self, session: ServerSession) -> str | None:
        """Return what is wrong with the server of a session, if anything."""
        if self.is_outdated(session.cluster, session.timeline):
            return "a primary of the past, in whose place another one was promoted"
        return None

    def _latest(self, found: dict[str, ServerSession]) -> str:
        first, *others = sorted(found, key=lambda host: found[host].timeline or 0, reverse=True)
        latest = found[first]
        for other in others:
            if found[other].cluster != latest.cluster:
                what = "are not copies of each other"
            elif found[other].timeline == latest.timeline:
                what = "both take writes, and none was promoted after the other"
            else:
                self._tell(
                    f"The ledger {self._name} is written to {first}, which was promoted last, but {other} takes "
                    "writes, too: stop that one."
                )
                continue
            for session in found.values():
                session.connection.close()
            raise LedgerError(
                f"The ledger {self._name} has two primary servers, and nothing was recorded: {first} and {other} "
                f"{what}; stop the wrong one, or correct its URL."
            )
        return first

    def _note(self, session: ServerSession) -> None:
        if session.timeline is not None:
            cluster = session.cluster or ""
            self._newest[cluster] = max(session.timeline, self._newest.get(cluster, 0))

    def _tell(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            _log.warning("%s", sentence)


class _HostPolls:
    """All hosts, each asked by a thread of its own until it serves or nobody waits for it any longer."""

    def __init__(
        self,
        connect: Callable[..., Any],
        set_up_one: Callable[[Any], ServerSession],
        hosts: dict[str, dict[str, Any]],
    ) -> None:
        self._connect = connect
        self._set_up = set_up_one
        self._hosts = hosts
        self._under_way: dict[str, socket.socket] = {}
        """What leads to the servers that let us in, and have to answer."""
        self._answers: SimpleQueue[tuple[str, ServerSession | Exception]] = SimpleQueue()
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self.refused: dict[str, Exception] = {}
        self._unfit: dict[str, str] = {}

    def found(
        self, deadline: float, problem: Callable[[ServerSession], str | None], *, once: bool = False
    ) -> dict[str, ServerSession]:
        """Return the sessions of hosts without a `problem` by name; none where nobody is there until `deadline`.

        With `once`, no host is asked again.
        """
        found: dict[str, ServerSession] = {}
        silent = {*self._hosts}
        for host in self._hosts:
            self._ask(host)
        while (wait := deadline - time.monotonic()) > 0 and not (found and not silent):
            try:
                host, answer = self._answers.get(timeout=wait)
            except Empty:
                break
            silent.discard(host)
            if isinstance(answer, ServerSession):
                if (why := problem(answer)) is None:
                    found[host] = answer
                    deadline = min(deadline, time.monotonic() + _GRACE)
                    continue
                answer.connection.close()
                self._unfit[host] = why
            else:
                self.refused[host] = answer
                self._unfit.pop(host, None)
                if not _is_temporary(answer):
                    if len(self.refused) == len(self._hosts) and not any(map(_is_temporary, self.refused.values())):
                        break
                    continue
            if once and not silent:
                break
            if not found and not once:
                self._ask(host, after=_PAUSE)
        return found

    def reasons(self) -> dict[str, str]:
        """Return for each host why it was not taken."""
        return {
            host: self._unfit.get(host) or (_reason(self.refused[host]) if host in self.refused else _SILENT)
            for host in self._hosts
        }

    def end(self) -> None:
        """Let go of what is still to come."""
        with self._lock:
            self._is_over.set()
            for silent in self._under_way.values():
                with suppress(OSError):
                    silent.shutdown(socket.SHUT_RDWR)
        while True:
            try:
                _host, answer = self._answers.get_nowait()
            except Empty:
                return
            if isinstance(answer, ServerSession):
                answer.connection.close()

    def _ask(self, host: str, after: float = 0.0) -> None:
        threading.Thread(target=self._run, args=(host, after), name=f"ledger-{host}", daemon=True).start()

    def _run(self, host: str, after: float) -> None:
        if self._is_over.wait(after):
            return
        answer: ServerSession | Exception
        try:
            connection = self._connect(**self._hosts[host])
            with self._lock:
                is_late = self._is_over.is_set()
                if not is_late:
                    self._under_way[host] = connection.own_socket
            if is_late:
                connection.close()
                return
            answer = self._set_up(connection)
        except Exception as error:  # whatever it is, it is told
            answer = error
        with self._lock:
            self._under_way.pop(host, None)
            if not self._is_over.is_set():
                self._answers.put((host, answer))
                return
        if isinstance(answer, ServerSession):
            answer.connection.close()


def _is_any(_session: ServerSession) -> None:
    return None


def _is_temporary(error: Exception) -> bool:
    """Whether a host may be the primary in a second: it does not run, is not promoted yet, or does not answer."""
    text = str(error)
    if "FATAL: " in text:
        return _STARTING in text
    return isinstance(error, psycopg.OperationalError)


def _reason(error: Exception) -> str:
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return _SILENT  # the driver's deadline is ours, and either may be the first
    reason = " ".join(str(error).split("\n", maxsplit=1)[0].split()).rstrip(".")
    if any(standby in reason for standby in _STANDBY):
        return "a standby"
    return reason.rpartition("failed: ")[2].removeprefix("FATAL: ").strip()
