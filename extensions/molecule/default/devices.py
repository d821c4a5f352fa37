# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switch on the devices of all scenarios.

In the repository's root: `python -m extensions.molecule.default.devices DIR`; `python -m tests.fleet down --state DIR`
ends them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.fleet import DeviceSpec, Fleet
from tests.fleet.dropbear import available

OLD = "config.json5"
# Files of another user take root to make.
OWNER = 1000 if available() else 0

SPECS = (
    DeviceSpec(group="manual"),
    DeviceSpec(group="manual"),
    DeviceSpec(group="manual", linked=True, owner=OWNER, mode=0o640),
    DeviceSpec(group="manual", configuration=OLD, claim_id="JT08FFQXWQ"),
    DeviceSpec(group="auto"),
    DeviceSpec(group="auto", configuration=OLD),
    DeviceSpec(group="auto", agent="3.0.0"),
    DeviceSpec(group="auto", agent="3.0.0", configuration=OLD),
    DeviceSpec(group="factory"),
    DeviceSpec(group="factory", configuration=OLD),
    DeviceSpec(group="factory"),
    DeviceSpec(group="factory", configuration=OLD),
    DeviceSpec(group="label"),
    DeviceSpec(group="label", claim_id="1ABE1ABE10"),
    DeviceSpec(group="label", configuration=OLD),
    DeviceSpec(group="verify"),
    DeviceSpec(group="verify"),
    DeviceSpec(group="verify", configuration=OLD),
)

if __name__ == "__main__":
    Fleet.start(Path(sys.argv[1]), specs=SPECS, factory=True, outlive=True)
