# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a durable answer costs: the service beside an empty ASGI application on the same server, in the same run.

One core serves (`taskset`), the other one asks: 64 connections, distinct units. The two are measured in turn, several
times. A machine that others use as well changes its speed by half from one minute to the next, so what counts is the
ratio of two rounds that follow each other, and of those the median. Beside the rate stands the CPU time of one request.

The ledger on SQLite keeps growing meanwhile. The server of PostgreSQL runs beside the service, on either core, and
writes to the disk as well.
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
from statistics import median

import pytest

from tests.services.factory_load import Client
from tests.services.factory_service import PATH, PRODUCT, ROOT, RunningService
from tests.services.postgresql import running_postgresql

CONNECTIONS = 64
SECONDS = 2.0
ROUNDS = 9
GOAL = 0.5
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


def compare(service: RunningService, name: str, folder: Path) -> float:
    """Print the rates, and return the median of their ratios."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs a core to serve and one to ask")
    rates: dict[str, list[Rate]] = {"empty": [], name: []}
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
                    rates[which].append(found)
        finally:
            os.sched_setaffinity(0, mine)
    for which, several in rates.items():
        rate, cost = median(r.a_second for r in several), median(r.microseconds for r in several)
        print(f"\n{which:>12}: {rate:6.0f} requests/s, {cost:4.0f} µs of CPU each (medians)", end="")
    pairs = list(zip(rates[name], rates["empty"], strict=True))
    ratios = [mine.a_second / other.a_second for mine, other in pairs]
    by_cpu = median(other.microseconds / mine.microseconds for mine, other in pairs)
    print(
        f"\n{'ratio':>12}: {median(ratios):.2f} of the rate, {by_cpu:.2f} by CPU "
        f"(medians; {min(ratios):.2f} to {max(ratios):.2f} in {ROUNDS} rounds)"
    )
    return median(ratios)


def test_the_rate_with_a_ledger_on_sqlite_is_half_of_the_empty_applications(tmp_path: Path) -> None:
    with RunningService(tmp_path / "ledger.db", tmp_path / "log") as service:
        assert compare(service, "SQLite", tmp_path) >= GOAL


def test_the_rate_with_a_ledger_on_postgresql(tmp_path: Path) -> None:
    with (
        running_postgresql(durable=True) as server,
        RunningService(server.new_url(), tmp_path / "log") as service,
    ):
        assert compare(service, "PostgreSQL", tmp_path) > 0
