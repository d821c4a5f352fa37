# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many firmware images per second are made, beside `cp` alone, in one run on one disk.

    python -m tests.benchmark.firmware_images --images 1000 --size 8 --formats ext4,fat,squashfs,tar

For each format the same number of images is made thrice: by `cp`, which neither waits for the disk nor looks at what
it wrote; by `cp` and `sync` of each image; and by `playbooks/firmware.yml`, as a person runs it: the figure of the flow
is from the first image to the last, that of the run is all of it, Ansible's start and the naming of the units too. Each
of our images is on the disk, compared with its base, read back and recorded. A second run changes nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.firmware import MAKERS, PRODUCT, make_ext, make_fat, make_tree

ROOT = Path(__file__).parents[2]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
KINDS = ("ext4", "fat", "squashfs", "tar", "tar.gz")


def make_base(kind: str, folder: Path, megabytes: int) -> Path:
    """Make a base of about `megabytes`, more than half of it random bytes."""
    tree = make_tree(folder / "tree")
    base = folder / MAKERS[kind][0]
    share = 0.6 if kind in {"ext4", "fat"} else 0.98
    agent = "bin/agent" if kind == "fat" else "bin/large"
    (tree / agent).write_bytes(os.urandom(int(megabytes * share * 1024 * 1024)))
    if kind == "ext4":
        make_ext(tree, base, size=f"{megabytes}M")
    elif kind == "fat":
        make_fat(tree, base, megabytes * 1024)
    else:
        MAKERS[kind][1](tree, base)
    return base


def copy(base: Path, folder: Path, images: int, *commands: tuple[str, ...]) -> float:
    """Return the images per second of `commands`, each with an image as its last argument."""
    folder.mkdir()
    start = time.perf_counter()
    for number in range(images):
        for command in commands:
            subprocess.run([*command, folder / f"{number}.img"], check=True)
    rate = images / (time.perf_counter() - start)
    shutil.rmtree(folder)
    return rate


def play(base: Path, folder: Path, images: int, forks: int) -> tuple[float, float, str]:
    """Run the playbook; return the images per second of the flow and of the whole run, and its summary."""
    variables = {
        "ioto_firmware_base": base,
        "ioto_firmware_dest": folder / "out",
        "ioto_firmware_count": images,
        "ioto_product": PRODUCT,
        "ioto_ledger": folder / "ledger.db",
    }
    extra = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
    environment = {
        **os.environ,
        "ANSIBLE_STDOUT_CALLBACK": "ioto.serialization.progress",
        "IOTO_PROGRESS_MODE": "plain",
        "PYTHONIOENCODING": "utf-8",
    }
    start = time.perf_counter()
    done = subprocess.run(
        [PLAYBOOK, ROOT / "playbooks/firmware.yml", "-f", str(forks), *extra],
        capture_output=True, text=True, check=False, env=environment, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    wall = time.perf_counter() - start
    flow = re.search(rf"Firmware {images}/{images} . ([\d.]+)/(s|min) ", done.stdout)
    summary = re.search(r"\d+ devices: .*", done.stdout)
    if done.returncode or flow is None or summary is None:
        raise SystemExit(done.stdout + done.stderr)
    return float(flow[1]) / (60 if flow[2] == "min" else 1), images / wall, summary[0]


def measure(kind: str, images: int, megabytes: int, forks: int, where: Path) -> dict[str, float]:
    """Return images per second of each way, and print them."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="ioto-bench-", dir=where) as name:
        folder = Path(name)
        base = make_base(kind, folder, megabytes)
        size = base.stat().st_size / 1024 / 1024
        print(f"{images} images of {size:.1f} MB, {kind}, {forks} at a time", flush=True)

        def note(what: str, rate: float) -> None:
            figures[what] = rate
            share = rate / figures["cp"]
            print(f"  {what:20} {rate:7.1f} images/s  {rate * size:7.0f} MB/s  {share:5.0%} of cp", flush=True)

        note("cp", copy(base, folder / "copies", images, ("cp", str(base))))
        note("cp and sync", copy(base, folder / "copies", images, ("cp", str(base)), ("sync",)))
        flow, run, summary = play(base, folder, images, forks)
        assert f"{images} done, 0 already done" in summary, summary
        note("firmware.yml, flow", flow)
        note("firmware.yml, run", run)
        _unused, run, summary = play(base, folder, images, forks)
        assert f"0 done, {images} already done" in summary, summary
        note("firmware.yml, again", run)
    return figures


def main() -> None:
    """Measure what the arguments say."""
    parser = argparse.ArgumentParser(description="Images per second, beside cp alone.")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--size", type=int, default=8, help="MB of the base (default: %(default)s)")
    parser.add_argument("--forks", type=int, default=5, help="at a time (default: %(default)s, as Ansible's)")
    parser.add_argument("--formats", default="ext4", help=f"with commas, of {', '.join(KINDS)} (default: %(default)s)")
    parser.add_argument("--where", type=Path, default=Path(), help="folder on the disk to measure (default: this one)")
    arguments = parser.parse_args()
    for kind in arguments.formats.split(","):
        measure(kind, arguments.images, arguments.size, arguments.forks, arguments.where.absolute())


if __name__ == "__main__":
    main()
