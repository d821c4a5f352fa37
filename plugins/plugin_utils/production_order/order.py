# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A production order in CSV: one header row, then one row for each unit to serialize.

`read` takes the file's bytes and gives the units, or one error that lists every bad row with its line number.
A cell cannot run over several lines.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from .. import claim_ids
from ..csv_reader import CsvFormat, LineProblem, fold_title, read_rows, title_problems
from ..display_text import counted, quoted
from ..errors import IotoError
from ..identity.mac_addresses import normal_serial
from .columns import COLUMNS, SSH_PORT, property_problem
from .damage import damage, damage_beside_others

MODES = ("manual", "auto", "factory", "firmware")

_SHOWN_CHARACTERS = 40
# No value that reaches a command line may start with a dash: ssh would take it for an option.
_HOST_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})")
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+\\$-]*")
_TAKEN_NAMES = frozenset({"all", "ungrouped", *MODES})


@dataclass(slots=True, kw_only=True)
class OrderedUnit:
    """One row. `None` where the row and the defaults say nothing; `line` counts from 1, the header included.

    Not frozen, since it is named when all rows are known, and an order may have a hundred thousand.
    """

    line: int
    name: str
    address: str | None
    port: int | None
    user: str | None
    serial: str | None
    product: str | None
    mode: str | None
    claim_id: str | None = field(repr=False)
    properties: dict[str, str]


class ProductionOrderError(IotoError):
    """A production order that cannot be used as it is; `problems` holds every one of them, by line."""

    def __init__(self, source: str, problems: Sequence[LineProblem]) -> None:
        self.problems = tuple(sorted(problems))
        count = counted(len(self.problems), "problem")
        listed = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"{source} has {count}; no unit was taken from it. Correct the file and run again.\n{listed}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLayout:
    """How to read the file, and what a row means that leaves `mode` or `product` empty.

    `delimiter` and `encoding` are found where they are None; `has_settings` says whether the user can set them.
    `serial_pattern` is a regular expression that the whole of each serial matches; what does is taken for undamaged.
    `columns` maps a title of the header to one of `COLUMNS` or to a property's name.
    """

    delimiter: str | None = None
    encoding: str | None = None
    has_settings: bool = False
    mode: str | None = None
    product: str | None = None
    serial_pattern: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


def read(data: bytes, source: str, layout: OrderLayout | None = None) -> list[OrderedUnit]:
    """Return the units of the production order `data` (a file's bytes), in its order.

    `source` is the name of the file in messages. Raises `ProductionOrderError` with every problem of the file.
    """
    return _OrderReader(layout or OrderLayout(), source).read(data)


def split_address(text: str) -> tuple[str, int | None]:
    """Return host and port of `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address; raise `ValueError`."""
    if _is_ipv4(text) or _is_ipv6(text):
        return text, None
    if bracketed := re.fullmatch(r"\[([^\[\]]+)\](?::(.*))?", text):
        host, port = bracketed.groups()
        if not _is_ipv6(host):
            raise ValueError("what stands in brackets is not an IPv6 address")
    else:
        host, colon, rest = text.partition(":")
        port = rest if colon else None
        if not _HOST_NAME.fullmatch(host) or (re.fullmatch(r"[0-9.]+", host) and not _is_ipv4(host)):
            raise ValueError("it is not a host name or an IP address")
    if port is None:
        return host, None
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65535):
        raise ValueError("its port is not a number from 1 to 65535")
    return host, int(port)


