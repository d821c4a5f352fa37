# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `new-key`, and `verify` for whoever has the public key and neither Ansible nor the ledger."""

from __future__ import annotations

import argparse
import getpass
import io
import sys
from collections.abc import Sequence

from ..display_text import counted, local_time, printable
from ..errors import IotoError
from ..processes.standard_output import complain, say
from .against_device import check_device
from .checkpoint import Checkpoint, read_checkpoint
from .errors import CheckpointError
from .input_files import read_file
from .keys import key_id, new_key_pair, public_key

_MOST_BYTES = 1024
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 where all agrees, 1 where not, 2 for a wrong command line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A serial may have letters that the encoding of an old terminal lacks.
        sys.stdout.reconfigure(errors="backslashreplace")
    given = _parser().parse_args(arguments)
    try:
        say(given.do(given))
    except IotoError as error:
        complain(error)
        return 1
    except (KeyboardInterrupt, EOFError):
        complain("Nothing was verified: no claim ID was given.")
        return _INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="checkpoints", description="Signed checkpoints of a ledger of claim IDs.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    new_key = commands.add_parser("new-key", help="make a key pair: the private key in FILE, the public in FILE.pub")
    new_key.add_argument("file", metavar="FILE", help="where the private key will be")
    new_key.add_argument("--passphrase-file", metavar="FILE", help="its first line encrypts the private key")
    new_key.set_defaults(do=_new_key)
    verify = commands.add_parser("verify", help="verify a checkpoint; with --serial a device, with --ledger a ledger")
    verify.add_argument("--checkpoint", required=True, metavar="FILE", help="the checkpoint")
    verify.add_argument("--public-key", required=True, metavar="FILE", help="the public key of whoever signed it")
    verify.add_argument("--serial", help="the serial of the device")
    verify.add_argument("--product", metavar="ULID", help="its product, where several have that serial")
    verify.add_argument(
        "--claim-id-file",
        metavar="FILE",
        help="the file of the claim ID that is on the device, - for standard input; without it, you are asked",
    )
    verify.add_argument("--claim-id", action=_RefusedId, nargs="?", help=argparse.SUPPRESS)
    verify.add_argument("--ledger", metavar="PLACE", help="the path or URL of a ledger")
    verify.set_defaults(do=_verify)
    return parser


class _RefusedId(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_unused: object) -> None:
        parser.error(
            "every user of a machine can read its command lines: give the claim ID in a file (--claim-id-file), or "
            "leave it out to be asked"
        )


def _new_key(given: argparse.Namespace) -> str:
    public, number = new_key_pair(given.file, given.passphrase_file)
    return f"The public key, which you can hand out, is in {public}; the key is {number}."


def _verify(given: argparse.Namespace) -> str:
    key = public_key(given.public_key)
    checkpoint = read_checkpoint(given.checkpoint, key)
    if given.serial is None and (given.claim_id_file or given.product):
        raise CheckpointError("A device is verified by its serial and its claim ID; give --serial.")
    lines = [_what_it_is(checkpoint, key_id(key))]
    if given.serial is not None:
        lines.append(check_device(checkpoint, _claim_id(given.claim_id_file), given.serial, given.product))
    if given.ledger is not None:
        # Here, so that a device needs no database.
        from .task import verified_ledger  # noqa: PLC0415

        lines.append(verified_ledger(given.ledger, checkpoint)["msg"])
    return "\n".join(lines)


def _what_it_is(checkpoint: Checkpoint, key: str) -> str:
    of = f"the run {printable(checkpoint.run)}" if checkpoint.run else "all units of its ledger"
    if checkpoint.units is None:
        listed = "it lists no units"
    else:
        states = ", ".join(f"{number} {state}" for state, number in checkpoint.counts.items())
        listed = f"it lists {counted(len(checkpoint.units), 'unit')} of {of}{f' ({states})' if states else ''}"
    return f"The checkpoint of {local_time(checkpoint.made_at)} is signed with the key {key}; {listed}."


def _claim_id(file: str | None) -> str:
    """Return a claim ID as it was typed; never from the command line, which everybody on the machine sees."""
    if file in {None, "-"} and sys.stdin is None:
        raise CheckpointError(
            "The standard input, from which the claim ID is read, is closed; give the ID in a file (--claim-id-file)."
        )
    if file is None and sys.stdin.isatty():
        return getpass.getpass("Claim ID on the device or its label: ")
    if file in {None, "-"}:
        data = sys.stdin.buffer.readline(_MOST_BYTES)
    else:
        data = read_file(str(file), "a claim ID", _MOST_BYTES)
    return data.partition(b"\n")[0].decode("utf-8", "replace").strip()
