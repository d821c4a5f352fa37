# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the role that sets up a station at a line, and what an inventory says of a slot."""

from __future__ import annotations

from ..option import LINE, PLAYBOOKS, Option, rows

OPTIONS = (
    *rows(
        Option(
            "slots",
            "The slots of the jig by their names, each with its variables, such as C(ansible_host).",
            required=True,
            type="dict",
        ),
        Option(
            "variables",
            "The variables that all slots share, such as C(ioto_mode), C(ioto_product) and C(ioto_label_printer).",
            required=True,
            type="dict",
        ),
        Option(
            "settings",
            "The station's settings, as the guide lists them, such as C(station), C(service_url), C(most_arrivals).",
            {},
            without="no page is told, and everything else is as the guide says",
        ),
        Option("ssh_key", "The private key that opens the boards, its content and not its path.", required=True),
        Option("token", "The station's token for the service whose page shows the slots.", without="none is sent"),
        Option(
            "requirements",
            "What is installed, as files of the collection. The first pins ansible-core and what labels need.",
            ["requirements-line.txt"],
            elements="str",
        ),
        Option("user", "The user that the station runs as. It is made where it is absent.", "ioto-line"),
        Option(
            "groups",
            "Groups that the user is in: C(input) reads a scanner that is a keyboard, C(dialout) one on a serial line.",
            [],
            elements="str",
        ),
        Option("directory", "Where the program goes.", "/opt/ioto-line", type="path"),
        Option("config_directory", "Where settings, slots, key and token go.", "/etc/ioto-line", type="path"),
        Option("state_directory", "Where the user's home and the ledger are.", "/var/lib/ioto-line", type="path"),
        Option("python", "The Python (3.11 or later, with C(venv)) that the environment is made with.", "python3"),
        Option("pip_arguments", "Further arguments for pip, such as those that name a mirror or a folder of wheels."),
        variable="ioto_line_{}",
        flows=(LINE,),
    ),
    Option(
        "slot_lease",
        "For a slot of a hands-free line whose address is a lease: the pattern of the MAC address or of the host name "
        "in it, such as C(pump-a-*).",
        flows=(PLAYBOOKS,),
    ),
)
