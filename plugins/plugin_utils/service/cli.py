# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `serve` (the default), `new-secret`, `check`, `check-ledger`, `backup`, `migrate`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..errors import IotoError
from ..ledger.backup import back_up
from ..ledger.integrity.check import checked
from ..ledger.ledger import Ledger
from ..ledger.migrations.command import migrate_ledger
from ..processes.standard_output import complain, say
from .errors import ServiceError
from .own_token import with_own_token
from .secret_hashes import hash_secret, new_secret
from .settings import FIELDS, ServiceSettings
from .settings_doubts import doubts
from .settings_sources import load


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.do(given))
    except IotoError as error:
        complain(error)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="service", description="The factory serialization service.")
    parser.set_defaults(do=_run_service)
    _add_settings(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve (what happens without a command)")
    serve.set_defaults(do=_run_service)
    check = commands.add_parser("check", help="say whether the settings can be used, and serve nothing")
    check.set_defaults(do=_check)
    check_ledger = commands.add_parser("check-ledger", help="check the whole ledger, also while the service runs")
    check_ledger.set_defaults(do=_check_ledger)
    secret = commands.add_parser("new-secret", help="make a secret, and its hash for the settings")
    secret.add_argument("--stdin", action="store_true", help="take the secret from standard input")
    secret.set_defaults(do=_print_new_secret)
    backup = commands.add_parser("backup", help="copy the SQLite ledger, also while the service runs")
    backup.add_argument("folder", type=Path, help="where the copy goes")
    backup.add_argument("--keep", type=int, default=14, help="how many copies stay (default: %(default)s)")
    backup.set_defaults(do=_backup)
    migrate = commands.add_parser("migrate", help="bring a ledger of an older version to today's, while nothing runs")
    migrate.set_defaults(do=_migrate)
    for command in (parser, serve):
        command.add_argument(
            "--listener", type=int, default=argparse.SUPPRESS, metavar="FD", help="listen at this inherited socket"
        )
    for command in (serve, check, check_ledger, backup, migrate):
        _add_settings(command)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    # Suppressed, so that what stands before the command is not overwritten by the command's own absence.
    absent = argparse.SUPPRESS
    parser.add_argument("--settings", type=Path, default=absent, metavar="FILE", help="the settings, in TOML")
    parser.add_argument("--host", default=absent, help=f"address to listen at (default: {FIELDS['host'].default})")
    parser.add_argument(
        "--port", type=int, default=absent, help=f"port to listen at (default: {FIELDS['port'].default})"
    )
    parser.add_argument("--ledger", default=absent, metavar="PATH", help="the ledger's file")


def _settings_of(given: argparse.Namespace) -> ServiceSettings:
    on_line = {name: getattr(given, name, None) for name in ("host", "port", "ledger")}
    file = getattr(given, "settings", None) or os.environ.get("IOTO_SERVICE_SETTINGS")
    return load(Path(file) if file else None, os.environ, on_line)


def _run_service(given: argparse.Namespace) -> int:
    # Here, so that a backup or a secret needs no HTTP server.
    from .server import serve  # noqa: PLC0415

    serve(with_own_token(_settings_of(given)), inherited=getattr(given, "listener", None))
    return 0


def _check(given: argparse.Namespace) -> int:
    from .app import ServiceApp  # noqa: PLC0415  # as above

    settings = _settings_of(given)
    names = ServiceApp(settings).access.host_names
    say("The settings can be used.")
    say(f"The service answers to {names}; other names are added with server_names.")
    for doubt in doubts(settings):
        say(f"Warning: {doubt}")
    return 0


def _check_ledger(given: argparse.Namespace) -> int:
    with Ledger(_settings_of(given).ledger, read_only=True) as ledger:
        if ledger.is_absent:
            raise ServiceError(f"There is no ledger {ledger.location} to check; correct the path.")
        report = checked(ledger)
    say("\n".join((f"The ledger {ledger.location} is sound: {report}.", *report.notices)))
    return 0


def _print_new_secret(given: argparse.Namespace) -> int:
    secret = sys.stdin.buffer.read().decode(errors="replace").strip() if given.stdin else new_secret()
    hashed = hash_secret(secret)
    if not given.stdin:
        say(f"secret (for the agents or the controller, shown once): {secret}")
    say(f"hash (for the settings): {hashed}")
    return 0


def _backup(given: argparse.Namespace) -> int:
    made = back_up(_settings_of(given).ledger, given.folder, keep=given.keep)
    say(made.path)
    for notice in made.notices:
        complain(notice)
    return 0


def _migrate(given: argparse.Namespace) -> int:
    say(migrate_ledger(_settings_of(given).ledger).sentence)
    return 0
