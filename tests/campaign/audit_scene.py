# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger, and what an audit looks at beside it: sound units by the thousand, and faults of each kind among them.

Real are the ledgers (SQLite), the exports, the images (unpacked trees and archives), the file of scans, and the
simulated devices, which answer over SSH. What each fault has to be found as is in `expected`.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.checkpoint import Checkpoint
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.in_ledger import as_signed, identity_of
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.making import write_checkpoint
from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import generate
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    Context,
    State,
    StateChange,
    TwinError,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.seals import last_seal, seal_events
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.transfer import export_claims, import_claims
from tests.fleet import DeviceSpec, Fleet
from tests.fleet.contents import PRODUCT
from tests.support.ledgers import damage

OTHER_PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0N"
CONTEXT = Context("ann@line-1", "bench-1")
HOURS = 1
_BATCH = 500

Expected = tuple[str, str, str | None]
"""A finding as the tables have it: its kind, where, and the serial."""


@dataclass
class Scene:
    """All of it in `folder`; `size` units in all, `devices` of them real, and `each` fault of a kind of each origin."""

    folder: Path
    size: int
    devices: int
    each: int
    seed: int
    expected: Counter[Expected] = field(default_factory=Counter)
    seals: set[str] = field(default_factory=set)
    """How the sentences begin that tell of damaged rows."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._number = 0
        self._answers: list[tuple[DeviceSpec, str | None]] = []
        self._scans: list[tuple[str, str]] = []
        self.ledger_path = self.folder / "ledger.db"
        self.other_path = self.folder / "site-2.db"
        self.export_path = self.folder / "site-3.csv"
        self.images_path = self.folder / "images"
        self.scans_path = self.folder / "scans.csv"
        self.checkpoints: list[Path] = []

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of the audit."""
        return {
            "ioto_ledger": str(self.ledger_path),
            "ioto_audit_images": str(self.images_path),
            "ioto_audit_scans": str(self.scans_path),
            "ioto_audit_ledgers": [str(self.other_path), str(self.export_path)],
            "ioto_audit_unverified_hours": HOURS,
            "ioto_audit_checkpoints": [str(path) for path in self.checkpoints],
            "ioto_checkpoint_public_key": str(self.folder / "key.pub"),
        }

    def build(self) -> Fleet | None:
        """Make it, and return the devices, which are started."""
        self.images_path.mkdir(parents=True)
        elsewhere = self.size // 5
        with Ledger(self.ledger_path) as ledger, Ledger(self.other_path) as other, Ledger.in_memory() as third:
            self._ledger = ledger
            self._of_devices(other)
            self._of_images()
            self._of_scans(self.size - 2 * elsewhere - self.devices)
            self._sound(other, elsewhere)
            self._sound(third, elsewhere)
            self._half_done()
            self._of_sites(other, third)
            self._random.shuffle(self._scans)
            self._write_scans()
            with self.export_path.open("w", encoding="utf-8", newline="") as stream:
                export_claims(third.claims(), stream, "csv")
            for sealed in (ledger, other):
                seal_events(sealed.database)
        self._sign()
        with Ledger(self.ledger_path) as ledger:
            self._damage(ledger)
        return self._start()

    # The ledgers

    def _claims(self, ledger: Ledger, serials: Sequence[str], state: State = State.LABELLED) -> list[Claim]:
        """Issue an ID for each unit, and bring it to `state`."""
        made: list[Claim] = []
        for start in range(0, len(serials), _BATCH):
            requests = [
                AllocationRequest(PRODUCT, serial, "generated", CONTEXT) for serial in serials[start : start + _BATCH]
            ]
            claims = [claim for claim in ledger.allocate_many(requests) if isinstance(claim, Claim)]
            for step in (State.WRITTEN, State.VERIFIED, State.LABELLED):
                if not step.is_past(state):
                    ledger.advance_many([StateChange(claim.claim_id, step, CONTEXT) for claim in claims])
            made += claims
        return made

    def _sound(self, ledger: Ledger, number: int) -> list[Claim]:
        return self._claims(ledger, [self._serial() for _unused in range(number)])

    def _serial(self) -> str:
        self._number += 1
        return f"U-{self._number:06d}"

    def _one(self, state: State = State.LABELLED) -> Claim:
        return self._claims(self._ledger, [self._serial()], state)[0]

    def _replaced(self, serial: str) -> Claim:
        """Return a retired claim whose unit has another one now."""
        claim = self._claims(self._ledger, [serial])[0]
        self._ledger.replace(AllocationRequest(PRODUCT, serial, "generated", CONTEXT), reason="new board")
        return claim

    def _expect(self, kind: str, where: str, serial: str | None) -> None:
        self.expected[kind, where, serial] += 1

    # What is looked at

    def _device(self, claim_id: str | None, **more: Any) -> tuple[str, str]:
        """Add a device with an ID, and return its name and its serial; the ledger has to have it under that."""
        number = len(self._answers) + 1
        self._answers.append((DeviceSpec(claim_id=claim_id, **more), None))
        return f"manual-{number}", f"SN-{number:04d}"

    def _next_serial(self, further: int = 0) -> str:
        return f"SN-{len(self._answers) + 1 + further:04d}"

    def _of_devices(self, other: Ledger) -> None:
        ledger = self._ledger
        for _unused in range(self.each if self.devices else 0):
            first, second = self._claims(ledger, [self._next_serial(), self._next_serial(1)])
            one, _serial = self._device(first.claim_id)
            two, _serial = self._device(first.claim_id)  # in place of the ID of `second`
            assert second.unit == _serial
            self._expect("two-devices", f"{one}, {two}", first.unit)
            name, serial = self._device(generate())
            self._expect("unknown", name, serial)
            self._claims(ledger, [self._next_serial()])
            name, serial = self._device(generate())
            self._expect("another-id", name, serial)
            name, serial = self._device(self._one().claim_id)
            self._expect("another-unit", name, serial)
            retired = self._replaced(self._next_serial())
            name, serial = self._device(retired.claim_id)
            self._expect("retired", name, serial)
            name, _serial = self._device(None, files={"device.json5": "{ product: "})
            self._expect("not-read", name, None)
        rest = self.devices - len(self._answers)
        assert rest >= 0, "too few devices for so many faults"
        # One that no more than the other ledger knows, one that no device has yet, and the rest.
        for number in range(rest):
            serial = self._next_serial()
            if number == 0:
                self._device(self._claims(other, [serial])[0].claim_id)
            elif number == 1:
                self._claims(ledger, [serial], State.ALLOCATED)
                self._device(None)
            else:
                self._device(self._claims(ledger, [serial])[0].claim_id)

    def _image(self, name: str, claim_id: str | None, product: str = PRODUCT) -> str:
        """Make an image, an unpacked tree or an archive, and return its file's name."""
        device = {"product": product, **({} if claim_id is None else {"id": claim_id})}
        if len(list(self.images_path.iterdir())) % 2:
            folder = self.images_path / name / "etc" / "ioto"
            folder.mkdir(parents=True)
            (folder / "device.json5").write_text(json.dumps(device), encoding="utf-8")
            return name
        tree = self.folder / "tree" / name / "etc" / "ioto"
        tree.mkdir(parents=True)
        (tree / "device.json5").write_text(json.dumps(device), encoding="utf-8")
        with tarfile.open(self.images_path / f"{name}.tar.gz", "w:gz") as archive:
            archive.add(tree.parents[1], arcname=".")
        return f"{name}.tar.gz"

    def _of_images(self) -> None:
        for number in range(self.each):
            for claim in (self._one(), self._one(State.VERIFIED)):
                self._image(claim.unit or "", claim.claim_id)
            shared = self._one()
            names = [self._image(f"copy-{number}-{part}", shared.claim_id) for part in "ab"]
            self._expect("two-devices", ", ".join(sorted(names)), shared.unit)
            name = self._image(f"stranger-{number}", generate())
            self._expect("unknown", name, f"stranger-{number}")
            claim = self._one()
            self._expect("another-id", self._image(claim.unit or "", generate()), claim.unit)
            claim = self._one()
            self._expect("another-unit", self._image(claim.unit or "", claim.claim_id, OTHER_PRODUCT), claim.unit)
            retired = self._replaced(self._serial())
            self._expect("retired", self._image(retired.unit or "", retired.claim_id), retired.unit)
            (self.images_path / f"broken-{number}.img").write_bytes(b"no image" * 100)
            self._expect("not-read", f"broken-{number}.img", None)
        (self.images_path / "SHA256SUMS").write_text("of all\n", encoding="utf-8")

    def _of_scans(self, number: int) -> None:
        ledger = self._ledger
        self._faulty_scans: list[tuple[str, str, str, str | None]] = []
        for part in range(self.each):
            first, second, claim = self._one(), self._one(), self._one()
            self._shared_scans = [*getattr(self, "_shared_scans", []), (first, second)]
            for serial, scan, kind, told in (
                (f"S-{part}-1", generate(), "unknown", f"S-{part}-1"),
                (claim.unit or "", generate(), "another-id", claim.unit),
                (f"S-{part}-2", self._one().claim_id, "another-unit", f"S-{part}-2"),
                (f"S-{part}-3", "no label", "not-read", None),
            ):
                self._faulty_scans.append((serial, scan, kind, told))
            retired = self._replaced(self._serial())
            self._faulty_scans.append((retired.unit or "", retired.claim_id, "retired", retired.unit))
        self._scans += [(claim.unit or "", claim.claim_id) for claim in self._sound(ledger, max(number, 0))]
        self._scans += [(serial, scan) for serial, scan, _kind, _told in self._faulty_scans]
        for first, second in self._shared_scans:
            self._scans += [(first.unit or "", first.claim_id), (second.unit or "", first.claim_id)]

    def _write_scans(self) -> None:
        with self.scans_path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["serial", "scan"])
            writer.writerows(self._scans)
        lines = {scan: f"scans.csv line {number}" for number, scan in enumerate(self._scans, start=2)}
        for serial, text, kind, told in self._faulty_scans:
            self._expect(kind, lines[serial, text], told)
        for first, second in self._shared_scans:
            places = [(first.unit or "", first.claim_id), (second.unit or "", first.claim_id)]
            in_order = sorted((lines[place] for place in places), key=lambda line: int(line.rpartition(" ")[2]))
            self._expect("two-devices", ", ".join(in_order), first.unit)

    # What is wrong in ledgers

    def _half_done(self) -> None:
        ledger, where = self._ledger, str(self.ledger_path)
        for _unused in range(5):
            self._one(State.WRITTEN)  # a moment ago: that is sound
        long_ago = (datetime.now(UTC) - timedelta(days=3)).isoformat()
        lines = StringIO()
        for number in range(max(self.each, 3)):
            for kind, state in (("unverified", "written"), ("labelled-unverified", "labelled")):
                serial = f"OLD-{state}-{number}"
                unit = {"claim_id": generate(), "product": PRODUCT, "serial": serial, "state": state}
                lines.write(json.dumps({**unit, "updated_at": long_ago, "created_at": long_ago}) + "\n")
                self._expect(kind, where, serial)
            claim = self._one(State.WRITTEN)
            ledger.advance(StateChange(claim.claim_id, State.LABELLED, CONTEXT, "seen on the unit: by hand"))
            self._expect("labelled-unverified", where, claim.unit)
            serial = self._serial()
            for host in ("twin-1", "twin-2"):
                context = Context("ann@line-1", host, run="run-17")
                request = AllocationRequest(PRODUCT, serial, "generated", context, details={"serial": serial})
                (answer,) = ledger.allocate_many([request])
            assert isinstance(answer, TwinError)
            self._expect("in-doubt", where, serial)
        import_claims(ledger, StringIO(lines.getvalue()), "jsonl", context=CONTEXT)

    def _of_sites(self, other: Ledger, third: Ledger) -> None:
        ledger = self._ledger
        copies = StringIO(newline="")
        export_claims(self._sound(ledger, 5), copies, "csv")
        copies.seek(0)
        import_claims(other, copies, "csv", context=CONTEXT)  # the same units with the same IDs: that is sound
        site_2, site_3 = str(self.other_path), str(self.export_path)
        for number in range(max(self.each, 3)):
            ours = self._one()
            serial = self._serial()
            other.allocate(AllocationRequest(PRODUCT, serial, "given", CONTEXT, ours.claim_id))
            self._expect("two-sites", site_2, serial)
            ours = self._one()
            self._claims(third, [ours.unit or ""])
            self._expect("two-sites", site_3, ours.unit)
            theirs = self._claims(other, [self._serial()])[0]
            third.allocate(AllocationRequest(PRODUCT, f"T-{number}", "given", CONTEXT, theirs.claim_id))
            self._expect("two-sites", site_2, theirs.unit)
            ours = self._one()
            other.allocate(AllocationRequest(PRODUCT, ours.unit or "", "given", CONTEXT, ours.claim_id))
            ledger.replace(AllocationRequest(PRODUCT, ours.unit or "", "generated", CONTEXT), reason="new board")
            self._expect("retired", site_2, ours.unit)

    def _sign(self) -> None:
        """Sign the ledger as it is, which is sound, and a copy of it each time it has gone on."""
        went_on = self.folder / "went-on.db"
        key = Ed25519PrivateKey.generate()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        (self.folder / "key.pub").write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
        shutil.copy(self.ledger_path, went_on)
        for number in range(1 + max(self.each, 3)):
            with Ledger(went_on) as ledger:
                if number:
                    self._claims(ledger, [f"later-{number}"])
                    self._expect("checkpoint", str(self.ledger_path), None)
                seal_events(ledger.database)
                seal = as_signed(last_seal(ledger.database))
                checkpoint = Checkpoint(datetime.now(UTC), identity_of(ledger.database), 0, seal)
                path = self.folder / f"checkpoint-{number}.json"
                write_checkpoint(checkpoint, key, path)
                self.checkpoints.append(path)

    def _damage(self, ledger: Ledger) -> None:
        last = next(ledger.events(newest_first=True, limit=1)).id
        for number in self._random.sample(range(1, last // 2), max(self.each, 3)):
            damage(ledger.database, f"UPDATE ioto_events SET host = 'another' WHERE id = {number}")
            self.seals.add(f"row {number} of ioto_events: ")

    # The devices

    def _start(self) -> Fleet | None:
        if not self._answers:
            return None
        return Fleet.start(self.folder / "fleet", specs=[spec for spec, _unused in self._answers], kind="dropbear")


def found(table: TextIO) -> Iterator[Mapping[str, Any]]:
    """Yield the findings of the JSON Lines of an audit."""
    return map(json.loads, table)


def differences(scene: Scene, findings: Path) -> list[str]:
    """Return what an audit of `scene` has not found, or has found beside, as lines; [] where it is as it has to be."""
    told: Counter[Expected] = Counter()
    seals = Counter(scene.seals)
    beside = []
    with findings.open(encoding="utf-8") as stream:
        for one in found(stream):
            if one["finding"] == "seal":
                seals.subtract([start for start in scene.seals if one["what"].startswith(start)] or [one["what"]])
            else:
                told[one["finding"], one["where"], one["serial"]] += 1
    beside += [f"missing: {finding}" for finding in (scene.expected - told).elements()]
    beside += [f"beside: {finding}" for finding in (told - scene.expected).elements()]
    return beside + [f"seal: {start} ({-number})" for start, number in seals.items() if number]
