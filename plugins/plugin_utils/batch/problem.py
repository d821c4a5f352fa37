# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Something that keeps a batch from being run."""

from __future__ import annotations

from dataclasses import dataclass

from .results import some_of


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a batch from being run: which hosts, and one sentence for the person."""

    hosts: tuple[str, ...]
    sentence: str

    def __str__(self) -> str:
        return f"{some_of(self.hosts)}: {self.sentence}"
