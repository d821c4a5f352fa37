# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One reader takes what spreadsheets and planning systems write, and says by line what it cannot read."""

from __future__ import annotations

import csv
import io
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ioto.serialization.plugins.plugin_utils.csv_reader import (
    CsvFormat,
    CsvFormatError,
    LineProblem,
    fold_title,
    read_lines,
    read_rows,
    title_problems,
)

VERBATIM = CsvFormat(is_verbatim=True)

both_ways = pytest.mark.parametrize("form", [CsvFormat(), VERBATIM], ids=["typed", "verbatim"])


def cells(source: str | bytes, form: CsvFormat | None = None) -> list[list[str]]:
    """The rows of a file that has no problem."""
    rows = list(read_rows(source.encode() if isinstance(source, str) else source, form))
    assert not [row for row in rows if isinstance(row, LineProblem)]
    return [row.cells for row in rows if not isinstance(row, LineProblem)]


def problems(source: str | bytes, form: CsvFormat | None = None) -> list[str]:
    rows = read_rows(source.encode() if isinstance(source, str) else source, form)
    return [str(row) for row in rows if isinstance(row, LineProblem)]


@both_ways
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_delimiter_and_encoding_are_found(form: CsvFormat, delimiter: str, encoding: str) -> None:
    text = "Serial,Ort\r\nSN-1,Köln\r\n".replace(",", delimiter)
    assert cells(text.encode(encoding), form) == [["Serial", "Ort"], ["SN-1", "Köln"]]


@both_ways
@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", '"sep=;";;'])
def test_a_first_line_says_the_delimiter_and_counts_as_a_line(form: CsvFormat, first: str) -> None:
    rows = list(read_rows(f"{first}\r\na;b,c,d\r\n1;2\r\n".encode(), form))
    assert rows == [(2, ["a", "b,c,d"]), (3, ["1", "2"])]


@both_ways
def test_a_first_line_may_say_that_tabs_separate(form: CsvFormat) -> None:
    assert cells("sep=\t\na\tb\n1\t2\n", form) == [["a", "b"], ["1", "2"]]


@both_ways
def test_a_first_line_that_says_something_else_than_the_setting_is_refused(form: CsvFormat) -> None:
    form = CsvFormat(delimiter=",", is_verbatim=form.is_verbatim)
    assert problems("sep=;\na;b\n", form) == [
        "line 1: The line says that ';' separates, and the delimiter is set to ','; correct one of them."
    ]
    assert cells("sep=,\na,b\n", form) == [["a", "b"]]


@both_ways
def test_a_first_line_that_says_what_cannot_separate_is_refused(form: CsvFormat) -> None:
    assert problems("sep=x\na;b\n", form) == [
        "line 1: The line says that 'x' separates, and it cannot; remove the line."
    ]


@both_ways
def test_a_delimiter_inside_quotes_does_not_count(form: CsvFormat) -> None:
    assert cells('"a, b, c";d\n1;2\n', form) == [["a, b, c", "d"], ["1", "2"]]


@both_ways
def test_a_delimiter_that_is_set_holds_and_a_header_that_has_another_is_reported(form: CsvFormat) -> None:
    form = CsvFormat(delimiter=";", is_verbatim=form.is_verbatim)
    assert cells("a,b;c\n1;2\n", form) == [["a,b", "c"], ["1", "2"]]
    assert problems("a,b\n1,2\n", form) == ["line 1: The header looks separated by ','; set the delimiter to it."]
    assert cells("\n\na\n1\n", form) == [["a"], ["1"]]


@both_ways
def test_columns_at_the_right_without_title_and_content_are_left_out(form: CsvFormat) -> None:
    assert cells("a,b,,\n1,2,,\n3,4\n5,6,,,,\n,,,\n", form) == [["a", "b"], ["1", "2"], ["3", "4"], ["5", "6"]]
    assert problems("a,b,,\n1,2,,x\n", form) == [
        "line 2: The row has 4 cells and the header 2; quote a cell that holds the delimiter, and leave empty cells in "
        "place."
    ]


