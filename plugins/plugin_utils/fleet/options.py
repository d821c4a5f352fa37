# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the fleet engine itself; what is to be done with a device, its variables say."""

from __future__ import annotations

from ..option import Option, rows

_MODULE = ("serialize_fleet",)

OPTIONS = (
    *rows(
        Option(
            "processes",
            "How many processes to use, 1 or more.",
            type="int",
            least=1,
            without="up to one for each core, where that is quicker",
        ),
        modules=_MODULE,
    ),
)
