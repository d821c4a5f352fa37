# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: manifest
version_added: 0.1.0
short_description: Takes the units to serialize from a production order in CSV
author:
  - The ioto.serialization maintainers (@ioto)
description:
  - Reads a production order in CSV, a header row and one row for each unit, and makes hosts, their variables and
    the groups V(manual), V(auto), V(factory) and V(firmware) of it.
  - Every bad row is reported with its line number, all of them at once; then no unit is taken and Ansible stops with
    status 4, so that no batch runs with a part of its units.
  - The source is a YAML file called V(manifest.yml) or ending in V(.manifest.yml) that names this plugin.
    It may also be the CSV file itself, see the notes.
notes:
  - The columns are C(address), C(serial), C(product), C(mode), C(claim_id), C(user) and C(host), in any order.
    C(address) may be C(host), C(host:port), C([IPv6]:port) or an IPv6 address, and C(host) is the inventory name.
    Every mode but C(firmware) needs an address, and C(firmware) needs a serial; the others are optional.
    Any other column, such as C(model) or C(name), is a property of the device.
  - A title that says one of these columns in another word, such as C(uci), C(claim_number), C(serial_id) or C(mac), is
    refused; where it is a property, map the title to itself below O(columns).
  - Titles are read without regard to case, and a space or C(-) counts as C(_).
  - Columns at the right that have no title and no content are passed over.
  - An empty cell sets no variable, so that group variables apply.
  - Without C(host), the inventory name is the serial, or else the address, with C(_) for what a name cannot hold.
  - The variables are C(ansible_host), C(ansible_port), C(ansible_user), C(ioto_serial), C(ioto_product),
    C(ioto_mode), C(ioto_claim_id) and C(ioto_properties), a dictionary of strings.
  - What a cell holds is data; templates in it are never evaluated.
  - Host variables hold whole claim IDs. Keep the order and the output of C(ansible-inventory) as private as they are.
  - A cell cannot run over several lines.
  - To pass the CSV file itself (C(ansible-playbook -i order.csv)), enable this plugin before the others. In the section
    C([inventory]) of C(ansible.cfg), set C(enable_plugins) to
    C(ioto.serialization.manifest, host_list, script, auto, yaml, ini, toml).
    Where it is not enabled, the C(ini) plugin of Ansible takes each line of a CSV file for a host name. The playbooks
    of this collection refuse the file then, and show the C(*.manifest.yml) that is needed.
  - For the same reason keep CSV files out of folders that are given to C(-i), unless this plugin is enabled.
options:
  plugin:
    description: Says that the file is for this plugin.
    type: str
    required: true
    choices: [ioto.serialization.manifest]
  path:
    description:
      - The CSV file, absolute or relative to the folder of the inventory file.
      - Required, unless the inventory source is the CSV file itself.
    type: str
  delimiter:
    description:
      - The one character between two cells.
      - Without it, a first line such as C(sep=;) says it, or else the comma, semicolon, tab or C(|) does that separates
        the titles of the header.
    type: str
  encoding:
    description:
      - The encoding of the file.
      - Without it, the file is read as UTF-16 where it begins so, and as UTF-8 otherwise.
    type: str
  mode:
    description: How units are serialized whose row leaves the mode empty. Without it, group variables say so.
    type: str
    choices: [manual, auto, factory, firmware]
  product:
    description: The product ID, a ULID, of units whose row leaves it empty. Without it, group variables say so.
    type: str
  serial_pattern:
    description:
      - A regular expression that the whole of each serial has to match, such as V(SN-[0-9]{6}). It becomes the variable
        C(ioto_serial_pattern).
      - Without it, a serial that a spreadsheet seems to have damaged (a rounded number, a date, lost zeros) is refused.
    type: str
  columns:
    description: What a title of the header stands for, a column of this plugin or the name of a property.
    type: dict
    default: {}
extends_documentation_fragment:
  - ansible.builtin.constructed
"""

EXAMPLES = r"""
# order.csv, as the planning system writes it:
#
#   address,serial,mode,claim_id,model
#   192.168.1.21,SN-0001,manual,,Meter 3
#   192.168.1.22:2222,SN-0002,manual,JT08FFQXWQ,Meter 3
#   192.168.1.23,SN-0003,auto,,Meter 3
#   ,SN-0004,firmware,,Meter 3

# manifest.yml beside it:
plugin: ioto.serialization.manifest
path: order.csv
product: 01G8YJKKRNTHW213TRZYX3YH0M

