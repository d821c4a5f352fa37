# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check has to know of Ansible, and of nothing else there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

Hosts = Mapping[str, Mapping[str, Any]]
"""The variables of each host, those that are set."""


class Controller(Protocol):
    """The action, as the check sees it: the inventory, the command line, and how values and libraries are checked."""

    @property
    def check_mode(self) -> bool:
        """Whether nothing is to be changed."""

    @property
    def forks(self) -> int:
        """How many hosts Ansible would have under way at a time."""

    def readable(self, hosts: Iterable[str], names: Iterable[str]) -> tuple[Hosts, Mapping[str, list[str]]]:
        """Return the variables `names` of `hosts`, and, by host, why others have no value."""

    def names(self, hosts: Iterable[str]) -> Mapping[str, Sequence[str]]:
        """Return, for each of `hosts`, the names of all variables that it has."""

    def selection(self) -> tuple[Sequence[str], Sequence[str], set[str]]:
        """Return the inventory's sources, the patterns of `--limit`, and all that a pattern may name."""

    def taken_for_patterns(self, hosts: Iterable[str]) -> list[str]:
        """Return those of `hosts` whose names Ansible takes for patterns."""

    def ssh_variables(self) -> list[str]:
        """Return the names of the variables that `ssh_options` looks at."""

    def ssh_options(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a connection to the host with these variables."""

    def complete(self, arguments: Mapping[str, Any], specification: Mapping[str, Any]) -> dict[str, Any]:
        """Return `arguments` checked, with their defaults. Raises `IotoError`."""

    def require(self, feature: str) -> None:
        """Raise an error where this Python lacks what `feature` needs."""
