# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an image goes, and whether there is room for a batch of them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware import check as batch
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware import destination
from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats.checksums import renew_list, renew_lists


@pytest.mark.parametrize(
    ("serial", "name"),
    [("SN-1", "SN-1.tar.gz"), ("../../etc/x", "%2E.%2F..%2Fetc%2Fx.tar.gz"), ("Gerät 7", "Ger%C3%A4t%207.tar.gz")],
)
def test_a_serial_never_leads_out_of_the_folder(tmp_path: Path, serial: str, name: str) -> None:
    place = destination.destination(tmp_path / "base.tar.gz", f"{tmp_path}/out/", serial)
    assert place == tmp_path / "out" / name


def test_a_folder_without_a_serial_is_no_destination(tmp_path: Path) -> None:
    with pytest.raises(IotoError, match="no name without a serial"):
        destination.destination(None, f"{tmp_path}/", None)


def test_images_that_are_there_need_no_room(tmp_path: Path) -> None:
    base = tmp_path / "base.img"
    base.write_bytes(b"x" * 4 * 1024 * 1024)
    (tmp_path / "1.img").touch()
    need, free = destination.room(base, [tmp_path / "1.img", tmp_path / "2.img"], at_once=5)
    assert 0 < need <= 4 * base.stat().st_blocks * 512 and free > 0
    assert destination.room(base, [tmp_path / "1.img"], at_once=5)[0] == 0


def test_as_much_room_is_counted_as_the_images_take_that_are_made_at_a_time(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "file").write_bytes(b"x" * 1024 * 1024)
    images = [tmp_path / f"{number}.img" for number in range(20)]
    needs = [destination.room(base, images, at_once=at_once)[0] for at_once in (1, 5, 10, 50)]
    each = needs[0] // (20 + 2 + 1)
    assert each > 1024 * 1024
    assert needs == [each * (20 + 2 + at_once) for at_once in (1, 5, 10, 20)]


def test_a_batch_without_room_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc/ioto").mkdir(parents=True)
    hosts = {
        f"row-{n}": {
            "ioto_mode": "firmware",
            "ioto_serial": str(n),
            "ioto_firmware_base": str(tmp_path),
            "ioto_firmware_dest": str(tmp_path.parent),
        }
        for n in (1, 2)
    }
    assert batch.check_images(hosts, complete, at_once=5) == []
    monkeypatch.setattr(destination.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1}))
    (problem,) = batch.check_images(hosts, complete, at_once=5)
    assert str(problem).startswith("2 hosts: their images need ") and "0 MB are free" in str(problem)


def test_a_file_name_that_is_too_long_in_bytes_is_told_before_the_first_image(tmp_path: Path) -> None:
    with pytest.raises(IotoError, match="makes a file name of 367 bytes"):
        destination.destination(None, f"{tmp_path}/", "é" * 60)


def test_two_units_never_share_an_image(tmp_path: Path) -> None:
    host = {"ioto_mode": "firmware", "ioto_serial": "1", "ioto_firmware_dest": str(tmp_path)}
    (problem,) = batch.check_images({"a": host, "b": dict(host), "other": {"ioto_mode": "manual"}}, complete, at_once=5)
    assert problem.hosts == ("a", "b") and "the same image" in problem.sentence


def test_an_operator_that_is_no_text_is_told_before_the_first_image(tmp_path: Path) -> None:
    host = {"ioto_mode": "firmware", "ioto_serial": "1", "ioto_firmware_dest": str(tmp_path), "ioto_operator": ["Ada"]}
    (problem,) = batch.check_images({"a": host}, complete, at_once=5)
    assert str(problem) == "a: ioto_operator is a list; give a short name, in quotes, or a number."


def test_a_checksum_list_keeps_what_is_there_and_drops_what_is_gone(tmp_path: Path) -> None:
    for name in ("a.img", "b.img"):
        (tmp_path / name).touch()
    (tmp_path / "SHA256SUMS").write_text("00  a.img\n11  gone.img\n")
    assert renew_list(tmp_path, {"b.img": "22"})
    assert (tmp_path / "SHA256SUMS").read_text() == "00  a.img\n22  b.img\n"
    assert not renew_list(tmp_path, {"b.img": "22"})


