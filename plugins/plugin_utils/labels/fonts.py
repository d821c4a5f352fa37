# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters of any script: which font has them, where HarfBuzz places them, and what they look like.

Labels carry outlines or dots, never references to fonts, so nothing depends on what a viewer or a printer has.
What no font of the chain has is refused, and so is what would be drawn wrongly: texts that mix directions, and
characters that are pictures.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import freetype as _freetype
import reportlab
import uharfbuzz as _uharfbuzz
from fontTools.unicodedata import block, script

from ..display_text import quoted
from ..private_files import is_there, open_regular, typed_path
from .errors import CharacterError

# Both libraries fill their namespaces at run time, where a type checker does not look.
freetype: Any = _freetype
hb: Any = _uharfbuzz

_DIRECTORIES = (
    Path(reportlab.__file__).parent / "fonts",
    Path(os.path.expanduser("~/.local/share/fonts")),  # noqa: PTH111 - Path.home fails for a user without a home
    Path("/usr/local/share/fonts"),
    Path("/usr/share/fonts"),
    Path("/Library/Fonts"),
)
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_LEFT_TO_RIGHT = frozenset({"L", "EN", "AN"})
_UNDRAWABLE = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
_OF_ANY_SCRIPT = frozenset({"Zyyy", "Zinh", "Zzzz"})
"""Common, inherited and unknown, in the words of ISO 15924."""


class Placed(NamedTuple):
    """A glyph at its place on a line, in em; y up."""

    face: Face
    number: int
    x: float
    y: float


class Line(NamedTuple):
    """A shaped text: its glyphs, its width, and the box of its ink (left, bottom, right, top), in em; y up."""

    glyphs: tuple[Placed, ...]
    width: float
    ink: tuple[float, float, float, float]


class Bitmap(NamedTuple):
    """A glyph in dots: where its top left corner is from the origin (y down), and rows of bits, 1 is black."""

    left: int
    top: int
    width: int
    height: int
    stride: int
    bits: bytes


class Face:
    """A font file. Faces are made once a process (`open_face`), so they compare and hash by identity."""

    def __init__(self, path: str) -> None:
        self.path = path
        face: Any = hb.Face(hb.Blob.from_file_path(path))
        self.font: Any = hb.Font(face)
        self.upem: int = face.upem
        self._bitmaps: dict[tuple[int, float], Bitmap] = {}
        self._outlines: dict[int, tuple[tuple[str, tuple[float, ...]], ...]] = {}

    def has(self, character: str) -> bool:
        """Say whether the font has a glyph for `character`."""
        return bool(self.font.get_nominal_glyph(ord(character)))

    def extents(self, number: int) -> tuple[float, float, float, float]:
        """Return the box of a glyph's ink (left, bottom, right, top) in font units; y up."""
        box: Any = self.font.get_glyph_extents(number)
        if box is None:
            return (0, 0, 0, 0)
        return (box.x_bearing, box.y_bearing + box.height, box.x_bearing + box.width, box.y_bearing)

    def outline(self, number: int) -> tuple[tuple[str, tuple[float, ...]], ...]:
        """Return a glyph's outline in font units, y up: `M`, `L`, `C` (cubic) with points, and `Z`."""
        if number not in self._outlines:
            pen = _Pen()
            self.font.draw_glyph_with_pen(number, pen)
            self._outlines[number] = tuple(pen.commands)
        return self._outlines[number]

    def bitmap(self, number: int, size: float) -> Bitmap:
        """Return a glyph in black and white dots, hinted, at `size` dots per em. Raises `CharacterError`."""
        key = (number, size)
        if key not in self._bitmaps:
            try:
                self._freetype.set_char_size(round(size * 64), 0, 72, 72)
                self._freetype.load_glyph(number, freetype.FT_LOAD_RENDER | freetype.FT_LOAD_TARGET_MONO)
            except freetype.FT_Exception as error:
                raise _unreadable(self.path, str(error).removeprefix("FT_Exception:").strip(" ()")) from error
            slot = self._freetype.glyph
            image = slot.bitmap
            bits = bytes(image.buffer)
            self._bitmaps[key] = Bitmap(slot.bitmap_left, -slot.bitmap_top, image.width, image.rows, image.pitch, bits)
        return self._bitmaps[key]

    @cached_property
    def _freetype(self) -> Any:
        return freetype.Face(self.path)


