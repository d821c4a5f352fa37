# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the task `checkpoint` does: sign one, verify one, make a key pair."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..display_text import counted, local_time, printable
from ..ledger.integrity.check import check_integrity
from ..ledger.ledger import Ledger
from ..ledger.run_number import THIS_RUN
from ..ledger.tasks import refuse_absent
from ..private_files import typed_path
from .against_device import check_device
from .against_ledger import disagreements
from .checkpoint import Checkpoint, read_checkpoint
from .errors import CheckpointError
from .in_ledger import events_after, identity_of
from .keys import key_id, new_key_pair, private_key, public_key, refuse_place
from .making import SignedBatch, claims_of, default_folder, file_of, make_checkpoint, write_checkpoint


def checkpoint_task(options: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Return what `checkpoint` documents. Raises `IotoError`."""
    return _ACTIONS[options["action"]](options, check=check)


def verified_ledger(location: str | None, checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the result of a task that holds `checkpoint` against a ledger. Raises `CheckpointError`, `LedgerError`."""
    with Ledger(location, read_only=True) as ledger:
        where, made = printable(ledger.location), local_time(checkpoint.made_at)
        found = [finding.sentence for finding in disagreements(ledger, checkpoint)]
        if not found:
            # Of another ledger, or another history, nothing is to be said beyond that.
            report = check_integrity(ledger.database)
            found, notices = list(report.findings), report.notices
            is_merged = identity_of(ledger.database) != checkpoint.identity
            since = events_after(ledger.database, checkpoint.seal.last_event)
    if found:
        raise CheckpointError("\n".join([f"The ledger {where} does not agree with the checkpoint:", *found]))
    number, came = checkpoint.seal.number, "has" if since == 1 else "have"
    if is_merged:
        holds = f"seal {number} of the ledger that was signed, which was merged into it, and all before it hold."
    else:
        holds = f"seal {number} and all before it hold, and {counted(since, 'event')} {came} been appended since."
    return {
        "changed": False,
        "ledger": where,
        "msg": (f"The ledger {where} agrees with the checkpoint of {made}: {holds}"),
        **({"warnings": notices} if notices else {}),
    }


def _checkpoint(options: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    key = private_key(_needed(options, "key"), options["passphrase_file"])
    batch = SignedBatch(options["run"], options["units"])
    path = _folder(options) / file_of(batch, datetime.now(UTC))
    if check and batch.run == THIS_RUN:  # which is in no ledger then
        would = f"The checkpoint of this run would be in {printable(str(path))}."
        return {"changed": True, "checkpoint": str(path), "msg": would, "lines": [would]}
    # Opened to be written, a ledger at a mistyped place would be a new one.
    with Ledger(options["ledger"], read_only=True) as ledger:
        refuse_absent(ledger)
        claims = claims_of(ledger, batch)
        where = printable(ledger.location)
    what = f"{counted(len(claims), 'unit')} and of the ledger {where}" if batch.units else f"the ledger {where}"
    result: dict[str, Any] = {"changed": True, "checkpoint": str(path), "key_id": key_id(key.public_key())}
    if check:
        return {**result, "msg": f"The checkpoint of {what} would be in {printable(str(path))}."}
    with Ledger(options["ledger"]) as ledger:
        made, unsealed = make_checkpoint(ledger, batch, claims)
    write_checkpoint(made, key, path)
    message = (
        f"The checkpoint of {what} up to seal {made.seal.number} is in {printable(str(path))}, signed with the key "
        f"{result['key_id']}."
    )
    if unsealed:
        result["warnings"] = [f"Not in the checkpoint: {counted(unsealed, 'event')} that came meanwhile."]
    return {
        **result,
        "msg": message,
        "lines": [message],
        "seal": made.seal.number,
        "counts": dict(made.counts),
        "units": len(claims) if batch.units else None,
    }


def _verify(options: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    key = public_key(_needed(options, "public_key"))
    signed = read_checkpoint(_needed(options, "src"), key)
    if options["claim_id"] is None and options["serial"] is None:
        return {**verified_ledger(options["ledger"], signed), "key_id": key_id(key)}
    if options["claim_id"] is None or options["serial"] is None:
        raise CheckpointError("A device is verified by its serial and the claim ID on it; give claim_id and serial.")
    sentence = check_device(signed, options["claim_id"], options["serial"], options["product"])
    return {"changed": False, "msg": sentence, "key_id": key_id(key)}


def _new_key(options: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    path = typed_path(_needed(options, "key")).absolute()
    if check:
        refuse_place(path)
        return {"changed": True, "msg": f"A key pair would be made, the private key in {printable(str(path))}."}
    public, number = new_key_pair(path, options["passphrase_file"])
    return {
        "changed": True,
        "public_key": str(public),
        "key_id": number,
        "msg": (
            f"The private key is in {printable(str(path))}, and the public one, which you can hand out, in "
            f"{printable(str(public))}; the key is {number}."
        ),
    }


_ACTIONS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "checkpoint": _checkpoint,
    "verify": _verify,
    "new-key": _new_key,
}


def _folder(options: Mapping[str, Any]) -> Path:
    return default_folder() if options["dest"] is None else typed_path(options["dest"]).absolute()


def _needed(options: Mapping[str, Any], name: str) -> str:
    if not options[name]:
        raise CheckpointError(f"The action {options['action']} needs {name}; give it.")
    return str(options[name])
