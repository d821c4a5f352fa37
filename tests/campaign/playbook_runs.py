# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds of whole runs: the real playbook, in a process of its own, with simulated devices that answer over SSH.

A round has pairs of boards that have something in common, and one board that has nothing in common with any. Both of a
pair are in the first run, or the second one comes in the second run, blank, as if it were the first.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import State
from tests.fleet import Fleet, dropbear
from tests.fleet.devices import Device
from tests.support.ansible import provision

from .bench import Bench, Violation

PAIRS = 4
_HOST_KEY = "etc/dropbear/dropbear_ed25519_host_key"
_TWINS = "It and {} say that they are the same unit"


@dataclass(frozen=True)
class Alike:
    """What the two boards of a pair have in common: each is `one` for both, `two`, or `none` for none at all."""

    serial: str = "two"
    mac: str = "two"
    key: str = "two"
    """The host key of its SSH server, which an image may have brought to many boards: it alone makes no twins."""

    @property
    def are_twins(self) -> bool:
        """Whether they say that they are one unit."""
        return "one" in (self.serial, self.mac)

    def comes_again(self, engine: str) -> bool:
        """Whether the second one, blank and in a later run, is the unit of the first, and nothing contradicts that."""
        return self.serial == self.mac == "one" and (engine == "ansible" or self.key == "one")

    @property
    def is_a_mac(self) -> bool:
        """Whether nothing but a MAC address says that they are one unit, and nothing contradicts it."""
        return self.serial == "none" and self.mac == self.key == "one"


AT_ONCE = (
    Alike(serial="one"),
    Alike(mac="one"),
    Alike(serial="none", mac="one"),
    Alike(serial="none", mac="one", key="one"),
    Alike(serial="one", mac="one"),
    Alike(serial="one", mac="one", key="one"),
    Alike(key="one"),
)
IN_TURN = (
    Alike(serial="one"),
    Alike(serial="one", key="one"),
    Alike(serial="none", mac="one"),
    Alike(serial="none", mac="one", key="one"),
    Alike(serial="one", mac="one"),
    Alike(serial="one", mac="one", key="one"),
)


@dataclass(frozen=True)
class _Pair:
    alike: Alike
    at_once: bool
    first: Device
    second: Device

    @property
    def names(self) -> tuple[str, str]:
        return self.first.name, self.second.name


def missing() -> str | None:
    """Return why such runs cannot be had here."""
    return None if dropbear.available() else "whole runs need root and the Debian packages dropbear-bin and busybox"


def twins(engine: str) -> Callable[[Bench], None]:
    """Return the round: hosts that are one unit, in one run and one after the other, by this engine."""

    def round_(bench: Bench) -> None:
        (bench.folder / "home").mkdir()
        with Fleet.start(bench.folder / "fleet", groups={"manual": 2 * PAIRS + 1}, kind="dropbear") as fleet:
            *boards, stranger = fleet.devices
            pairs = []
            for first, second in zip(boards[::2], boards[1::2], strict=True):
                at_once = bench.chance.random() < 0.6
                alike = bench.chance.choice(AT_ONCE if at_once else IN_TURN)
                pairs.append(_Pair(alike, at_once, first, second))
                _make_alike(bench, pairs[-1])
            _make_board(bench, stranger)
            _Runs(bench, fleet, engine).look(pairs, stranger)

    return round_


def _make_alike(bench: Bench, pair: _Pair) -> None:
    alike = pair.alike
    serial, mac = _make_board(bench, pair.first, none=alike.serial == "none")
    key = (pair.first.root / _HOST_KEY).read_bytes()
    _make_board(
        bench,
        pair.second,
        serial=serial if alike.serial == "one" else None,
        mac=mac if alike.mac == "one" else None,
        key=key if alike.key == "one" else None,
        none=alike.serial == "none",
    )


def _make_board(
    bench: Bench,
    device: Device,
    *,
    serial: str | None = None,
    mac: str | None = None,
    key: bytes | None = None,
    none: bool = False,
) -> tuple[str, str]:
    """Have a device be a board with these, or with ones of its own, and with no serial where it has `none`."""
    serial, mac = serial or f"T-{bench.number}-{device.name}", mac or bench.mac()
    for path, text in (("proc/device-tree/serial-number", f"{serial}\0"), ("sys/class/net/eth0/address", f"{mac}\n")):
        place = device.root / path
        place.unlink()
        if not (none and path.startswith("proc")):
            place.write_text(text)
    place = device.root / _HOST_KEY
    if key is not None:
        place.write_bytes(key)
    else:
        subprocess.run(["dropbearkey", "-t", "ed25519", "-f", place], capture_output=True, check=True)
    return serial, mac


