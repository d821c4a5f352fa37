# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent makes of its files when it starts: the settings in effect, and which file each is from.

The agent blends one file after the other into one tree (`_loaded`), and after each the conditionals that came with it:
`conditional: { NAME: { VALUE: { … } } }` blends what is in the inner braces where the setting NAME, as loaded so far,
is VALUE. Of a key that stands twice the last counts, since each is blended in its turn. Not known here: what the
command line and the environment of the agent choose (`--id`, `--product`, `--profile`, `--config`, and their
variables), and its `web.json5`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeAlias

from ..display_text import printable
from ..json5.reader import Array, Json5Error, JsonValue, Node, Object, plain, read
from .device import DEVICE_FILE, OVERRIDE_FILE, PROVISION_FILE, RemoteFile

DEFAULT_PROFILE = "dev"
_CONDITIONAL = "conditional"
_PROFILE = "profile"
_KEPT_BYTES = 64 * 1024
"""What a device's files may have for what was made of them to be kept: who is hostile could fill our memory."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, as Python has it and as the agent compares it: it is called `name`, in the file at `path`."""

    value: JsonValue
    text: str
    path: str
    name: str
    parents: Sequence[str] = ()
    """One for all that stand beside each other: with a copy of a long name for each, a file would fill our memory."""
    is_array: bool = False

    @property
    def key(self) -> str:
        """Where it stands in its file, with points between the names."""
        return ".".join((*self.parents, self.name))


@dataclass(slots=True)
class _Branch:
    """An object that was blended: each name stands there once. `lost` says what removed a member.

    By its name, since a device may have a file of a hundred thousand members, and none of them is to be looked through
    for each.
    """

    children: dict[str, _Tree] = field(default_factory=dict)
    lost: dict[str, Setting] = field(default_factory=dict)

    @property
    def members(self) -> Iterable[tuple[str, _Tree]]:
        """Names and children, in their order."""
        return self.children.items()

    def find(self, name: str) -> _Tree | None:
        return self.children.get(name)

    def put(self, name: str, child: _Tree) -> None:
        self.lost.pop(name, None)
        self.children[name] = child

    def take(self, name: str) -> _Tree | None:
        return self.children.pop(name, None)

    def child(self, name: str) -> _Branch:
        """Return the object of that name; anything else that stands there gives way to a new one."""
        found = self.find(name)
        if not isinstance(found, _Branch):
            found = _Branch()
            self.put(name, found)
        return found


@dataclass(frozen=True, slots=True)
class _Source:
    """An object as it was read, which may hold a name twice."""

    members: Sequence[tuple[str, Setting | _Source]] = ()


_Tree: TypeAlias = Setting | _Branch


def effective_settings(
    main: RemoteFile | None, files: Mapping[str, RemoteFile], *, where: str, written: Mapping[str, str] | None = None
) -> EffectiveSettings:
    """Return what an agent that starts now goes by; `main` is its main file. Raises `Json5Error`, which names a file.

    With `written`, as if these members stood in the device.json5.
    """
    loaded = list(_loaded(main, files))
    parts = tuple((file.name, file.data if file.exists else None, place) for file, place in loaded)
    is_small = sum(len(data or b"") for _name, data, _place in parts) <= _KEPT_BYTES
    blend = _effective if is_small else _effective.__wrapped__
    try:
        root = blend(parts, tuple((written or {}).items()))
    except Json5Error:
        for file, _unused in loaded:
            if file.exists:
                read(file.data, name=f"{printable(file.path)} on {where}")  # says the same of this device's file
        raise
    return EffectiveSettings(root, {file.name: printable(file.path) for file, _unused in loaded})


_Part: TypeAlias = tuple[str, bytes | None, str | None]
"""A file as it is loaded: its name, its bytes where it is there, and where in the settings it goes."""


