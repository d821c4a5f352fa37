# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of scans: one a line in the order of the line, or CSV that says which scan is whose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..csv_reader import CsvFormat, CsvRow, LineProblem, fold_title, read_lines, read_rows
from ..display_text import counted, printable
from ..errors import FailureKind
from ..private_files import open_regular, typed_path
from .scan import NothingScannedError, ScanError

_MAX_BYTES = 10_000_000
_SCAN, _HOST, _SERIAL = "scan", "host", "serial"


class ScanFileError(ScanError):
    """A file of scans, or a picture, that cannot be used: no fault of a unit, and scanning again does not help."""

    kind = FailureKind.SETTINGS

    facts: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class ScanFile:
    """The scans of a file, by host or by serial."""

    path: str = ""
    by_host: Mapping[str, str] = field(default_factory=dict, repr=False)
    by_serial: Mapping[str, str] = field(default_factory=dict, repr=False)

    def of(self, host: str, serial: str | None) -> str:
        """Return what was scanned for a unit. Raises `NothingScannedError`."""
        found = self.by_host.get(host) or self.by_serial.get(serial or "")
        if not found:
            name = f"serial {printable(serial)}" if self.by_serial and serial else f"host {printable(host)}"
            raise NothingScannedError(
                f"The file of scans {printable(self.path)} has no scan for the {name}; add a line with it."
            )
        return found


def read_scan_file(path: str, hosts: Sequence[str]) -> ScanFile:
    """Return the scans in the file at `path`. Raises `ScanFileError`.

    A file whose first line names the columns `scan` and `host` or `serial` is CSV. In any other file each line is a
    scan, in the order of `hosts`, and there have to be as many: a scan that is missing would shift all others.
    """
    data = _content(path)
    rows = read_rows(data, CsvFormat(takes_short_rows=True))
    header = next(rows, None)
    if isinstance(header, CsvRow) and _SCAN in (titles := [fold_title(title) for title in header.cells]):
        return _read_table(path, titles, rows)
    scans = []
    for line in read_lines(data):
        if isinstance(line, LineProblem):
            raise _not_readable(path, line)
        scans.append(line.text)
    if not scans:
        raise ScanFileError(f"The file of scans {printable(path)} is empty; scan the labels into it.")
    if len(scans) != len(hosts):
        raise ScanFileError(
            f"The file of scans {printable(path)} has {counted(len(scans), 'scan')} for {counted(len(hosts), 'unit')}; "
            "give one scan for each, in the order of the inventory, or CSV with the columns host (or serial) and scan."
        )
    return ScanFile(path, by_host=dict(zip(hosts, scans, strict=True)))


@dataclass(frozen=True, slots=True)
class ScanLine:
    """One scan of a file: on which line, what it says, and whose it is, as far as the file says that."""

    line: int
    text: str = field(repr=False)
    host: str | None = None
    serial: str | None = None


def each_scan(path: str, hosts: Sequence[str]) -> Iterator[ScanLine]:
    """Yield the scans in the file at `path`, as `read_scan_file` takes it, one after the other. Raises `ScanFileError`.

    Without `hosts`, a file of scans alone does not say whose they are. Of CSV, a host or serial may stand twice.
    """
    data = _content(path)
    rows = read_rows(data, CsvFormat(takes_short_rows=True))
    header = next(rows, None)
    if isinstance(header, CsvRow) and _SCAN in (titles := [fold_title(title) for title in header.cells]):
        _check_titles(path, titles)
        for row in rows:
            if isinstance(row, LineProblem):
                raise _not_readable(path, row)
            values = dict(zip(titles, row.cells, strict=True))
            yield ScanLine(row.line, values[_SCAN], values.get(_HOST) or None, values.get(_SERIAL) or None)
        return
    if hosts:
        read_scan_file(path, hosts)  # refuses a file that has more scans or fewer
    names = iter(hosts)
    for line in read_lines(data):
        if isinstance(line, LineProblem):
            raise _not_readable(path, line)
        yield ScanLine(line.line, line.text, next(names, None))


def _content(path: str) -> bytes:
    wrong = None
    try:
        with open_regular(typed_path(path)) as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        wrong = f"cannot be read ({error.strerror})"
    else:
        if len(data) > _MAX_BYTES:
            wrong = f"has more than {_MAX_BYTES} bytes, as no scans have"
    if wrong is not None:
        raise ScanFileError(f"The file of scans {printable(path)} {wrong}; correct its name (ioto_scans).")
    return data


def _read_table(path: str, titles: Sequence[str], rows: Iterator[CsvRow | LineProblem]) -> ScanFile:
    _check_titles(path, titles)
    key = _HOST if _HOST in titles else _SERIAL
    found: dict[str, str] = {}
    for row in rows:
        if isinstance(row, LineProblem):
            raise _not_readable(path, row)
        values = dict(zip(titles, row.cells, strict=True))
        name = values[key]
        if not name or name in found:
            problem = "names no" if not name else "names a second time its"
            raise ScanFileError(f"The file of scans {printable(path)}, line {row.line}, {problem} {key}; correct it.")
        found[name] = values[_SCAN]
    return ScanFile(path, by_host=found) if key == _HOST else ScanFile(path, by_serial=found)


def _check_titles(path: str, titles: Sequence[str]) -> None:
    if _HOST not in titles and _SERIAL not in titles:
        raise ScanFileError(f"The file of scans {printable(path)} has no column host and none called serial; add one.")
    for name in (_SCAN, _HOST, _SERIAL):
        if titles.count(name) > 1:
            raise ScanFileError(
                f"The file of scans {printable(path)} has {titles.count(name)} columns {name}; leave one of them."
            )


def _not_readable(path: str, problem: LineProblem) -> ScanFileError:
    return ScanFileError(f"The file of scans {printable(path)} cannot be read, {problem}")
