# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many firmware images per second are made, beside `cp` alone, in one run on one disk.

    uv run python -m tests.benchmark.firmware_images --images 1000 --size 8

`cp` has the same base and folder and does not wait for the disk. Each image of ours is on the disk, checked with
`e2fsck -fn`, read back and recorded before the next one starts; `--forks` processes do so at once.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_sources import Generated
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware_images.image_device import open_device
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import Context, Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization import Request, serialize
from tests.support.firmware import PRODUCT, make_ext, make_squashfs, make_tar, make_tree

MAKERS: dict[str, Callable[[Path, Path], None]] = {"ext": make_ext, "squashfs": make_squashfs, "tar": make_tar}


def make_one(folder: Path, number: int) -> None:
    """Make image `number` with the transaction, as a worker of Ansible does."""
    serial = f"SN-{number:06d}"
    base = folder / "base.img"
    with Ledger(folder / "ledger.db") as ledger, open_device(base, folder / "out" / f"{serial}.img") as device:
        request = Request(Generated(), product=PRODUCT, serial=serial, config_dir=device.config_dir(None))
        serialize(device, request, ledger, Context.here(serial))
        device.finish()


def measure(folder: Path, images: int, forks: int) -> dict[str, float]:
    """Return images per second of `cp` and of the transaction, for the base in `folder`."""
    copies = folder / "copies"
    copies.mkdir()
    start = time.perf_counter()
    for number in range(images):
        subprocess.run(["cp", folder / "base.img", copies / f"{number}.img"], check=True)
    copied = images / (time.perf_counter() - start)
    shutil.rmtree(copies)
    Ledger(folder / "ledger.db").close()
    start = time.perf_counter()
    with ProcessPoolExecutor(forks) as pool:
        for _ in pool.map(partial(make_one, folder), range(images)):
            pass
    return {"cp": copied, "firmware_image": images / (time.perf_counter() - start)}


def main() -> None:
    """Make a base that is full of random bytes, measure, and print one line a figure."""
    parser = argparse.ArgumentParser(description="Images per second, beside cp alone.")
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--size", type=int, default=8, help="MB of the base")
    parser.add_argument("--forks", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--format", choices=sorted(MAKERS), default="ext")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ioto-bench-", dir=".") as name:
        folder = Path(name)
        tree = make_tree(folder / "tree")
        (tree / "bin/large").write_bytes(os.urandom(int(arguments.size * 0.6 * 1024 * 1024)))
        if arguments.format == "ext":
            make_ext(tree, folder / "base.img", size=f"{arguments.size}M")
        else:
            MAKERS[arguments.format](tree, folder / "base.img")
        figures = measure(folder, arguments.images, arguments.forks)
        print(f"{arguments.images} images of {arguments.size} MB, {arguments.format}, {arguments.forks} forks")
        for what, rate in figures.items():
            print(f"{what:15} {rate:8.1f} images/s  {rate * arguments.size:8.0f} MB/s")


if __name__ == "__main__":
    main()