class _OrderReader:
    """The state of reading one file: problems found so far, and what earlier lines have claimed."""

    def __init__(self, layout: OrderLayout, source: str) -> None:
        self._layout = layout
        self._source = source
        self._problems: list[LineProblem] = []
        # Where that stands first which only one line may have.
        self._serial_lines: dict[tuple[str | None, str], int] = {}
        self._claim_id_lines: dict[str, int] = {}
        self._address_lines: dict[tuple[str, int], int] = {}
        self._name_lines: dict[str, int] = {}
        self._lacking: set[str] = set()
        # What a cell means of which many rows have the same, by its text: it is checked once.
        self._modes: dict[str, str | None] = {"": layout.mode}
        self._products: dict[str, str | None] = {}
        self._header_line = 1
        self._columns: list[str] = []
        self._properties: list[tuple[int, str]] = []
        self._known_cells: Callable[[Sequence[str]], Sequence[str]] = tuple
        self._serials: dict[int, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def read(self, data: bytes) -> list[OrderedUnit]:
        self._check_layout()
        layout = self._layout
        form = CsvFormat(delimiter=layout.delimiter, encoding=layout.encoding, has_settings=layout.has_settings)
        units = []
        for row in read_rows(data, form):
            if isinstance(row, LineProblem):
                self._problems.append(row)
            elif not self._columns:
                self._header_line = row.line
                self._columns = self._read_header(row.line, row.cells)
                if not self._columns:
                    raise self._error()
                known = {column: place for place, column in enumerate(self._columns)}
                self._properties = [(place, column) for column, place in known.items() if column not in COLUMNS]
                # A column that is not there has the empty cell that is put behind the others.
                self._known_cells = itemgetter(*(known.get(column, -1) for column in COLUMNS))
            else:
                units.append(self._unit(row.line, row.cells))
        if not self._columns and not self._problems:
            self._problem(1, "The file is empty; it needs a header row and one row for each unit.")
        for line, looks_like in damage_beside_others(self._serials).items():
            self._damaged(line, self._serials[line], looks_like)
        self._name(units)
        if not units and not self._problems:
            self._problem(self._header_line, "The header is followed by no row; add one row for each unit.")
        if self._problems:
            raise self._error()
        return units

    def _error(self) -> ProductionOrderError:
        return ProductionOrderError(self._source, self._problems)

    def _problem(self, line: int, sentence: str) -> None:
        self._problems.append(LineProblem(line, sentence))

    def _check_layout(self) -> None:
        layout = self._layout
        if layout.product is not None:
            claim_ids.parse_product(layout.product)
        if layout.mode is not None and layout.mode not in MODES:
            raise IotoError(f"The default mode {quoted(layout.mode)} is not known; set one of {', '.join(MODES)}.")
        if layout.serial_pattern is not None:
            try:
                self._pattern = re.compile(layout.serial_pattern)
            except (re.error, OverflowError, RecursionError) as error:  # of numbers and brackets without end
                raise IotoError(
                    f"The option serial_pattern is not a regular expression: {error}; correct it."
                ) from None

    # --- the header ---------------------------------------------------------------------------------------------

    def _read_header(self, line: int, header: list[str]) -> list[str]:
        """Return for each column the name in `COLUMNS` or the property that it holds; [] when the rows are hopeless."""
        layout = self._layout
        renamed = {fold_title(old): new for old, new in layout.columns.items()}
        columns = []
        for number, title in enumerate(header, start=1):
            column = renamed.get(fold_title(title), fold_title(title))
            if column not in COLUMNS:
                column = renamed.get(fold_title(title), title)
                is_same = fold_title(column) == fold_title(title)
                confirmed = is_same and fold_title(title) in renamed
                if problem := property_problem(
                    column, is_renamed=confirmed, can_rename=layout.has_settings and is_same
                ):
                    self._problem(line, f"Column {number} is called {_masked(column)}, {problem}.")
            columns.append(column)
        self._problems += title_problems(line, columns)
        titles = {fold_title(title) for title in header}
        for old in layout.columns:
            if fold_title(old) not in titles:
                self._problem(line, f"The option columns names {_shown(old)}, and the header does not; correct one.")
        if not {"address", "serial"} & set(columns):
            self._problem(line, f"The header has neither address nor serial; the columns are {', '.join(COLUMNS)}.")
            return []
        return columns

    # --- one row ------------------------------------------------------------------------------------------------

    def _unit(self, line: int, cells: list[str]) -> OrderedUnit:
        address_cell, host, user, serial_cell, product_cell, mode_cell, claim_cell = self._known_cells([*cells, ""])
        mode = self._modes[mode_cell] if mode_cell in self._modes else self._mode(line, mode_cell)
        serial = self._serial(line, serial_cell) if serial_cell else None
        known_product = product_cell in self._products
        product = self._products[product_cell] if known_product else self._product(line, product_cell)
        address, port = self._address(line, address_cell, mode)
        if mode == "firmware" and not serial_cell:
            self._lacks(line, "serial", "firmware needs one, for nothing else tells which unit the image is for")
        if serial is not None and (first := self._serial_lines.setdefault((product, serial), line)) != line:
            self._again(line, "serial", _shown(serial), first, "correct one of them")
        return OrderedUnit(
            line=line,
            name=self._host(line, host) if host else "",
            address=address,
            port=port,
            user=self._user(line, user) if user else None,
            serial=serial,
            product=product,
            mode=mode,
            claim_id=self._claim_id(line, claim_cell) if claim_cell else None,
            properties={name: cells[place] for place, name in self._properties if cells[place]},
        )

    def _again(self, line: int, what: str, shown: str, first: int, remedy: str) -> None:
        """Report what only one line may have and `line` has, too."""
        self._problem(line, f"The {what} {shown} stands on line {first} already; {remedy}.")

    def _lacks(self, line: int, column: str, why: str) -> None:
        if column in self._columns:
            self._problem(line, f"The row has no {column}, and {why}; add it.")
        elif column not in self._lacking:
            self._lacking.add(column)
            self._problem(self._header_line, f"The header has no column {column}, and {why}; add it.")

    def _mode(self, line: int, text: str) -> str | None:
        if (mode := text.lower()) in MODES:
            self._modes[text] = mode
            return mode
        self._problem(line, f"The mode {_masked(text)} is not known; write one of {', '.join(MODES)}.")
        return None

    def _serial(self, line: int, text: str) -> str:
        if self._pattern is not None:
            if not self._pattern.fullmatch(text):
                sentence = f"The serial {_shown(text)} does not match serial_pattern ({self._pattern.pattern})"
                self._problem(line, f"{sentence}; correct one of them.")
        elif looks_like := damage(text):
            self._damaged(line, text, looks_like)
        else:
            self._serials[line] = text
        return normal_serial(text)

    def _damaged(self, line: int, text: str, looks_like: str) -> None:
        remedy = "format its column as text, and enter it again"
        if self._layout.has_settings:
            remedy = f"{remedy}, or, where all are written so, give serial_pattern in the manifest"
        self._problem(line, f"The serial {_shown(text)} looks like {looks_like}; {remedy}.")

    def _product(self, line: int, cell: str) -> str | None:
        text = cell or self._layout.product
        try:
            self._products[cell] = text and claim_ids.parse_product(text)
        except claim_ids.InvalidProductError:
            self._problem(
                line,
                f"The product {_masked(text or '')} is not a product ID: that is a ULID, 26 characters such as "
                "01G8YJKKRNTHW213TRZYX3YH0M; copy it from the Builder.",
            )
            return None
        return self._products[cell]

    def _claim_id(self, line: int, text: str) -> str | None:
        try:
            claim_id = claim_ids.parse(text)
        except claim_ids.InvalidClaimIdError as error:
            self._problem(line, str(error))
            return None
        if (first := self._claim_id_lines.setdefault(claim_id, line)) != line:
            remedy = "it belongs to one unit, so correct one"
            self._again(line, "claim ID", claim_ids.mask(claim_id), first, remedy)
        return claim_id

    def _address(self, line: int, text: str, mode: str | None) -> tuple[str | None, int | None]:
        if not text:
            if mode != "firmware":
                self._lacks(line, "address", "every mode but firmware needs one")
            return None, None
        try:
            host, port = split_address(text)
        except ValueError as error:
            self._problem(
                line, f"The address {_shown(text)} is not usable: {error}; write host, host:port or [IPv6]:port."
            )
            return None, None
        key = (_canonical(host), port or SSH_PORT)
        if (first := self._address_lines.setdefault(key, line)) != line:
            self._again(line, "address", _shown(text), first, "each device has its own, so correct one")
        return host, port

    def _user(self, line: int, text: str) -> str | None:
        if not _USER.fullmatch(text):
            self._problem(line, f"The user {_shown(text)} is not a login name; correct it.")
            return None
        return text

    def _host(self, line: int, text: str) -> str:
        if not _HOST_NAME.fullmatch(text):
            self._problem(
                line, f"The host {_shown(text)} is not an inventory name: use letters A to Z, digits, '.', '_' and '-'."
            )
            return ""
        return text

    # --- inventory names ----------------------------------------------------------------------------------------

    def _name(self, units: list[OrderedUnit]) -> None:
        """Give each of `units` its name: the column host, else made of the serial, else of the address.

        One serial may stand under two products; such units carry the product in the name.
        """
        wanted = [unit.name or _derived_name(unit) for unit in units]
        product_of: dict[str, str | None] = {}
        shared = {
            name
            for unit, name in zip(units, wanted, strict=True)
            if product_of.setdefault(name, unit.product) != unit.product
        }
        reported = {problem.line for problem in self._problems}
        for unit, short in zip(units, wanted, strict=True):
            is_shared = short in shared and not unit.name and unit.product
            name = f"{short}_{unit.product}" if is_shared else short
            if name in _TAKEN_NAMES:
                self._problem(unit.line, f"The inventory name {_shown(name)} is a group's; set another in column host.")
            # A row that is listed for its serial or address need not be listed again for the name made of them.
            elif (unit.name or unit.line not in reported) and (
                first := self._name_lines.setdefault(name, unit.line)
            ) != unit.line:
                self._again(unit.line, "inventory name", _shown(name), first, "set another in column host")
            unit.name = name


def _derived_name(unit: OrderedUnit) -> str:
    origin = unit.serial or unit.address or ""
    if not unit.serial and unit.port:
        origin = f"{origin}_{unit.port}"
    if _SAFE_NAME.fullmatch(origin):
        return origin
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", origin)
    return f"_{name}" if name.startswith(("-", ".")) else name


def _shown(text: str) -> str:
    """A cell as it may stand in a message: quoted, not endless."""
    return quoted(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}...")


def _masked(text: str) -> str:
    """A cell under no name of ours, as it may stand in a message: it may be a claim ID in the wrong column."""
    return _shown(claim_ids.mask_folded(text))


def _is_ipv6(text: str) -> bool:
    if ":" not in text:
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return not re.search(r"%.*[^A-Za-z0-9_.-]", text)


def _is_ipv4(text: str) -> bool:
    # As `ipaddress` tells it, and in a tenth of the time.
    try:
        socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        return False
    return True


def _canonical(host: str) -> str:
    return str(ipaddress.IPv6Address(host)) if ":" in host else host.lower().rstrip(".")
