# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layout files: where what stands on a label, in mm, in JSON5 that a user copies and changes.

The layouts that come with the collection are in the folder `layouts` beside this file, and explain the format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..display_text import quoted
from ..json5 import reader as json5_reader
from ..private_files import open_regular, typed_path
from .drawing import MM_PER_INCH
from .errors import LayoutError
from .fields import check_template

REGULAR = (
    "DejaVuSans.ttf",
    "Vera.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "DroidSansFallbackFull.ttf",
)
BOLD = tuple(
    name.replace("DejaVuSans", "DejaVuSans-Bold").replace("Vera", "VeraBd").replace("-Regular", "-Bold")
    for name in REGULAR
)
"""Fonts that are looked for where a layout names none, in this order. Vera comes with reportlab."""

DEFAULT = "standard"
_MOST_DOTS = 40_000_000
"""A4 at 600 dpi, and room."""
_FOLDER = Path(__file__).parent / "layouts"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an element stands: the top left corner of its box and the box's size, in mm."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text: `size` mm per em, shrunk down to `min_size` where the box is too narrow."""

    template: str
    place: Place
    size: float
    min_size: float
    bold: bool
    align: str


@dataclass(frozen=True, slots=True)
class Qr:
    """A QR code in a square box, its quiet zone included; modules of at least `min_module` mm."""

    template: str
    place: Place
    min_module: float
    error: str


@dataclass(frozen=True, slots=True)
class Code128:
    """A Code 128 in a box, its quiet zones included; modules of `min_module` to `max_module` mm."""

    template: str
    place: Place
    min_module: float
    max_module: float
    align: str


@dataclass(frozen=True, slots=True)
class ImageElement:
    """A PNG or JPEG, in black and white, as large as its box allows."""

    template: str
    place: Place
    align: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A black bar."""

    place: Place


Element = Text | Qr | Code128 | ImageElement | Rule


@dataclass(frozen=True, slots=True)
class LabelLayout:
    """A label of `width` by `height` mm for a printer of `dpi` dots to the inch; `folder` is where its files are."""

    name: str
    width: float
    height: float
    dpi: int
    elements: tuple[Element, ...]
    fonts: tuple[str, ...]
    bold_fonts: tuple[str, ...]
    brand: str
    folder: Path

    def __post_init__(self) -> None:
        """Raise `LayoutError` where a label has too many dots."""
        dots = (self.width / MM_PER_INCH * self.dpi) * (self.height / MM_PER_INCH * self.dpi)
        if dots > _MOST_DOTS:
            raise LayoutError(
                f"A label of {self.width:g} x {self.height:g} mm at {self.dpi} dpi has {dots / 1_000_000:.0f} million "
                f"dots, and may have {_MOST_DOTS // 1_000_000}; correct width, height or dpi in {self.name}."
            )

    def with_dpi(self, dpi: int | None) -> LabelLayout:
        """Return the layout for another printer."""
        return self if dpi is None else replace(self, dpi=_dpi(dpi, self.name))

    def with_qr(self, template: str | None) -> LabelLayout:
        """Return the layout with another template for its QR codes."""
        if template is None:
            return self
        check_template(template, "qr")
        elements = tuple(replace(item, template=template) if isinstance(item, Qr) else item for item in self.elements)
        return replace(self, elements=elements)


def names() -> list[str]:
    """Return the names of the layouts that come with the collection."""
    return sorted(path.stem for path in _FOLDER.glob("*.json5"))


def load(name: str | None = None) -> LabelLayout:
    """Read the layout file `name`: a path, or the name of one that comes with the collection. Raises `LayoutError`."""
    name = name or DEFAULT
    path = _FOLDER / f"{name}.json5" if name in names() else typed_path(name)
    try:
        with open_regular(path) as file:
            data = file.read()
    except OSError as error:
        raise LayoutError(
            f"The layout {name} cannot be read ({error.strerror}); give a path, or one of {', '.join(names())}."
        ) from error
    return parse(data, name=str(path), folder=path.parent)


def parse(data: bytes, *, name: str, folder: Path) -> LabelLayout:
    """Return the layout that the bytes of a file describe. Raises `LayoutError` or `Json5Error`."""
    root = json5_reader.read(data, name=name)[1]
    if root is None:
        raise LayoutError(f"{name} is empty; copy a layout that comes with the collection and change that.")
    whole = _Table(json5_reader.plain(root), name)
    elements = whole.take("elements", list)
    layout = LabelLayout(
        name=name,
        width=whole.number("width", low=5, high=500),
        height=whole.number("height", low=5, high=500),
        dpi=_dpi(whole.number("dpi", low=0, high=10_000, default=203), name),
        elements=tuple(_element(_Table(item, f"{name}, elements[{i}]")) for i, item in enumerate(elements)),
        fonts=whole.texts("fonts", REGULAR),
        bold_fonts=whole.texts("bold_fonts", BOLD),
        brand=whole.text("brand", default=""),
        folder=folder,
    )
    whole.finish()
    return layout


class _Table:
    """A JSON5 object that is taken apart: what is missing, wrong or left over is said with its place."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise LayoutError(f"{where}: an object {{…}} must stand here.")
        self._rest: dict[str, Any] = dict(value)
        self.where = where

    def __contains__(self, key: str) -> bool:
        return key in self._rest

    def take(self, key: str, kind: type, *, default: object = None) -> Any:
        value = self._rest.pop(key, default)
        if value is None:
            raise LayoutError(f"{self.where}: {key} is missing; say it.")
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise LayoutError(f"{self.where}: {key} is {quoted(value)}, which is of the wrong type; see the guide.")
        return value

    def number(self, key: str, *, low: float, high: float, default: float | None = None) -> float:
        value = self.take(key, int | float, default=default)  # type: ignore[arg-type]
        if not low <= value <= high:
            raise LayoutError(f"{self.where}: {key} is {value}; it must be {low} to {high}.")
        return float(value)

    def text(self, key: str, *, default: str | None = None) -> str:
        value: str = self.take(key, str, default=default)
        return value

    def template(self, key: str, *, default: str | None = None) -> str:
        return check_template(self.text(key, default=default), f"{self.where}, {key}")

    def choice(self, key: str, choices: Iterable[str], *, default: str) -> str:
        value = self.text(key, default=default)
        if value not in choices:
            raise LayoutError(f"{self.where}: {key} is {quoted(value)}; it must be one of {', '.join(choices)}.")
        return value

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self.take(key, list, default=list(default))
        if not value or not all(isinstance(item, str) for item in value):
            raise LayoutError(f"{self.where}: {key} must be a list of texts.")
        return tuple(value)

    def place(self, *, height: float | None = None, square: bool = False) -> Place:
        x, y = self.number("x", low=0, high=500), self.number("y", low=0, high=500)
        if square:
            size = self.number("size", low=1, high=500)
            return Place(x, y, size, size)
        width = self.number("width", low=0.05, high=500)
        return Place(x, y, width, self.number("height", low=0.05, high=500) if height is None else height)

    def finish(self) -> None:
        if self._rest:
            raise LayoutError(f"{self.where}: nothing is called {', '.join(map(quoted, self._rest))}; see the guide.")


