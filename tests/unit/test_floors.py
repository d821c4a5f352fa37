# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core is a house of rooms on floors: a room imports only what stands below it, and nothing grows too large.

A room is a package, or a file that lies beside the packages.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
CORE = PLUGINS / "plugin_utils"
FLOORS = (
    ("errors", "modes", "option", "display_text", "private_files", "processes", "requirements"),
    ("claim_ids",),
    ("controller_token", "csv_reader", "identity", "json5", "settings"),
    ("production_order", "ledger", "device", "image_formats"),
    ("scanning", "checkpoints"),
    ("labels", "service", "serialization", "ansible_adapter"),
    ("verification", "flows"),
    ("batch",),
    ("labelling", "fleet", "firmware"),
    ("report", "progress", "line"),
    ("audit",),
    ("option_table",),
    ("preflight",),
)
"""From the ground up."""
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
PROGRAM = ".__main__"
"""Ends the name of a program, which puts together what it is made of: it stands above all rooms, and nobody uses it."""
HOUSE = ""
"""The core's own file, which has every other file found and uses none."""
ERRORS = "errors"
"""The one room on the ground that the others there may use."""

MOST_FILES = 10
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_CLASS = 250
MOST_LINES_OF_A_FUNCTION = 60


def test_every_room_of_the_core_has_its_floor() -> None:
    assert {name.split(".")[0] for name in core()} - set(FLOOR_OF) == {HOUSE}
    assert not ties()[HOUSE]


def test_a_room_imports_only_what_stands_below_it() -> None:
    upwards = [
        f"{name} imports {target}"
        for name, targets in ties().items()
        for target in targets
        if not name.endswith(PROGRAM) or target.endswith(PROGRAM)
        if (room := name.split(".")[0]) != (other := target.split(".")[0])
        and FLOOR_OF[room] <= FLOOR_OF[other]
        and not (other == ERRORS and FLOOR_OF[room] == FLOOR_OF[ERRORS])
    ]
    assert upwards == []


def test_no_file_imports_itself_by_way_of_others() -> None:
    try:
        TopologicalSorter(ties()).prepare()
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise AssertionError(f"There is a circle: {circle}") from None


def test_ansible_is_imported_in_its_adapter_alone() -> None:
    knowing = {name for name, tree in core().items() if any(is_ansible(module) for module in absolute_imports(tree))}
    assert {name.split(".")[0] for name in knowing} <= {"ansible_adapter"}


def test_imports_inside_the_core_are_relative() -> None:
    """The service runs from a copy of the core, which is called otherwise."""
    assert [
        name for name, tree in core().items() if any("plugin_utils" in module for module in absolute_imports(tree))
    ] == []


def test_few_files_lie_beside_the_rooms() -> None:
    assert len([path for path in CORE.iterdir() if path.is_file() and path.name != "__init__.py"]) <= MOST_FILES


def test_no_file_class_or_function_is_too_long() -> None:
    assert list(too_long()) == []


@cache
def core() -> Mapping[str, ast.Module]:
    """Return every file of the core, by its dotted name; a package's own file has the name of the package."""
    found = {}
    for path in sorted(CORE.rglob("*.py")):
        parts = path.relative_to(CORE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = parsed(path)
    return found


@cache
def ties() -> Mapping[str, set[str]]:
    """Return which files of the core each of them imports, wherever in it the import stands."""
    return {name: set(targets(name, tree)) for name, tree in core().items()}


def targets(name: str, tree: ast.Module) -> Iterator[str]:
    is_package = any(other.startswith(f"{name}.") for other in core())
    package = name.split(".") if is_package else name.split(".")[:-1]
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = package[: len(package) - (node.level - 1)] + (node.module.split(".") if node.module else [])
        for alias in node.names:
            inner = ".".join([*base, alias.name])
            found = inner if inner in core() else ".".join(base)
            assert found in core(), f"{name} imports {found}, which is not a file of the core"
            yield found


def absolute_imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module)


def is_ansible(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] in {"ansible", "ansible_collections"}


def too_long() -> Iterator[str]:
    for path in sorted(PLUGINS.rglob("*.py")):
        name = path.relative_to(PLUGINS)
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MOST_LINES_OF_A_FILE:
            yield f"{name} has {lines} lines"
        for node in ast.walk(parsed(path)):
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            most = MOST_LINES_OF_A_CLASS if isinstance(node, ast.ClassDef) else MOST_LINES_OF_A_FUNCTION
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > most:
                yield f"{node.name} in {name} has {lines} lines"


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
