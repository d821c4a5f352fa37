# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firmware flow as people run it: a playbook, a count of units, an interruption, the next run."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import json5
import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import AllocationRequest, Context
from tests.benchmark import firmware_images
from tests.support.ansible import WARM, copy_with_a_defect, provision
from tests.support.firmware import DEVICE_PATH, PRODUCT, make_ext, make_tree, missing_tools, sh

pytestmark = pytest.mark.ansible

if absent := missing_tools("debugfs", "mke2fs"):
    pytest.skip(f"programs that are not installed: {', '.join(absent)}", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


def command(folder: Path, playbook: str, *options: str) -> list[str]:
    variables = {
        "ioto_firmware_base": folder / "base.img",
        "ioto_firmware_dest": folder / "out",
        "ioto_product": PRODUCT,
        "ioto_ledger": folder / "ledger.db",
    }
    extra = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
    return [str(PLAYBOOK), str(ROOT / "playbooks" / playbook), *extra, *options]


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "default", "HOME": str(folder), "ANSIBLE_LOCAL_TEMP": str(folder)}


def play(folder: Path, playbook: str, *options: str) -> tuple[int, str]:
    done = WARM.run(command(folder, playbook, *options), Path.cwd(), environment(folder))
    return done.returncode, done.stdout


UNFINISHED = """

_never_the_last = make_image


def make_image(job, *arguments, **more):
    import pathlib
    import time

    if len(list(job.dest.parent.glob("*.img"))) >= {last}:
        while not pathlib.Path({over!r}).exists():
            time.sleep(0.01)  # between two questions, not in place of the answer
        raise RuntimeError("the run was killed")
    return _never_the_last(job, *arguments, **more)
"""
"""Has a batch wait with its last image until the run was killed, however late that is."""


