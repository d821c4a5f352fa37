# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of errors that the core raises.

Every message is one sentence for the person at the line: what is wrong, where, and what to do next.
The boundary (an action, the service) catches `IotoError` alone; anything else is a defect of ours.
"""

from __future__ import annotations

from collections.abc import Mapping


class IotoError(Exception):
    """Something that the person who runs us can act on; `str(error)` is the sentence to show."""

    facts: Mapping[str, object] = {}
    """What a task's result says beside the sentence."""
