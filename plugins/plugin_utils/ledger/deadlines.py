# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By when who waits for a PostgreSQL server is told that it is in vain.

Each wait has an end, and who ends it can say most about it:

- a lock that another session holds: the server, after `LOCK_TIMEOUT`;
- a statement: the server, after `STATEMENT_TIMEOUT`;
- an answer, also that to a commit, for which the server has no time-out while it waits for a standby: we, after
  `ANSWER_TIMEOUT`, by shutting the connection down (`watchdog`);
- a machine that is gone: the system, which asks for it every few seconds (TCP keep-alive);
- a connection: the driver, after `CONNECT_TIMEOUT`, or `primary_finder`, for several hosts together;
- a client that is cut off and holds locks: the server, after `IDLE_TIMEOUT`, or where what it sent was not taken for as
  long as an answer may take, or when it finds the client's machine gone; or who waits for them (`abandoned_sessions`).
  Its units would be locked for hours, also for itself when it is back.
"""

from __future__ import annotations

from typing import NamedTuple

CONNECT_TIMEOUT = 10
"""Seconds to wait for a server to let us in."""
LOCK_TIMEOUT = 15
"""Seconds to wait for a lock of another session: many times what a transaction of ours takes."""
STATEMENT_TIMEOUT = 25
"""Seconds for one statement: the slowest of ours, a count of a million claims, takes less than one."""
ANSWER_TIMEOUT = 30.0
"""Seconds to wait for an answer: longer than the server waits, so that it can say itself what was wrong, and shorter
than a person at the line, or an agent that asks the service, waits before it asks again."""
IDLE_TIMEOUT = 300.0
"""Seconds in which we ask the next question of a transaction: many times what an import computes between two."""

PATIENCE = "ioto_patience"
"""The execution option of a statement that says how many seconds more its answer may take."""

_LEAST_CONNECT_TIMEOUT = 2
"""The driver knows no shorter one."""


class Deadlines(NamedTuple):
    """By when who waits for a server is told that it is in vain, in seconds."""

    connect: int
    lock: float
    statement: float
    answer: float
    idle: float
    pause: float = 0.0
    """For so long nobody else tries what somebody waited for in vain: see `outage`."""

    def of_session(self) -> dict[str, str]:
        """Return the settings of a session by which the server ends waits."""
        return {
            "lock_timeout": f"{self.lock:g}s",
            "statement_timeout": f"{self.statement:g}s",
            "idle_in_transaction_session_timeout": f"{self.idle:g}s",
            "tcp_user_timeout": f"{self.answer * 1000:.0f}",
        }

    @classmethod
    def usual(cls) -> Deadlines:
        """Return those of a person: in time, and no sooner than a server that is busy may need."""
        return cls(CONNECT_TIMEOUT, LOCK_TIMEOUT, STATEMENT_TIMEOUT, ANSWER_TIMEOUT, IDLE_TIMEOUT)

    @classmethod
    def of_run(cls) -> Deadlines:
        """Return those of a run, which does little in a transaction, while its devices wait.

        Who is cut off lets go of its locks before anybody else, such as the next run, stops waiting for them.
        """
        return cls(connect=5, lock=8.0, statement=9.0, answer=10.0, idle=6.0, pause=5.0)

    @classmethod
    def within(cls, seconds: float) -> Deadlines:
        """Return those by which one answer, or the lack of it, is there after so many seconds, but not below 2.

        As in the usual ones the server, which can say best what was wrong, is the first to end a wait.
        """
        connect = max(_LEAST_CONNECT_TIMEOUT, round(seconds * 0.6))
        # The watchdog looks once in a quarter of its time, so it may be that much later.
        return cls(connect, lock=seconds * 0.4, statement=seconds * 0.6, answer=seconds * 0.8, idle=seconds)