@contextmanager
def killed(folder: Path, playbook: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a batch in a process group of its own, and kill all of it with SIGKILL in the end."""
    process = subprocess.Popen(
        command(folder, str(playbook), *options),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(folder),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_the_worker(folder: Path) -> None:
    """Wait until the lock is free that the killed run's worker holds, which is in a session of its own."""
    with suppress(FileNotFoundError):
        lock = os.open(folder / "out/.ioto-work", os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.close(lock)


def held_by(image: Path) -> dict[str, object]:
    """Return the device.json5 of an ext image."""
    return dict(json5.loads(sh("debugfs", "-R", f"cat /{DEVICE_PATH}", image)))


def images(folder: Path) -> list[Path]:
    return sorted((folder / "out").glob("*.img"))


@pytest.fixture
def line(tmp_path: Path) -> Path:
    make_ext(make_tree(tmp_path / "tree"), tmp_path / "base.img", size="2M")
    return tmp_path


def test_a_batch_that_was_killed_at_37_of_100_is_completed_and_no_image_is_made_twice(line: Path) -> None:
    count, wanted, over = 100, 37, line / "over"
    unfinished = UNFINISHED.format(last=count - 1, over=str(over))
    clone = copy_with_a_defect(line, "plugins/plugin_utils/firmware/image_batch.py", unfinished)
    try:
        playbook = clone / "playbooks/firmware.yml"
        with killed(line, playbook, "-e", f"ioto_firmware_count={count}", "-f", "1") as process:
            while len(images(line)) < wanted and process.poll() is None:
                time.sleep(0.001)
    finally:
        over.touch()
    wait_for_the_worker(line)
    made = {image.name: (image.stat().st_ino, image.stat().st_mtime_ns) for image in images(line)}
    assert wanted <= len(made) < count

    status, said = play(line, "firmware.yml", "-e", f"ioto_firmware_count={count}")

    assert status == 0, said
    done, already = map(int, re.findall(rf"{count} devices: (\d+) done, (\d+) already done, 0 failed", said)[0])
    assert done + already == count
    assert len(made) - already in {0, 1}  # one may have been there before the ledger knew of it
    assert len(images(line)) == count
    for image in images(line):
        if image.name in made:
            assert made[image.name] == (image.stat().st_ino, image.stat().st_mtime_ns)
    held = {image.stem: held_by(image)["id"] for image in images(line)}
    assert len(set(held.values())) == count
    with Ledger(line / "ledger.db", read_only=True) as ledger:
        claims = {claim.unit: claim for claim in ledger.claims()}
        allocated = [event.claim_id for event in ledger.events() if event.kind == "allocated"]
    assert {unit: claim.claim_id for unit, claim in claims.items()} == held
    assert all(claim.state == "verified" for claim in claims.values())
    assert sorted(allocated) == sorted(held.values())  # no unit ever had another one
    sh("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=line / "out")
    assert len((line / "out/SHA256SUMS").read_text().splitlines()) == count
    assert [place.name for place in (line / "out").iterdir() if ".ioto-" in place.name] == []
    assert not any(claim_id in said for claim_id in held.values())


def test_rows_of_a_production_order_go_through_provision(line: Path) -> None:
    (line / "inventory.yml").write_text(
        "all:\n  hosts:\n" + "".join(f"    row-{n}: {{ioto_serial: 'A/{n}', ioto_mode: firmware}}\n" for n in (1, 2))
    )
    status, said = play(line, "provision.yml", "-i", str(line / "inventory.yml"))
    assert status == 0, said
    assert [image.name for image in images(line)] == ["A%2F1.img", "A%2F2.img"]
    status, said = play(line, "provision.yml", "-i", str(line / "inventory.yml"))
    assert status == 0 and "2 already done" in said, said


def test_trees_in_a_folder_that_everybody_may_enter_are_told_once(line: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="trees-") as name:
        folder = Path(name)
        variables = {"ioto_firmware_count": 2, "ioto_firmware_base": str(line / "tree")}
        folder.chmod(0o755)
        where = f"ioto_firmware_dest={folder}/"
        status, said = play(line, "firmware.yml", "-e", json.dumps(variables), "-e", where)
        assert status == 0, said
        assert said.count(f"Everybody may enter {folder}, and read there what a tree lets him") == 1, said
        folder.chmod(0o700)
        status, said = play(line, "firmware.yml", "-e", json.dumps(variables), "-e", where)
        assert status == 0, said
        assert "Everybody may enter" not in said


def test_check_mode_makes_nothing(line: Path) -> None:
    status, said = play(line, "firmware.yml", "--check", "-e", "ioto_firmware_count=2")
    assert status == 0, said
    assert "2 would be done" in said and not (line / "out").exists() and not (line / "ledger.db").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to mount a small file system")
def test_the_room_for_a_batch_is_counted_for_as_many_images_as_the_forks_make_at_a_time(line: Path) -> None:
    (line / "tree/image").write_bytes(bytes(1024 * 1024))
    (line / "out").mkdir()
    rows = "".join(f"    row-{n}: {{ioto_serial: A{n}, ioto_mode: firmware}}\n" for n in range(4))
    (line / "inventory.yml").write_text(f"all:\n  hosts:\n{rows}")
    options = "-i", str(line / "inventory.yml"), "-e", f"ioto_firmware_base={line / 'tree'}", "--check"
    # Four images, a master and its trial are of a good 1 MB each, and so is what lies beside each that is being made.
    sh("mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", line / "out")
    try:
        status, said = play(line, "provision.yml", *options, "-f", "1")
        assert status == 0, said
        status, said = play(line, "provision.yml", *options, "-f", "4")
    finally:
        sh("umount", line / "out")
    assert status != 0 and "4 hosts: their images need " in said and " and 10 MB are free; free space, or" in said, said


DEFECT = """

_without_defect = make_image


def make_image(job, *arguments, **more):
    if job.host == "row-2":
        raise KeyError("JT08FFQXWQ")
    return _without_defect(job, *arguments, **more)
"""


def test_a_defect_shows_on_its_image_alone_and_its_trace_to_who_asks(line: Path) -> None:
    clone = copy_with_a_defect(line, "plugins/plugin_utils/firmware/image_batch.py", DEFECT)
    rows = "".join(f"    row-{n}: {{ioto_serial: A{n}}}\n" for n in (1, 2, 3))
    (line / "inventory.yml").write_text(f"all:\n  hosts:\n{rows}")
    (line / "playbook.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks: [{ioto.serialization.firmware_batch: {}}]\n"
    )
    collections = str(clone / "playbooks/collections")

    def run(verbosity: str) -> tuple[int, str]:
        variables = command(line, "firmware.yml")[2:]
        done = provision(
            line, "-i", line / "inventory.yml", *variables, verbosity,
            playbook=line / "playbook.yml", ANSIBLE_COLLECTIONS_PATH=collections,
        )  # fmt: skip
        return done.status, done.output

    status, quiet = run("-vv")
    assert status == 2
    assert [image.name for image in images(line)] == ["A1.img", "A3.img"]
    assert "The image of row-2 shows a defect of this collection (KeyError: '********WQ'); report it" in quiet
    status, asked = run("-vvv")
    assert status == 2
    assert "Traceback" not in quiet
    assert asked.count("Traceback (most recent call last)") == 1
    assert 'raise KeyError("********WQ")' in asked
    assert "JT08FFQXWQ" not in quiet + asked


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["-e", "ioto_config_dir=/nowhere"], "There is no directory /nowhere"),
        (["-e", "ioto_firmware_base=/nowhere.img"], "cannot be read"),
    ],
)
def test_a_batch_that_cannot_be_made_costs_no_claim_id(line: Path, options: list[str], sentence: str) -> None:
    status, said = play(line, "firmware.yml", "-e", "ioto_firmware_count=2", *options)
    assert status != 0 and sentence in said, said
    assert "no image was made" in said and not (line / "ledger.db").exists() and images(line) == []


