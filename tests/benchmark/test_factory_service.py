# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a durable answer costs: the service beside an empty ASGI application on the same server, in the same run.

One core serves (`taskset`), the other one asks: 64 connections, distinct units. Each application is measured in turn,
several times, and the best of each counts, because what else runs on the machine only ever slows one down. Beside the
rate stands the CPU time that one request costs, which other load changes less.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.services.factory_load import Client
from tests.services.factory_service import PATH, PRODUCT, ROOT, RunningService
from tests.services.postgresql import postgresql_server, postgresql_url  # noqa: F401

CONNECTIONS = 64
SECONDS = 4.0
ROUNDS = 4
EMPTY = """
import socket, sys, uvicorn
async def app(scope, receive, send):
    body = b'{"id": "0000000000"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", b"20")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="error", lifespan="off")
uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
"""


@dataclass
class Rate:
    """Requests a second, and CPU time of the server for each in microseconds."""

    a_second: float = 0.0
    microseconds: float = float("inf")

    def better(self, other: Rate) -> Rate:
        return Rate(max(self.a_second, other.a_second), min(self.microseconds, other.microseconds))


@contextmanager
def empty_application() -> Iterator[tuple[int, int]]:
    """Yield port and pid of the empty application."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(
            [sys.executable, "-c", EMPTY, str(listener.fileno())], pass_fds=[listener.fileno()], cwd=ROOT
        )
        try:
            yield listener.getsockname()[1], process.pid
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(port: int, pid: int, prefix: str) -> Rate:
    """Ask for `SECONDS` over all connections. The load is ours, so that it needs nothing installed."""
    done = 0

    async def ask(number: int, until: float) -> None:
        nonlocal done
        client = Client([port])
        unit = 0
        while time.monotonic() < until:
            unit += 1
            body = b'{"product":"%s","serial":"%s-%d-%d"}' % (PRODUCT.encode(), prefix.encode(), number, unit)
            status, _ = await client.post(body)
            assert status == 200
            done += 1
        client.close()

    async def run() -> None:
        until = time.monotonic() + SECONDS
        async with asyncio.TaskGroup() as group:
            for number in range(CONNECTIONS):
                group.create_task(ask(number, until))

    cpu, began = cpu_seconds(pid), time.monotonic()
    try:
        import uvloop  # noqa: PLC0415

        uvloop.run(run())
    except ImportError:
        asyncio.run(run())
    seconds = time.monotonic() - began
    return Rate(done / seconds, (cpu_seconds(pid) - cpu) / done * 1e6)


def measure_with_wrk(port: int, prefix: str, folder: Path) -> float | None:
    """Return the rate that wrk (a Debian package) sees, which asks faster than Python can; None without it."""
    script = folder / "units.lua"
    script.write_text(
        "local n = 0\nfunction request()\n  n = n + 1\n"
        f'  return wrk.format("POST", "{PATH}", nil, '
        f'\'{{"product":"{PRODUCT}","serial":"{prefix}-\' .. n .. \'"}}\')\nend\n',
        encoding="utf-8",
    )
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS:.0f}", "-s", str(script)]
    try:
        said = subprocess.run(
            [*command, f"http://127.0.0.1:{port}{PATH}"], capture_output=True, text=True, check=True
        ).stdout
    except FileNotFoundError:
        return None
    assert "Non-2xx" not in said, said
    return float(next(line for line in said.splitlines() if line.startswith("Requests/sec")).split()[1])


def compare(service: RunningService, name: str, folder: Path) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs a core to serve and one to ask")
    best = {"empty": Rate(), name: Rate()}
    mine = os.sched_getaffinity(0)
    with empty_application() as (port, pid):
        os.sched_setaffinity(pid, {0})
        for thread in Path(f"/proc/{service.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {0})
        os.sched_setaffinity(0, {1})
        try:
            for number in range(ROUNDS):
                for which, where, process in (("empty", port, pid), (name, service.port, service.pid)):
                    cpu = cpu_seconds(process)
                    rate = measure_with_wrk(where, f"{name}-{number}", folder)
                    if rate is None:
                        found = measure(where, process, f"{name}-{number}")
                    else:
                        found = Rate(rate, (cpu_seconds(process) - cpu) / (rate * SECONDS) * 1e6)
                    best[which] = best[which].better(found)
        finally:
            os.sched_setaffinity(0, mine)
    ratio = best[name].a_second / best["empty"].a_second
    for which, rate in best.items():
        print(f"\n{which:>12}: {rate.a_second:6.0f} requests/s, {rate.microseconds:4.0f} µs of CPU each", end="")
    print(
        f"\n{'ratio':>12}: {ratio:.2f} of the rate, {best['empty'].microseconds / best[name].microseconds:.2f} by CPU"
    )


def test_the_rate_with_a_ledger_on_sqlite(tmp_path: Path) -> None:
    with RunningService(tmp_path / "ledger.db", tmp_path / "log") as service:
        compare(service, "SQLite", tmp_path)


def test_the_rate_with_a_ledger_on_postgresql(tmp_path: Path, postgresql_url: str) -> None:  # noqa: F811
    with RunningService(postgresql_url, tmp_path / "log") as service:
        compare(service, "PostgreSQL", tmp_path)