---
# A file from a spreadsheet with its own titles, and a group for each model.
plugin: ioto.serialization.manifest
path: Fertigungsauftrag.csv
encoding: cp1252
mode: factory
columns:
  IP-Adresse: address
  Seriennummer: serial
  Modell: model
keyed_groups:
  - key: ioto_properties.model
    prefix: model
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ansible.errors import ExitCode
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable

from ansible_collections.ioto.serialization.plugins.plugin_utils.display_text import quoted
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.private_files import open_regular, typed_path
from ansible_collections.ioto.serialization.plugins.plugin_utils.production_order import order as production_order

if TYPE_CHECKING:
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader


class InventoryModule(BaseInventoryPlugin, Constructable):
    NAME = "ioto.serialization.manifest"

    def verify_file(self, path: str) -> bool:
        name = Path(path).name
        ours = name in ("manifest.yml", "manifest.yaml") or name.endswith((".manifest.yml", ".manifest.yaml", ".csv"))
        return ours and super().verify_file(path)  # type: ignore[no-untyped-call]  # behind super(), mypy sees no name

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache=cache)
        said: dict[str, Any] = {}
        if path.endswith(".csv"):
            self.set_options(direct={"plugin": self.NAME, "path": path}, var_options=self._vars)
        else:
            said = self._read_config_data(path)
        try:
            self._refuse_unknown(said)
            units = self._read_order(Path(path).parent)
        except IotoError as error:
            self._stop(error)
        for mode in production_order.MODES:
            inventory.add_group(mode)
        for unit in units:
            self._add(inventory, unit)

    def _refuse_unknown(self, said: Iterable[str]) -> None:
        known = sorted(self.get_options())
        for name in said:
            if name not in known:
                nearest = get_close_matches(str(name), known, n=1)
                remedy = f"did you mean {nearest[0]}?" if nearest else f"the options are {', '.join(known)}."
                raise IotoError(f"The option {quoted(str(name))} of the inventory file is unknown: {remedy}")

    def _read_order(self, folder: Path) -> list[production_order.OrderedUnit]:
        if not self.get_option("path"):
            raise IotoError("The inventory file names no production order; set path to the CSV file.")
        order = folder / typed_path(str(self.get_option("path")))
        try:
            with open_regular(order) as file:
                data = file.read()
        except OSError as error:
            raise IotoError(
                f"The production order {order} cannot be read: {error.strerror}; correct path in the inventory file."
            ) from error
        layout = production_order.OrderLayout(
            delimiter=self.get_option("delimiter"),
            encoding=self.get_option("encoding"),
            has_settings=True,
            mode=self.get_option("mode"),
            product=self.get_option("product"),
            serial_pattern=self.get_option("serial_pattern"),
            columns=self.get_option("columns"),
        )
        return production_order.read(data, str(order), layout)

    def _stop(self, error: IotoError) -> NoReturn:
        # An AnsibleError would become one warning among those of the other plugins, the ini plugin would then take
        # every line of a CSV file for a host name, and the run would end with status 0 and an incomplete batch.
        self.display.error(str(error))
        raise SystemExit(ExitCode.PARSER_ERROR.value)

    def _add(self, inventory: InventoryData, unit: production_order.OrderedUnit) -> None:
        # In `all` itself too: a play for all hosts, and the labels it prints, then come in the order of the rows.
        inventory.add_host(unit.name, group="all")
        inventory.add_host(unit.name, group=unit.mode)
        variables: dict[str, Any] = {
            "ansible_host": unit.address,
            "ansible_port": unit.port,
            "ansible_user": unit.user,
            "ioto_serial": unit.serial,
            "ioto_serial_pattern": self.get_option("serial_pattern"),
            "ioto_product": unit.product,
            "ioto_mode": unit.mode,
            "ioto_claim_id": unit.claim_id,
            "ioto_properties": unit.properties or None,
        }
        variables = {name: value for name, value in variables.items() if value is not None}
        for name, value in variables.items():
            inventory.set_variable(unit.name, name, value)
        strict = self.get_option("strict")
        if compose := self.get_option("compose"):
            self._set_composite_vars(compose, variables, unit.name, strict)
        if groups := self.get_option("groups"):
            self._add_host_to_composed_groups(groups, variables, unit.name, strict)
        if keyed_groups := self.get_option("keyed_groups"):
            self._add_host_to_keyed_groups(keyed_groups, variables, unit.name, strict)
