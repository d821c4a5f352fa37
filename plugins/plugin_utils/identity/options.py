# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say what identifies a device."""

from __future__ import annotations

from ..option import AGENT_FACTORY, AUTO, FACTORY, MANUAL, VERIFY, Option

_DEVICES = (MANUAL, FACTORY, AUTO, AGENT_FACTORY)

OPTIONS = (
    Option(
        "rewrite",
        "Give its ID again to a blank device of which nothing but a MAC address says that it is a unit that was "
        "verified before. It is refused otherwise, since it may be another board with that address.",
        False,
        modules=("serialize",),
        flows=_DEVICES,
    ),
    Option(
        "shared_hardware",
        "Serials and MAC addresses, in any notation, that more than one device says and that identify none, such "
        "as those of a jig. What makers leave in (zeros, C(To be filled by O.E.M.)) is known already.",
        [],
        elements="str",
        modules=("serialize", "verify", "device_info"),
        flows=(*_DEVICES, VERIFY),
    ),
)