class Fonts:
    """A chain of fonts; each character is taken from the first that has it."""

    def __init__(self, names: Sequence[str], *, folder: Path | None = None) -> None:
        """Open the fonts `names`: paths (relative to `folder`), or file names in the usual font directories.

        Names that are not found are passed over, as long as one is.
        """
        self._names = names
        found = (find_font(name, folder) for name in names)
        self.faces = [open_face(path) for path in dict.fromkeys(found) if path]
        if not self.faces:
            raise CharacterError(
                f"None of the fonts {', '.join(names)} is here; install one or give its path in the layout."
            )
        # What most texts are made of, so that it is looked for once.
        first = self.faces[0]
        self._plain = {character: first for character in map(chr, range(0x21, 0x7F)) if first.has(character)}
        self.shape = lru_cache(maxsize=4096)(self._shape)

    def _shape(self, text: str) -> Line:
        """Return `text` as one line. Raises `CharacterError`."""
        text = unicodedata.normalize("NFC", text)
        rtl = _direction(text)
        runs = list(self._runs(text))
        glyphs = []
        x = 0.0
        for face, run in reversed(runs) if rtl else runs:
            buffer: Any = hb.Buffer()
            buffer.add_str(run)
            buffer.guess_segment_properties()
            buffer.direction = "rtl" if rtl else "ltr"
            # Joiners and variation selectors have done their work once the text is shaped.
            buffer.flags = hb.BufferFlags.REMOVE_DEFAULT_IGNORABLES
            hb.shape(face.font, buffer)
            for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
                character = run[info.cluster]
                if info.codepoint == 0 or not (
                    _draws_nothing(character) or face.outline(info.codepoint) or _is_mark(character)
                ):
                    raise _missing(character, text, self.faces)
                glyphs.append(
                    Placed(face, info.codepoint, x + position.x_offset / face.upem, position.y_offset / face.upem)
                )
                x += position.x_advance / face.upem
        return Line(tuple(glyphs), x, _ink(glyphs))

    def _runs(self, text: str) -> Iterator[tuple[Face, str]]:
        """Cut `text` where the font or the script changes."""
        run, run_face, run_script = "", None, ""
        for cluster in text if text.isascii() else _clusters(text):
            face = self._plain.get(cluster) or self._face_for(cluster, text, prefer=run_face)
            code = _script_of(cluster[0])
            if run_face is not None and (face is not run_face or (code and run_script and code != run_script)):
                yield run_face, run
                run, run_script = "", ""
            run, run_face, run_script = run + cluster, face, run_script or code
        if run_face is not None:
            yield run_face, run

    def _face_for(self, cluster: str, text: str, *, prefer: Face | None) -> Face:
        # What draws nothing goes with the characters before it.
        faces = [prefer, *self.faces] if prefer and _draws_nothing(cluster) else self.faces
        wanted = [character for character in cluster if not _is_ignorable(character)]
        for face in faces:
            if face and all(face.has(character) for character in wanted):
                return face
        for character in wanted:
            if not any(face.has(character) for face in self.faces):
                raise _missing(character, text, self.faces)
        raise _missing(cluster, text, self.faces)


@cache
def open_face(path: str) -> Face:
    """Return the font in the file `path`. Raises `CharacterError`."""
    try:
        return Face(path)
    except (OSError, ValueError, RuntimeError, hb.HarfBuzzError) as error:
        raise _unreadable(path, str(error)) from error


def _unreadable(path: str, reason: str) -> CharacterError:
    return CharacterError(f"The font {path} cannot be read ({reason}); give another in the layout.")


def find_font(name: str, folder: Path | None) -> str | None:
    """Return the path of the font `name`, or None without it."""
    path = typed_path(name)
    if path.is_absolute() or len(path.parts) > 1 or (folder and is_there(folder / path)):
        path = path if path.is_absolute() else (folder or Path()) / path
        try:
            open_regular(path).close()
        except OSError as error:
            raise CharacterError(
                f"The font {path} is not there ({error.strerror}); correct its path in the layout, or its mode."
            ) from None
        return str(path)
    return _installed().get(name)


