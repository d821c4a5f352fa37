# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of templates, which Ansible loads all at once for the first template that has one.

Our own roles and the usual playbooks use none, so that nobody pays for them who has no use for them. For an inventory
that uses some, the main process loads them before it forks a worker for each device, which would each load them.
"""

from __future__ import annotations

import sys

from ansible.plugins.loader import filter_loader


def have_been_used() -> bool:
    """Whether a template in this process, or in one that it was forked from, has had a filter."""
    return any(name.startswith("ansible.plugins.filter.core") for name in sys.modules)


def load() -> None:
    """Load them."""
    filter_loader.get("default")  # loads all of Ansible's own
