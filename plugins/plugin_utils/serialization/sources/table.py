# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of all sources: their names, what each can, and how options choose one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .agent import Agent
from .factory_service import FactoryService
from .generated import Generated
from .given import Given
from .scanned import Scanned
from .source import ClaimSource, SourceError

SOURCES: Sequence[type[ClaimSource]] = (Given, Scanned, Generated, FactoryService, Agent)
"""A new source is a file beside this one, and a row here."""

CHOICES: Sequence[str] = tuple(dict.fromkeys(source.name for source in SOURCES))
"""What the option `source` may be."""
STORED_CHOICES: Sequence[str] = tuple(dict.fromkeys(source.name for source in SOURCES if not source.on_device))
"""What it may be for a device that does not run."""
FALLBACKS: Sequence[str] = tuple(Agent.FALLBACKS)
"""What the option `agent_fallback` may be, besides none."""


def choose(options: Mapping[str, Any]) -> type[ClaimSource]:
    """Return the source that `options` mean. Raises `SourceError` where they do not go together."""
    named = options["source"]
    chosen = [source for source in SOURCES if source.option is not None and options.get(source.option) is not None]
    if len(chosen) > 1:
        one, other = chosen[:2]
        raise SourceError(
            f"With {other.option} {one.option} has no meaning; give one of them "
            f"(ioto_{other.option}, ioto_{one.option})."
        )
    if chosen:
        if named not in {None, chosen[0].name}:
            raise SourceError(f"With source {named} {chosen[0].option} has no meaning.")
        return chosen[0]
    source = next(source for source in SOURCES if source.name == (named or Generated.name))
    if source.option is not None:
        raise SourceError(f"With source {source.name} {source.option} is needed.")
    return source
