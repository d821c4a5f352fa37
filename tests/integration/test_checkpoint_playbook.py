# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run ends with its checkpoint, and the jobs of `playbooks/ledger.yml` hold it against ledger and device."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.checkpoint import read_checkpoint
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.keys import new_key_pair, public_key
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from tests.fleet import Fleet
from tests.support.ansible import ROOT, Run, provision

pytestmark = pytest.mark.ansible

FILE = "/etc/ioto/device.json5"


def job(home: Path, name: str, *options: str, **variables: str | Path) -> Run:
    said = {"ioto_ledger_job": name, **{f"ioto_{key}": str(value) for key, value in variables.items()}}
    run = provision(home, "-e", json.dumps(said), *options, playbook=ROOT / "playbooks/ledger.yml")
    assert "Traceback" not in run.output
    return run


def told(run: Run) -> str:
    return " ".join(run.output.split())


def test_a_run_ends_with_its_checkpoint_which_is_held_against_ledger_and_devices(
    tmp_path: Path, home: Path, location: str
) -> None:
    made = job(home, "new-key", checkpoint_key=tmp_path / "line.key")
    assert made.status == 0, made.output
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2, "auto": 1}) as fleet:
        fleet["manual-2"].write(FILE, "{ product: ")
        options = {"ioto_checkpoint_key": f"{tmp_path}/line.key", "ioto_checkpoint_dest": f"{tmp_path}/signed"}
        told_all = ("-i", fleet.inventory, "-e", json.dumps({**options, "ioto_ledger": location}))
        tried = provision(home, *told_all, "--check")
        assert "The checkpoint of this run would be in" in tried.output and not (tmp_path / "signed").exists()
        run = provision(home, *told_all)
        on_device = re.search(r"(?<![0-9A-Z])[0-9A-Z]{10}(?![0-9A-Z])", fleet["manual-1"].read(FILE).decode())

    assert run.failed == {"manual-2"} and run.status == 2, run.output
    (path,) = (tmp_path / "signed").iterdir()
    assert f"up to seal 1 is in {path}, signed with the key" in told(run)
    public = tmp_path / "line.key.pub"
    signed = read_checkpoint(str(path), public_key(public))
    with Ledger(location, read_only=True) as ledger:
        claims = {str(claim.unit): claim for claim in ledger.claims()}
        assert signed.seal.last_event == next(ledger.events(newest_first=True)).id
    assert {unit.serial: unit.state for unit in signed.units or ()} == {
        serial: claim.state.value for serial, claim in claims.items()
    }
    assert signed.counts == {"verified": 2} and path.name == f"checkpoint-{signed.run}.json"

    common = {"checkpoint_public_key": public, "ledger_src": path}
    whole = job(home, "verify", ledger=location, **common)
    assert whole.status == 0 and whole.changed == 0, whole.output
    assert "agrees with the checkpoint of" in told(whole) and "0 events have been appended since" in told(whole)

    (serial,) = (serial for serial, claim in claims.items() if claim.host == "manual-1")
    assert on_device is not None and on_device[0] == claims[serial].claim_id
    nowhere = {"ledger": "/absent/ledger.db", **common}  # a buyer has none
    genuine = job(home, "verify", ledger_claim_id=on_device[0], ledger_serial=serial, **nowhere)
    assert genuine.status == 0 and f"is that of unit {serial} of product" in told(genuine), genuine.output
    other = next(claim for claim in claims.values() if claim.host != "manual-1")
    swapped = job(home, "verify", ledger_claim_id=other.claim_id, ledger_serial=serial, **nowhere)
    assert swapped.status == 2 and "is not the one that was signed" in told(swapped), swapped.output
    assert not any(claim.claim_id in each.output for claim in claims.values() for each in (run, genuine, swapped))

    command = [sys.executable, "-m", "plugins.plugin_utils.checkpoints", "verify", "--public-key", public]
    command += ["--checkpoint", path, "--serial", serial, "--claim-id-file", "-"]
    bought = subprocess.run(command, cwd=ROOT, input=on_device[0], capture_output=True, text=True, check=True)
    assert f"is that of unit {serial}" in bought.stdout


def test_the_whole_ledger_is_signed_and_an_older_copy_is_told(tmp_path: Path, home: Path) -> None:
    new_key_pair(tmp_path / "line.key")
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as fleet:
        first = provision(home, "-i", fleet.inventory)
        assert first.status == 0, first.output
        backup = job(home, "backup", ledger_dest=tmp_path / "backup")
        assert backup.status == 0, backup.output
        assert provision(home, "-i", fleet.inventory).status == 0
    done = job(home, "checkpoint", checkpoint_key=tmp_path / "line.key")
    assert done.status == 0 and done.changed == 1, done.output
    (path,) = (home / ".local/share/ioto/checkpoints").iterdir()
    (copy,) = (tmp_path / "backup").glob("*.db")
    common = {"checkpoint_public_key": tmp_path / "line.key.pub", "ledger_src": path}
    assert job(home, "verify", **common).status == 0
    older = job(home, "verify", ledger=copy, **common)
    assert older.status == 2 and "is older than the checkpoint of" in told(older), older.output


def test_a_checkpoint_that_cannot_be_signed_is_told_before_the_first_device(tmp_path: Path, home: Path) -> None:
    new_key_pair(home / "line.key")
    (home / "line.key").chmod(0o644)
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as fleet:
        run = provision(home, "-i", fleet.inventory, "-e", "ioto_checkpoint_key=line.key")
    assert run.status == 2 and "no device was touched" in run.output, run.output
    assert "Others may read the private key line.key" in told(run)
    assert not (home / ".local/share/ioto/ledger.db").exists()


@pytest.mark.parametrize("limit", [(), ("--limit", "manual-1")])
def test_a_checkpoint_that_could_not_be_signed_fails_the_run_and_no_device_that_is_done(
    tmp_path: Path, home: Path, limit: tuple[str, ...]
) -> None:
    new_key_pair(home / "line.key")
    # A name that a folder may have, below one that is nearly as long as a path may be: the file's own does not fit.
    dest = "/".join([str(tmp_path), *["x" * 200] * 19])
    dest += "/" + "y" * (4095 - len(dest) - 30)
    variables = {"ioto_checkpoint_key": "line.key", "ioto_checkpoint_dest": dest}
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}) as fleet:
        run = provision(home, "-i", fleet.inventory, "-e", json.dumps(variables), *limit)
    assert run.status == 2, run.output
    assert "The checkpoint cannot be written to" in run.output
    assert f"{'1 device: 1' if limit else '2 devices: 2'} done, 0 already done, 0 failed" in run.output
    # Ansible leaves the controller out of a limit.
    assert run.failed == ({"manual-1"} if limit else {"localhost"})


@pytest.mark.parametrize(
    ("name", "variables", "why"),
    [
        ("verify", {"ledger_src": "x"}, "The job verify needs ioto_checkpoint_public_key; give it."),
        ("verify", {"ledger_src": "line.key", "checkpoint_public_key": "line.key.pub"}, "is not an envelope of DSSE"),
        ("find", {"checkpoint_key": "line.key"}, "There is no ledger in"),
    ],
)
def test_what_a_job_cannot_do_is_a_sentence(home: Path, name: str, variables: dict[str, str], why: str) -> None:
    new_key_pair(home / "line.key")
    run = job(home, name, **variables)
    assert run.status == 2 and why in told(run), run.output
