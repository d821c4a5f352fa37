# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a station from a TOML file, as the factory service has one: every problem is told at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from ..display_text import is_visible
from ..errors import IotoError
from ..private_files import TypedPathError, obstacle_to, typed_path
from ..scanning.hand_scanner.scanner_address import parse_scanner_address
from ..service.slot_message import MOST_CHARACTERS
from ..settings.http_url import check_service_url
from ..settings.named_file import objection_to_file
from ..settings.toml_file import FoundSettings
from .errors import LineError
from .settings import FIELDS, LineSettings, ScanOrder

_MOST_LETTERS = 64
_RANGES = (
    ("gather_seconds", 0.0, 10.0),
    ("banner_seconds", 0.1, 60.0),
    ("give_up_seconds", 1.0, 3600.0),
    ("scan_seconds", 1.0, 3600.0),
    ("run_seconds", 5.0, 86400.0),
    ("most_runs", 1, 64),
    ("most_arrivals", 1, 3600),
)

Problem = tuple[str, str]
"""The setting, and what is wrong with it."""


def load(file: Path, folder: Path | None = None) -> LineSettings:
    """Return the settings in `file`. Raises `LineError` with every problem.

    `folder` is what its paths are relative to, where that is not the folder of the file.
    """
    settings, problems = examine(file, folder)
    if problems:
        raise LineError("\n".join(problems))
    return settings


def examine(file: Path, folder: Path | None = None) -> tuple[LineSettings, list[str]]:
    """Return the settings in `file`, and every problem, each a sentence; what is wrong has its default in them.

    Raises `LineError` where the file cannot be read, or is not TOML.
    """
    defaults = {name: item.default for name, item in FIELDS.items()}
    found = FoundSettings(defaults, "the station", LineError)
    found.read(file)
    settings = LineSettings(**found.values, folder=(folder or file.parent).absolute())  # type: ignore[arg-type]
    wrong = [problem for problem in _problems_of_texts(settings) if problem[0] not in found.problems]
    known = {*found.problems, *(name for name, _why in wrong)}
    sound = _with_defaults(settings, known)
    wrong += [problem for problem in _problems(sound) if problem[0] not in known]
    problems = [*found.problems.values()]
    if wrong:
        said = "; ".join(why for _name, why in wrong)
        problems.append(f"The settings {file} cannot be used; correct them: {said}.")
    sound = _with_defaults(sound, {name for name, _why in wrong})
    return dataclasses.replace(
        sound,
        # Whoever runs Ansible for us does so from another folder.
        inventory=tuple(_absolute(sound.folder, source) for source in sound.inventory),
        extra_vars=tuple(_absolute(sound.folder, source) for source in sound.extra_vars),
    ), problems


def _with_defaults(settings: LineSettings, names: set[str]) -> LineSettings:
    return dataclasses.replace(settings, **{name: FIELDS[name].default for name in names & set(FIELDS)})  # type: ignore[arg-type]


def _problems_of_texts(settings: LineSettings) -> Iterator[Problem]:
    for name in FIELDS:
        value = getattr(settings, name)
        texts = value if isinstance(value, tuple) else (value,)
        if not all(all(map(is_visible, text)) for text in texts if isinstance(text, str)):
            yield name, f"{name} holds a character that cannot be seen"


def _problems(settings: LineSettings) -> Iterator[Problem]:
    for name in ("group", "playbook", "station"):
        value = getattr(settings, name)
        if not value.strip() or value.startswith("-") or len(value) > MOST_CHARACTERS:
            yield name, f"{name} is a name of at most {MOST_CHARACTERS} characters, and does not begin with -"
    for name, least, most in _RANGES:
        if not least <= getattr(settings, name) <= most:
            yield name, f"{name} is {least} to {most}"
    yield from _problems_of_prefixes(settings)
    yield from _problems_of_files(settings)
    if settings.scan_order not in set(ScanOrder):
        yield "scan_order", f"scan_order is {' or '.join(ScanOrder)}"
    for name, check in (("scanner", parse_scanner_address), ("service_url", check_service_url)):
        try:
            if value := getattr(settings, name):
                check(value)
        except IotoError as error:
            yield name, f"{name}: {error}".rstrip(".")


def _problems_of_prefixes(settings: LineSettings) -> Iterator[Problem]:
    prefixes = {name: getattr(settings, name) for name in ("slot_prefix", "badge_prefix")}
    for name, prefix in prefixes.items():
        if not prefix.strip() or prefix != prefix.lstrip() or len(prefix) > _MOST_LETTERS:
            yield name, f'{name} is what such a code begins with, as in "SLOT:"'
    slot, badge = (prefix.casefold() for prefix in prefixes.values())
    if slot.startswith(badge) or badge.startswith(slot):
        yield "slot_prefix", "slot_prefix and badge_prefix begin alike; nobody could tell a slot from a badge"


def _problems_of_files(settings: LineSettings) -> Iterator[Problem]:
    if not settings.inventory or not all(settings.inventory):
        yield "inventory", 'inventory names none; write one such as ["slots.yml"]'
    named = [("inventory", source) for source in settings.inventory if not _is_list_of_hosts(source)]
    named += [("extra_vars", source) for source in settings.extra_vars]
    named += [("leases", settings.leases)] if settings.leases else []
    for name, source in named:
        try:
            path = settings.folder / typed_path(source)
        except TypedPathError as error:
            yield name, f"{name}: {error}".rstrip(".")
            continue
        if wrong := objection_to_file(path, "the station", or_folder=name == "inventory"):
            yield name, f"{name} {wrong}"
    for name in ("token_file", "ca_file", "work_directory"):
        try:
            path = settings.folder / typed_path(getattr(settings, name))
        except TypedPathError as error:
            yield name, f"{name}: {error}".rstrip(".")
            continue
        if name == "work_directory" and settings.work_directory and (why := obstacle_to(path / "lock")):
            yield name, f"work_directory: the station cannot write {why}"


def _is_list_of_hosts(source: str) -> bool:
    return "," in source  # for Ansible, and no path


def _absolute(folder: Path, source: str) -> str:
    return source if _is_list_of_hosts(source) else str(folder / typed_path(source))
