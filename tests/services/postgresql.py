# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server of one's own, from Debian's package: in a temporary directory, on a Unix socket, gone afterwards.

A conftest imports the fixtures: `from tests.services.postgresql import postgresql_server, postgresql_url`.
"""

from __future__ import annotations

import itertools
import os
import pwd
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.fleet import processes

START_TIMEOUT = 90.0
"""Seconds in which a server must answer."""
_ADMINISTRATOR = "postgres"
_numbers = itertools.count()
"""Of places: a standby has those of its primary."""


def binaries() -> Path | None:
    """Return the directory with `initdb` and `postgres` of the newest version that is installed, if any."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


@dataclass
class PostgresqlServer:
    """A running server. `new_url` returns a place in it that nobody else uses."""

    directory: Path
    programs: Path
    user: str | None
    """As whom it runs; None: as we are."""
    durable: bool = False
    """Whether what it has committed outlives a power cut, and its tables are looked after: measurements need that."""
    port: int | None = None
    """Of 127.0.0.1, where it listens as well as on its socket; None: there alone."""
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and return when it answers."""
        command = [self.programs / "postgres", "-D", self.directory / "data", "-k", self.directory]
        command += ["-h", ""] if self.port is None else ["-h", "127.0.0.1", "-p", str(self.port)]
        if not self.durable:
            # Nor does it look after its tables by itself, which would hold one back at any moment: while it analyzes
            # one, nobody sees which events have come to stay, and who seals then seals nothing.
            command += ["-F", "-c", "autovacuum=off"]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self.user, cwd="/"
            )
        self.wait_until_up()

    def wait_until_up(self) -> None:
        """Return when the server answers, also one that restarts itself after one of its processes died."""
        import psycopg  # noqa: PLC0415  # the driver is an extra; without it these tests skip

        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                psycopg.connect(self._conninfo("postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError as error:
                if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                    log = (self.directory / "log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start: {log}") from error
                threading.Event().wait(0.02)  # between two questions, not in place of the answer

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop the server: at once, as nobody will start it again, or as `how` says (SIGINT: cleanly)."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def reload(self) -> None:
        """Have the server read its rules of who may connect, and its settings; return when it has."""
        assert self._process is not None
        log = self.directory / "log"
        before = log.read_text(errors="replace").count("received SIGHUP")
        self._process.send_signal(signal.SIGHUP)
        while log.read_text(errors="replace").count("received SIGHUP") == before:
            threading.Event().wait(0.01)  # between two questions, not in place of the answer

    def kill(self) -> None:
        """Kill the server and every process of it with SIGKILL, as a power cut would, and return when they are gone."""
        if self._process is None:
            return
        # Stopped, it starts no other one meanwhile, which would outlive it and hold its shared memory.
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        handles = []
        for child in self.processes()[1:]:
            with suppress(ProcessLookupError):  # of a session that was ending
                handles.append(os.pidfd_open(child))
        self.stop(signal.SIGKILL)
        for handle in handles:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            select.select([handle], [], [], START_TIMEOUT)
            os.close(handle)

    def new_url(self) -> str:
        """Return a URL that leads to a new, empty schema: as good as a database, and made in no time."""
        import psycopg  # noqa: PLC0415  # the driver is an extra; without it these tests skip

        name = f"ioto_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        query = urlencode({"host": self.directory, "options": f"-csearch_path={name}"})
        return f"postgresql://{_ADMINISTRATOR}@/postgres?{query}"

    def asking_for(self, password: str, user: str) -> str:
        """As `new_url`, for a new `user` whom the server asks for `password`, which is not in the URL."""
        url = self.new_url().replace(f"//{_ADMINISTRATOR}@", f"//{user}@")
        schema = url.rpartition("search_path%3D")[2]
        self.sql(f"CREATE ROLE {user} LOGIN PASSWORD '{password}'")
        self.sql(f"ALTER SCHEMA {schema} OWNER TO {user}")
        rules = self.directory / "data/pg_hba.conf"
        rules.write_text(f"local all {user} scram-sha-256\n{rules.read_text('utf-8')}", encoding="utf-8")
        self.sql("SELECT pg_reload_conf()")
        deadline = time.monotonic() + START_TIMEOUT
        while self._lets_in(user):
            assert time.monotonic() < deadline
        return url

    @property
    def socket(self) -> Path:
        """The Unix socket at which the server listens."""
        return self.directory / f".s.PGSQL.{self.port or 5432}"

    def url_by_tcp(self, port: int, host: str = "127.0.0.1") -> str:
        """As `new_url`, but by way of an address where something leads to `socket`."""
        return self.new_url().replace(urlencode({"host": self.directory}), urlencode({"host": host, "port": port}))

    def processes(self) -> list[int]:
        """Return the server's processes, the one that started the others first."""
        assert self._process is not None
        return [self._process.pid, *processes.children(self._process.pid)]

    def wait_for_standbys(self, names: str) -> None:
        """Have each commit from now on wait for the standbys `names`, or for none."""
        self.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        self.sql("SELECT pg_reload_conf()")
        deadline = time.monotonic() + START_TIMEOUT
        while self.sql("SHOW synchronous_standby_names") != [(names,)]:
            assert time.monotonic() < deadline

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Do a statement, as administrator, and return its rows."""
        import psycopg  # noqa: PLC0415  # the driver is an extra; without it these tests skip

        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _lets_in(self, user: str) -> bool:
        """Whether it asks `user` for no password."""
        import psycopg  # noqa: PLC0415  # the driver is an extra; without it these tests skip

        with suppress(psycopg.OperationalError):
            psycopg.connect(f"host={self.directory} user={user} dbname=postgres passfile={self.directory}/none").close()
            return True
        return False

    def _conninfo(self, database: str) -> str:
        return f"host={self.directory} port={self.port or 5432} user={_ADMINISTRATOR} dbname={database}"


@contextmanager
def running_postgresql(*, durable: bool = False, port: int | None = None) -> Iterator[PostgresqlServer]:
    """Run a server; skip where Debian's package or the driver is not installed."""
    pytest.importorskip("psycopg", reason="the Python package psycopg is not installed")
    programs = binaries()
    if programs is None:
        pytest.skip("the Debian package postgresql is not installed")
    user = _unprivileged_user()
    # Not below pytest's own directory, which only root may enter.
    directory = Path(tempfile.mkdtemp(prefix="ioto-postgresql-"))
    if user is not None:
        shutil.chown(directory, user)
    server = PostgresqlServer(directory, programs, user, durable, port)
    try:
        subprocess.run(
            [
                *(programs / "initdb", "-D", directory / "data", "-U", _ADMINISTRATOR),
                *("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            user=user,
            cwd="/",
        )
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Run a server for the session; skip where it cannot be run."""
    with running_postgresql() as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer) -> str:
    """Return a URL of the server where nothing is yet."""
    return postgresql_server.new_url()


def wait_until_somebody_waits(url: str) -> None:
    """Return when a session of the server waits for a lock."""
    import psycopg  # noqa: PLC0415  # the driver is an extra; without it these tests skip

    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(url, autocommit=True) as connection:
        deadline = time.monotonic() + START_TIMEOUT
        while connection.execute(query).fetchone() == (0,):
            assert time.monotonic() < deadline, "nobody waits"
            threading.Event().wait(0.01)  # between two questions, not in place of the answer


def _unprivileged_user() -> str | None:
    """Return the user as whom the server runs, because it refuses root; None: as we are."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
