# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds among real mounts: what forgets is refused, and what is done is on the disk."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import Lasting
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from tests.support.mount_namespace import available
from tests.support.real_mounts import REAL, mounted
from tests.support.shell_device import PRODUCT, SHELLS, available_shells

from .bench import Bench, Unit, Violation


def missing() -> str | None:
    """Return why such rounds cannot be had here."""
    return None if available() else "mounts of its own need root, util-linux, e2fsprogs and loop devices"


@dataclass
class _MountedUnit(Unit):
    """A unit whose files are seen among its own mounts alone."""

    def held(self) -> bytes | None:
        """Return what is in its file."""
        file = shlex.quote(str(self.device.file))
        return self.device.run(f"[ ! -e {file} ] || cat {file}").stdout or None


def mounts(bench: Bench) -> None:
    """A unit's directory is in one of the ways mounted that there are."""
    case = bench.chance.choice(sorted(REAL))
    setup, storage = REAL[case]
    shell = bench.chance.choice([name for name in SHELLS if name in available_shells()])
    with mounted(bench.folder, shell, setup) as (device, _other):
        unit = _MountedUnit(device, None, f"SN-{bench.number}")
        unit.first = unit.held()
        bench.units.append(unit)
        bench.counts[storage.lasting.value] += 1
        before = _image(bench)
        report = bench.work(unit).do()
        try:
            bench.check({unit.name: [report]})
            if storage.mounted or storage.lasting is Lasting.NO:
                told = "is a mount point" if storage.mounted and not storage.readonly else "forgets"
                if report.claim_id is not None or told not in str(report.said):
                    raise Violation(f"it is not refused: {report}")
                if unit.held() != unit.first or _is_known(bench, str(unit.serial)):
                    raise Violation("it was refused, and an ID was taken or written")
            elif storage.readonly != (report.claim_id is None):
                raise Violation(f"it lasts, and: {report}")
            if report.claim_id is not None and storage.lasting is Lasting.YES:
                claim_id = report.claim_id.encode()
                if claim_id in before or claim_id not in _image(bench):
                    raise Violation("it was reported verified, and is not on the disk")
        except Violation as violation:
            raise Violation(f"{case}, {shell}: {violation}") from None


def _image(bench: Bench) -> bytes:
    return (bench.folder / "disk").read_bytes()


def _is_known(bench: Bench, serial: str) -> bool:
    with Ledger(bench.ledger, read_only=True) as ledger:
        return ledger.live_claim(PRODUCT, serial) is not None
