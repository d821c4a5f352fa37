# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A production order in CSV becomes units, or one error that lists every bad row."""

from __future__ import annotations

import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.production_order import order as production_order
from ansible_collections.ioto.serialization.plugins.plugin_utils.production_order.order import (
    OrderedUnit,
    OrderLayout,
    ProductionOrderError,
    split_address,
)

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
OTHER_PRODUCT = "01G9BFEDZXJYWEJ56DPPQSXTWP"


def read(text: str | bytes, **layout: object) -> list[OrderedUnit]:
    data = text.encode() if isinstance(text, str) else text
    return production_order.read(data, "order.csv", OrderLayout(**layout))  # type: ignore[arg-type]


def problems(text: str | bytes, **layout: object) -> list[str]:
    with pytest.raises(ProductionOrderError) as caught:
        read(text, **layout)
    return [str(problem) for problem in caught.value.problems]


def test_a_row_becomes_a_unit_with_its_properties() -> None:
    (unit,) = read(
        "address,serial,product,mode,claim_id,user,model,Name\n"
        f"10.0.0.1:2222, SN-1 ,{PRODUCT.lower()},Manual,jto8ffqxwq,root,Meter 3,Kitchen\n"
    )
    assert unit == OrderedUnit(
        line=2,
        name="SN-1",
        address="10.0.0.1",
        port=2222,
        user="root",
        serial="SN-1",
        product=PRODUCT,
        mode="manual",
        claim_id="JT08FFQXWQ",
        properties={"model": "Meter 3", "Name": "Kitchen"},
    )


def test_titles_are_read_in_any_order_and_case_and_with_spaces_or_dashes() -> None:
    (unit,) = read("Claim ID,SERIAL,claim-note,Address\nJT08FFQXWQ,SN-1,hello,10.0.0.1\n")
    assert (unit.claim_id, unit.serial, unit.address) == ("JT08FFQXWQ", "SN-1", "10.0.0.1")
    assert unit.properties == {"claim-note": "hello"}


def test_an_empty_cell_takes_the_default_and_is_no_property() -> None:
    (unit,) = read("address,mode,product,model\n10.0.0.1,,,\n", mode="auto", product=PRODUCT)
    assert (unit.mode, unit.product, unit.properties) == ("auto", PRODUCT, {})


def test_without_a_default_an_empty_cell_is_left_to_the_group() -> None:
    (unit,) = read("address,mode,product\n10.0.0.1,,\n")
    assert (unit.mode, unit.product, unit.claim_id, unit.serial, unit.port) == (None,) * 5


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_line_end_counts_lines_and_blank_rows_are_passed_over(newline: str) -> None:
    units = read(newline.join(["address", "", "10.0.0.1", "   ", "10.0.0.2"]))
    assert [unit.line for unit in units] == [3, 5]


def test_a_byte_order_mark_is_skipped() -> None:
    assert read(b"\xef\xbb\xbfaddress\n10.0.0.1\n")[0].address == "10.0.0.1"


def test_another_encoding_and_delimiter_are_read_when_they_are_set() -> None:
    (unit,) = read("address;Ort\n10.0.0.1;Köln\n".encode("cp1252"), delimiter=";", encoding="cp1252")
    assert unit.properties == {"Ort": "Köln"}


def test_columns_are_renamed_as_the_layout_says() -> None:
    (unit,) = read(
        "IP,Seriennummer,Typ\n10.0.0.1,7,M\n", columns={"ip": "address", "Seriennummer": "serial", "Typ": "model"}
    )
    assert (unit.address, unit.serial, unit.properties) == ("10.0.0.1", "7", {"model": "M"})


def test_a_renamed_column_that_is_not_there_is_reported() -> None:
    (problem,) = problems("address\n10.0.0.1\n", columns={"Seriennummer": "serial"})
    assert problem.startswith("line 1: The option columns names 'Seriennummer'")


def test_a_quoted_cell_holds_delimiters_and_quotes() -> None:
    (unit,) = read('address,model\n10.0.0.1,"Meter, 3"" wide"\n')
    assert unit.properties["model"] == 'Meter, 3" wide'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("meter.local", ("meter.local", None)),
        ("10.0.0.1", ("10.0.0.1", None)),
        ("10.0.0.1:22", ("10.0.0.1", 22)),
        ("[fe80::1]:2222", ("fe80::1", 2222)),
        ("[fe80::1]", ("fe80::1", None)),
        ("fe80::1%eth0", ("fe80::1%eth0", None)),
    ],
)
def test_an_address_is_split_into_host_and_port(text: str, expected: tuple[str, int | None]) -> None:
    assert split_address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "-oProxyCommand=x",
        "a b",
        "10.0.0.300",
        "h:0",
        "h:65536",
        "h:",
        "h:x",
        "[h]:22",
        "[::1]x",
        "a;b",
        "fe80::1%$(x)",
        "é",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"it is not a host name|its port|not an IPv6"):
        split_address(text)