def _text(table: _Table) -> Text:
    size = table.number("size", low=0.5, high=100)
    return Text(
        template=table.template("text"),
        size=size,
        place=table.place(height=size),
        min_size=table.number("min_size", low=0.5, high=size, default=max(0.5, size * 0.6)),
        bold=table.take("bold", bool, default=False),
        align=table.choice("align", _ALIGNMENTS, default="left"),
    )


def _qr(table: _Table) -> Qr:
    return Qr(
        template=table.template("qr", default="{claim_id}"),
        place=table.place(square=True),
        min_module=table.number("min_module", low=0.1, high=10, default=0.25),
        error=table.choice("error", "LMQH", default="M"),
    )


def _code128(table: _Table) -> Code128:
    return Code128(
        template=table.template("code128", default="{serial}"),
        place=table.place(),
        # 0.165 mm is two dots at 300 dpi, about the least that ordinary hand scanners promise (6.5 mil).
        min_module=table.number("min_module", low=0.1, high=10, default=0.165),
        max_module=table.number("max_module", low=0.1, high=10, default=0.51),
        align=table.choice("align", _ALIGNMENTS, default="left"),
    )


def _image(table: _Table) -> ImageElement:
    return ImageElement(
        template=table.template("image", default="{logo}"),
        place=table.place(),
        align=table.choice("align", _ALIGNMENTS, default="left"),
    )


def _rule(table: _Table) -> Rule:
    table.take("rule", bool)
    return Rule(table.place())


_ALIGNMENTS = ("left", "center", "right")
_KINDS: Mapping[str, Callable[[_Table], Element]] = {
    "text": _text,
    "qr": _qr,
    "code128": _code128,
    "image": _image,
    "rule": _rule,
}


def _element(table: _Table) -> Element:
    for key, read in _KINDS.items():
        if key in table:
            element = read(table)
            table.finish()
            return element
    raise LayoutError(f"{table.where}: an element needs one of {', '.join(_KINDS)}.")


def _dpi(value: float, name: str) -> int:
    if not 100 <= value <= 2400 or value != int(value):
        raise LayoutError(f"{name}: dpi is {value}; give the printer's, a whole number from 100 to 2400.")
    return int(value)
