# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Working folders of images: one run has each, and those that killed runs left go with the next image there."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats import workspace as workspaces
from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats.image import ImageError
from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats.workspace import (
    shared_workspace,
    workspace,
)

# Forked as Ansible forks its workers; pytest-xdist's own thread makes Python 3.12 and later warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
_fork = multiprocessing.get_context("fork")

Maker = Callable[[], multiprocessing.process.BaseProcess]


@pytest.fixture(autouse=True)
def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget which folders were looked through, as a process that has just begun."""
    monkeypatch.setattr(workspaces, "_swept", set())


def begin_an_image(folder: Path, begun: Event) -> None:
    with shared_workspace(folder) as shared, workspace(folder / "1.img") as work:
        (shared / "base").touch()
        (work / "half").touch()
        begun.set()
        signal.pause()


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    """Return a function that starts a process that makes an image in the folder, and waits until it does."""

    def start() -> multiprocessing.process.BaseProcess:
        begun = _fork.Event()
        process = _fork.Process(target=begin_an_image, args=(tmp_path, begun), daemon=True)
        process.start()
        assert begun.wait(60)
        return process

    return start


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_a_killed_run_left_goes_with_another_image(tmp_path: Path, maker: Maker) -> None:
    process = maker()
    process.kill()
    process.join()
    (tmp_path / "photos.ioto-work").mkdir()
    assert names(tmp_path) == {".ioto-work", ".1.img.ioto-work", "photos.ioto-work"}

    with workspace(tmp_path / "2.img"):
        assert names(tmp_path) == {".2.img.ioto-work", "photos.ioto-work"}

    assert names(tmp_path) == {"photos.ioto-work"}


def test_what_a_living_run_has_stays_and_is_not_shared(tmp_path: Path, maker: Maker) -> None:
    process = maker()
    before = names(tmp_path)

    with shared_workspace(tmp_path), workspace(tmp_path / "2.img"):
        pass
    with pytest.raises(ImageError, match=r"^Another run makes the image .*1\.img just now; wait for it\.$"):
        workspace(tmp_path / "1.img").__enter__()

    assert names(tmp_path) == before
    assert [path.name for path in tmp_path.glob("*/half")] == ["half"]
    assert len(list(tmp_path.glob("*/*/base"))) == 1
    process.kill()
    process.join()


def test_runs_that_come_and_go_at_once_have_each_their_own(tmp_path: Path) -> None:
    """A folder that another run has just removed is made again, not used after its end."""
    start = threading.Barrier(8)

    def run(number: int) -> None:
        start.wait(60)
        for _round in range(200):
            with shared_workspace(tmp_path) as shared:
                (shared / f"{number}").touch()
                assert names(shared) == {f"{number}"}
            try:
                with workspace(tmp_path / "same.img") as work:
                    (work / f"{number}").touch()
                    assert names(work) == {f"{number}"}
            except ImageError as error:
                assert "just now" in str(error)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(8)))
    assert names(tmp_path) == set()


@pytest.mark.parametrize("is_shared", [False, True])
def test_the_folders_that_are_made_for_images_are_their_owners_alone(tmp_path: Path, is_shared: bool) -> None:
    folder = tmp_path / "out" / "tree"
    before = os.umask(0o022)
    try:
        with shared_workspace(folder) if is_shared else workspace(folder / "1.img"):
            modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder)]
    finally:
        os.umask(before)
    assert modes == [0o700, 0o700]


def begin_after_a_killed_run(folder: Path) -> None:
    """Begin an image where a run was killed while it had a tree with folders that nobody may write; not as root."""
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    for image in ("1", "2"):
        closed = folder / f".{image}.ioto-work" / "made" / image / "closed"
        closed.mkdir(parents=True)
        (closed / "file").touch()
        (closed / "deeper").mkdir(mode=0o500)
        (closed / "outside").symlink_to(folder)
        closed.chmod(0o500)
    with workspace(folder / "1") as work:
        assert names(work) == set()
        assert names(folder) == {".1.ioto-work"}
    assert names(folder) == set()


def test_folders_of_a_tree_that_nobody_may_write_are_removed_with_what_a_killed_run_left() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o777)
        process = _fork.Process(target=begin_after_a_killed_run, args=(folder,))
        process.start()
        process.join()
        assert process.exitcode == 0
        assert stat.S_IMODE(folder.stat().st_mode) == 0o777