def test_a_line_of_a_checksum_list_stays_as_it_is(tmp_path: Path) -> None:
    lines = [b"00 *a.img", b"11  b\xff.img"]
    for line in lines:
        (tmp_path / os.fsdecode(line[4:])).touch()
    (tmp_path / "SHA256SUMS").write_bytes(b"\n".join(lines))
    assert renew_list(tmp_path, {"c.img": "22"})
    assert (tmp_path / "SHA256SUMS").read_bytes().splitlines() == [*lines, b"22  c.img"]


def test_runs_that_end_at_once_leave_each_the_lines_of_the_others(tmp_path: Path) -> None:
    names = [f"{number}.img" for number in range(40)]
    for name in names:
        (tmp_path / name).touch()
    with ThreadPoolExecutor(8) as runs:
        assert all(runs.map(lambda name: renew_list(tmp_path, {name: "00"}), names))
    listed = (tmp_path / "SHA256SUMS").read_text().splitlines()
    assert sorted(listed) == sorted(f"00  {name}" for name in names)


def test_a_checksum_list_that_cannot_be_written_takes_nothing_from_the_images(tmp_path: Path) -> None:
    (tmp_path / "bad" / "SHA256SUMS").mkdir(parents=True)
    (tmp_path / "good").mkdir()
    results = [{"path": str(tmp_path / folder / "a.img"), "sha256": "00"} for folder in ("bad", "good")]
    lists, (trouble,) = renew_lists([*results, {"failed": True}])
    assert lists == [tmp_path / "good" / "SHA256SUMS"]
    assert (
        trouble == f"The images are made, and their list {tmp_path}/bad/SHA256SUMS cannot be written: Is a directory."
    )


def test_a_problem_of_a_thousand_hosts_is_one_line(tmp_path: Path) -> None:
    hosts = {f"row-{number}": {"ioto_mode": "firmware", "ioto_serial": str(number)} for number in range(1000)}
    (problem,) = batch.check_images(hosts, complete, at_once=5)
    assert str(problem).startswith("row-0, row-1, row-2, row-3, row-4 and 995 more: nothing says where the images go")
    hosts = {name: {**facts, "ioto_firmware_dest": str(tmp_path)} for name, facts in hosts.items()}
    hosts = {name: {**facts, "ioto_firmware_base": str(tmp_path / "absent.img")} for name, facts in hosts.items()}
    (problem,) = batch.check_images(hosts, complete, at_once=5)
    assert len(problem.hosts) == 1000 and "cannot be read" in problem.sentence and "\n" not in str(problem)


@pytest.mark.parametrize(
    ("dest", "base", "sentence"),
    [
        ("file/images", None, "the images cannot be written below '{folder}/file'; give another place"),
        ("x" * 300, None, "the images cannot be written to '{folder}/" + "x" * 300 + "' (File name too long)"),
        ("images", "x" * 300, "{folder}/" + "x" * 300 + " cannot be looked at (File name too long); correct the path"),
    ],
    ids=["below a file", "too long", "base too long"],
)
def test_a_place_that_cannot_be_used_is_a_problem_of_the_batch(
    tmp_path: Path, dest: str, base: str | None, sentence: str
) -> None:
    (tmp_path / "file").touch()
    host = {"ioto_mode": "firmware", "ioto_serial": "1", "ioto_firmware_dest": str(tmp_path / dest)}
    if base is not None:
        host["ioto_firmware_base"] = str(tmp_path / base)
    (problem,) = batch.check_images({"a": host, "b": {**host, "ioto_serial": "2"}}, complete, at_once=5)
    assert problem.hosts == ("a", "b")
    assert problem.sentence.startswith(sentence.format(folder=tmp_path))


def test_values_of_a_wrong_kind_are_told_by_variable_before_the_first_image(tmp_path: Path) -> None:
    wrong = {"ioto_service_retries": "many", "ioto_operator": "x" * 70, "ioto_firmware_partition": "first"}
    host = {"ioto_mode": "firmware", "ioto_serial": "1", "ioto_firmware_dest": str(tmp_path), **wrong}
    problems = batch.check_images({"a": host}, complete, at_once=5)
    assert [problem.hosts for problem in problems] == [("a",)] * len(wrong)
    for name in wrong:
        assert sum(name in problem.sentence for problem in problems) == 1


@pytest.mark.parametrize(("serial", "name"), [("-rf", "%2Drf"), (".hidden", "%2Ehidden"), ("SN-1.a", "SN-1.a")])
def test_no_serial_makes_an_option_or_a_hidden_file_of_an_image(serial: str, name: str) -> None:
    assert destination.file_name(serial) == name
