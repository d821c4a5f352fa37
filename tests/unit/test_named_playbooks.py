# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages name a playbook as one types it who installed the collection: `ioto.serialization.provision`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
AS_A_FILE = re.compile(rf"(?<![\w./])({'|'.join(path.stem for path in PLAYBOOKS)})\.yml")
# Their documentation is read beside the files that it names; `ansible-doc` is no message.
DOCUMENTATION = {"modules", "callback"}


def messages(path: Path) -> Iterator[str]:
    """The texts of a Python file but for its docstrings."""
    tree = ast.parse(path.read_text())
    lone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in lone:
            yield node.value


def test_no_message_names_a_playbook_by_its_file() -> None:
    core = [path for path in (ROOT / "plugins").rglob("*.py") if path.parent.name not in DOCUMENTATION]
    found = [(path.name, text) for path in core for text in messages(path) if AS_A_FILE.search(text)]
    for path in PLAYBOOKS:
        told = yaml.dump([play.get("tasks") for play in yaml.safe_load(path.read_text())], width=10_000)
        found += [(path.name, line) for line in told.splitlines() if AS_A_FILE.search(line)]
    assert PLAYBOOKS
    assert found == []
