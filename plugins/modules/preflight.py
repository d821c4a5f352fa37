# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/preflight.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check a batch as a whole before its first device is touched
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Checks the C(ioto_) variables of all hosts of the play, and what the ledger knows of the claim IDs among them.
  - Lists every problem at once, each with its hosts and what to do. An unknown mode, a product that is no ULID, a
    claim ID that is malformed, given twice, retired or held by another unit, a serial that two hosts share, two hosts
    that lead to the same device, a unit that nothing identifies, a connection that the fleet engine cannot make, labels
    or a report that nobody could make as they are asked for.
  - Runs once for all hosts, and touches none.
options:
  modes:
    description: Look at those hosts alone whose C(ioto_mode) is one of these; at all by default, and those without one.
    type: list
    elements: str
    choices: [manual, auto, factory, firmware, none]
    default: [manual, auto, factory, firmware, none]
extends_documentation_fragment:
  - ioto.serialization.attributes.ledger
seealso:
  - module: ioto.serialization.serialize
  - module: ioto.serialization.summary
"""

EXAMPLES = r"""
- name: Check the batch
  hosts: all
  gather_facts: false
  tasks:
    - name: Check all devices' variables before the first device is touched
      ioto.serialization.preflight:
"""

RETURN = r"""
devices:
  description: How many hosts were checked.
  returned: success
  type: int
  sample: 60
started:
  description: When the run began, in UTC.
  returned: success
  type: str
  sample: "2026-11-23T08:00:00.123456+00:00"
plays:
  description:
    - The hosts of each play of C(playbooks/provision.yml), by flow, C(fleet) for those that the fleet engine does,
      C(label) for those that get a label, and C(batch) for all.
    - A play for nobody has the pattern C(!all).
  returned: success
  type: dict
  sample: {"manual": ["pump-1"], "auto": ["!all"], "factory": ["!all"], "fleet": ["!all"], "label": ["pump-1"],
           "batch": ["pump-1"]}
report:
  description: The options of M(ioto.serialization.report) that the variables C(ioto_report_) say; null for no report.
  returned: success
  type: dict
  sample: {"dest": "/home/line/report.html", "title": "", "pictures": 1000, "reveal": false}
"""
