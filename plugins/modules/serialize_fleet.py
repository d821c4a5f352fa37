# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/serialize_fleet.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: serialize_fleet
short_description: Give all devices of a play their identities in one task
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Runs the transaction of M(ioto.serialization.serialize) for every host of the play's batch, over SSH connections of
    its own (paramiko), as many at a time as C(forks) says, in as many processes as are of use.
  - Ansible runs it once for all hosts, so a thousand devices need no thousand workers.
  - What is to be done with a host is said by its C(ioto_*) variables, those of the roles of this collection.
    C(ioto_mode) is C(manual) unless it is set; a host with C(none) is left alone.
  - Connections are made as the variables and settings of the P(ansible.builtin.ssh#connection) connection say, and the
    files that C(ssh) reads, such as C(~/.ssh/config); C(ssh -G) is asked what they come to. Host, port, user,
    password, keys with their certificates, agent, jump hosts, host keys, time-outs, compression and algorithms are
    honoured. What differs from OpenSSH's defaults and is not honoured, such as C(ProxyCommand), and C(become) or
    another connection, is refused by name before a device is touched.
  - A device that fails or cannot be reached fails alone. All others are done, and then the task fails, so that the
    exit status tells the truth.
  - The ledger keeps the host key with which a unit answered first. A unit that comes back with another one is refused,
    unless its C(ioto_accept_host_key) is true. New keys at old addresses are taken, unless C(StrictHostKeyChecking) is
    C(yes) or C(accept-new) in C(ansible_ssh_common_args) or a file of C(ssh), or Ansible was told to check host keys.
extends_documentation_fragment:
  - ioto.serialization.attributes
  - ioto.serialization.common.reveal
options:
  processes:
    description: How many processes to use, 1 or more. Without it, up to one for each core, where that is quicker.
    type: int
  silence:
    description:
      - Seconds without a sign from a device after which it counts as unreachable, beside C(ioto_agent_wait).
      - A device whose answer is not whole within five times that has failed.
    type: float
    default: 60
requirements:
  - SQLAlchemy 2.0 or later
  - paramiko 5.0 or later
  - OpenSSH's client (C(ssh))
notes:
  - Ansible takes C(when), C(ignore_errors) and C(rescue) of this task, and its place in the recap, for those of the
    first host, and C(max_fail_percentage) sees one host that failed for all. Register the result with C(failed_when) as
    in the example, and fail the hosts of RV(results) afterwards, as C(playbooks/provision.yml) does. C(delegate_to) is
    refused, and so are C(ioto_*) variables that are set for a play, a role or the task; set them in the inventory.
  - While the task goes on, each device is shown as it ends, as an item of the task.
  - Where Ansible itself is killed, the engine ends within a second; run again.
seealso:
  - module: ioto.serialization.serialize
"""

EXAMPLES = r"""
- name: Give all devices their IDs
  hosts: line
  gather_facts: false
  tasks:
    - name: Give every device its ID, many at a time
      ioto.serialization.serialize_fleet:
      register: ioto_fleet

- name: Go on with those that are done
  hosts: line
  gather_facts: false
  tasks:
    - name: Give every device its ID, and stop for none
      ioto.serialization.serialize_fleet:
      register: ioto_fleet
      failed_when: ioto_fleet.results is not defined
"""

RETURN = r"""
msg:
  description: The counts in a sentence.
  returned: always
  type: str
  sample: "1000 devices: 1000 changed, 0 already done, 0 failed, 0 unreachable."
results:
  description:
    - What became of each host, sorted by name. RV(results[].host), and what M(ioto.serialization.serialize) returns;
      or RV(results[].failed) or RV(results[].unreachable), and RV(results[].msg).
  returned: when the batch could begin
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
      sample: The device dev3 cannot be reached at 10.0.0.3:22 (no answer in time); see its address, power and network.
  sample: [{"host": "dev1", "changed": true, "claim_id": "********WQ", "state": "verified"}]
"""
