# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server that says nothing takes no more of our time than a device or a printer may."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.silent_resolver import SilentResolver
from tests.support.ansible import ROOT, provision

pytest.importorskip("paramiko", reason="the fleet engine needs the Python package paramiko")
pytestmark = pytest.mark.skipif(bool(why := SilentResolver.missing()), reason=str(why))

PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"
COLLECTION = "ansible_collections.ioto.serialization.plugins.plugin_utils"


@pytest.fixture
def resolver(tmp_path: Path) -> Iterator[SilentResolver]:
    with SilentResolver(tmp_path) as resolver:
        yield resolver


def seconds_of(resolver: SilentResolver, script: str) -> str:
    """Run Python, and return what it prints."""
    done = subprocess.run(
        [*resolver.within, sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "playbooks/collections")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    assert resolver.was_asked()
    return done.stdout


def test_a_printer_with_a_name_has_no_more_time_than_one_with_an_address(resolver: SilentResolver) -> None:
    said = seconds_of(
        resolver,
        f"""
import time
from {COLLECTION}.labelling.printers import open_printer
from {COLLECTION}.labels.errors import PrintError
started = time.monotonic()
try:
    open_printer("socket://printer.example.net:9100", timeout=2).send(b"^XA^XZ", "label")
except PrintError as error:
    print(time.monotonic() - started < 4, error.uncertain, error)
""",
    )
    assert said.startswith("True False The printer socket://printer.example.net:9100 did not take the label in 2 s;")


def test_threads_that_wait_for_a_name_do_not_pile_up(resolver: SilentResolver) -> None:
    said = seconds_of(
        resolver,
        f"""
import threading, time
from {COLLECTION}.device.name_resolution import NameResolver
resolver = NameResolver(3)
def ask(name):
    try:
        resolver.addresses(name, 22, 0.5)
    except TimeoutError:
        pass
started = time.monotonic()
askers = [threading.Thread(target=ask, args=(f"unit-{{number % 10}}.example.net",)) for number in range(60)]
for asker in askers:
    asker.start()
for asker in askers:
    asker.join()
print(time.monotonic() - started < 5, threading.active_count() - 1)
print(resolver.addresses("127.0.0.1", 22, 0.5)[0][4], resolver.addresses("::1", 22, 0.5)[0][4][0])
""",
    )
    assert said.splitlines() == ["True 3", "('127.0.0.1', 22) ::1"]


def test_slots_with_names_hold_up_neither_a_board_with_an_address_nor_the_end_of_the_station(
    resolver: SilentResolver,
) -> None:
    said = seconds_of(
        resolver,
        f"""
import asyncio, time
from contextlib import aclosing
from {COLLECTION}.line.presence import Greeted, Patience, watch
async def greet(reader, writer):
    writer.write(b"SSH-2.0-x\\r\\n")
    await reader.read()
async def nobody(name):
    async def place():
        return name, 22
    async for sighting in watch(place, Patience()):
        print("seen", sighting)
async def main():
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    silent = [asyncio.create_task(nobody(f"slot-{{number}}.example.net")) for number in range(20)]
    started = time.monotonic()
    try:
        await Greeted.by(("slot-0.example.net", 22), Patience())
    except OSError:
        print(time.monotonic() - started < 4)
    async def place():
        return "127.0.0.1", port
    async with aclosing(watch(place, Patience())) as sightings:
        print((await anext(sightings)).change.value, time.monotonic() - started < 5)
    for task in silent:
        task.cancel()
    await asyncio.gather(*silent, return_exceptions=True)
started = time.monotonic()
asyncio.run(main())
print(time.monotonic() - started < 8)
""",
    )
    assert said.splitlines() == ["True", "arrived True", "True"]


def test_a_scanner_with_a_name_is_told_in_time_and_holds_up_nobody(resolver: SilentResolver) -> None:
    said = seconds_of(
        resolver,
        f"""
import asyncio, threading, time
from {COLLECTION}.scanning.hand_scanner.hand_scanner import read_scanner
from {COLLECTION}.scanning.hand_scanner.scanner_address import parse_scanner_address
from {COLLECTION}.scanning.hand_scanner.scanner_port import ScannerPortError, open_scanner
address = parse_scanner_address("tcp:scanner.example.net:9004")
async def main():
    async for news in read_scanner(address):
        print(time.monotonic() - started < 5, news.sentence)
        break
    for _ in range(2):
        try:
            await open_scanner(address)
        except ScannerPortError:
            pass
started = time.monotonic()
asyncio.run(main())
print(time.monotonic() - started < 15, threading.active_count() - 1)
""",
    )
    assert said.splitlines() == [
        "True The scanner tcp:scanner.example.net:9004 cannot be read (no answer in 3 s); plug it in again, or look "
        "at its cable.",
        "True 1",
    ]


@pytest.mark.ansible
@pytest.mark.parametrize("engine", ["ansible", "fleet"])
def test_a_device_with_a_name_has_no_more_time_than_one_with_an_address(
    tmp_path: Path, home: Path, resolver: SilentResolver, engine: str
) -> None:
    inventory = tmp_path / "named.json"
    shared = {
        "ioto_mode": "manual",
        "ioto_product": PRODUCT,
        "ansible_user": "root",
        "ansible_ssh_common_args": "-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
    }
    hosts = {f"unit-{number}": {"ansible_host": f"unit-{number}.example.net"} for number in range(12)}
    inventory.write_text(json.dumps({"named": {"hosts": hosts, "vars": shared}}), encoding="utf-8")

    run = provision(
        home,
        *("-i", inventory, "-e", f"ioto_engine={engine} ioto_device_timeout=2"),
        within=["timeout", "90", *resolver.within],
        ANSIBLE_FORKS="12",
    )

    assert resolver.was_asked()
    assert run.status == 4, run.output
    assert run.reasons == {
        name: f"The device {name} was not done within 2 s (ioto_device_timeout). See whether it still runs, and its "
        "network, then run again."
        for name in hosts
    }