def test_every_bad_row_is_listed_at_once_with_its_line() -> None:
    found = problems(
        "address,serial,product,mode,claim_id\n"
        f"10.0.0.1,SN-1,{PRODUCT},manual,JT08FFQXWQ\n"
        f"10.0.0.1:22,SN-1,{PRODUCT},manual,JTO8FFQXWQ\n"
        "10.0.0.3,SN-3,XX,manuel,JT08\n"
        ",SN-4,,auto,\n"
        ",,,firmware,\n"
        "10.0.0.7,SN-7\n"
        '10.0.0.8,"SN"8,,,\n'
        '10.0.0.9,"SN-9,,,\n'
        "10.0.0.300,SN-10,,,\n"
        f"10.0.0.11,SN-11,,,JT08FFQXUQ\n"
    )
    starts = [
        "line 3: The address '10.0.0.1:22' stands on line 2 already",
        "line 3: The claim ID ********WQ stands on line 2 already",
        "line 3: The serial 'SN-1' stands on line 2 already",
        "line 4: The claim ID has 4 characters",
        "line 4: The mode 'manuel' is not known",
        "line 4: The product 'XX' is not a product ID",
        "line 5: The row has no address",
        "line 6: The row has no serial",
        "line 7: The row has 2 cells and the header 5",
        "line 8: The quotes do not match",
        "line 9: The quotes do not match",
        "line 10: The address '10.0.0.300' is not usable",
        "line 11: The claim ID has 'U' at character 9",
    ]
    assert len(found) == len(starts)
    for problem, start in zip(found, starts, strict=True):
        assert problem.startswith(start)


def test_no_message_holds_a_whole_claim_id() -> None:
    with pytest.raises(ProductionOrderError) as caught:
        read("address,claim_id\n10.0.0.1,JT08FFQXWQ\n10.0.0.2,JT08FFQXWQ\n10.0.0.3,JT08FFQXWQU\n")
    assert len(caught.value.problems) == 2
    assert "JT08FFQX" not in str(caught.value)
    assert "JT08FFQX" not in repr(read("address,claim_id\n10.0.0.1,JT08FFQXWQ\n"))


def test_the_error_names_the_file_and_says_that_nothing_was_taken() -> None:
    with pytest.raises(ProductionOrderError, match=r"\Aorder.csv has 1 problem; no unit was taken from it."):
        read("address\n-x\n")


def test_one_forgotten_quote_spoils_one_row() -> None:
    assert len(problems('address,serial\n10.0.0.1,"SN-1\n10.0.0.2,SN-2\n10.0.0.3,SN-3\n')) == 1


def test_a_mac_that_is_a_serial_has_one_form_and_a_serial_of_digits_its_own() -> None:
    units = read("address,serial\n10.0.0.1,00-1B-21-AA-00-01\n10.0.0.2,001122334455\n")
    assert [unit.serial for unit in units] == ["00:1b:21:aa:00:01", "001122334455"]
    (problem,) = problems("address,serial\n10.0.0.1,00-1B-21-AA-00-01\n10.0.0.2,001b21aa0001\n")
    assert "stands on line 2 already" in problem


def test_a_serial_may_stand_under_two_products_and_the_names_differ() -> None:
    units = read(f"address,serial,product\n10.0.0.1,7,{PRODUCT}\n10.0.0.2,7,{OTHER_PRODUCT}\n10.0.0.3,8,{PRODUCT}\n")
    assert [unit.name for unit in units] == [f"7_{PRODUCT}", f"7_{OTHER_PRODUCT}", "8"]


def test_names_come_from_host_else_from_the_serial_else_from_the_address() -> None:
    units = read(
        "address,serial,host\n10.0.0.1,A/1,bench-1\n10.0.0.2,A/2 ü,\n10.0.0.3:23,,\n[fe80::1],,\n10.0.0.5,-x,\n"
    )
    assert [unit.name for unit in units] == ["bench-1", "A_2__", "10.0.0.3_23", "fe80__1", "_-x"]


def test_two_units_never_share_an_inventory_name() -> None:
    assert problems("address,serial,host\n10.0.0.1,A/1,\n10.0.0.2,A 1,\n10.0.0.3,,A_1\n") == [
        "line 3: The inventory name 'A_1' stands on line 2 already; set another in column host.",
        "line 4: The inventory name 'A_1' stands on line 2 already; set another in column host.",
    ]


