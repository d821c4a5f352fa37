# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet says when it cannot do what it was asked."""

from __future__ import annotations

from plugins.plugin_utils.errors import IotoError


class FleetError(IotoError):
    """A fleet that cannot be built, started, reached or removed; the message says why and what to do."""
