# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PgBouncer, from Debian's package, in front of a server of the tests."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .postgresql import START_TIMEOUT, PostgresqlServer
from .reserved_port import reserved_port

PROGRAM = Path("/usr/sbin/pgbouncer")


@contextmanager
def running_pgbouncer(server: PostgresqlServer, mode: str, *, pool_size: int = 12) -> Iterator[str]:
    """Run it in a `pool_mode`, and give the URL of a new database behind it; skip where it is not installed."""
    if not PROGRAM.exists():
        pytest.skip("the Debian package pgbouncer is not installed")
    name = f"pooled_{mode}_{pool_size}"
    server.sql(f"DROP DATABASE IF EXISTS {name}")
    server.sql(f"CREATE DATABASE {name}")
    folder = Path(tempfile.mkdtemp(prefix="ioto-pgbouncer-"))
    with reserved_port() as port:
        yield from _served(server, name, mode, folder, port, pool_size)


def _served(server: PostgresqlServer, name: str, mode: str, folder: Path, port: int, pool_size: int) -> Iterator[str]:
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{name} = host={server.directory}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {folder}/users\npool_mode = {mode}\ndefault_pool_size = {pool_size}\n"
    )
    if server.user is not None:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, server.user)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [PROGRAM, folder / "pgbouncer.ini"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=server.user
        )
    try:
        _wait_until_it_listens(process, port, folder / "log")
        yield f"postgresql://postgres@127.0.0.1:{port}/{name}"
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)
        server.sql(f"DROP DATABASE {name} WITH (FORCE)")


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PgBouncer did not start: {log.read_text()}") from error
            threading.Event().wait(0.01)  # between two questions, not in place of the answer
