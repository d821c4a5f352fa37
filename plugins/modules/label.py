# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action; the code is in `plugins/action/label.py`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: label
short_description: Make the labels of a batch
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Writes or prints the labels of all units that are verified and have no label yet, in the order in which the ledger
    got them, and records them as C(labelled). Runs once for all hosts of the play.
  - A label shows the claim ID, product and serial number of the ledger's verified claim.
  - Labels that do not fit, would not scan, or hold a letter that no font has are refused, all at once, before the
    first is made.
  - When a printer does not take a label, that unit and those after it stay without a label, and the next run prints
    exactly those. When a run is cut off between a print and its record, the next run prints that one label again and
    warns that it may be there twice.
  - In check mode nothing is printed, written or recorded, and the result says how many labels would be made.
extends_documentation_fragment:
  - ioto.serialization.attributes.ledger
  - ioto.serialization.common.ledger
options:
  claim_ids:
    description:
      - The claims to label, instead of those that are due, in this order. One that has its label is printed again
        only with a O(reason), which is recorded.
    type: list
    elements: str
  preprint:
    description:
      - The number of labels of a roll for units that do not exist yet. Their IDs are reserved for O(product). On the
        bench, C(playbooks/bind.yml) gives the ID of a scanned label to the unit, whose label counts as made then.
      - Take a layout without a serial number, such as V(preprinted).
    type: int
  roll:
    description:
      - The name of the roll, with O(preprint). The same roll is made once. What a broken run left is printed by the
        next, a higher number adds labels, and with a O(reason) those that belong to no unit yet are printed again.
    type: str
  product:
    description: Label units of this product only. With O(preprint), the product of the new IDs.
    type: str
  dest:
    description: >-
        The file for PDF and ZPL, or the folder for SVG and PNG. Files are readable for their owner alone.
        A file that is there is kept, and the new one is called C(labels-2.pdf) and so on.
    type: path
  format:
    description: What to write to O(dest).
    type: str
    choices: [pdf, svg, png, zpl]
    default: pdf
  sheet:
    description:
      - Lay the labels of a PDF out on sheets. V(L7160), V(5160), or a dictionary, in mm, of C(page_width),
        C(page_height), C(columns), C(rows), C(left), C(top), C(label_width), C(label_height), C(pitch_x), C(pitch_y).
    type: raw
  sheet_start:
    description: The position of the first label on the first sheet, from 1 along the rows.
    type: int
    default: 1
  printer:
    description:
      - Print instead of writing files, on a printer that speaks ZPL. C(socket://HOST:9100), C(cups:QUEUE), or a device
        file such as C(file:/dev/usb/lp0).
    type: str
  printer_timeout:
    description: Seconds that a printer may take for a label.
    type: float
    default: 30
  layout:
    description: A layout file, or the name of one of the collection. V(standard), V(small), V(narrow), V(preprinted).
    type: str
    default: standard
  dpi:
    description: Dots per inch of the printer. Without it, the layout's.
    type: int
  qr:
    description: What the QR code holds, such as C(https://example.com/?id={claim_id}). Without it, the layout's.
    type: str
  brand:
    description: The brand on the label. Without it, the layout's.
    type: str
    default: ""
  product_name:
    description: The product's name on the label.
    type: str
    default: ""
  product_names:
    description: Names by product ID or serial number, where they differ.
    type: dict
    default: {}
  logo:
    description: A PNG or JPEG for the layout's image.
    type: path
    default: ""
  copies:
    description: How often to print each label.
    type: int
    default: 1
  reason:
    description: Why labels are printed again, or in copies.
    type: str
    default: ""
  order:
    description:
      - The order of labels that are due. V(ledger) is that in which the ledger got the units, as they came to a line;
        V(serial) is that of their serial numbers, in which 9 comes before 10, for labels that somebody sticks on later.
    type: str
    choices: [ledger, serial]
    default: ledger
seealso:
  - module: ioto.serialization.label_hosts
"""

EXAMPLES = r"""
- name: Print what is due
  ioto.serialization.label:
    printer: socket://192.0.2.10:9100
    brand: Example
    product_name: Heat pump 30

- name: Write sheets, beginning at the fifth label
  ioto.serialization.label:
    dest: labels.pdf
    layout: small
    sheet: L7160
    sheet_start: 5

- name: Print a spoiled label again
  ioto.serialization.label:
    printer: socket://192.0.2.10:9100
    claim_ids: [JT08FFQXWQ]
    reason: smudged

- name: Print a roll of labels for units to come
  ioto.serialization.label:
    printer: socket://192.0.2.10:9100
    layout: preprinted
    product: 01G8YJKKRNTHW213TRZYX3YH0M
    preprint: 500
    roll: "2026-11 A"
"""

RETURN = r"""
claims:
  description: The units whose labels were made, in order, claim IDs masked.
  returned: always
  type: list
  elements: dict
  sample: [{"claim_id": "********WQ", "product": "01G8YJKKRNTHW213TRZYX3YH0M", "serial": "SN-0001"}]
files:
  description: The files that were written.
  returned: success
  type: list
  elements: str
  sample: [/home/line/labels.pdf]
missing:
  description: How many labels the printer did not take.
  returned: when printing failed
  type: int
  sample: 3
"""
