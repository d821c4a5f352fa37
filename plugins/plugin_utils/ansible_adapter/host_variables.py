# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of hosts, for an action that asks for those of many: put together once, templates filled when asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.vars.hostvars import HostVars, HostVarsVars

_TEMPLATE = "{"
"""What stands in each template, but for one that says its own signs in its first line."""
_OWN_SIGNS = "#jinja2:"


class HostVariables(Mapping[str, Any]):
    """All variables of one host, as Ansible's `hostvars` gives them, with no engine of templates for what has none."""

    def __init__(self, hostvars: HostVars, host: str, loader: DataLoader) -> None:
        self._raw: Any = hostvars.raw_get(host)
        self._host = host
        self._loader = loader

    def __getitem__(self, name: str) -> Any:
        """Return the value of a variable. Raises `KeyError`, and what its template raises."""
        value = self._raw[name]
        return value if _has_no_template(value) else self._templated[name]

    def __contains__(self, name: object) -> bool:
        """Say whether a variable is set, without asking for its value."""
        return name in self._raw

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._raw)

    def __len__(self) -> int:
        """Count the variables."""
        return len(self._raw)

    @cached_property
    def _templated(self) -> Mapping[str, Any]:
        return HostVarsVars(self._raw, loader=self._loader, host=self._host)


def _has_no_template(value: object) -> bool:
    """Say whether `value`, and all in it, is of a kind that Ansible gives as it stands, and no template."""
    if isinstance(value, str):
        return _TEMPLATE not in value and not value.startswith(_OWN_SIGNS)
    if value is None or isinstance(value, bool | int | float):
        return True
    # A task that does many hosts registers a result of each; to look is a tenth of what the engine takes for them.
    if isinstance(value, dict):
        return all(map(_has_no_template, value)) and all(map(_has_no_template, value.values()))
    return isinstance(value, list) and all(map(_has_no_template, value))
