# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one reader of CSV files, and of files with one entry a line: orders, scans, imports.

It takes what spreadsheets and planning systems write: a comma, a semicolon, a tab or a bar between two cells, a first
line `sep=;` that says which, UTF-8 with and without a mark, UTF-16, quotes, and columns without title and content at
the right. What it cannot read becomes a `LineProblem` instead of the row, and the rows after it are read.

It streams: one row is held at a time. A line is one of the file, counted from 1, the header and `sep=` included.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TextIO

from .claim_ids import mask_folded
from .display_text import quoted
from .errors import IotoError

_DELIMITERS = {",": "','", ";": "';'", "\t": "a tab", "|": "'|'"}
# Saved once more by a spreadsheet, the line has quotes, and empty cells after it.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\1*', re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_TAB = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_SHORT = 10_000  # characters of a line no cell of which `csv` refuses as too long: to split it says the same
_MAX_LINE = 1_000_000  # characters: a file without line ends must not fill the memory

# A byte that the encoding does not know becomes a lone surrogate, as nothing else does, so that its line is known.
_UNDECODABLE = re.compile("[\udc00-\udcff]")
_UNDECODABLE_BASE = 0xDC00
_UTF16_MARKS = tuple(
    "".join(chr(_UNDECODABLE_BASE + byte) for byte in mark) for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
)
_ARCHIVE = "PK\x03\x04"  # a ZIP file, such as .xlsx and .ods, whatever it is called
_KEEP_UNDECODABLE = "ioto.serialization.keep_undecodable"


class CsvFormatError(IotoError):
    """A delimiter or an encoding that cannot be set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvFormat:
    """What is known of a file before it is read. Raises `CsvFormatError`."""

    delimiter: str | None = None
    """The character between two cells. None: the line `sep=` says it, or it is found in the header."""
    encoding: str | None = None
    """None: UTF-16 where the file begins as such, else UTF-8."""
    has_settings: bool = False
    """Whether who runs us can set `delimiter` and `encoding`; messages name them then."""
    is_verbatim: bool = False
    """Whether cells are taken as a program wrote them: with spaces around them, line breaks and control characters.

    Else a row is one line, so that one forgotten quote spoils one row and not the rest of the file.
    """
    takes_short_rows: bool = False
    """Whether cells that a row lacks at its end are empty; else such a row is a problem."""

    def __post_init__(self) -> None:
        if self.delimiter is not None and not _can_separate(self.delimiter):
            raise CsvFormatError(
                f"The delimiter {quoted(self.delimiter)} cannot be used; set one character such as ; or a tab."
            )
        if self.encoding is not None:
            try:
                io.TextIOWrapper(io.BytesIO(), self.encoding)
            except (LookupError, ValueError):
                raise CsvFormatError(
                    f"The encoding {quoted(self.encoding)} is not known; set one such as utf-8 or cp1252."
                ) from None


@dataclass(frozen=True, slots=True, order=True)
class LineProblem:
    """What is wrong on one line, as a sentence."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


class CsvRow(NamedTuple):
    """The cells of a row, and the line on which it begins."""

    line: int
    cells: list[str]


class TextLine(NamedTuple):
    """The text of a line, without its end."""

    line: int
    text: str


Source = bytes | io.BufferedReader | TextIO  # a file's bytes, or the file, open in binary or with `newline=""`


def read_rows(source: Source, form: CsvFormat | None = None) -> Iterator[CsvRow | LineProblem]:
    """Yield the header, and then every row that is not empty, with as many cells as the header.

    Columns at the right that have no title are left out where they are empty. After a problem that concerns the whole
    file nothing follows. The header's titles are as they were written; `fold_title` tells which are the same.
    """
    return _RowReader(source, form or CsvFormat()).rows()


def read_lines(source: Source, form: CsvFormat | None = None) -> Iterator[TextLine | LineProblem]:
    """Yield every line that is not empty, as `read_rows` finds lines and encoding."""
    lines = _Lines(source, form or CsvFormat())
    for text in lines:
        if lines.problem:
            yield lines.problem
        elif text.strip():
            yield TextLine(lines.number, text.rstrip("\r\n"))
    if lines.end:
        yield lines.end


def fold_title(title: str) -> str:
    """Return what titles that mean the same have in common: lower case, and `_` for spaces and `-` between words."""
    return re.sub(r"[\s_-]+", "_", title.strip().lower())


def title_problems(line: int, titles: Sequence[str]) -> Iterator[LineProblem]:
    """Yield what is wrong with the header on `line` whatever it is for: a column without a title, or one twice."""
    for number, title in enumerate(titles, start=1):
        if not title:
            yield LineProblem(line, f"Column {number} has no title; give it one, or remove the column.")
        elif (first := titles.index(title) + 1) != number:
            shown = quoted(mask_folded(title)[:40])
            yield LineProblem(line, f"Columns {first} and {number} are both {shown}; keep one of them.")


