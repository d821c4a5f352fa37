# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audit a mixture of sound units with faults of each kind in it: each has to be found, and nothing beside.

As root, with dropbear: `PYTHONPATH=playbooks/collections python -m tests.campaign.audit --units 5000 --devices 60`.
The playbook reads the devices over SSH, and all else from real files, and is measured.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

from tests.support.ansible import ROOT, provision

from .audit_scene import Scene, differences


def main() -> int:
    """Build, audit, and say what was not found or was found beside."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=5000)
    parser.add_argument("--devices", type=int, default=60, help="real ones, over SSH")
    parser.add_argument("--each", type=int, default=3, help="faults of a kind of each origin")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, default=None, help="a new folder that stays")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbelow(1_000_000)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="ioto-audit-") as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        scene = Scene(folder / "scene", given.units, given.devices, given.each, seed)
        began = time.monotonic()
        with scene.build() or nullcontext() as fleet:
            print(f"built in {time.monotonic() - began:.0f} s", flush=True)
            inventory = ["-i", str(fleet.inventory)] if fleet else []
            page = folder / "audit.html"
            variables = {**scene.variables, "ioto_audit_dest": str(page)}
            began = time.monotonic()
            run = provision(folder, *inventory, "-e", json.dumps(variables), playbook=ROOT / "playbooks/audit.yml")
            print(f"audited in {time.monotonic() - began:.1f} s, exit status {run.status}", flush=True)
        if not page.exists():
            print(run.output)
            return 1
        wrong = differences(scene, page.with_suffix(".jsonl"))
        kinds = Counter(kind for kind, _where, _serial in scene.expected.elements())
        print("expected:", dict(kinds), "and seals:", len(scene.seals))
        print(run.output[-3000:])
        print("\n".join(wrong) or "Each was found, and nothing beside.")
        return 1 if wrong or run.status == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
