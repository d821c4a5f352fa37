# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the role that sets up the service on a station."""

from __future__ import annotations

from ..option import SERVICE, Option, rows

OPTIONS = rows(
    Option(
        "settings",
        "The service's settings, as the guide lists them, such as C(host), C(networks), C(products), C(certificate).",
        {},
        without="it listens on the loopback and serves this machine alone",
    ),
    Option("ledger", "Path or URL of the ledger.", without="C(ledger.db) in O(state_directory)"),
    Option(
        "agent_secrets",
        "Hashes of the secrets that agents have in their URL. The service's command C(new-secret) makes one.",
        [],
        elements="str",
    ),
    Option(
        "controller_tokens",
        "Hashes of the tokens with which controllers confirm and see whole claim IDs, beside the one that the service "
        "makes at its first start (C(controller-token) in O(state_directory)).",
        [],
        elements="str",
    ),
    Option(
        "station_tokens",
        "Hashes of the tokens with which the stations of lines tell how their slots stand.",
        [],
        elements="str",
    ),
    Option(
        "backup",
        "Whether a timer copies the SQLite ledger to C(backup) in O(state_directory). Not for a URL.",
        default=True,
    ),
    Option("backup_calendar", "When, as systemd writes it (C(OnCalendar)).", "hourly"),
    Option("backup_keep", "How many copies stay.", 48, least=1),
    Option("user", "The user that the service runs as. It is made where it is absent.", "ioto-service"),
    Option("directory", "Where the program goes.", "/opt/ioto-service", type="path"),
    Option("config_directory", "Where the settings go.", "/etc/ioto-service", type="path"),
    Option("state_directory", "Where the ledger and its copies are.", "/var/lib/ioto-service", type="path"),
    Option("python", "The Python (3.11 or later, with C(venv)) that the environment is made with.", "python3"),
    Option("pip_arguments", "Further arguments for pip, such as those that name a mirror or a folder of wheels."),
    variable="ioto_server_{}",
    flows=(SERVICE,),
)
