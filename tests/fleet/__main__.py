# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the simulated fleet: up, show, down."""

from __future__ import annotations

import argparse
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from plugins.plugin_utils.claim_ids import mask
from plugins.plugin_utils.display_text import counted

from . import readiness, removal
from .devices import GROUPS, Device
from .errors import FleetError
from .factory import FactoryEndpoint
from .fleet import Fleet


def main() -> int:
    """Do what the arguments say; return the exit status."""
    arguments = _parser().parse_args()
    try:
        arguments.do(arguments)
    except (FleetError, OSError) as error:
        print(f"tests.fleet: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet", description="Simulated devices over real SSH.")
    actions = parser.add_subparsers(required=True)
    up = actions.add_parser("up", help="build devices and switch them on; DIR/inventory.yml is their inventory")
    amount = up.add_mutually_exclusive_group()
    amount.add_argument("--count", type=int, default=12, help="how many, all in the group manual (default: 12)")
    amount.add_argument("--group", action="append", type=_group, metavar="GROUP=N", help=f"one of {', '.join(GROUPS)}")
    up.add_argument("--agent", choices=("2.6.0", "2.7.0", "3.0.0"), default="2.7.0", help="version of the agent")
    up.add_argument("--agent-delay", type=float, default=0.0, metavar="SECONDS", help="from its start to its ID")
    up.add_argument(
        "--kind", choices=("dropbear", "python-ssh", "crowd"), help="default: dropbear where that is possible"
    )
    up.add_argument("--factory", action="store_true", help="start a factory endpoint for the group factory")
    up.set_defaults(do=_up)
    show = actions.add_parser("show", help="list the devices and their claim IDs, masked")
    show.set_defaults(do=_show)
    down = actions.add_parser("down", help="end the devices and delete them")
    down.set_defaults(do=_down)
    factory = actions.add_parser("factory", help="run a factory endpoint alone, in the foreground")
    factory.add_argument("--mode", choices=("sample", "idempotent"), default="sample", help="of IDs")
    factory.add_argument("--fail", action="append", choices=("503", "drop", "stall"), default=[], help="once")
    factory.add_argument("--tls", nargs=2, type=Path, metavar=("CERTIFICATE", "KEY"), help="in PEM")
    factory.add_argument("--journal", type=Path, metavar="FILE", help="gets each request as a line of JSON")
    factory.add_argument("--listener", type=int, metavar="FD", help="an inherited socket; default: any free port")
    factory.set_defaults(do=_factory)
    for action in (up, show, down):
        action.add_argument("--state", type=Path, required=True, metavar="DIR", help="the folder of the fleet")
    return parser


def _group(text: str) -> tuple[str, int]:
    name, _, count = text.partition("=")
    return name, int(count)


def _up(arguments: argparse.Namespace) -> None:
    fleet = Fleet.start(
        arguments.state,
        groups=dict(arguments.group) if arguments.group else {"manual": arguments.count},
        agent=arguments.agent,
        agent_delay=arguments.agent_delay,
        kind=arguments.kind,
        factory=arguments.factory,
        outlive=True,
    )
    up = f"({fleet.kind}) {'is' if len(fleet.devices) == 1 else 'are'} up"
    print(f"{counted(len(fleet.devices), 'device')} {up}: {fleet.inventory}")


def _show(arguments: argparse.Namespace) -> None:
    devices = Fleet.open(arguments.state).devices
    with ThreadPoolExecutor(max_workers=16) as pool:
        states = list(pool.map(_state, devices))
    rows = [("DEVICE", "ADDRESS", "STATE", "CLAIM ID")]
    rows += [
        (device.name, f"{device.address}:{device.port}", state, _shown_id(device))
        for device, state in zip(devices, states, strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _state(device: Device) -> str:
    return "up" if readiness.answers(device.address, device.port) else "off"


def _shown_id(device: Device) -> str:
    try:
        return mask(device.claim_id() or "") or "-"
    except (OSError, ValueError):
        return "unreadable"


def _down(arguments: argparse.Namespace) -> None:
    gone = removal.remove(arguments.state)
    print(f"The fleet in {arguments.state} is gone." if gone else f"There is no fleet in {arguments.state}.")


def _factory(arguments: argparse.Namespace) -> None:
    listener = socket.socket(fileno=arguments.listener) if arguments.listener else None
    tls = tuple(arguments.tls) if arguments.tls else None
    endpoint = FactoryEndpoint(
        arguments.mode, failures=arguments.fail, tls=tls, journal=arguments.journal, listener=listener
    )
    print(endpoint.url, flush=True)
    with endpoint:
        endpoint.join()


if __name__ == "__main__":
    sys.exit(main())
