# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test `ioto.serialization.claim_id`; its documentation is in `claim_id.yml` beside this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import is_valid


class TestModule:
    """Ansible's entry point."""

    def tests(self) -> dict[str, Callable[[Any], bool]]:
        """Return the tests of this file by name."""
        return {"claim_id": is_valid}
