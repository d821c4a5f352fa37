# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of scans: one a line in the order of the line, or CSV that says which scan is whose."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .scan import ScanError

_MAX_BYTES = 10_000_000
_SCAN, _HOST, _SERIAL = "scan", "host", "serial"


@dataclass(frozen=True, slots=True)
class ScanFile:
    """The scans of a file, by host or by serial."""

    by_host: Mapping[str, str] = field(default_factory=dict, repr=False)
    by_serial: Mapping[str, str] = field(default_factory=dict, repr=False)

    def of(self, host: str, serial: str | None) -> str:
        """Return what was scanned for a unit; empty where nothing was."""
        return self.by_host.get(host) or self.by_serial.get(serial or "") or ""


def read_scan_file(path: str, hosts: Sequence[str]) -> ScanFile:
    """Return the scans in the file at `path`. Raises `ScanError`.

    A file whose first line names the columns `scan` and `host` or `serial` is CSV. In any other file each line is a
    scan, in the order of `hosts`, and there have to be as many: a scan that is missing would shift all others.
    """
    try:
        data = Path(path).expanduser().read_bytes()
        if len(data) > _MAX_BYTES:
            raise ScanError(f"The file of scans {path} has {len(data)} bytes; that are more than scans can be.")
        lines = [line for line in data.decode("utf-8-sig").splitlines() if line.strip()]
    except OSError as error:
        raise ScanError(f"The file of scans {path} cannot be read ({error.strerror}); see its name.") from None
    except UnicodeDecodeError:
        raise ScanError(f"The file of scans {path} is no text in UTF-8; see whether it is the right one.") from None
    if not lines:
        raise ScanError(f"The file of scans {path} is empty; scan the labels into it.")
    titles = [title.strip().lower() for title in lines[0].split(",")]
    if _SCAN in titles:
        return _read_table(path, titles, lines[1:])
    if len(lines) != len(hosts):
        raise ScanError(
            f"The file of scans {path} has {len(lines)} scans, and there are {len(hosts)} units: one scan for each, in "
            "the order of the inventory, or CSV with the columns host (or serial) and scan."
        )
    return ScanFile(by_host=dict(zip(hosts, lines, strict=True)))


def _read_table(path: str, titles: Sequence[str], lines: Sequence[str]) -> ScanFile:
    if _HOST not in titles and _SERIAL not in titles:
        raise ScanError(f"The file of scans {path} has no column host and none called serial; add one.")
    key = _HOST if _HOST in titles else _SERIAL
    found: dict[str, str] = {}
    for number, row in enumerate(csv.reader(lines), 2):
        values = dict(zip(titles, (value.strip() for value in row), strict=False))
        name = values.get(key, "")
        if not name or name in found:
            problem = "names no" if not name else "names a second time its"
            raise ScanError(f"The file of scans {path}, line {number}, {problem} {key}; correct it.")
        found[name] = values.get(_SCAN, "")
    return ScanFile(by_host=found) if key == _HOST else ScanFile(by_serial=found)
