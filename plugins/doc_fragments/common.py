# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several actions of this collection have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """`CONFIG_DIR`, `LEDGER` and `REVEAL`: an option each. `IDENTITY`: the options that say which identity to give."""

    CONFIG_DIR = r"""
options:
  config_dir:
    description: The agent's configuration directory on the device, an absolute path.
    type: path
    default: /etc/ioto
"""

    LEDGER = r"""
options:
  ledger:
    description:
      - Where the ledger is, on the controller. A path of an SQLite file, or a URL such as
        V(postgresql://user@host/database) where several lines share one.
      - Without it, C(ioto/ledger.db) below E(XDG_DATA_HOME), which is C(~/.local/share) unless that says otherwise.
    type: str
requirements:
  - SQLAlchemy 2.0 or later
  - psycopg 3.2 or later, for PostgreSQL
"""

    REVEAL = r"""
options:
  reveal:
    description:
      - Return claim IDs whole. They are masked otherwise, since results end up on screens and in logs, and a claim ID
        is a ticket for the ownership of the device.
    type: bool
    default: false
"""

    IDENTITY = r"""
options:
  source:
    description:
      - Where the claim ID of a unit comes from that has none yet.
      - V(given) takes the one in O(claim_id); V(generated) draws one from the system's CSPRNG; V(service) asks the
        factory service at O(service_url); V(agent) restarts the agent on the device and waits until it has saved
        its own.
      - Without it, V(given) where O(claim_id) is set, else V(generated).
    type: str
    choices: [given, generated, service, agent]
  claim_id:
    description:
      - The claim ID to give, 10 to 20 letters of Crockford's base 32. What is typed is folded first, so lower case
        is fine, O counts as 0, and I and L as 1.
    type: str
  product:
    description: The product ID, a ULID from the Builder. Without it, the one that C(device.json5) holds.
    type: str
  serial:
    description:
      - What names the unit in the ledger. Without it, its device-tree serial, then the MAC address of its first
        physical interface. An address or an inventory name never does, since the next unit gets the same one.
    type: str
  properties:
    description: Further members of C(device.json5), such as C(name) or C(model). Members that are not named stay.
    type: dict
  length:
    description: Letters of a claim ID that is generated, 10 to 20. Each carries 5 bits.
    type: int
    default: 10
  service_url:
    description:
      - The factory service's URL.
      - With O(source=agent), what names the unit (C(serial) or C(mac)) is put into C(device.json5) before the agent
        asks, and the ID that it saved is compared with what the service answers for the same unit.
    type: str
  service_token:
    description: A bearer token for the service.
    type: str
  service_timeout:
    description: Seconds to wait for an answer, for each try.
    type: float
    default: 30
  service_retries:
    description: How often to ask again, with growing pauses, when the service cannot be reached or is busy.
    type: int
    default: 5
  service_ca_file:
    description: File with the certificates that the service's own is verified against. Without it, the system's.
    type: path
  force:
    description:
      - Give the unit another ID than it has. The old one is retired in the ledger and never issued again.
    type: bool
    default: false
  replace_provisioned:
    description: Do that also where the device has been claimed and provisioned (C(provision.json5) is there).
    type: bool
    default: false
"""
