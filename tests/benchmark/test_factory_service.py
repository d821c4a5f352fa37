# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a durable answer costs: the service beside an empty ASGI application on the same server, in the same run.

One core serves (`taskset`), the other one asks: 64 connections, distinct units. The two are measured in turn, several
times. A machine that others use as well changes its speed by half from one minute to the next, so what counts is the
ratio of two rounds that follow each other, and of those the median; and of the ratios that of the CPU time of one
request, which the others change least.

Beside the two stand the same service without its front (uvicorn alone), and, to see what a change is worth, the service
of another checkout, which `IOTO_BENCH_BEFORE` names.

The ledger on SQLite keeps growing meanwhile. The server of PostgreSQL runs beside the service, on either core, and
writes to the disk as well.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest

from tests.services.factory_load import Client
from tests.services.factory_service import PATH, PRODUCT, ROOT, RunningService, cpu_seconds
from tests.services.postgresql import running_postgresql

CONNECTIONS = 64
SECONDS = 2.0
ROUNDS = 9
GOAL = 0.45
"""By CPU time."""
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
WITHOUT_FRONT = """
import os, socket, sys, uvicorn
from pathlib import Path
from plugins.plugin_utils.service.app import ServiceApp
from plugins.plugin_utils.service.settings_sources import load
app = ServiceApp(load(None, os.environ, {}))
config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="error", lifespan="on")
uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
"""
BEFORE = "IOTO_BENCH_BEFORE"


class Peer(NamedTuple):
    """A server that is measured."""

    name: str
    port: int
    pid: int


@dataclass
class Rate:
    """Requests a second, and CPU time of the server for each in microseconds."""

    a_second: float = 0.0
    microseconds: float = float("inf")


@contextmanager
def application(name: str, program: str, **environment: str) -> Iterator[Peer]:
    """Yield a server of our own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(listener.fileno())],
            pass_fds=[listener.fileno()],
            cwd=ROOT,
            env={**os.environ, **environment},
        )
        try:
            yield Peer(name, listener.getsockname()[1], process.pid)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


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
    if shutil.which("wrk") is None:
        return None
    script = folder / "units.lua"
    script.write_text(
        "local n = 0\nfunction request()\n  n = n + 1\n"
        f'  return wrk.format("POST", "{PATH}", nil, '
        f'\'{{"product":"{PRODUCT}","serial":"{prefix}-\' .. n .. \'"}}\')\nend\n',
        encoding="utf-8",
    )
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS:.0f}", "-s", str(script)]
    done = subprocess.run([*command, f"http://127.0.0.1:{port}{PATH}"], capture_output=True, text=True, check=False)
    if done.returncode or "Non-2xx" in done.stdout:
        raise RuntimeError(f"wrk was not answered as it has to be\n{done.stdout}{done.stderr}")
    return float(next(line for line in done.stdout.splitlines() if line.startswith("Requests/sec")).split()[1])


def measured(peers: Sequence[Peer], folder: Path, rounds: int) -> dict[str, list[Rate]]:
    """Measure the peers in turn, on a core of their own. Raises `RuntimeError` on a machine that has only one."""
    if len(os.sched_getaffinity(0)) < 2:
        raise RuntimeError("needs a core to serve and one to ask")
    rates: dict[str, list[Rate]] = {peer.name: [] for peer in peers}
    mine = os.sched_getaffinity(0)
    for peer in peers:
        for thread in Path(f"/proc/{peer.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {0})
    os.sched_setaffinity(0, {1})
    try:
        for number in range(rounds):
            for peer in peers:
                cpu = cpu_seconds(peer.pid)
                # The letter keeps a count such as 11111 from being a repetition after a word, which is no serial.
                serials = f"{peer.name}-{number}n"
                rate = measure_with_wrk(peer.port, serials, folder)
                if rate is None:
                    found = measure(peer.port, peer.pid, serials)
                elif rate > 0:
                    found = Rate(rate, (cpu_seconds(peer.pid) - cpu) / (rate * SECONDS) * 1e6)
                else:
                    found = Rate()
                rates[peer.name].append(found)
    finally:
        os.sched_setaffinity(0, mine)
    return rates


def rates_of(ledgers: Callable[[], str], folder: Path, rounds: int = ROUNDS) -> dict[str, list[Rate]]:
    """Return what each peer costs in each round: `empty`, `service`, `no front`, and where it is named, `before`."""
    with ExitStack() as stack:
        peers = [stack.enter_context(application("empty", EMPTY))]
        roots = {"service": ROOT}
        if before := os.environ.get(BEFORE):
            roots["before"] = Path(before)
        for name, root in roots.items():
            running = stack.enter_context(RunningService(ledgers(), folder / name, root=root))
            peers.append(Peer(name, running.port, running.pid))
        settings = {"IOTO_SERVICE_LEDGER": ledgers(), "IOTO_SERVICE_RATE": "1e9"}
        peers.append(stack.enter_context(application("no front", WITHOUT_FRONT, **settings)))
        return measured(peers, folder, rounds)


def compare(ledgers: Callable[[], str], folder: Path) -> float:
    """Print what each peer costs, and return the service's median ratio to the empty application by CPU."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs a core to serve and one to ask")
    rates = rates_of(ledgers, folder)
    by_cpu = {}
    for name, found in rates.items():
        pairs = list(zip(found, rates["empty"], strict=True))
        ratios = [empty.microseconds / mine.microseconds for mine, empty in pairs]
        by_cpu[name] = median(ratios)
        print(
            f"\n{name:>9}: {median(one.a_second for one in found):6.0f} requests/s, "
            f"{median(one.microseconds for one in found):4.0f} µs of CPU each; of the empty application "
            f"{median(mine.a_second / empty.a_second for mine, empty in pairs):.2f} by rate, "
            f"{by_cpu[name]:.2f} by CPU ({min(ratios):.2f} to {max(ratios):.2f})",
            end="",
        )
    print(f"\n(medians of {ROUNDS} rounds)")
    return by_cpu["service"]


def test_the_cost_with_a_ledger_on_sqlite_is_near_twice_the_empty_applications(tmp_path: Path) -> None:
    names = count()
    assert compare(lambda: str(tmp_path / f"ledger-{next(names)}.db"), tmp_path) >= GOAL


def test_the_cost_with_a_ledger_on_postgresql(tmp_path: Path) -> None:
    with running_postgresql(durable=True) as server:
        assert compare(server.new_url, tmp_path) > 0
