# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many firmware images per second are made, beside `cp` alone, in one run on one disk.

    python -m tests.benchmark.firmware_images --images 1000 --size 8 --formats ext4,fat,squashfs,tar --rounds 5

For each format the same number of images is made in several ways: by `cp`, which neither waits for the disk nor looks
at what it wrote; by `cp` and `sync` of each image; and by `playbooks/firmware.yml`, as a person runs it: the figure of
the flow is from the first image to the last, that of the run is all of it, Ansible's start and the units' naming too.
With `--order` the units come from a production order as well, which names them. Each of our images is on the disk,
compared with its base, read back and recorded. A second run changes nothing.

With `--rounds` all of that is done so many times, one way after the other in each, and the medians are told.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
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


def write_order(folder: Path, images: int) -> tuple[str, ...]:
    """Write a production order for so many units, and return the options of the playbook that take it."""
    rows = "".join(f"SN-{number:06d},firmware\n" for number in range(1, images + 1))
    (folder / "order.csv").write_text(f"serial,mode\n{rows}", encoding="utf-8")
    manifest = folder / "manifest.yml"
    manifest.write_text("plugin: ioto.serialization.manifest\npath: order.csv\n", encoding="utf-8")
    return "-i", str(manifest)


def play(base: Path, out: Path, images: int, forks: int, units: Sequence[str]) -> tuple[float, float, str]:
    """Run the playbook with the options `units`; return the images per second of the flow and of the whole run.

    And its summary.
    """
    variables = {
        "ioto_firmware_base": base,
        "ioto_firmware_dest": out,
        "ioto_product": PRODUCT,
        "ioto_ledger": out.with_suffix(".db"),
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
        [PLAYBOOK, ROOT / "playbooks/firmware.yml", "-f", str(forks), *extra, *units],
        capture_output=True, text=True, check=False, env=environment, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    wall = time.perf_counter() - start
    flow = re.search(rf"Firmware {images}/{images} . ([\d.]+)/(s|min) ", done.stdout)
    summary = re.search(r"\d+ devices: .*", done.stdout)
    if done.returncode or flow is None or summary is None:
        raise SystemExit(f"firmware.yml failed\n{done.stdout}{done.stderr}")
    return float(flow[1]) / (60 if flow[2] == "min" else 1), images / wall, summary[0]


def measure(
    kind: str,
    images: int,
    megabytes: int,
    forks: int,
    where: Path,
    *,
    rounds: int = 1,
    order: bool = False,
    again: bool = False,
) -> dict[str, float]:
    """Return the images per second of each way, the medians of `rounds`, and print them.

    With `order` the units come from a production order, too; `again` has the run done twice.
    """
    rates: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="ioto-bench-", dir=where) as name:
        folder = Path(name)
        base = make_base(kind, folder, megabytes)
        size = base.stat().st_size / 1024 / 1024
        print(f"{images} images of {size:.1f} MB, {kind}, {forks} at a time, {rounds} rounds", flush=True)
        ways = {"run": ("-e", f"ioto_firmware_count={images}")}
        if order:
            ways["order"] = write_order(folder, images)
        for _round in range(rounds):
            rates["cp"].append(copy(base, folder / "copies", images, ("cp", str(base))))
            rates["cp and sync"].append(copy(base, folder / "copies", images, ("cp", str(base)), ("sync",)))
            for way, units in ways.items():
                flow, run, summary = play(base, folder / way, images, forks, units)
                assert f"{images} done, 0 already done" in summary, summary
                if way == "run":
                    rates["firmware.yml, flow"].append(flow)
                rates[f"firmware.yml, {way}"].append(run)
                if again and way == "run":
                    _unused, run, summary = play(base, folder / way, images, forks, units)
                    assert f"0 done, {images} already done" in summary, summary
                    rates["firmware.yml, again"].append(run)
                shutil.rmtree(folder / way)
                (folder / way).with_suffix(".db").unlink()
    figures = {what: statistics.median(found) for what, found in rates.items()}
    for what, rate in figures.items():
        beside = f"{rate / figures['cp']:4.2f} of cp, {rate / figures['cp and sync']:4.2f} of cp and sync"
        spread = f"{min(rates[what]):.1f} to {max(rates[what]):.1f}"
        print(f"  {what:30} {rate:7.1f} images/s ({spread})  {rate * size:6.0f} MB/s  {beside}", flush=True)
    return figures


def main() -> None:
    """Measure what the arguments say."""
    parser = argparse.ArgumentParser(description="Images per second, beside cp alone.")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--size", type=int, default=8, help="MB of the base (default: %(default)s)")
    parser.add_argument("--forks", type=int, default=5, help="at a time (default: %(default)s, as Ansible's)")
    parser.add_argument("--formats", default="ext4", help=f"with commas, of {', '.join(KINDS)} (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="of which the medians are told (default: %(default)s)")
    parser.add_argument("--order", action="store_true", help="take the units from a production order, too")
    parser.add_argument("--where", type=Path, default=Path(), help="folder on the disk to measure (default: this one)")
    arguments = parser.parse_args()
    for kind in arguments.formats.split(","):
        measure(
            kind,
            arguments.images,
            arguments.size,
            arguments.forks,
            arguments.where.absolute(),
            rounds=arguments.rounds,
            order=arguments.order,
            again=True,
        )


if __name__ == "__main__":
    main()
