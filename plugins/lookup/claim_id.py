# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup `ioto.serialization.claim_id`: a new claim ID each time."""

from __future__ import annotations

DOCUMENTATION = r"""
name: claim_id
short_description: Make a new claim ID
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Returns a new random claim ID each time, from the system's CSPRNG, uniform over the 32 characters.
  - It is recorded nowhere. To give a device an ID that a ledger knows to be unique, use
    M(ioto.serialization.serialize) instead.
options:
  length:
    description: Characters of the ID, 10 to 20. Each carries 5 bits.
    type: int
    default: 10
seealso:
  - module: ioto.serialization.serialize
"""

EXAMPLES = r"""
- name: Make an ID of 16 characters, which carry 80 bits
  ansible.builtin.set_fact:
    new_id: "{{ lookup('ioto.serialization.claim_id', length=16) }}"
"""

RETURN = r"""
_list:
  description: A list of one claim ID.
  type: list
  elements: str
  sample: [JT08FFQXWQ]
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import generate
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError


class LookupModule(LookupBase):
    """Ansible's entry point."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Return a list of one new claim ID."""
        self.set_options(var_options=variables, direct=kwargs)
        if terms:
            raise AnsibleLookupError("The lookup claim_id takes no terms; say length=N for another length.")
        try:
            return [generate(self.get_option("length"))]
        except IotoError as error:
            raise AnsibleLookupError(str(error)) from None
