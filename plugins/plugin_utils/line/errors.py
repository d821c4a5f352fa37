# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with a line: a sentence for whoever set it up."""

from __future__ import annotations

from ..errors import IotoError


class LineError(IotoError):
    """The line cannot be started as it is set up; `str(error)` says what to do."""
