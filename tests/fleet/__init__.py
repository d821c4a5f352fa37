# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated devices: what the tests, molecule, the benchmarks and `make demo` provision over real SSH.

    with Fleet.start(tmp_path / "fleet", groups={"manual": 4}) as fleet:
        fleet.devices[0].ssh("/bin/sh -s", stdin="uname -a")
        fleet.devices[0].read("/etc/ioto/device.json5")

On the command line: `python -m tests.fleet up --state DIR`, from the root of the repository.
"""

from __future__ import annotations

from .devices import Device, DeviceSpec
from .errors import FleetError
from .factory import FactoryEndpoint, FactoryRequest
from .fleet import Fleet

__all__ = ["Device", "DeviceSpec", "FactoryEndpoint", "FactoryRequest", "Fleet", "FleetError"]
