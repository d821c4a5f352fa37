# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever types what the README and the guides say gets what they promise.

Each document is followed from its first block to its last, in a home of its own, with the devices of the examples at
their addresses: those that install the collection in a clone, any other in an empty folder, with the collection
installed as from its archive. A reader brings two things: devices, and a base image for firmware.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet import dropbear, processes
from tests.support import documents, example_network
from tests.support.documents import Block
from tests.support.example_network import ExampleNetwork
from tests.support.firmware import make_ext, make_tree, missing_tools
from tests.support.reader import DocumentError, Reader

README = "README.md"
TUTORIAL = "docs/docsite/rst/tutorial.rst"
INSTALL = "docs/docsite/rst/install.rst"
IN_A_CLONE = {README, TUTORIAL, INSTALL}
INVENTORY = "inventory.yml"
MOST_NOT_RUN = 10

needs_devices = pytest.mark.skipif(
    not (dropbear.available() and example_network.available() and not missing_tools("curl", "mke2fs", "nsenter")),
    reason="the examples need root, network namespaces (iproute2), dropbear, BusyBox, e2fsprogs and curl",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: a home as deep as pytest's folders has no room for the names of ssh's sockets."""
    with tempfile.TemporaryDirectory(prefix="ioto-") as folder:
        yield Path(folder)


@pytest.fixture
def network(folder: Path) -> Iterator[ExampleNetwork]:
    with ExampleNetwork(folder / "network", folder / "reader" / "home") as network:
        yield network


def new_environment(folder: Path) -> Path:
    """Make a Python environment that has pip and nothing else, also where Debian's python3-venv is not installed."""
    subprocess.run((sys.executable, "-m", "venv", "--without-pip", folder), check=True)
    install = ("-m", "pip", "--python", folder / "bin/python", "install", "--quiet", "pip")
    fetched = subprocess.run((sys.executable, *install), capture_output=True, text=True, check=False)
    if fetched.returncode:
        pytest.skip(f"the environment of the README needs a package index: {fetched.stderr.strip()[-300:]}")
    return folder


def test_every_block_is_run_or_says_why_not() -> None:
    blocks = [block for document in documents.paths() for block in documents.blocks(document)]

    assert [block.problem for block in blocks if block.problem and not block.reason] == []
    not_run = [f"{block.place}: {block.reason}" for block in blocks if block.reason]
    assert len(not_run) <= MOST_NOT_RUN, "\n".join(not_run)


def documents_to_follow() -> list[object]:
    """The ways in, which differ by the Debian that one has, and the guides, which do not."""
    return [
        document if document in IN_A_CLONE else pytest.param(document, marks=pytest.mark.guides)
        for document in documents.paths()
    ]


@needs_devices
@pytest.mark.parametrize("document", documents_to_follow())
def test_every_block_works_as_it_stands(document: str, folder: Path, network: ExampleNetwork) -> None:
    """README and tutorial set up their environment; a guide begins with that, and with the README's inventory."""
    sets_up = document in {README, TUTORIAL}
    environment = new_environment(folder / "environment") if sets_up else Path(sys.prefix)
    reader = Reader(folder / "reader", environment, network.entrance, installed=document not in IN_A_CLONE)
    make_ext(make_tree(folder / "tree"), reader.folder / "base.img", size="2M")
    failure = ""
    try:
        if not sets_up:
            reader.follow(next(block for block in documents.blocks(README) if block.name == INVENTORY))
        for block in documents.blocks(document):
            if not block.reason:
                reader.follow(block)
    except DocumentError as error:
        failure = str(error)
    finally:
        reader.close()
    if failure:
        pytest.fail(failure, pytrace=False)  # the message alone: how the test came to it helps nobody


def test_a_block_that_fails_is_shown_with_the_command_and_what_it_printed(folder: Path) -> None:
    reader = Reader(folder, Path(sys.prefix), ())
    block = Block("guide.rst", 7, "sh", "echo before\nls missing-folder\necho after\n")

    with pytest.raises(DocumentError) as error:
        reader.follow(block)

    told = str(error.value)
    assert told.startswith("guide.rst:7: status 2\n(status 2) ls missing-folder\n")
    assert "No such file or directory" in told
    assert "\nbefore\n" in told
    assert "\nafter\n" not in told


def test_a_command_that_prints_something_else_than_the_document_says_is_told(folder: Path) -> None:
    reader = Reader(folder, Path(sys.prefix), ())
    reader.follow(Block("guide.rst", 7, "console", '$ echo \'{"id": "M8JN7WZJMK"}\'\n{"id": "…"}\n'))

    with pytest.raises(DocumentError, match=r"expected to print:\n.*…"):
        reader.follow(Block("guide.rst", 9, "console", '$ echo \'{"error": "none left"}\'\n{"id": "…"}\n'))


def test_what_a_block_exports_and_where_it_goes_holds_for_the_next(folder: Path) -> None:
    reader = Reader(folder, Path(sys.prefix), ())
    reader.follow(Block("guide.rst", 1, "sh", "export BATCH='the 17th'\ncd docs\n"))

    reader.follow(Block("guide.rst", 5, "console", '$ echo "$BATCH in ${PWD##*/}"\nthe 17th in docs\n'))


def test_what_a_document_leaves_running_ends_with_it(folder: Path) -> None:
    reader = Reader(folder, Path(sys.prefix), ())
    reader.follow(Block("guide.rst", 1, "sh", 'sleep 1000 &\necho "$!" >pid\n'))
    pid = (reader.folder / "pid").read_text().strip()
    assert Path(f"/proc/{pid}").exists()

    reader.close()

    assert not processes.members(folder)


def test_a_file_that_is_not_what_its_block_says_is_told(folder: Path) -> None:
    reader = Reader(folder, Path(sys.prefix), ())

    with pytest.raises(DocumentError, match=r"guide.rst:3: order.csv is no csv: a row has"):
        reader.follow(Block("guide.rst", 3, "csv", "address,serial\n192.0.2.13\n", before="order.csv"))
