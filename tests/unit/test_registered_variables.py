# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our playbooks and roles register for themselves cannot be taken for a variable that a user sets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_registers_internal_variables_only(playbook: Path) -> None:
    assert [name for name in registered(playbook) if not name.startswith("_ioto_")] == []


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_a_role_registers_internal_variables_and_the_results_that_its_page_documents(role: Path) -> None:
    page = (role / "README.md").read_text(encoding="utf-8")
    names = {name for tasks in sorted((role / "tasks").glob("*.yml")) for name in registered(tasks)}
    assert {name for name in names if not name.startswith("_ioto_") and f"`{name}`" not in page} == set()


def registered(file: Path) -> list[str]:
    return re.findall(r"register: (\w+)", file.read_text(encoding="utf-8"))