@both_ways
def test_short_rows_are_taken_where_the_caller_says_so(form: CsvFormat) -> None:
    assert problems("a,b,c\n1\n", form)[0].startswith("line 2: The row has 1 cells and the header 3;")
    form = CsvFormat(takes_short_rows=True, is_verbatim=form.is_verbatim)
    assert cells("a,b,c\n1\n", form) == [["a", "b", "c"], ["1", "", ""]]


@both_ways
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_line_end_counts_lines_and_empty_rows_are_passed_over(form: CsvFormat, newline: str) -> None:
    rows = list(read_rows(newline.join(["", "a,b", "", ",", "1,2"]).encode(), form))
    assert rows == [(2, ["a", "b"]), (5, ["1", "2"])]


@both_ways
def test_every_line_that_is_not_in_the_encoding_is_named_and_the_others_are_read(form: CsvFormat) -> None:
    rows = list(read_rows(b"a,b\n1,caf\xe9\n2,x\n3,\xff\n4,y\n", form))
    assert [str(row).split(";")[0] if isinstance(row, LineProblem) else row.cells for row in rows] == [
        ["a", "b"],
        "line 2: Byte 6 (0xe9) is not UTF-8",
        ["2", "x"],
        "line 4: Byte 3 (0xff) is not UTF-8",
        ["4", "y"],
    ]


@both_ways
@pytest.mark.parametrize("encoding", [None, "cp1252"])
def test_the_file_of_a_spreadsheet_itself_is_told_as_that(form: CsvFormat, encoding: str | None) -> None:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/workbook.xml", "<workbook/>" * 100)
        told = problems(file.getvalue(), replace(form, encoding=encoding, has_settings=True))
    assert told == ["line 1: The file is a spreadsheet or another archive; save it as CSV UTF-8, and name that file."]


@both_ways
def test_an_encoding_that_is_set_is_named_where_a_line_is_not_in_it(form: CsvFormat) -> None:
    form = CsvFormat(encoding="cp1252", has_settings=True, is_verbatim=form.is_verbatim)
    assert cells(b"a\ncaf\xe9\n", form) == [["a"], ["caf\xe9"]]
    assert problems(b"a\nx\x81\n", form) == [
        "line 2: Character 2 (0x81) is not cp1252; save the file as CSV UTF-8, or set its encoding, such as cp1252."
    ]


def test_half_a_character_at_the_end_of_utf16_is_a_bad_line() -> None:
    assert problems("a\nb\n".encode("utf-16") + b"c") == [
        "line 3: Character 1 (0x63) is not UTF-16; save the file as CSV UTF-8."
    ]


@both_ways
def test_after_a_header_that_cannot_be_read_no_row_is_taken_for_one(form: CsvFormat) -> None:
    assert len(problems(b"a,caf\xe9\n1,2\n3,4,5\n", form)) == 1


def test_one_forgotten_quote_spoils_one_row_of_a_file_that_people_write() -> None:
    assert [problem.split(":")[0] for problem in problems('a,b\n1,"2\n3,4\n5,6"7"\n8,9\n')] == ["line 2"]


def test_cells_that_a_program_wrote_come_back_as_they_were() -> None:
    rows = [["a", "b"], [" x ", 'line\r\n"2"\t'], ["\x1b", ""], ["'", ";"]]
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    assert cells(buffer.getvalue(), VERBATIM) == rows
    lines = [row.line for row in read_rows(io.StringIO(buffer.getvalue(), newline=""), VERBATIM)]
    assert lines == [1, 2, 4, 5]


def test_a_forgotten_quote_ends_a_file_that_a_program_wrote_at_its_row() -> None:
    (problem,) = problems('a,b\n1,2\n3,"4\n5,6\n', VERBATIM)
    assert problem.startswith("line 3: The quotes do not match, and from here on the file cannot be read as CSV")


@both_ways
@pytest.mark.parametrize("cell", ["x" * 200_000, '"' + "x" * 200_000 + '"'], ids=["bare", "quoted"])
def test_a_cell_that_is_too_long_is_told_as_that(form: CsvFormat, cell: str) -> None:
    (problem,) = problems(f"a,b\n1,2\n3,{cell}\n", form)
    assert problem.startswith("line 3: A cell has more than 131072 characters")
    assert "do not match" not in problem and "shorten it" in problem


