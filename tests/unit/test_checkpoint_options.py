# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a run's checkpoint can be signed is found out before the run, and what a job of the ledger's needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.keys import new_key_pair, private_key
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.options import run_checkpoint
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.jobs import job_problems


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a key, in which relative paths are."""
    monkeypatch.chdir(tmp_path)
    new_key_pair("line.key")
    return tmp_path


def found(*variables: dict[str, Any]) -> tuple[dict[str, Any] | None, list[str]]:
    hosts = {f"host-{number}": {"ioto_mode": "manual", **each} for number, each in enumerate(variables, start=1)}
    options, problems = run_checkpoint(hosts, complete, private_key)
    return options, [f"{', '.join(members)}: {sentence}" for members, sentence in problems]


def test_a_run_has_the_checkpoint_that_any_of_its_hosts_asks_for(folder: Path) -> None:
    key = f"{folder}/line.key"
    hosts = ({}, {"ioto_checkpoint_key": key, "ioto_checkpoint_units": "no", "ioto_ledger": "l.db"}, {})
    options, problems = found(*({"ioto_ledger": "l.db", **host} for host in hosts))
    assert problems == []
    assert options == {"key": key, "passphrase_file": None, "dest": None, "units": False, "ledger": "l.db"}


def test_nobody_gets_a_checkpoint_who_asked_for_none() -> None:
    left_alone = {"ioto_mode": "none", "ioto_checkpoint_key": "absent.key"}
    assert found({"ioto_checkpoint_dest": "signed", "ioto_checkpoint_key": ""}, left_alone) == (None, [])


def test_a_run_has_one_checkpoint_and_that_is_of_one_ledger() -> None:
    new_key_pair("other.key")
    hosts = ({"ioto_checkpoint_key": "line.key"}, {"ioto_checkpoint_key": "other.key"}, {"ioto_ledger": "other.db"})
    assert found(*hosts)[1] == [
        "host-2: ioto_checkpoint_key is not that of host-1, and a run has one checkpoint; give one for all.",
        "host-3: ioto_ledger is not that of host-1, and a checkpoint is of one ledger; run them apart.",
    ]


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"key": "absent.key"}, "absent.key cannot be read (No such file or directory)"),
        ({"key": "line.key.pub"}, "line.key.pub is the public key, which signs nothing"),
        ({"key": "line.key", "passphrase_file": "absent"}, "The file absent cannot be read"),
        (
            {"key": "line.key", "passphrase_file": "line.key"},
            "has no passphrase; leave out ioto_checkpoint_passp",
        ),
        ({"key": "line.key", "dest": "line.key/x"}, "give another place, or the right to (ioto_checkpoint_dest)."),
        ({"key": "line.key", "dest": "x" * 300}, "(File name too long); give another place (ioto_checkpoint_dest)."),
        ({"key": "line.key", "units": "some"}, "ioto_checkpoint_units"),
    ],
)
def test_what_makes_no_checkpoint_is_told_before_the_run(variables: dict[str, str], why: str) -> None:
    options, (problem,) = found({f"ioto_checkpoint_{name}": value for name, value in variables.items()})
    assert options is None and problem.startswith("host-1: ") and why in problem


@pytest.mark.parametrize(
    ("job", "variables", "sentences"),
    [
        ("checkpoint", {}, ["The job checkpoint needs ioto_checkpoint_key; give it."]),
        (
            "verify",
            {},
            [f"The job verify needs {name}; give it." for name in ("ioto_ledger_src", "ioto_checkpoint_public_key")],
        ),
        (
            "checkpoint",
            {"ioto_checkpoint_key": "k", "ioto_ledger_serial": "x"},
            ["ioto_ledger_serial has no meaning for the job checkpoint; leave it out."],
        ),
        ("checkpoint", {"ioto_checkpoint_key": "k", "ioto_ledger_run": "x", "ioto_checkpoint_units": False}, []),
        ("verify", {"ioto_ledger_src": "s", "ioto_checkpoint_public_key": "k", "ioto_ledger_claim_id": "x"}, []),
        ("new-key", {"ioto_checkpoint_key": "k", "ioto_checkpoint_passphrase_file": "x"}, []),
        ("find", {"ioto_checkpoint_key": "of the inventory"}, []),
    ],
)
def test_a_job_says_what_it_needs(job: str, variables: dict[str, object], sentences: list[str]) -> None:
    assert list(job_problems({"ioto_ledger_job": job, **variables})) == sentences