@cache
def _installed() -> dict[str, str]:
    found: dict[str, str] = {}
    for directory in _DIRECTORIES:
        for parent, _folders, files in os.walk(directory):
            for file in files:
                found.setdefault(file, str(Path(parent, file)))
    return found


def _direction(text: str) -> bool:
    """Say whether `text` runs from right to left, and refuse what we would draw wrongly."""
    if text.isascii() and text.isprintable():
        return False
    for character in text:
        if unicodedata.category(character) in _UNDRAWABLE or (
            unicodedata.category(character) == "Cf" and character not in _JOINERS
        ):
            raise CharacterError(
                f"The text {quoted(text)} holds U+{ord(character):04X} ({unicodedata.name(character, 'no name')}), "
                "which cannot be drawn on a label; take it out."
            )
    kinds = {unicodedata.bidirectional(character) for character in text}
    if kinds & _RIGHT_TO_LEFT and kinds & _LEFT_TO_RIGHT:
        raise CharacterError(
            f"The text {quoted(text)} mixes letters that run from right to left with others or with digits, which we "
            "would draw in a wrong order; give it in one direction, or as an image."
        )
    return bool(kinds & _RIGHT_TO_LEFT)


def _clusters(text: str) -> Iterator[str]:
    """Cut `text` into characters, each with the marks and joiners that belong to it."""
    cluster = ""
    for character in text:
        if cluster and not _is_mark(character) and character not in _JOINERS and cluster[-1] != "\u200d":
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


@cache
def _script_of(character: str) -> str:
    """Return the script of `character` (`Latn`, `Arab` …); empty for signs, digits and spaces that go with any."""
    code: str = script(character)
    return "" if code in _OF_ANY_SCRIPT else code


@cache
def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


@cache
def _is_ignorable(character: str) -> bool:
    """Say whether `character` only chooses between forms of its neighbours, so that a font need not have it."""
    name: str = block(character)
    return character in _JOINERS or name.startswith("Variation Selectors")


def _draws_nothing(cluster: str) -> bool:
    return all(character.isspace() or _is_ignorable(character) for character in cluster)


def _missing(characters: str, text: str, faces: Sequence[Face]) -> CharacterError:
    names = " ".join(f"U+{ord(character):04X} ({unicodedata.name(character, 'no name')})" for character in characters)
    fonts = ", ".join(Path(face.path).name for face in faces)
    return CharacterError(
        f"No font draws {names} of {quoted(text)}: looked in {fonts}; install a font that has it and name it under "
        "`fonts` in the layout."
    )


def _ink(glyphs: Sequence[Placed]) -> tuple[float, float, float, float]:
    boxes = []
    for face, number, x, y in glyphs:
        left, bottom, right, top = face.extents(number)
        if left != right:
            unit = face.upem
            boxes.append((x + left / unit, y + bottom / unit, x + right / unit, y + top / unit))
    if not boxes:
        return (0, 0, 0, 0)
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


class _Pen:
    """Collects an outline; the names of its methods are those of fontTools' pens, which HarfBuzz calls."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, tuple[float, ...]]] = []
        self._at = (0.0, 0.0)

    def moveTo(self, point: tuple[float, float]) -> None:
        self.commands.append(("M", point))
        self._at = point

    def lineTo(self, point: tuple[float, float]) -> None:
        self.commands.append(("L", point))
        self._at = point

    def curveTo(self, *points: tuple[float, float]) -> None:
        self.commands.append(("C", tuple(value for point in points for value in point)))
        self._at = points[-1]

    def qCurveTo(self, *points: tuple[float, float]) -> None:
        (x0, y0), (x1, y1), (x2, y2) = self._at, points[0], points[-1]
        self.curveTo(
            (x0 + (x1 - x0) * 2 / 3, y0 + (y1 - y0) * 2 / 3), (x2 + (x1 - x2) * 2 / 3, y2 + (y1 - y2) * 2 / 3), (x2, y2)
        )

    def closePath(self) -> None:
        self.commands.append(("Z", ()))

    def endPath(self) -> None:
        """Nothing to collect."""
