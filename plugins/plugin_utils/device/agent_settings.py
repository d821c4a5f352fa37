# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's configuration: how it serializes, what overrides that, and how to change it in place.

Agents since 2.5 read `ioto.json5`, where the mode is `services.serialize`. Older ones and the documentation have
`config.json5`; there it is `services.cloud.serialize` where `services.cloud` is an object. What is in effect, and what
overrides what, is as `agent_load` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as with_fields
from enum import StrEnum

from ..display_text import printable
from ..errors import FailureKind, IotoError
from ..json5.document import MISSING, Json5Document
from ..json5.reader import JsonValue
from .agent_load import Setting, effective_settings
from .device import AGENT_FILES, Observation, RemoteFile

_MODE_KEY = ("services", "serialize")
_NESTED_MODE_KEY = ("services", "cloud", "serialize")
_URL_KEY = ("api", "serialize")
_DEVICE = "device"
_STAND_IN = "what-we-write"
"""A value that no file holds: where it is not in effect, something overrides what we write."""


class SerializeMode(StrEnum):
    """How an agent without an ID gets one."""

    AUTO = "auto"
    FACTORY = "factory"
    NONE = "none"


class AgentSettingsError(IotoError):
    """A configuration that is not there, or that defeats what was asked for."""

    kind = FailureKind.BOARD


@dataclass(frozen=True, slots=True)
class Override:
    """A setting that wins over the one in the file where it belongs: in which file, under which key, and its value.

    The value is None where the agent is left without any.
    """

    path: str
    key: str
    value: JsonValue


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What an agent goes by: its main file, the key of its mode there, mode and service as in effect, and overrides."""

    file: RemoteFile
    document: Json5Document
    key: str
    mode: SerializeMode
    url: str | None
    overrides: Sequence[Override]
    files: Mapping[str, RemoteFile]


def read_settings(observation: Observation, *, where: str) -> AgentSettings | None:
    """Return what the agent's configuration says, or None where it has none. Raises `Json5Error`."""
    file = main_file(observation)
    if file is None:
        return None
    document = Json5Document.parse(file.data, name=f"{printable(file.path)} on {where}")
    keys = _mode_keys(file, document)
    effective = effective_settings(file, observation.files, where=where)
    mode, url = effective.get(*keys[0]), effective.get(*_URL_KEY)
    overrides = [
        _override(origin)
        for key in (*keys, _URL_KEY)
        if (origin := effective.origin(*key)) is not None and not _stands(origin, file, key)
    ]
    overrides += identity_overrides(observation, where=where).values()
    return AgentSettings(
        file=file,
        document=document,
        key=", ".join(".".join(key) for key in keys),
        mode=_as_the_agent_takes_it(mode),
        url=None if url is None else url.text,
        overrides=overrides,
        files=observation.files,
    )


def main_file(observation: Observation) -> RemoteFile | None:
    """Return the main file of the agent's configuration; the newer one counts where both are there."""
    return next((observation.files[name] for name in AGENT_FILES if observation.files[name].exists), None)


def identity_overrides(observation: Observation, *, where: str) -> Mapping[str, Override]:
    """Return what wins over the `id` and `product` that stand in the device.json5, or will. Raises `Json5Error`."""
    wanted = dict.fromkeys(("id", "product"), _STAND_IN)
    effective = effective_settings(main_file(observation), observation.files, where=where, written=wanted)
    found = {}
    for key in wanted:
        origin = effective.origin(_DEVICE, key)
        if origin is not None and origin.value != _STAND_IN:
            found[key] = _override(origin)
    return found


def effective_id(observation: Observation, *, where: str) -> Setting | None:
    """Return the ID that the agent takes from the files, whichever holds it. Raises `Json5Error`."""
    return effective_settings(main_file(observation), observation.files, where=where).get(_DEVICE, "id")


def change_settings(
    settings: AgentSettings, *, mode: SerializeMode | None, url: str | None, where: str
) -> Json5Document:
    """Return the main file as it has to be for `mode` and `url` (None: as it is), refusing what would not work."""
    wanted: dict[tuple[str, ...], str] = {}
    if mode is not None:
        wanted |= dict.fromkeys(_mode_keys(settings.file, settings.document), mode.value)
    if url is not None:
        wanted[_URL_KEY] = url
    document = settings.document
    for key, value in wanted.items():
        if document.get(*key) != value:
            document = document.set(key, value)
    changed = with_fields(settings.file, data=document.data)
    effective = effective_settings(changed, settings.files, where=where)
    defeats: list[str] = []
    for key, value in wanted.items():
        found, origin = effective.get(*key), effective.origin(*key)
        if origin is not None and (found is None or found.text != value):
            defeats.append(f"{origin.key} in {origin.path}")
    if defeats:
        raise AgentSettingsError(
            f"The setting would have no effect on {where}, because {' and '.join(defeats)} overrides it; remove or "
            "change it there."
        )
    return document


def _mode_keys(file: RemoteFile, document: Json5Document) -> list[tuple[str, ...]]:
    """Where the mode stands in this file; where it does not yet, the one place that keeps the file's meaning."""
    if file.name == AGENT_FILES[0]:
        return [_MODE_KEY]
    present: list[tuple[str, ...]] = [key for key in (_MODE_KEY, _NESTED_MODE_KEY) if document.get(*key) is not MISSING]
    if present:
        return present
    cloud = document.get("services", "cloud")
    # Where `services.cloud` is absent or a boolean, writing below it would break its meaning.
    return [_NESTED_MODE_KEY if isinstance(cloud, Mapping) else _MODE_KEY]


def _as_the_agent_takes_it(mode: Setting | None) -> SerializeMode:
    """A mode that is absent, empty or any other word is auto."""
    text = "" if mode is None else mode.text
    return SerializeMode(text) if text in {SerializeMode.FACTORY, SerializeMode.NONE} else SerializeMode.AUTO


def _stands(origin: Setting, file: RemoteFile, key: Sequence[str]) -> bool:
    return origin.path == printable(file.path) and origin.key == ".".join(key)


def _override(origin: Setting) -> Override:
    return Override(origin.path, printable(origin.key), origin.value)
