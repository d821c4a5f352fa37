# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the task `ledger_entry` does with a ledger as a whole: back it up, restore it, migrate it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..display_text import counted, printable
from ..private_files import typed_path
from .backup import back_up, file_to_copy
from .migrations.command import migrate_ledger
from .records import LedgerError
from .restore import Restored, restore


def _migrate(options: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    location, migration = outcome = migrate_ledger(options["ledger"], check=check)
    result: dict[str, Any] = {"changed": migration is not None, "ledger": location, "msg": outcome.sentence}
    if migration is not None:
        if check:
            result["msg"] = (
                f"The ledger {location} would be brought from schema {migration.before} to schema {migration.after}."
            )
        kept = None if migration.copy is None else str(migration.copy)
        result["migrated"] = {"before": migration.before, "after": migration.after, "copy": kept}
    return result


def _back_up(options: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    folder = typed_path(_needed(options, "dest"))
    path = file_to_copy(options["ledger"])
    result: dict[str, Any] = {"changed": True, "ledger": str(path)}
    if check:
        return {**result, "msg": f"The ledger {printable(str(path))} would be copied into {printable(str(folder))}."}
    made = back_up(str(path), folder, keep=options["keep"])
    result |= {
        "msg": f"The ledger {printable(str(path))} is copied to {printable(str(made.path))}.",
        "backup": str(made.path),
    }
    if made.notices:
        result["warnings"] = list(made.notices)
    return result


def _restore(options: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    done = restore(options["ledger"], typed_path(_needed(options, "src")), check=check)
    is_or_would = "would hold" if check else "holds"
    result: dict[str, Any] = {
        "changed": True,
        "ledger": str(done.path),
        "msg": (
            f"The ledger {printable(str(done.path))} {is_or_would} what was in the backup: {done.report}. Units that "
            "were done after it was made are not in it: run ioto.serialization.provision for them, which takes over "
            "the IDs that they have (ioto_mode: manual), before the line goes on."
        ),
        "restored": {
            "claims": done.report.claims,
            "events": done.report.events,
            "kept": None if done.kept is None else str(done.kept),
            "lacking": done.lacking,
        },
    }
    if notice := _notice(done, check=check):
        result["warnings"] = [notice]
    return result


def _notice(done: Restored, *, check: bool) -> str:
    """Say what became of the ledger that was there."""
    if done.kept is None:
        return ""
    kept = f"The ledger that was there {'would be' if check else 'is'} kept as {printable(str(done.kept))}"
    if done.lacking is None:
        return f"{kept}; it cannot be read, so nobody knows what the backup lacks."
    if not done.lacking:
        return f"{kept}; the backup has all of its claims, in the same states."
    return (
        f"{kept}; the backup lacks {counted(done.lacking, 'claim')} of it, or has them in an earlier state: export it "
        "(ioto_ledger names it), and import what was exported."
    )


def _needed(options: Mapping[str, Any], name: str) -> str:
    if options[name] is None:
        raise LedgerError(f"The action {options['action']} needs {name}; give it.")
    return str(options[name])


UPKEEP: Mapping[str, Callable[..., dict[str, Any]]] = {"backup": _back_up, "restore": _restore, "migrate": _migrate}
"""What does an action with the ledger that the task's options name, and returns the task's result."""
