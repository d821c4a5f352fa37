# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set on a device how its agent serializes, in place, and read it back."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from ..display_text import printable, url_origin
from .agent_settings import AgentSettingsError, SerializeMode, change_settings
from .device import AGENT_FILES, Device
from .durability import check_settings_storage, check_settings_synced, needs_a_sync
from .scripts import same_board
from .state import DeviceState
from .verified_write import ChangedMeanwhileError, write_verified

_TRIES_AGAINST_OTHER_WRITERS = 3


def configure_agent(
    device: Device,
    config_dir: str,
    *,
    mode: str | None,
    url: str | None,
    check: bool,
    diff: bool,
    volatile: bool = False,
    unsynced: bool = False,
    anew: bool = False,
) -> dict[str, Any]:
    """Return what `agent_config` documents; `mode` is one of `SerializeMode`, None leaves as it is.

    A storage that forgets is refused unless `volatile`, and one that does not say what is on it unless `unsynced`. With
    `anew`, what was there already is put onto the storage as well: the run that wrote it may have failed at that. Where
    another run writes the file at the same time, it is looked at again: that run may have done the same.
    """
    how = {"check": check, "diff": diff, "volatile": volatile, "unsynced": unsynced, "anew": anew}
    configure = partial(_configure, device, config_dir, mode=mode, url=url, **how)
    for _unused in range(_TRIES_AGAINST_OTHER_WRITERS - 1):
        with suppress(ChangedMeanwhileError):
            return configure()
    return configure()


def _configure(
    device: Device,
    config_dir: str,
    *,
    mode: str | None,
    url: str | None,
    check: bool,
    diff: bool,
    volatile: bool,
    unsynced: bool,
    anew: bool,
) -> dict[str, Any]:
    state = DeviceState.read(device, config_dir)
    state.check_files()
    settings = state.agent
    if settings is None:
        raise AgentSettingsError(
            f"There is neither {' nor '.join(AGENT_FILES)} in {config_dir} on {device.name}: install the agent there, "
            "or say where its configuration is (ioto_config_dir)."
        )
    document = change_settings(settings, mode=SerializeMode(mode) if mode else None, url=url, where=device.name)
    changed = document.data != settings.file.data
    result: dict[str, Any] = {"changed": changed, "path": printable(settings.file.path), "key": settings.key}
    notices = [*check_settings_storage(state, settings.file, volatile=volatile)]
    if not check and (changed or (anew and needs_a_sync(device, state))):
        written = write_verified(same_board(device, state.observation), settings.file, document.data)
        notices += check_settings_synced(state, written, unsynced_counts=unsynced)
    if notices:
        result["warnings"] = notices
    if changed and diff:
        # The URL of the service may hold a secret, so the file's bytes are not for the screen.
        result["diff"] = {
            "before_header": result["path"],
            "after_header": result["path"],
            "before": _shown(settings.key, settings.mode, settings.url),
            "after": _shown(settings.key, mode or settings.mode, url or settings.url),
        }
    return result


def _shown(key: str, mode: str | None, url: str | None) -> str:
    lines = {key: mode, "api.serialize": url_origin(url) if url else None}
    return "".join(f"{name}: {value}\n" for name, value in lines.items() if value is not None)
