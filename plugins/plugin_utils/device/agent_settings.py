# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's configuration: how it serializes, what overrides that, and how to change it in place.

Agents since 2.5 read `ioto.json5`, older ones and the documentation `config.json5`; the mode is
`services.serialize`, or `services.cloud.serialize` where `services.cloud` is an object. `local.json5`, and the
`conditional.profile.NAME` of the active profile, override both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..display_text import printable
from ..errors import IotoError
from ..json5.document import MISSING, Json5Document
from .device import AGENT_FILES, OVERRIDE_FILE, Observation, RemoteFile

_MODE_KEYS: tuple[tuple[str, ...], ...] = (("services", "serialize"), ("services", "cloud", "serialize"))
_URL_KEY = ("api", "serialize")
_IDENTITY_KEY = ("device", "id")


class SerializeMode(StrEnum):
    """How an agent without an ID gets one."""

    AUTO = "auto"
    FACTORY = "factory"
    NONE = "none"


class AgentSettingsError(IotoError):
    """A configuration that is not there, or that defeats what was asked for."""


@dataclass(frozen=True, slots=True)
class Override:
    """A setting elsewhere that wins over the main file: in which file, under which key, and its value."""

    path: str
    key: str
    value: object


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What an agent is told: its main file, the key and value of its mode, its service, and what overrides them."""

    file: RemoteFile
    document: Json5Document
    key: str
    mode: str | None
    url: str | None
    overrides: Sequence[Override]


def read_settings(observation: Observation, *, where: str) -> AgentSettings | None:
    """Return what the agent's configuration says, or None where it has none. Raises `Json5Error`."""
    file = next((observation.files[name] for name in AGENT_FILES if observation.files[name].exists), None)
    if file is None:
        return None
    document = _parse(file, where)
    keys = _mode_keys(document)
    return AgentSettings(
        file=file,
        document=document,
        key=", ".join(".".join(key) for key in keys),
        mode=_string(document.get(*keys[0])),
        url=_string(document.get(*_URL_KEY)),
        overrides=_overrides(observation, document, file, where),
    )


def identity_override(observation: Observation, *, where: str) -> Override | None:
    """Return the `device.id` that `local.json5` puts over the one in `device.json5`, if it does."""
    local = observation.files[OVERRIDE_FILE]
    if not local.exists:
        return None
    value = _parse(local, where).get(*_IDENTITY_KEY)
    return None if value is MISSING else Override(printable(local.path), ".".join(_IDENTITY_KEY), value)


def change_settings(
    settings: AgentSettings, *, mode: SerializeMode | None, url: str | None, where: str
) -> Json5Document:
    """Return the main file as it has to be for `mode` and `url` (None: as it is), refusing what would not work."""
    wanted: dict[tuple[str, ...], str] = {}
    if mode is not None:
        wanted |= dict.fromkeys(_mode_keys(settings.document), mode.value)
    if url is not None:
        wanted[_URL_KEY] = url
    names = {".".join(key): value for key, value in wanted.items()}
    defeats = [
        o for o in settings.overrides if any(_overrides_name(o.key, n) and o.value != v for n, v in names.items())
    ]
    if defeats:
        places = " and ".join(f"{o.key} in {o.path}" for o in defeats)
        raise AgentSettingsError(
            f"The setting would have no effect on {where}, because {places} overrides it; remove or change it there."
        )
    document = settings.document
    for key, value in wanted.items():
        if document.get(*key) != value:
            document = document.set(key, value)
    return document


def _mode_keys(document: Json5Document) -> list[tuple[str, ...]]:
    """Where the mode stands in this file; where it does not yet, the one place that keeps the file's meaning."""
    present = [key for key in _MODE_KEYS if document.get(*key) is not MISSING]
    if present:
        return present
    cloud = document.get("services", "cloud")
    # In newer files `services.cloud` is absent or a boolean: writing below it would break its meaning.
    return [_MODE_KEYS[1] if isinstance(cloud, Mapping) else _MODE_KEYS[0]]


def _overrides(observation: Observation, document: Json5Document, file: RemoteFile, where: str) -> Sequence[Override]:
    found = []
    local = observation.files[OVERRIDE_FILE]
    profile = document.get("profile")
    if local.exists:
        override = _parse(local, where)
        for key in (*_MODE_KEYS, _URL_KEY, _IDENTITY_KEY):
            if (value := override.get(*key)) is not MISSING:
                found.append(Override(printable(local.path), ".".join(key), value))
        if (value := override.get("profile")) is not MISSING:
            profile = value
    if isinstance(profile, str):
        for key in (*_MODE_KEYS, _URL_KEY):
            inside = ("conditional", "profile", profile, *key)
            if (value := document.get(*inside)) is not MISSING:
                found.append(Override(printable(file.path), ".".join(inside), value))
    return found


def _overrides_name(override: str, name: str) -> bool:
    """Whether the key `override`, in another file or below a profile, wins over the setting `name`."""
    return override == name or override.endswith(f".{name}")


def _parse(file: RemoteFile, where: str) -> Json5Document:
    return Json5Document.parse(file.data, name=f"{printable(file.path)} on {where}")


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None
