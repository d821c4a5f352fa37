# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL primary, the standby that each of its commits waits for, and one address that leads to the primary.

When the primary fails, the standby is promoted at that address, and gets a standby of its own. It commits nothing
before it has one, as its settings are those of the primary.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from .postgresql import PostgresqlServer, running_postgresql
from .silent_proxy import SilentProxy

STANDBY = "standby"
"""The name of a standby that commits wait for."""


class PostgresqlPair:
    """Two servers and the address. `url` is a place in it that nobody else uses."""

    def __init__(self, primary: PostgresqlServer) -> None:
        self.primary = primary
        self._former: PostgresqlServer | None = None
        """The primary before, which may live on until this one fails."""
        self._started: list[PostgresqlServer] = []
        self._proxy = SilentProxy(primary.socket)
        self._standby: PostgresqlServer

    def __enter__(self) -> Self:
        self._proxy.__enter__()
        try:
            self.url = self.primary.url_by_tcp(self._proxy.port)
            self.primary.wait_for_standbys(STANDBY)
            self._add_standby()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._proxy.__exit__(kind, error, at)
        for server in self._started:
            server.stop()
            shutil.rmtree(server.directory)

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Have the address pass nothing on as long as the block takes."""
        with self._proxy.silence():
            yield

    @contextmanager
    def wrong_address(self) -> Iterator[None]:
        """Have new connections lead to the standby, once it shows all that is committed, as long as the block takes."""
        ((position,),) = self.primary.sql("SELECT pg_current_wal_lsn()")
        while self._standby.sql(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") != [(True,)]:
            pass
        self._proxy.speak(self._standby.socket)
        try:
            yield
        finally:
            self._proxy.speak(self.primary.socket)

    @contextmanager
    def former_address(self) -> Iterator[None]:
        """Have new connections lead to the primary before, which lives on, as long as the block takes."""
        assert self._former is not None
        self._proxy.speak(self._former.socket)
        try:
            yield
        finally:
            self._proxy.speak(self.primary.socket)

    def kill_primary(self) -> None:
        """Kill every process of the primary, and promote the standby."""
        self.primary.kill()
        self._promote()

    def cut_primary_off(self) -> None:
        """Have nothing pass to the primary or back, which lives on, and promote the standby."""
        with self._proxy.silence():
            self._promote()

    def move_address(self) -> None:
        """Promote the standby while the primary serves on, over the connections that it has."""
        self._promote()

    def _promote(self) -> None:
        if self._former is not None:
            self._former.stop(signal.SIGKILL)
        self.primary, self._former = self._standby, self.primary
        self.primary.sql("SELECT pg_promote()")
        self._proxy.speak(self.primary.socket)
        self._add_standby()

    def _add_standby(self) -> None:
        self._standby = standby_of(self.primary)
        self._started.append(self._standby)


def standby_of(source: PostgresqlServer, *, is_synchronous: bool = True) -> PostgresqlServer:
    """Return a new standby of a server, which its commits wait for where that has `STANDBY` as one of these."""
    directory = Path(tempfile.mkdtemp(prefix="ioto-standby-"))
    if source.user is not None:
        shutil.chown(directory, source.user)
    standby = PostgresqlServer(directory, source.programs, source.user)
    origin = ("-h", source.directory, "-U", "postgres")
    subprocess.run(
        [
            *(source.programs / "pg_basebackup", "-D", directory / "data", *origin),
            *("--checkpoint=fast", "--no-sync", "--wal-method=stream"),
        ],
        check=True,
        capture_output=True,
        user=source.user,
        cwd="/",
    )
    (directory / "data" / "standby.signal").touch()
    with (directory / "data" / "postgresql.auto.conf").open("a") as settings:
        name = STANDBY if is_synchronous else "behind"
        settings.write(f"primary_conninfo = 'host={source.directory} user=postgres application_name={name}'\n")
    standby.start()
    return standby


@contextmanager
def postgresql_pair() -> Iterator[PostgresqlPair]:
    """Run a pair; skip where Debian's package or the driver is not installed."""
    with running_postgresql() as primary, PostgresqlPair(primary) as pair:
        yield pair
        with suppress(ProcessLookupError):
            primary.stop(signal.SIGKILL)
