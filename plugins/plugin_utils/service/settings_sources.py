# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the service's settings come from: a TOML file, the environment, the command line, each over the one before.

In the environment a setting is `IOTO_SERVICE_` and its name in capitals; a list is separated by spaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..settings.toml_file import FoundSettings, is_whole_number, kind_of
from .errors import ServiceError
from .settings import FIELDS, ServiceSettings
from .settings_problems import checked

ENVIRONMENT_PREFIX = "IOTO_SERVICE_"


def load(file: Path | None, environment: Mapping[str, str], given: Mapping[str, object]) -> ServiceSettings:
    """Return the settings of `file` (TOML), `environment` and the command line.

    Raises `ServiceError` with every problem.
    """
    found = _Found({name: item.default for name, item in FIELDS.items()}, "the service", ServiceError)
    if file is not None:
        found.read(file)
    for name in FIELDS:
        if (text := environment.get(ENVIRONMENT_PREFIX + name.upper())) is not None:
            found.take_text(name, text)
    for name, value in given.items():
        if value is not None:
            found.take(name, value, "on the command line")
    problems = [*found.problems.values()]
    try:
        settings = checked(ServiceSettings(**found.values))  # type: ignore[arg-type]
    except ServiceError as error:
        problems.append(str(error))
    if problems:
        raise ServiceError("\n".join(problems))
    return settings


class _Found(FoundSettings):
    """The service's settings, as far as they were found."""

    def take(self, name: str, value: object, where: str) -> None:
        """As of any settings; `reissue` may also be seconds."""
        super().take(name, str(value) if name == "reissue" and is_whole_number(value) else value, where)

    def take_text(self, name: str, text: str) -> None:
        """Take what the environment says."""
        default, variable = FIELDS[name].default, ENVIRONMENT_PREFIX + name.upper()
        value: object = text or default
        if isinstance(default, tuple):
            value = tuple(text.split())
        elif isinstance(default, int | float):
            try:
                value = type(default)(text)
            except ValueError:
                self.problems[name] = f"The variable {variable} is no {kind_of(default)}; correct it."
                return
        if value is None:
            self.values.pop(name, None)
        else:
            self.take(name, value, f"in {variable}")
