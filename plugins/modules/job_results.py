# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/job_results.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: job_results
short_description: Say what the slices of a job did
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Reads from the ledger what became of each host of the job C(ioto_job), which C(playbooks/job_check.yml) has checked
    and slices of which C(playbooks/job_provision.yml) has done, perhaps on several machines. The last slice of a host
    has the last word.
  - A host that no slice came to has failed, and so has one whose slice has not ended.
  - Runs once for all hosts, which are those of the whole job, and touches none.
  - What it registers is as M(ioto.serialization.serialize_fleet) registers it, so that
    M(ioto.serialization.label_hosts), M(ioto.serialization.summary) and M(ioto.serialization.report) go on from there.
extends_documentation_fragment:
  - ioto.serialization.attributes.ledger
seealso:
  - module: ioto.serialization.preflight
  - module: ioto.serialization.summary
"""

EXAMPLES = r"""
- name: Take up what the slices did
  hosts: all
  gather_facts: false
  tasks:
    - name: Read what became of each device
      ioto.serialization.job_results:
      register: ioto_fleet
"""

RETURN = r"""
msg:
  description: How many devices are done, in a sentence.
  returned: always
  type: str
  sample: "The slices of the job 20261127T143210-7QK4XW have done 58 of 60 devices."
results:
  description:
    - What became of each host, in the order of the check. RV(results[].host), and what is left of what
      M(ioto.serialization.serialize) returned; or RV(results[].failed) or RV(results[].unreachable), and
      RV(results[].msg).
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: The inventory name.
      type: str
      sample: dev1
    changed:
      description: Whether the device or what the ledger knows of it was changed.
      type: bool
      sample: true
    failed:
      description: Whether the device was not given its identity.
      type: bool
      sample: true
    unreachable:
      description: Whether the device could not be talked to.
      type: bool
      sample: true
    msg:
      description: What is wrong and what to do.
      type: str
      sample: >-
        no slice came to it: run the provision step again: ansible-playbook ioto.serialization.job_provision -e
        ioto_job=20261127T143210-7QK4XW --limit dev3
  sample: [{"host": "dev1", "changed": true, "product": "01G8YJKKRNTHW213TRZYX3YH0M", "serial": "SN-0001"}]
"""
