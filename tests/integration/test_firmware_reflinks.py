# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images on file systems whose files can share blocks: each takes the room of what differs, and no more."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware.destination import room
from tests.support.block_devices import SHARING, sharing_file_system, why_no_sharing
from tests.support.firmware import make_ext, make_tree, missing_tools, sh
from tests.support.image_batches import BatchLine, held, paths

if absent := missing_tools("debugfs", "filefrag"):
    pytest.skip(f"programs that are not installed: {', '.join(absent)}", allow_module_level=True)

MEGABYTE = 1024 * 1024
OWN_AT_MOST = 256 * 1024
"""Bytes of an image that are its own: those of device.json5 and of the metadata beside it, in whole blocks."""


@pytest.fixture(scope="module", params=SHARING)
def disk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk with a base of 16 MB on it, half of it random."""
    if reason := why_no_sharing(request.param):
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp(request.param)
    tree = make_tree(folder / "tree")
    (tree / "bin/large").write_bytes(os.urandom(8 * MEGABYTE))
    with sharing_file_system(request.param, folder) as root:
        make_ext(tree, root / "base.img", size="16M")
        os.sync()
        yield root


def shared_and_own(image: Path) -> tuple[int, int]:
    """Bytes of `image` that other files have as well, and those that are its alone, as the kernel maps them."""
    listing = sh("filefrag", "-v", "-b1", image)
    extents = [line.split(":") for line in listing.splitlines() if re.match(r" +\d+:", line)]
    assert extents, listing
    counted = {True: 0, False: 0}
    for columns in extents:  # number, where in the file, where on the disk, length, flags
        counted["shared" in columns[-1].strip().split(",")] += int(columns[3])
    return counted[True], counted[False]


@pytest.mark.parametrize("serials", [("SN-1", "SN-2", "SN-3"), ("SN-4",)], ids=["a batch", "one alone"])
def test_an_image_shares_its_blocks_with_the_base(disk: Path, serials: tuple[str, ...]) -> None:
    base, line = disk / "base.img", BatchLine(disk)
    need, free = room(base, [disk / "out" / f"{serial}.img" for serial in serials], at_once=3)
    assert need <= MEGABYTE * (len(serials) + 5) < free

    images = paths(line.make(base, *serials))

    for image in images:
        shared, own = shared_and_own(image)
        assert own <= OWN_AT_MOST
        assert shared >= 8 * MEGABYTE
        sh("e2fsck", "-fn", image)
    assert len({held(image)["id"] for image in images}) == len(serials)


def test_thirty_images_take_the_room_of_one(disk: Path) -> None:
    base, line = disk / "base.img", BatchLine(disk)
    line.make(base, "SN-first")
    os.sync()
    before = shutil.disk_usage(disk).free

    images = paths(line.make(base, *(f"SN-{number}" for number in range(10, 40))))

    os.sync()
    assert before - shutil.disk_usage(disk).free < 2 * base.stat().st_size
    assert sum(image.stat().st_size for image in images) > shutil.disk_usage(disk).total
