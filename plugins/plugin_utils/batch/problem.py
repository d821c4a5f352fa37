# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Something that keeps a batch from being run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..display_text import counted
from ..errors import FailureKind
from .results import some_of

NO_IMAGE = "no image was made"
"""What a refused batch of images leaves undone."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a batch from being run: which hosts, none for a file of them all, and one sentence."""

    hosts: tuple[str, ...]
    sentence: str
    kind: FailureKind = FailureKind.SETTINGS

    def __str__(self) -> str:
        return f"{some_of(self.hosts)}: {self.sentence}" if self.hosts else self.sentence


def by_sentence(hosts: Mapping[str, Sequence[str]]) -> list[Problem]:
    """Return a problem for each sentence of `hosts`, which maps it to those whom it is about."""
    return [Problem(tuple(about), sentence) for sentence, about in hosts.items()]


def list_problems(problems: Sequence[Problem], *, untouched: str) -> str:
    """Return `problems` as they are shown, a line each; `untouched` says what was therefore left undone."""
    count = counted(len(problems), "problem")
    return "\n".join([f"The batch has {count}, and {untouched}:", *(f"- {problem}" for problem in problems)])
