# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A class name stands for one class in the whole tree, so that whoever reads it knows which, and a search finds one."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOOKED_THROUGH = ("plugins", "tools")
GIVEN_BY_ANSIBLE = {"ActionModule", "CallbackModule", "LookupModule", "ModuleDocFragment"}
"""Ansible finds a plugin by the name of its class, so all plugins of a kind share one."""


def test_a_class_name_stands_for_one_class() -> None:
    assert {name: where for name, where in classes() if len(where) > 1} == {}


def classes() -> Iterator[tuple[str, list[str]]]:
    """Yield every name and where it stands; two that differ by underscores alone are one to whoever reads them."""
    found = defaultdict(list)
    for path in sorted(path for folder in LOOKED_THROUGH for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name not in GIVEN_BY_ANSIBLE:
                found[node.name.replace("_", "").lower()].append(f"{node.name} in {path.relative_to(ROOT)}")
    return iter(found.items())
