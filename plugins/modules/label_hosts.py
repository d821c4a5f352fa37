# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/label_hosts.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: label_hosts
short_description: Label the units that the flows of a play handled
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Makes the labels of the hosts of the play, in their order, each as its own C(ioto_label_) variables say. They are
    those of the role C(label), and stand for the options of M(ioto.serialization.label). A host with neither
    C(ioto_label_printer) nor C(ioto_label_dest) gets none.
  - Only a unit that its flow has read back in this run (C(ioto_outcome), or the result of
    M(ioto.serialization.serialize_fleet) or M(ioto.serialization.firmware_batch) in C(ioto_fleet)) gets a label, and
    only where the ledger knows of none yet.
  - A label that cannot be made is reported with its reason, and the others go on. When a printer does not take one,
    that unit and those after it wait, so that the order stays that of the line, and the next run prints exactly those.
  - Runs once for all hosts of the play. In check mode nothing is made, and the result says what would be.
  - C(playbooks/provision.yml) and C(playbooks/firmware.yml) run it after the flows.
extends_documentation_fragment:
  - ioto.serialization.attributes.ledger
seealso:
  - module: ioto.serialization.label
  - module: ioto.serialization.summary
"""

EXAMPLES = r"""
- name: Serialize the pumps, and label them
  hosts: pumps
  gather_facts: false
  vars:
    ioto_label_printer: socket://192.0.2.10:9100
    ioto_label_product_name: Heat pump 30
  tasks:
    - name: Write an ID from the controller
      ansible.builtin.import_role:
        name: ioto.serialization.manual
    - name: Label what is verified
      ioto.serialization.label_hosts:
"""

RETURN = r"""
labelled:
  description: The hosts whose units got a label now, in order.
  returned: always
  type: list
  elements: str
  sample: [pump-1, pump-2]
unconfirmed:
  description:
    - The hosts whose labels went out now, in order, to a printer that does not say that it has them. They are recorded
      as made.
  returned: always
  type: list
  elements: str
  sample: []
already:
  description: The hosts whose units had their label.
  returned: always
  type: list
  elements: str
  sample: []
not_labelled:
  description: The hosts whose units have no label yet, each with the reason. The task has failed if there are any.
  returned: always
  type: dict
  sample: {}
files:
  description: The files that were written.
  returned: always
  type: list
  elements: str
  sample: [/home/line/labels.pdf]
notices:
  description: Labels that may be there twice, or not at all, and what is amiss with a printer.
  returned: always
  type: list
  elements: str
  sample: []
maybe_twice:
  description: The hosts whose labels may be there twice, since a run was cut off while the first was made.
  returned: always
  type: list
  elements: str
  sample: []
"""