@pytest.mark.parametrize("name", ["manual", "all", "ungrouped"])
def test_a_host_is_not_called_as_a_group(name: str) -> None:
    (problem,) = problems(f"address,host\n10.0.0.1,{name}\n")
    assert "is a group's" in problem


def test_a_firmware_row_needs_no_address_and_a_column_that_all_rows_lack_is_reported_once() -> None:
    assert read("serial,mode\nSN-1,firmware\n")[0].address is None
    assert problems("serial\nSN-1\nSN-2\n") == [
        "line 1: The header has no column address, and every mode but firmware needs one; add it."
    ]


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("address,Serial,serial", "Columns 2 and 3 are both 'serial'"),
        ("address,model,model", "Columns 2 and 3 are both 'model'"),
        ("address,,model", "Column 2 has no title"),
        ("address,id", "which only a claim ID is; call it claim_id"),
        ("address,pr{{ x }}", "no property can be"),
        ("model,colour", "neither address nor serial"),
    ],
)
def test_a_bad_header_is_reported(header: str, part: str) -> None:
    assert any(part in problem and problem.startswith("line 1: ") for problem in problems(f"{header}\n"))


def test_a_delimiter_that_is_set_and_not_the_files_is_reported() -> None:
    assert problems("address;serial\n", delimiter=",") == [
        "line 1: The header looks separated by ';'; set the delimiter to it."
    ]


@pytest.mark.parametrize(
    ("serial", "looks_like"),
    [
        ("8.60123E+14", "a long number that a spreadsheet has rounded"),
        ("8,6E+14", "a long number that a spreadsheet has rounded"),
        ("8.6E14", "a long number that a spreadsheet has rounded"),
        ("8E+14", "a long number that a spreadsheet has rounded"),
        ("1.23E-05", "a long number that a spreadsheet has rounded"),
        ("860123.0", "a number to which a spreadsheet has added a fraction"),
        ("#NAME?", "the error of a formula"),
        ("#REF!", "the error of a formula"),
        ("#BEZUG!", "the error of a formula"),
        ("#ÜBERLAUF!", "the error of a formula"),
        ("Err:502", "the error of a formula"),
        ("TRUE", "a yes or no that a spreadsheet has made"),
        ("falsch", "a yes or no that a spreadsheet has made"),
        ("'00123", "a cell with its mark for a text or a formula"),
        ("=A2", "a cell with its mark for a text or a formula"),
        ("1. März 2026", "a date that a spreadsheet has made"),
        ("Sunday, March 1, 2026", "a date that a spreadsheet has made"),
        ("2026-03-01 00:00:00", "a date that a spreadsheet has made"),
        ("12:30", "a date that a spreadsheet has made"),
        ("######", "the error of a formula"),
        ("01.Mrz", "a date that a spreadsheet has made"),
        ("1-Mar", "a date that a spreadsheet has made"),
        ("Mar-26", "a date that a spreadsheet has made"),
        ("01.03.2026", "a date among serials that are not dates"),
    ],
)
def test_a_serial_that_a_spreadsheet_has_damaged_is_refused(serial: str, looks_like: str) -> None:
    (problem,) = problems(f'serial,mode\n1-2,firmware\n"{serial}",firmware\n')
    assert problem.startswith("line 3: The serial") and f"looks like {looks_like}; format its column as text" in problem


@pytest.mark.parametrize(
    "serial",
    [
        "2026-11-0001",
        "SN-1E5",
        "12E-B",
        "860123000000001",
        "MAR1",
        "E+14",
        "12E5",
        "DEC-12",
        "MAY-2026",
        "1.5",
        "#12",
        "SN=1",
    ],
)
def test_serials_that_are_only_odd_are_taken(serial: str) -> None:
    assert read(f"serial,mode\n{serial},firmware\n")[0].serial == serial


@pytest.mark.parametrize(
    ("serials", "damaged"),
    [
        (["00123", "00124", "125"], {4}),
        (["098", "99", "100"], {3}),
        (["9", "10", "11"], set()),
        (["0009", "010"], set()),
        (["8601234567890120", "8601234567890130"], {2, 3}),
        (["8601234567890121", "8601234567890130"], set()),
        (["1-3-26", "2-3-26"], set()),
    ],
)
def test_a_serial_that_is_damaged_as_the_others_show_is_refused(serials: list[str], damaged: set[int]) -> None:
    text = "\n".join(["serial,mode", *(f"{serial},firmware" for serial in serials)])
    found = problems(text) if damaged else []
    assert {int(problem.split(":")[0].removeprefix("line ")) for problem in found} == damaged
    assert damaged or len(read(text)) == len(serials)