class _Runs:
    """The two runs of a round, at one ledger."""

    def __init__(self, bench: Bench, fleet: Fleet, engine: str) -> None:
        self._bench = bench
        self._fleet = fleet
        self._engine = engine

    def look(self, pairs: Sequence[_Pair], stranger: Device) -> None:
        """Have the runs. Raises `Violation` where something is not as it must be."""
        counts = self._bench.counts
        counts["pairs"] += len(pairs)
        together = [pair for pair in pairs if pair.at_once]
        in_turn = [pair for pair in pairs if not pair.at_once]
        first = self._run([*(name for pair in together for name in pair.names), *(pair.first.name for pair in in_turn)])
        self._check_together(first, together)
        for device in (stranger, *(pair.first for pair in in_turn)):
            self._check_done(first, device, "is a twin of nobody in its run")
        second = self._run(
            [name for pair in (*together, *in_turn) for name in (pair.names if pair.at_once else pair.names[1:])]
        )
        self._check_together(second, together)
        self._check_done(second, stranger, "was done before")
        for pair in in_turn:
            self._check_second(second, pair)
        self._check_devices(pairs)

    def _run(self, hosts: Sequence[str]) -> dict[str, str]:
        """Run the playbook on `hosts` and the stranger; return what the summary says of those that failed."""
        labels = f"ioto_label_dest={self._bench.folder}/labels.pdf ioto_label_brand=X ioto_label_product_name=Y"
        extra = f"ioto_engine={self._engine} ioto_ledger={self._bench.ledger} {labels}"
        limit = ",".join([*hosts, self._fleet.devices[-1].name])
        run = provision(self._bench.folder / "home", "-i", self._fleet.inventory, "-e", extra, "--limit", limit)
        failed = run.reasons
        if "Traceback" in run.output or f"{len(failed)} failed, 0 unreachable" not in run.output:
            raise Violation(f"by {self._engine}, {sorted(failed)} failed: {run.output[-3000:]}")
        if (run.status == 0) != (not failed):
            raise Violation(f"by {self._engine}, status {run.status}, and {sorted(failed)} failed")
        return failed

    def _check_together(self, failed: dict[str, str], pairs: Sequence[_Pair]) -> None:
        for pair in pairs:
            for device, other in (pair.names, reversed(pair.names)):
                said = failed.get(device)
                if not pair.alike.are_twins:
                    if said is not None:
                        raise self._violation(pair, f"they are no twins, and {device} has failed: {said}")
                elif said is None or not said.startswith(_TWINS.format(other)):
                    raise self._violation(pair, f"{device} is a twin of {other}, and: {said}")
            self._bench.counts["twins refused" if pair.alike.are_twins else "no twins"] += 1
            labelled = self._labelled(pair)
            if pair.alike.are_twins and labelled:
                raise self._violation(pair, f"twins, of which a label was made: {labelled}")

    def _check_done(self, failed: dict[str, str], device: Device, what: str) -> None:
        if device.name in failed or device.claim_id() is None:
            raise Violation(f"by {self._engine}, {device.name} {what}, and is not done: {failed.get(device.name)}")
        self._bench.counts["done"] += 1

    def _check_second(self, failed: dict[str, str], pair: _Pair) -> None:
        """The second one of a pair has come blank, a run after the first."""
        device, said = pair.second, failed.get(pair.second.name)
        if pair.alike.comes_again(self._engine):
            if said is not None or device.claim_id() != pair.first.claim_id():
                raise self._violation(pair, f"it came again, and was not re-written: {said}")
            self._bench.counts["re-written"] += 1
            return
        if said is None or device.claim_id() is not None:
            raise self._violation(pair, f"it is another one than was done as this unit, and was not refused: {said}")
        if pair.alike.is_a_mac and "ioto_rewrite: true" not in said:
            raise self._violation(pair, f"nothing but its MAC address identifies it, and: {said}")
        self._bench.counts["refused later"] += 1

    def _check_devices(self, pairs: Sequence[_Pair]) -> None:
        """No ID is on two devices but where one came again, and the ledger knows each."""
        again = [pair.second for pair in pairs if not pair.at_once and pair.alike.comes_again(self._engine)]
        held = [device.claim_id() for device in self._fleet.devices if device not in again]
        ids = [claim_id for claim_id in held if claim_id is not None]
        with Ledger(self._bench.ledger, read_only=True) as ledger:
            if len({*ids}) < len(ids) or len(ledger.holders(ids)) < len(ids):
                raise Violation(f"by {self._engine}, one ID is on two devices, or is one that the ledger does not know")
        if litter := [
            path for device in self._fleet.devices for path in device.listdir("/etc/ioto") if ".ioto-" in path
        ]:
            raise Violation(f"litter: {litter}")

    def _labelled(self, pair: _Pair) -> list[str]:
        ids = [claim_id for device in (pair.first, pair.second) if (claim_id := device.claim_id()) is not None]
        with Ledger(self._bench.ledger, read_only=True) as ledger:
            found = ledger.holders(ids).values() if ids else ()
            return [claim.unit for claim in found if claim.state is State.LABELLED]

    def _violation(self, pair: _Pair, what: str) -> Violation:
        return Violation(
            f"by {self._engine}, {pair.names} {'at once' if pair.at_once else 'in turn'}, {pair.alike}: {what}"
        )