def test_after_a_cell_that_is_too_long_the_rows_of_a_file_that_people_write_are_read() -> None:
    rows = list(read_rows(f"a,b\n1,{'x' * 200_000}\n3,4\n".encode()))
    assert [row.line for row in rows] == [1, 2, 3] and isinstance(rows[1], LineProblem)


@both_ways
def test_a_file_without_line_ends_does_not_fill_the_memory(form: CsvFormat) -> None:
    endless = io.BufferedReader(_Endless(b"x" * 65536, 10_000))
    tracemalloc.start()
    (problem,) = list(read_rows(endless, form))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "line 1: The line has more than 1000000 characters" in str(problem)
    assert peak < 20_000_000


@both_ways
def test_a_hundred_thousand_rows_are_read_one_at_a_time(form: CsvFormat) -> None:
    source = io.BufferedReader(_Endless(b"JT08FFQXWQ,01G8YJKKRNTHW213TRZYX3YH0M,SN-1\r\n" * 1000, 100))
    tracemalloc.start()
    count = sum(1 for _row in read_rows(source, form))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 100_000
    assert peak < 2_000_000


@both_ways
def test_reading_takes_less_than_ten_times_what_csv_takes(form: CsvFormat) -> None:
    text = "address,serial,product,mode\n" + "10.0.0.1:2222,SN-1,01G8YJKKRNTHW213TRZYX3YH0M,manual\n" * 50_000
    started = time.process_time()
    assert sum(1 for _row in csv.reader(io.StringIO(text, newline=""))) == 50_001
    plain = time.process_time() - started
    started = time.process_time()
    assert sum(1 for _row in read_rows(text.encode(), form)) == 50_001
    assert time.process_time() - started < 10 * plain


def test_lines_are_read_with_the_same_encodings() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert list(read_lines("eins\r\n\r\nfünf\n".encode(encoding))) == [(1, "eins"), (3, "fünf")]
    assert [str(line)[:12] for line in read_lines(b"\xff\nx\n") if isinstance(line, LineProblem)] == ["line 1: Byte"]


def test_a_text_stream_that_somebody_else_opened_ends_in_a_problem_where_it_cannot_be_decoded() -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"a\n\xff\n"), encoding="utf-8", newline="")
    assert "is not UTF-8; save the file as CSV UTF-8." in str(list(read_rows(stream))[-1])


def test_titles_that_mean_the_same_fold_to_one() -> None:
    assert {fold_title(title) for title in ("Claim ID", " claim-id", "CLAIM_ID ", "claim  id")} == {"claim_id"}
    assert [str(problem) for problem in title_problems(2, ["a", "", "b", "a"])] == [
        "line 2: Column 2 has no title; give it one, or remove the column.",
        "line 2: Columns 1 and 4 are both 'a'; keep one of them.",
    ]


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "x", "7", " ", "\0"])
def test_a_delimiter_that_cannot_separate_is_refused(delimiter: str) -> None:
    with pytest.raises(CsvFormatError, match="set one character such as ; or a tab"):
        CsvFormat(delimiter=delimiter)


@pytest.mark.parametrize("encoding", ["", "klingon", "hex", "a\0b"])
def test_an_encoding_that_is_none_of_text_is_refused(encoding: str) -> None:
    with pytest.raises(CsvFormatError, match="set one such as utf-8 or cp1252"):
        CsvFormat(encoding=encoding)


@given(
    st.binary(max_size=300), st.booleans(), st.sampled_from([None, "utf-8", "utf-16", "cp1252", "shift_jis", "idna"])
)
def test_whatever_the_bytes_are_there_are_rows_and_problems_with_growing_lines(
    data: bytes, is_verbatim: bool, encoding: str | None
) -> None:
    rows = list(read_rows(data, CsvFormat(is_verbatim=is_verbatim, encoding=encoding)))
    lines = [row.line for row in rows]
    assert lines == sorted(lines)
    assert len({len(row.cells) for row in rows if not isinstance(row, LineProblem)}) <= 1


class _Endless(io.RawIOBase):
    """A file that is made as it is read: `count` times `block`."""

    def __init__(self, block: bytes, count: int) -> None:
        self._blocks: Iterator[bytes] = (block for _number in range(count))
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._rest or next(self._blocks, b"")
        count = min(len(buffer), len(data))
        buffer[:count] = data[:count]
        self._rest = data[count:]
        return count