class _Lines(Iterator[str]):
    """The lines of a file with their ends; `number` and `problem` are those of the line that was given last.

    `end` is what is wrong with the whole file, once there are no more lines.
    """

    def __init__(self, source: Source, form: CsvFormat) -> None:
        self._stream = _as_text(source, form.encoding)
        self._encoding = codecs.lookup(getattr(self._stream, "encoding", None) or "utf-8").name.removesuffix("-sig")
        self._has_settings = form.has_settings
        self.number = 0
        self.problem: LineProblem | None = None
        self.end: LineProblem | None = None

    def __next__(self) -> str:
        self.problem = None
        if self.end:
            raise StopIteration
        self.number += 1
        try:
            text = self._stream.readline(_MAX_LINE + 1)
        except UnicodeError:
            # Of a text stream that somebody else opened, or of an encoding that has no way to go on.
            self._stop(f"The line is not {self._called()}; {self._remedy()}.")
        if not text:
            raise StopIteration
        if len(text) > _MAX_LINE:
            self._stop(f"The line has more than {_MAX_LINE} characters; see whether the file is the right one.")
        if self.number == 1:
            text = text.removeprefix("\ufeff")
            if text.startswith(_ARCHIVE):
                self._stop("The file is a spreadsheet or another archive; save it as CSV UTF-8, and name that file.")
        if stranger := None if text.isascii() else _UNDECODABLE.search(text):
            self._cannot_decode(text, stranger.start())
        return text

    def _stop(self, sentence: str) -> None:
        self.end = LineProblem(self.number, sentence)
        raise StopIteration

    def _cannot_decode(self, text: str, index: int) -> None:
        if self.number == 1 and text.startswith(_UTF16_MARKS):
            self._stop(f"The file is UTF-16, not {self._called()}; save as CSV UTF-8, or set the encoding to utf-16.")
        before = text[:index]
        place = f"Byte {len(before.encode()) + 1}" if self._encoding == "utf-8" else f"Character {len(before) + 1}"
        value = ord(text[index]) - _UNDECODABLE_BASE
        self.problem = LineProblem(self.number, f"{place} (0x{value:02x}) is not {self._called()}; {self._remedy()}.")

    def _called(self) -> str:
        return self._encoding.upper() if self._encoding.startswith("utf") else self._encoding

    def _remedy(self) -> str:
        remedy = "save the file as CSV UTF-8"
        return f"{remedy}, or set its encoding, such as cp1252" if self._has_settings else remedy