def test_a_base_that_was_copied_from_a_unit_is_refused_once_unless_it_is_that_units(line: Path) -> None:
    device_file = f"{{ id: 'JT08FFQXWQ', product: '{PRODUCT}' }}\n".encode()
    make_ext(make_tree(line / "golden", device_file), line / "base.img", size="2M")

    status, said = play(line, "firmware.yml", "-e", "ioto_firmware_count=3")
    assert status != 0 and "The batch has 1 problem, and no image was made" in said, said
    assert "SN-000001, SN-000002, SN-000003: the base " in said and "holds a claim ID (********WQ)" in said
    assert "JT08FFQXWQ" not in said and not (line / "ledger.db").exists() and images(line) == []

    with Ledger(line / "ledger.db") as ledger:
        ledger.allocate(AllocationRequest(PRODUCT, "SN-000001", "given", Context("tester@bench"), "JT08FFQXWQ"))
    status, said = play(line, "firmware.yml", "-e", "ioto_firmware_count=1")
    assert status == 0 and "1 device: 1 done" in said, said
    status, said = play(line, "firmware.yml", "-e", "ioto_firmware_count=2")
    assert status != 0 and "holds a claim ID" in said, said


def test_a_base_whose_override_holds_an_id_is_refused_once(line: Path) -> None:
    tree = make_tree(line / "golden", b"{}\n")
    (tree / "etc/ioto/local.json5").write_text("{ device: { id: 'JT08FFQXWQ' } }\n")
    make_ext(tree, line / "base.img", size="2M")

    status, said = play(line, "firmware.yml", "-e", "ioto_firmware_count=3")
    assert status != 0 and "The batch has 1 problem, and no image was made" in said, said
    assert "SN-000001, SN-000002, SN-000003: the base " in said and "local.json5, which the agent takes" in said
    assert "JT08FFQXWQ" not in said and not (line / "ledger.db").exists() and images(line) == []


def test_a_variable_of_the_play_is_refused_since_it_may_mean_another_thing_for_each_host(line: Path) -> None:
    playbook = line / "playbook.yml"
    playbook.write_text(
        "- hosts: all\n  gather_facts: false\n  vars: {ioto_firmware_base: base.img}\n"
        "  tasks: [{ansible.builtin.import_role: {name: ioto.serialization.firmware}}]\n"
    )
    (line / "inventory.yml").write_text("all: {hosts: {row-1: {ioto_serial: A1, ioto_firmware_dest: out}}}\n")
    collections = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks/collections")}
    done = WARM.run([PLAYBOOK, playbook, "-i", line / "inventory.yml"], line, {**environment(line), **collections})
    assert done.returncode != 0 and "ioto_firmware_base: set for the play, a role or the task" in done.stdout
    assert not (line / "out").exists()


@pytest.mark.one_series
def test_the_benchmark_counts_images_that_are_there(line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = firmware_images.measure("ext4", images=3, megabytes=4, forks=2, where=line, again=True)
    assert set(figures) == {"cp", "cp and sync", "firmware.yml, flow", "firmware.yml, run", "firmware.yml, again"}
    assert min(figures.values()) > 0 and "3 images of 4.0 MB, ext4" in capsys.readouterr().out