def test_a_pattern_says_what_serials_look_like_whatever_a_spreadsheet_may_make() -> None:
    pattern = r"8\.6E\d+"
    assert read("serial,mode\n8.6E14,firmware\n", serial_pattern=pattern)[0].serial == "8.6E14"
    (problem,) = problems("serial,mode\n8.6E14,firmware\n8.6F14,firmware\n", serial_pattern=pattern)
    assert "line 3: The serial '8.6F14' does not match serial_pattern" in problem


def test_an_order_as_a_spreadsheet_saves_it_is_read_without_any_setting() -> None:
    saved = "sep=;\r\nSerial;Product;;\r\nSN-1;01G8YJKKRNTHW213TRZYX3YH0M;;\r\nSN-2;01G8YJKKRNTHW213TRZYX3YH0M\r\n"
    units = read(saved.encode("utf-16"), mode="firmware")
    assert [(unit.line, unit.serial, unit.product) for unit in units] == [(3, "SN-1", PRODUCT), (4, "SN-2", PRODUCT)]


def test_the_encoding_is_named_as_a_remedy_where_it_can_be_set() -> None:
    assert problems(b"address\n\xe9\n")[0].endswith("is not UTF-8; save the file as CSV UTF-8.")
    assert "or set its encoding, such as cp1252" in problems(b"address\n\xe9\n", has_settings=True)[0]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b" , ,\n"])
def test_an_empty_file_is_refused(data: bytes) -> None:
    assert problems(data) == ["line 1: The file is empty; it needs a header row and one row for each unit."]


def test_a_header_alone_is_refused() -> None:
    assert problems("address\n") == ["line 1: The header is followed by no row; add one row for each unit."]


def test_bytes_that_are_no_utf8_and_control_characters_are_reported_by_line() -> None:
    found = problems(b"address,model\n10.0.0.1,caf\xe9\n10.0.0.2,a\0b\n10.0.0.3,\x1b[31m\n10.0.0.4,\xff\n")
    assert [problem.split(";")[0] for problem in found] == [
        "line 2: Byte 13 (0xe9) is not UTF-8",
        "line 3: The line holds a NUL byte at character 11",
        "line 4: The line holds the control character '\\x1b' at character 10",
        "line 5: Byte 10 (0xff) is not UTF-8",
    ]


def test_a_utf16_file_is_recognized() -> None:
    data = "address\n10.0.0.1\n".encode("utf-16")
    assert read(data)[0].address == read(data, encoding="utf-16")[0].address == "10.0.0.1"
    assert "set the encoding to utf-16" in problems(data, encoding="utf-8")[0]


def test_a_tab_separates_when_it_is_the_delimiter_and_is_refused_otherwise() -> None:
    assert read("address\tmodel\n10.0.0.1\tM\n", delimiter="\t")[0].properties == {"model": "M"}
    assert read("address\tmodel\n10.0.0.1\tM\n")[0].properties == {"model": "M"}
    assert "control character '\\t'" in problems("address,model\n10.0.0.1,a\tb\n")[0]


@pytest.mark.parametrize(
    "layout",
    [
        *({"delimiter": ""}, {"delimiter": '"'}, {"encoding": "klingon"}, {"mode": "x"}, {"product": "x"}),
        *({"serial_pattern": "["}, {"serial_pattern": "a{99999999999999999999}"}, {"serial_pattern": "(" * 5000}),
    ],
)
def test_a_layout_that_cannot_be_is_refused_in_one_sentence(layout: dict[str, str]) -> None:
    with pytest.raises(IotoError) as caught:
        read("address\n10.0.0.1\n", **layout)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("user", ["-x", "a b", "a;b", "$(id)"])
def test_a_user_that_is_no_login_name_is_refused(user: str) -> None:
    assert "is not a login name" in problems(f"address,user\n10.0.0.1,{user}\n")[0]


@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_there_are_units_or_one_error_of_ours(data: bytes) -> None:
    try:
        units = read(data)
    except ProductionOrderError as error:
        assert error.problems
    else:
        assert units


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"])), min_size=1, max_size=20))
def test_a_property_comes_back_as_it_was_written(values: list[str]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["address", "note"])
    writer.writerows([f"10.0.0.{number}", value] for number, value in enumerate(values))
    assert [unit.properties.get("note", "") for unit in read(buffer.getvalue())] == [value.strip() for value in values]


def test_ten_thousand_rows_take_less_than_two_seconds() -> None:
    rows = "".join(
        f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}:2222,SN-{n:06},{PRODUCT},manual,Meter\n" for n in range(10_000)
    )
    started = time.process_time()
    assert len(read(f"address,serial,product,mode,model\n{rows}")) == 10_000
    assert time.process_time() - started < 2