class _RowReader:
    """The state of reading one file: its lines, and the number of its columns once the header is known."""

    def __init__(self, source: Source, form: CsvFormat) -> None:
        self._lines = _Lines(source, form)
        self._form = form
        self._delimiter = form.delimiter
        self._width = 0

    def rows(self) -> Iterator[CsvRow | LineProblem]:
        rows = self._verbatim_rows() if self._form.is_verbatim else self._typed_rows()
        for row in rows:
            if isinstance(row, LineProblem):
                yield row
                if not self._width:
                    return  # without its header, no row says anything
            elif self._width:
                if any(row.cells):
                    yield self._fitted(row)
            elif problem := self._wrong_delimiter(row):
                yield problem
                return
            elif titles := _without_empty_end([cell.strip() for cell in row.cells]):
                self._width = len(titles)
                yield CsvRow(row.line, titles)
        if self._lines.end:
            yield self._lines.end

    def _typed_rows(self) -> Iterator[CsvRow | LineProblem]:
        for raw in self._lines:
            line, text = self._lines.number, raw.rstrip("\r\n")
            if self._lines.problem:
                yield self._lines.problem
                continue
            if line == 1 and (said := _SEPARATOR_LINE.fullmatch(text)):
                if problem := self._take_delimiter(said[1]):
                    yield problem
                continue
            if not text.strip():
                continue
            delimiter = self._find_delimiter(text)
            # What is printable, as is told at once, has no control character, and of all spaces the common one alone.
            is_printable = text.isprintable()
            if not is_printable and (stranger := (_CONTROL_BUT_TAB if delimiter == "\t" else _CONTROL).search(text)):
                what = "a NUL byte" if stranger[0] == "\0" else f"the control character {quoted(stranger[0])}"
                yield LineProblem(line, f"The line holds {what} at character {stranger.start() + 1}; remove it.")
                continue
            try:
                cells = _split(text, delimiter)
            except csv.Error as error:
                yield LineProblem(line, _what_csv_says(error, where=" on the same line"))
            else:
                yield CsvRow(line, cells if is_printable and " " not in text else [cell.strip() for cell in cells])

    def _verbatim_rows(self) -> Iterator[CsvRow | LineProblem]:
        text = next(self._lines, "")
        if said := _SEPARATOR_LINE.fullmatch(text.rstrip("\r\n")):
            if problem := self._take_delimiter(said[1]):
                yield problem
            text = next(self._lines, "")
        while text and not text.strip():
            text = next(self._lines, "")
        undecodable: list[LineProblem] = []
        cells_of_rows = csv.reader(self._watched(text, undecodable), delimiter=self._find_delimiter(text), strict=True)
        line = self._lines.number
        while True:
            try:
                cells = next(cells_of_rows, None)
            except csv.Error as error:
                yield from undecodable
                # Where a quote is missing, or a cell has no end, nothing says where the next row begins.
                yield LineProblem(line, _what_csv_says(error, so=", and from here on the file cannot be read as CSV"))
                return
            if undecodable:
                yield from undecodable
                undecodable.clear()
            elif cells is not None:
                yield CsvRow(line, cells)
            if cells is None:
                return
            line = self._lines.number + 1

    def _watched(self, first: str, undecodable: list[LineProblem]) -> Iterator[str]:
        """Give the lines from `first` on to `csv`, and note those that are not in the file's encoding."""
        text: str | None = first
        while text:
            if self._lines.problem:
                undecodable.append(self._lines.problem)
            yield text
            text = next(self._lines, None)

    def _take_delimiter(self, said: str) -> LineProblem | None:
        """Note what a first line such as `sep=;` says."""
        if not _can_separate(said):
            return LineProblem(1, f"The line says that {quoted(said)} separates, and it cannot; remove the line.")
        if self._form.delimiter not in (None, said):
            return LineProblem(
                1,
                f"The line says that {_called(said)} separates, and the delimiter is set to "
                f"{_called(self._form.delimiter or '')}; correct one of them.",
            )
        self._delimiter = said
        return None

    def _find_delimiter(self, header: str) -> str:
        """Return what separates the file's cells: what is known, else what makes most columns of the header."""
        if self._delimiter is None:
            self._delimiter = max(_DELIMITERS, key=lambda delimiter: _count_cells(header, delimiter))
        return self._delimiter

    def _wrong_delimiter(self, header: CsvRow) -> LineProblem | None:
        if len(header.cells) != 1 or self._form.delimiter is None:
            return None
        for delimiter, called in _DELIMITERS.items():
            if delimiter in header.cells[0]:
                return LineProblem(header.line, f"The header looks separated by {called}; set the delimiter to it.")
        return None

    def _fitted(self, row: CsvRow) -> CsvRow | LineProblem:
        """Return `row` with as many cells as the header has titles."""
        cells, width = row.cells, self._width
        if len(cells) == width:
            return row
        if len(cells) > width and not any(cells[width:]):
            return CsvRow(row.line, cells[:width])
        if len(cells) < width and self._form.takes_short_rows:
            return CsvRow(row.line, cells + [""] * (width - len(cells)))
        return LineProblem(
            row.line,
            f"The row has {len(cells)} cells and the header {width}; "
            "quote a cell that holds the delimiter, and leave empty cells in place.",
        )


def _as_text(source: Source, encoding: str | None) -> TextIO:
    if isinstance(source, bytes):
        source = io.BufferedReader(io.BytesIO(source))
    if not isinstance(source, io.BufferedReader):
        return source
    encoding = encoding or _find_encoding(source.peek(2)[:2])
    return io.TextIOWrapper(source, encoding, errors=_KEEP_UNDECODABLE, newline="")


def _find_encoding(start: bytes) -> str:
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    # Without a mark: a file begins with a character of a title, and in UTF-16 one of its two bytes is zero.
    if len(start) == 2 and start.count(0) == 1:
        return "utf-16-be" if start[0] == 0 else "utf-16-le"
    return "utf-8"


def _keep_undecodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(_UNDECODABLE_BASE + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_KEEP_UNDECODABLE, _keep_undecodable)


def _what_csv_says(error: csv.Error, *, so: str = "", where: str = "") -> str:
    # It has one kind of error; a text tells a cell that is too long.
    if str(error).startswith("field larger than"):
        limit = csv.field_size_limit()
        return f"A cell has more than {limit} characters{so}; shorten it, or add the quote that is missing at its end."
    return (
        f"The quotes do not match{so}: a quoted cell ends with a quote{where}, "
        'and a quote inside it is doubled (""); correct the line.'
    )


def _split(text: str, delimiter: str) -> list[str]:
    if '"' not in text and len(text) < _SHORT:
        return text.split(delimiter)
    return next(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True), [])


def _can_separate(delimiter: str) -> bool:
    return len(delimiter) == 1 and (
        delimiter == "\t" or (delimiter.isprintable() and not delimiter.isalnum() and delimiter not in ' "')
    )


def _called(delimiter: str) -> str:
    return _DELIMITERS.get(delimiter, quoted(delimiter))


def _count_cells(header: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([header], delimiter=delimiter, skipinitialspace=True), []))
    except csv.Error:
        return 0


def _without_empty_end(cells: list[str]) -> list[str]:
    width = len(cells)
    while width and not cells[width - 1]:
        width -= 1
    return cells[:width]
