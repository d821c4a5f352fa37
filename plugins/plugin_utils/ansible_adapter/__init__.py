# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where the core meets Ansible.

Every action imports from here first (isort's `force-to-top` in pyproject.toml sees to it), before the core is imported:
so a controller that lacks something is told what, and shown no traceback.
"""

from __future__ import annotations

from ansible.errors import AnsibleError

from .. import requirements


def require(feature: str | None = None) -> None:
    """Raise one sentence where this Python lacks what `feature` needs; without one, what every action needs."""
    try:
        requirements.require(feature)
    except requirements.MissingPackagesError as error:
        raise AnsibleError(str(error)) from None


require()
