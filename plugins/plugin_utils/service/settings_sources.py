# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the service's settings come from: a TOML file, the environment, the command line, each over the one before.

In the environment a setting is `IOTO_SERVICE_` and its name in capitals; a list is separated by spaces.
"""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

from ..display_text import quoted
from .errors import ServiceError
from .settings import FIELDS, ServiceSettings
from .settings_problems import checked

ENVIRONMENT_PREFIX = "IOTO_SERVICE_"

_MOST_BYTES = 1024 * 1024
_DEEP_KEY = re.compile(r"""(?:["'\w-]+[ \t]*\.[ \t]*){20}""")
"""Takes tomllib a time that grows with the square of the dots; no setting has one."""


def load(file: Path | None, environment: Mapping[str, str], given: Mapping[str, object]) -> ServiceSettings:
    """Return the settings of `file` (TOML), `environment` and the command line. Raises `ServiceError`."""
    values: dict[str, object] = {}
    if file is not None:
        values |= _read_file(file)
    for name in FIELDS:
        if (text := environment.get(ENVIRONMENT_PREFIX + name.upper())) is not None:
            values[name] = _from_text(name, text)
    values |= {name: _typed(name, value, "on the command line") for name, value in given.items() if value is not None}
    return checked(ServiceSettings(**values))  # type: ignore[arg-type]


def _read_file(file: Path) -> dict[str, object]:
    try:
        text = _text_of(file)
        if _DEEP_KEY.search(text):
            raise RecursionError
        content = tomllib.loads(text)
    except OSError as error:
        raise ServiceError(f"The settings {file} cannot be read: {error.strerror}; correct the path.") from None
    except RecursionError:
        raise ServiceError(f"The settings {file} nest too deeply; write lists of texts, as the guide does.") from None
    except ValueError as error:  # also of a number that is too long
        raise ServiceError(f"The settings {file} are not TOML: {error}; correct them.") from None
    values: dict[str, object] = {}
    problems = []
    for name, value in content.items():
        try:
            if name in FIELDS:
                values[name] = _typed(name, value, f"in {file}")
        except ServiceError as error:
            problems.append(str(error))
    if unknown := sorted(set(content) - set(FIELDS)):
        problems.append(
            f"The settings {file} hold {quoted(', '.join(unknown))}, which the service does not know; "
            f"it knows {', '.join(FIELDS)}."
        )
    if problems:
        raise ServiceError("\n".join(problems))
    return values


def _text_of(file: Path) -> str:
    if "\0" in str(file):
        raise ServiceError("The path of the settings holds a NUL; correct it.")
    if not stat.S_ISREG(file.stat().st_mode):  # another kind may never end
        raise ServiceError(f"The settings {file} are not a file; correct the path.")
    with file.open("rb") as stream:
        data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ServiceError(f"The settings {file} are longer than {_MOST_BYTES} bytes; correct the path.")
    return data.decode("utf-8")


def _typed(name: str, value: object, where: str) -> object:
    """Return `value` when it is of the setting's type."""
    default = FIELDS[name].default
    if isinstance(default, tuple):
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise ServiceError(f"The setting {name} {where} is not a list of texts; correct it.")
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if name == "reissue" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    wanted = str if default is None else type(default)
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise ServiceError(f"The setting {name} {where} is no {_NAMES[wanted]}; correct it.")
    return value


_NAMES = {str: "text", int: "whole number", float: "number"}


def _from_text(name: str, text: str) -> object:
    default = FIELDS[name].default
    if isinstance(default, tuple):
        return tuple(text.split())
    if isinstance(default, int | float):
        try:
            return type(default)(text)
        except ValueError:
            raise ServiceError(
                f"The variable {ENVIRONMENT_PREFIX}{name.upper()} is no {_NAMES[type(default)]}; correct it."
            ) from None
    return text or default
