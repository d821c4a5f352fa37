# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/report.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Report what became of a batch
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Writes one page of HTML that needs nothing beside it, and the same as CSV and JSON Lines, with every unit of a run
    or of a period. Serial, claim ID, flow, states with their times, the picture of its label, and failures with
    their reasons; counts, and yield and rate over time.
  - With O(started) it reports a run, which ends with M(ioto.serialization.summary), with all hosts of the play, in
    their order. Else it reports the last run that the ledger has recorded, or the period from O(since) to O(until),
    in which a unit stands where something happened to it.
  - Claim IDs are masked, on the pictures and in their QR codes too, unless O(reveal). The files are readable for
    their owner alone. A report that is there is replaced.
  - Runs once for all hosts of the play.
extends_documentation_fragment:
  - ioto.serialization.attributes.ledger
  - ioto.serialization.common.ledger
  - ioto.serialization.common.reveal
attributes:
  idempotent:
    description: A second run with the same arguments changes nothing.
    support: none
    details: A page says when it was made.
options:
  dest:
    description: The page, a name that ends in C(.html). The tables are beside it, as C(.csv) and C(.jsonl).
    type: path
    required: true
  started:
    description: When the run began, as M(ioto.serialization.preflight) returned it; report that run.
    type: str
  since:
    description: Report from this time on, such as V(2026-11-23) or V(2026-11-23T08:00:00), local without a zone.
    type: str
  until:
    description: Report until this time. A date is meant with its whole day.
    type: str
  title:
    description: The title of the page.
    type: str
    default: ""
  pictures:
    description: How many labels are drawn at most. A picture takes about 4 kB; V(0) draws none.
    type: int
    default: 1000
  layout:
    description:
      - The layout of the labels, as in M(ioto.serialization.label). What is not given here is taken from the hosts'
        variables C(ioto_label_).
    type: str
  dpi:
    description: See M(ioto.serialization.label).
    type: int
  qr:
    description: See M(ioto.serialization.label).
    type: str
  brand:
    description: See M(ioto.serialization.label).
    type: str
    default: ""
  product_name:
    description: See M(ioto.serialization.label).
    type: str
    default: ""
  product_names:
    description: See M(ioto.serialization.label).
    type: dict
    default: {}
  logo:
    description: See M(ioto.serialization.label).
    type: path
    default: ""
seealso:
  - module: ioto.serialization.summary
  - module: ioto.serialization.ledger_info
"""

EXAMPLES = r"""
- name: Report the last run
  ioto.serialization.report:
    dest: reports/last.html

- name: Report a day
  ioto.serialization.report:
    dest: reports/2026-11-23.html
    since: "2026-11-23"
    until: "2026-11-23"
    brand: Example
    product_name: Heat pump 30
"""

RETURN = r"""
files:
  description: The files that were written.
  returned: success
  type: list
  elements: str
  sample: [/home/line/reports/last.html, /home/line/reports/last.csv, /home/line/reports/last.jsonl]
counts:
  description: How many units came to which result.
  returned: success
  type: dict
  sample: {"done": 11, "failed": 1}
"""
