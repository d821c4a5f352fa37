# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/summary.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: summary
short_description: Sum up a batch
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Counts over all hosts of the play how many devices were done, were done already, failed or could not be reached,
    and says where the records are.
  - Records in the ledger that the run was, and what failed with its reason, for M(ioto.serialization.report); not in
    check mode.
  - Reads what the roles of this collection registered (C(ioto_outcome), C(ioto_agent_config)), and
    what M(ioto.serialization.label_hosts) did (C(_ioto_labels)). Runs once for all hosts.
options:
  started:
    description:
      - When the run began, as M(ioto.serialization.preflight) returned it. Without it, what failed is recorded, and not
        the run.
    type: str
extends_documentation_fragment:
  - ioto.serialization.attributes.ledger
seealso:
  - module: ioto.serialization.preflight
  - module: ioto.serialization.report
"""

EXAMPLES = r"""
- name: Sum up
  hosts: all
  gather_facts: false
  tasks:
    - name: Count what was done
      ioto.serialization.summary:
        started: "{{ _ioto_batch.started | default(omit) }}"
"""

RETURN = r"""
lines:
  description: The summary, for people.
  returned: success
  type: list
  elements: str
  sample: ["12 devices: 12 done, 0 already done, 0 failed, 0 unreachable."]
not_done:
  description: The hosts that are not done, each with the reason.
  returned: success
  type: dict
  sample: {"dev3": "it cannot be reached; see its address, power and network."}
"""
