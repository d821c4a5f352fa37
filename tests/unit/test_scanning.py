# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is scanned or typed, in all its shapes, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.keyboard_layout import exchanged, is_exchanged
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.scan import (
    NothingScannedError,
    Scan,
    ScanError,
    read_scan,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.scan_file import each_scan, read_scan_file

CLAIM_ID = "JT08FFQXWQ"
PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
URL = "https://app.example.com/claim?product={product}&id={claim_id}&sn={serial}"


@pytest.mark.parametrize(
    "text", [CLAIM_ID, "jt08ffqxwq", " JT08FFQXWQ\r\n", "JT08 FFQX WQ", "jto8-ffqx-wq", "JTO8FFQXWQ"]
)
def test_an_id_is_read_as_people_and_scanners_type_it(text: str) -> None:
    assert read_scan(text) == Scan(CLAIM_ID)


@pytest.mark.parametrize("change", [str, str.upper, str.lower, lambda text: f"{text}\n"])
def test_the_text_of_a_layout_with_a_template_is_read_in_any_case(change: type) -> None:
    text = URL.format(product=PRODUCT, claim_id=CLAIM_ID, serial="SN%2F1")
    scan = read_scan(change(text), [URL])
    assert (scan.claim_id, scan.product) == (CLAIM_ID, PRODUCT)
    assert (scan.serial or "").upper() == "SN/1"


def test_the_bare_id_is_read_whatever_the_template() -> None:
    assert read_scan(CLAIM_ID, [URL]) == Scan(CLAIM_ID)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "JT08FFQX",
        "JT08FFQXWU",
        "https://elsewhere.example/?id=JT08FFQXWQ",
        "A" * 5000,
        "{{ lookup('pipe', 'touch /tmp/owned') }}",
        "J\0T08FFQXWQ",
        "\u0458T08FFQXWQ",
    ],
)
def test_anything_else_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ScanError) as error:
        read_scan(text, [URL])
    assert CLAIM_ID not in str(error.value)
    assert "lookup" not in str(error.value)


@given(st.text(max_size=1200))
def test_whatever_a_scanner_types_is_an_id_or_a_sentence(text: str) -> None:
    try:
        scan = read_scan(text, [URL, "{claim_id}{serial}", "X{claim_id}"])
    except IotoError as error:
        assert str(error).endswith(".")
    else:
        assert 10 <= len(scan.claim_id) <= 20


def file(folder: Path, text: str) -> str:
    (folder / "scans").write_text(text)
    return str(folder / "scans")


def test_lines_belong_to_the_hosts_in_their_order(tmp_path: Path) -> None:
    scans = read_scan_file(file(tmp_path, "\ufeffone\n\ntwo\n"), ["a", "b"])
    assert (scans.of("a", None), scans.of("b", None)) == ("one", "two")


def test_a_line_too_few_is_refused_since_it_would_shift_all_others(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="1 scan for 2 units"):
        read_scan_file(file(tmp_path, "one\n"), ["a", "b"])


def test_a_table_says_whose_each_scan_is_by_host_or_by_serial(tmp_path: Path) -> None:
    by_host = read_scan_file(file(tmp_path, 'Host,Scan\nb,two\na,"o,ne"\n'), ["a", "b", "c"])
    assert [by_host.of(host, None) for host in "ab"] == ["o,ne", "two"]
    with pytest.raises(NothingScannedError, match="has no scan for the host c; add a line"):
        by_host.of("c", None)
    by_serial = read_scan_file(file(tmp_path, "scan,serial\none,SN-1\n"), ["a"])
    assert by_serial.of("a", "SN-1") == "one"
    with pytest.raises(NothingScannedError, match="has no scan for the serial SN-2; add a line"):
        by_serial.of("a", "SN-2")


@pytest.mark.parametrize(
    "text",
    [
        '"host","scan"\r\n"pump-1","JT08FFQXWQ"\r\n',
        "host;scan\r\npump-1;JT08FFQXWQ\r\n",
        "sep=\t\r\nHost \tSCAN\t\r\npump-1\tJT08FFQXWQ\t\r\npump-2\r\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_of_a_spreadsheet_is_read_however_it_was_saved(tmp_path: Path, text: str, encoding: str) -> None:
    (tmp_path / "scans").write_bytes(text.encode(encoding))
    scans = read_scan_file(str(tmp_path / "scans"), ["pump-1", "pump-2"])
    assert scans.of("pump-1", None) == "JT08FFQXWQ"
    with pytest.raises(NothingScannedError):
        scans.of("pump-2", None)


def test_a_file_of_scans_that_is_no_text_says_on_which_line(tmp_path: Path) -> None:
    for text in (b"one\ntw\xf6\n", b"host,scan\ntw\xf6,x\n"):
        (tmp_path / "scans").write_bytes(text)
        with pytest.raises(ScanError, match=r"line 2: Byte 3 \(0xf6\) is not UTF-8"):
            read_scan_file(str(tmp_path / "scans"), ["a", "b"])


def test_the_name_of_a_file_of_scans_steers_no_terminal(tmp_path: Path) -> None:
    named = tmp_path / "scans\x1b]0;owned\x07"
    for text in ("", "scan\nx\n", "host,scan\n,1\n", "one\ntwo\n", "host,scan\na,b,c\n"):
        named.write_text(text)
        with pytest.raises(ScanError) as caught:
            read_scan_file(str(named), ["a"])
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("scan\nx\n", "no column host"),
        ("host,scan\na,1\na,2\n", "line 3, names a second time"),
        ("host,scan\n,1\n", "line 2, names no host"),
        ("host,scan,Scan\na,1,2\n", "has 2 columns scan; leave one of them"),
        ("host,HOST,scan\na,b,1\n", "has 2 columns host; leave one of them"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_its_line(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ScanError, match=why):
        read_scan_file(file(tmp_path, text), ["a"])


def test_a_column_that_stands_twice_is_refused_also_by_who_reads_scan_by_scan(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="has 2 columns serial"):
        list(each_scan(file(tmp_path, "serial,scan,serial\nA,1,B\n"), []))


def test_the_qr_codes_of_a_layout_are_known_without_the_libraries_that_draw_labels() -> None:
    """Each device is served by a process of its own, which would load them again."""
    code = (
        "import sys\n"
        "from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.qr_templates import qr_templates\n"
        "print(qr_templates(None, 'standard'), {'reportlab', 'freetype', 'uharfbuzz', 'PIL'} & sys.modules.keys())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "('{claim_id}',) set()\n"


def test_an_id_of_another_keyboard_layout_is_told_by_what_is_known() -> None:
    assert exchanged("YAZ0000000") == "ZAY0000000"
    assert exchanged(CLAIM_ID) is None
    assert is_exchanged("YA00000000", {"ZA00000000"})
    assert not is_exchanged("YA00000000", {"YA00000000", "ZA00000000"})
    assert not is_exchanged("YA00000000", set())