# New devices of a batch have the same files. Nobody changes what was made of them, and no path of a device is in it.
@lru_cache(maxsize=16)
def _effective(parts: Sequence[_Part], written: Sequence[tuple[str, str]]) -> _Branch:
    root = _Branch()
    for name, data, place in parts:
        is_written = bool(written) and name == DEVICE_FILE
        if data is None and not is_written:
            continue
        reading = _read if data is not None and len(data) <= _KEPT_BYTES else _read.__wrapped__
        source = _Source() if data is None else reading(data, name)
        if is_written:
            source = _with(source, dict(written), name)
        target = root if place is None else root.child(place)
        _blend(target, source, combine=False)
        _blend_conditionals(root, target)
    return root


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """The settings in effect."""

    _root: _Branch
    _paths: Mapping[str, str]
    """Where each file is, by its name."""

    def get(self, *path: str) -> Setting | None:
        """Return the setting at `path`; None where it is absent or null, which the agent treats alike."""
        found = self.origin(*path)
        return None if found is None or found.value is None else found

    def origin(self, *path: str) -> Setting | None:
        """Return what had the last word about the setting at `path`: its value is None without one."""
        found: _Tree | None = self._root
        for key in path:
            if isinstance(found, Setting):  # a value where an object has to be
                found = replace(found, value=None)
                break
            if found is not None:
                found = found.find(key) or found.lost.get(key)
        return replace(found, path=self._paths[found.path]) if isinstance(found, Setting) else None


def _loaded(main: RemoteFile | None, files: Mapping[str, RemoteFile]) -> Iterator[tuple[RemoteFile, str | None]]:
    """The files in the order in which the agent loads them, and where in its settings each goes."""
    if main is not None:
        yield main, None
    yield files[OVERRIDE_FILE], None
    yield files[DEVICE_FILE], "device"
    yield files[PROVISION_FILE], "provision"
    yield files[OVERRIDE_FILE], None


# The main file of a batch is the same on each of its devices, and the longest.
@lru_cache(maxsize=16)
def _read(data: bytes, name: str) -> _Source:
    text, root = read(data, name=name)
    return _source(root, text, name, ()) if isinstance(root, Object) else _Source()


def _with(source: _Source, written: Mapping[str, str], path: str) -> _Source:
    """Return `source` as it will be with the members `written` in it."""
    kept = [(name, child) for name, child in source.members if name not in written]
    return _Source([*((name, Setting(text, text, path, name)) for name, text in written.items()), *kept])


def _source(node: Object, text: str, path: str, names: Sequence[str]) -> _Source:
    """Return the object `node`, to which `names` lead."""
    return _Source([(member.key, _tree(member.value, text, path, names, member.key)) for member in node.members])


def _tree(node: Node, text: str, path: str, parents: Sequence[str], name: str) -> Setting | _Source:
    if isinstance(node, Object):
        return _source(node, text, path, (*parents, name))
    if isinstance(node, Array):
        return Setting(plain(node), "[]", path, name, parents, is_array=True)
    shown = node.value if isinstance(node.value, str) else text[node.start : node.end]
    return Setting(node.value, shown, path, name, parents)


def _blend(target: _Branch, source: _Branch | _Source, *, combine: bool) -> None:
    """Blend `source` into `target`; with `combine`, a `+`, `-`, `=` or `?` before a name says how."""
    for given, child in source.members:
        how = given[:1] if combine and given[:1] in {"+", "-", "=", "?"} else ""
        name = given[len(how) :]
        found = target.find(name)
        if found is None:
            if how == "-":
                continue
            if not isinstance(child, Setting):
                _blend(target.child(name), child, combine=combine)
            else:
                target.put(name, child)
        elif how == "?":
            continue
        elif not isinstance(child, Setting):
            _blend(target.child(name), child, combine=combine)
        elif how and isinstance(found, Setting) and not found.is_array and not child.is_array:
            # Agents 2.7.0 and 3.0.0 spoil the name of a value that is there: `=` becomes a part of it, `+` and `-` make
            # rubbish of it. The setting is gone.
            target.take(name)
            target.lost[name] = replace(child, value=None, text="")
        else:
            target.put(name, child)


def _blend_conditionals(root: _Branch, target: _Branch) -> None:
    """Blend into `target` those of its conditionals that hold, and remove them all."""
    conditionals = target.take(_CONDITIONAL)
    if not isinstance(conditionals, _Branch):
        return
    for name, cases in conditionals.members:
        value = _compared(root, name)
        case = None if value is None else _query(cases, value)
        if isinstance(case, _Branch):
            _blend(target, case, combine=True)
    target.take(_CONDITIONAL)


def _compared(root: _Branch, name: str) -> str | None:
    """Return what a conditional on the setting `name` is decided by."""
    found = _query(root, name)
    if isinstance(found, _Branch):
        return "{}"
    if found is not None and found.value is not None:
        return found.text
    return DEFAULT_PROFILE if name == _PROFILE else None


def _query(tree: _Tree, path: str) -> _Tree | None:
    """Return what stands at a `path` of names with points between them; at an empty one, `tree` itself."""
    found: _Tree | None = tree
    for name in path.split(".") if path else ():
        found = found.find(name) if isinstance(found, _Branch) else None
    return found
