# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With ansible-core alone, whoever needs more says which packages, in which Python, and what to type."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.ansible import ROOT, Run, environment, sampled
from tests.support.bare_python import make_bare_python

pytestmark = pytest.mark.ansible

ACTIONS = sorted(path.stem for path in (ROOT / "plugins/action").glob("*.py") if path.stem != "__init__")
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
WITHOUT_ACTIONS = ("finish", "flows", "nobody")
"""Parts of other playbooks, which fail where nobody was checked."""
COLLECTIONS = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks/collections")}
# Jinja2 comes with ansible-core.
BASE = tuple(re.findall(r"^(?!ansible-core|jinja2)[a-z0-9-]+", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
LABELS = ["zxing-cpp", "reportlab", "uharfbuzz", "fonttools", "freetype-py", "pillow"]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bare_python(tmp_path_factory.mktemp("bare") / "a venv")  # a path that a shell would take apart


@pytest.fixture(scope="module")
def python_without_extras(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bare_python(tmp_path_factory.mktemp("plain") / "a venv", *BASE)


def run(python: Path, folder: Path, tool: str, *arguments: str | Path, **more: str) -> Run:
    """Run one of Ansible's commands from a folder that is not the clone."""
    done = subprocess.run(
        [python, "-m", "ansible", tool, *arguments],
        cwd=folder,
        env={**environment(folder), "PATH": os.defpath, **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return Run(done.returncode, done.stdout)


def assert_sentence(run: Run, python: Path, *packages: str, files: tuple[str, ...] = ("requirements.txt",)) -> None:
    """The run failed with the one sentence; its command names the Python and the files with their full paths."""
    text = " ".join(run.output.split())
    assert run.status != 0, text
    assert "Traceback" not in text
    assert f"he Python {python} lacks {', '.join(packages)}, needed for " in text
    installed = " ".join(f"-r {ROOT / name}" for name in files)
    assert f"; install them: '{python}' -m ensurepip && '{python}' -m pip install {installed}" in text
    assert all((ROOT / name).exists() for name in files)


@pytest.mark.parametrize("action", sampled(ACTIONS))
def test_every_action_says_what_is_missing(python: Path, tmp_path: Path, action: str) -> None:
    assert_sentence(
        run(python, tmp_path, "adhoc", "localhost", "-m", f"ioto.serialization.{action}", **COLLECTIONS), python, *BASE
    )


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_every_playbook_says_what_is_missing(python: Path, tmp_path: Path, playbook: str) -> None:
    unit = {"ansible_connection": "local", "ioto_mode": "firmware" if playbook == "firmware" else "manual"}
    groups = {"service": {"hosts": {"unit-1": None}}, "line": {"hosts": {"unit-1": None}}}
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"unit-1": unit}, "children": groups}}))
    done = run(
        python,
        tmp_path,
        *("playbook", "-i", inventory, ROOT / f"playbooks/{playbook}.yml"),
        ANSIBLE_STDOUT_CALLBACK="ioto.serialization.progress",
    )
    if playbook in WITHOUT_ACTIONS:
        assert (done.status, "lacks" in done.output, "Traceback" in done.output) == (2, False, False), done.output
    else:
        assert_sentence(done, python, *BASE)


def test_a_production_order_becomes_hosts_without_any_package(python: Path, tmp_path: Path) -> None:
    (tmp_path / "order.csv").write_text("address,serial,mode\n192.0.2.11,P-1,manual\n")
    (tmp_path / "manifest.yml").write_text("plugin: ioto.serialization.manifest\npath: order.csv\n")
    done = run(python, tmp_path, "inventory", "-i", "manifest.yml", "--list", **COLLECTIONS)
    assert (done.status, "192.0.2.11" in done.output) == (0, True), done.output


@pytest.mark.parametrize(
    "expression",
    [
        "lookup('ioto.serialization.claim_id')",
        "query('ioto.serialization.batch_hosts', 'manual')",
        "'JT08FFQXWQ' is ioto.serialization.claim_id",
    ],
)
def test_lookups_and_tests_work_without_any_package(python: Path, tmp_path: Path, expression: str) -> None:
    done = run(
        *(python, tmp_path, "adhoc", "localhost", "-m", "debug", "-a", f"msg={{{{ {expression} }}}}"), **COLLECTIONS
    )
    assert (done.status, "Traceback" in done.output) == (0, False), done.output


def test_the_expressions_above_are_of_all_lookups_and_tests() -> None:
    names = {path.stem for folder in ("lookup", "test") for path in (ROOT / "plugins" / folder).glob("*.py")}
    assert names == {"claim_id", "batch_hosts"}


def test_the_service_says_what_is_missing(python: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [python, "-m", "ansible_collections.ioto.serialization.plugins.plugin_utils.service"],
        cwd=ROOT / "playbooks/collections",
        env={"PATH": os.defpath, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert_sentence(
        Run(done.returncode, done.stderr),
        python,
        *(*BASE, "starlette", "uvicorn", "uvloop", "httptools"),
        files=("requirements.txt", "requirements-service.txt"),
    )


@pytest.mark.parametrize(
    ("feature", "action", "options", "packages"),
    [
        ("fleet", "serialize_fleet", "", ["paramiko"]),
        (
            "labels",
            "label",
            "dest=labels.pdf",
            LABELS,
        ),
        ("pictures", "verify", "image=label.png serial=P-1", ["zxing-cpp", "pillow"]),
        ("postgresql", "ledger_info", "ledger=postgresql://ann@127.0.0.1:1/line", ["psycopg"]),
    ],
)
def test_a_feature_names_the_file_of_its_own_packages(
    python_without_extras: Path, tmp_path: Path, feature: str, action: str, options: str, packages: list[str]
) -> None:
    done = run(
        *(python_without_extras, tmp_path, "adhoc", "localhost", "-m", f"ioto.serialization.{action}", "-a", options),
        **COLLECTIONS,
    )
    assert_sentence(done, python_without_extras, *packages, files=(f"requirements-{feature}.txt",))


def test_the_batch_check_names_the_file_of_the_fleet_engine(python_without_extras: Path, tmp_path: Path) -> None:
    unit = {"ioto_mode": "manual", "ioto_engine": "fleet", "ioto_product": "01G8YJKKRNTHW213TRZYX3YH0M"}
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": {"unit-1": unit}}}))
    done = run(
        *(python_without_extras, tmp_path, "playbook", "-i", "inventory.yml", ROOT / "playbooks/provision.yml"),
        ANSIBLE_STDOUT_CALLBACK="ioto.serialization.progress",
    )
    assert_sentence(done, python_without_extras, "paramiko", files=("requirements-fleet.txt",))
