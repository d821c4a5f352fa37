# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the action `checkpoint`, and the variables by which runs and `playbooks/ledger.yml` take part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import IotoError
from ..option import LEDGER, Option, given_by, of_flow, rows, specs
from ..private_files import obstacle_to, typed_path
from .errors import CheckpointError

_MODULE = ("checkpoint",)
_RUN = "run"
"""Not a flow: what a run that ends with a checkpoint takes from the variables of its hosts."""
KEY = "ioto_checkpoint_key"

OPTIONS = (
    Option(
        "action",
        "What to do.",
        more=(
            "V(checkpoint) seals the ledger and signs its last seal, with the record of a batch of units.",
            "V(verify) holds the checkpoint O(src) against the ledger; or, with O(claim_id) and O(serial), against a "
            "device, without a ledger.",
            "V(new-key) makes a key pair, the private key in the file O(key) and the public one beside it.",
        ),
        choices=("checkpoint", "verify", "new-key"),
        required=True,
        modules=_MODULE,
    ),
    *rows(
        Option(
            "key",
            "The file of the private key on the controller, which signs checkpoints. Its owner alone may read it.",
            type="path",
            no_log=False,
        ),
        Option(
            "passphrase_file",
            "A file whose first line is the passphrase of the private key.",
            type="path",
            without="the private key has none",
            no_log=False,
        ),
        Option(
            "dest",
            "The folder on the controller for checkpoints. Each is a file in it, named after its run or its time.",
            type="path",
            without="C(ioto/checkpoints) below E(XDG_DATA_HOME), which is C(~/.local/share) unless that says otherwise",
        ),
        Option(
            "units",
            "Whether to sign the units, with the hashes of their claim IDs, too; else the last seal alone.",
            True,
        ),
        variable="ioto_checkpoint_{}",
        modules=_MODULE,
        flows=(_RUN, LEDGER),
    ),
    Option(
        "public_key",
        "The file of the public key of whoever signed the checkpoint that is verified.",
        type="path",
        variable="ioto_checkpoint_public_key",
        no_log=False,
        modules=_MODULE,
        flows=(LEDGER,),
    ),
    *rows(
        Option("run", "With O(action=checkpoint), sign the units of the run with this number, not all of the ledger."),
        Option("src", "With O(action=verify), the file of the checkpoint.", type="path"),
        Option("claim_id", "With O(action=verify), the claim ID that is on the device or its label.", no_log=False),
        Option("serial", "With O(action=verify), the serial of that device."),
        Option(
            "product", "With O(action=verify), its product. Needed where units of several products have that O(serial)."
        ),
        modules=_MODULE,
    ),
)

OF_THE_PLAYBOOK = of_flow(OPTIONS, LEDGER)
"""What `playbooks/ledger.yml` reads, by variable."""
_OF_A_RUN = of_flow(OPTIONS, _RUN)
VARIABLES = (*_OF_A_RUN, "ioto_ledger", "ioto_mode")
"""The variables of a host that say what the checkpoint of its run is."""

Complete = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
"""Checks arguments against their specification, and returns them with their defaults. Raises `IotoError`."""


def run_checkpoint(
    hosts: Mapping[str, Mapping[str, Any]], complete: Complete, check_key: Callable[[str, str | None], object]
) -> tuple[dict[str, Any] | None, list[tuple[Sequence[str], str]]]:
    """Return the options of the checkpoint of a run of `hosts`, None where nobody wants one, and what is wrong.

    That is hosts with a sentence. `check_key` reads the private key with the file of its passphrase, and raises
    `IotoError` where that cannot be used. A run has one checkpoint, and that is of one ledger.
    """
    taking_part = {host: variables for host, variables in hosts.items() if variables.get("ioto_mode") != "none"}
    wanted: dict[str, list[str]] = {}
    for host, variables in taking_part.items():
        if variables.get(KEY):
            wanted.setdefault(str(variables[KEY]), []).append(host)
    if not wanted:
        return None, []
    first, *others = wanted.values()
    another = f"{KEY} is not that of {first[0]}, and a run has one checkpoint; give one for all."
    problems: list[tuple[Sequence[str], str]] = [(found, another) for found in others]
    elsewhere = [host for host in taking_part if _ledger(taking_part[host]) != _ledger(taking_part[first[0]])]
    if elsewhere:
        problems.append(
            (elsewhere, f"ioto_ledger is not that of {first[0]}, and a checkpoint is of one ledger; run them apart.")
        )
    given = {name: taking_part[first[0]][name] for name in _OF_A_RUN if name in taking_part[first[0]]}
    try:
        # By their names in the inventory, so that a sentence names what somebody has to correct.
        options = given_by(_OF_A_RUN, complete(given, specs(_OF_A_RUN)))
        check_key(options["key"], options["passphrase_file"])
        _check_folder(options["dest"])
    except IotoError as error:
        return None, [*problems, (first, str(error))]
    return {**options, "ledger": _ledger(taking_part[first[0]])}, problems


def _check_folder(dest: str | None) -> None:
    """Raise `CheckpointError` where no file can be made in the folder `dest`, as far as one sees before."""
    if dest is None:
        return
    folder = typed_path(dest).absolute()
    if obstacle := obstacle_to(folder / "checkpoint.json"):
        raise CheckpointError(f"The checkpoint cannot be written {obstacle} (ioto_checkpoint_dest).")


def _ledger(variables: Mapping[str, Any]) -> str | None:
    place = variables.get("ioto_ledger")
    return None if place is None else str(place)
