# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels, read back by readers that are not ours, and printers that die."""

from __future__ import annotations

import dataclasses
import json
import shutil
import socket
import struct
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import reportlab
import resvg_py
import segno
import zxingcpp
from PIL import Image

from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling import batch, selection
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.printers import SocketPrinter, open_printer
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels import codes, layout, sheets
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.compose import Composer
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.drawing import Drawing
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.errors import (
    CharacterError,
    FitError,
    LabelError,
    LayoutError,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.fields import Fields, fill
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.fonts import Fonts
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.layout import REGULAR
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.output_pdf import roll_pdf, sheet_pdf
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.output_png import png
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.output_svg import svg
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.output_zpl import zpl
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    State,
    StateChange,
)
from tests.support.labels import pdf_pages

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
SERIAL = "01G9BFEDZXJYWEJ56DPPQSXTWP"
CLAIM_ID = "JT08FFQXWQ"
CONTEXT = Context("test")
RENDERER = Path(__file__).parents[1] / "zpl_renderer"


def label(
    *, dpi: int = 203, name: str = "W\u00e4rmepumpe \u0416", serial: str = SERIAL, which: str = "standard"
) -> Drawing:
    need_font_for(name)
    fields = Fields(CLAIM_ID, PRODUCT, serial, brand="Ioto", product_name=name)
    return Composer(layout.load(which).with_dpi(dpi)).compose(fields)


def need_font_for(text: str) -> None:
    """Skip where `text` has letters that the font of reportlab, which is always there, does not draw."""
    if not text.isascii() and not any(Path("/usr/share/fonts").rglob("DejaVuSans.ttf")):
        pytest.skip("DejaVuSans.ttf of the Debian package fonts-dejavu-core is missing")


def zxing(image: Image.Image) -> set[str]:
    return {code.text for code in zxingcpp.read_barcodes(image.convert("L"))}


def zbar(image: Image.Image, folder: Path) -> set[str]:
    if shutil.which("zbarimg") is None:
        pytest.skip("zbarimg of the Debian package zbar-tools is missing")
    file = folder / "zbar.png"
    image.convert("L").save(file)
    done = subprocess.run(["zbarimg", "-q", "--raw", file], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


# Each layout at each density, with the longest serial number that its file promises.
EVERY_LABEL = [
    (which, dpi, serial)
    for which, dpi, serial in (
        ("standard", 203, SERIAL),
        ("standard", 300, SERIAL),
        ("small", 203, SERIAL[:16]),
        ("small", 300, SERIAL),
        ("narrow", 203, SERIAL[:17]),
        ("narrow", 300, SERIAL),
        ("preprinted", 203, ""),
        ("preprinted", 300, ""),
    )
]


def test_the_layouts_that_ship_are_all_read_back() -> None:
    assert {path.stem for path in Path(layout.__file__).with_name("layouts").iterdir()} == {
        which for which, _dpi, _serial in EVERY_LABEL
    }


@pytest.mark.parametrize(("which", "dpi", "serial"), EVERY_LABEL)
def test_every_output_of_every_layout_is_read_by_two_independent_readers(
    which: str, dpi: int, serial: str, tmp_path: Path
) -> None:
    drawing = label(which=which, dpi=dpi, serial=serial)
    (page,) = pdf_pages(roll_pdf([drawing]), dpi)
    vector = Image.open(BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg(drawing), dpi=96, width=drawing.width * 2))))
    for image in (page, vector, Image.open(BytesIO(png(drawing)))):
        assert zxing(image) == {CLAIM_ID, serial} - {""}
        assert zbar(image, tmp_path) == {CLAIM_ID, serial} - {""}


@pytest.mark.parametrize(("which", "dpi", "serial"), EVERY_LABEL)
def test_zpl_that_an_independent_interpreter_draws_is_read(which: str, dpi: int, serial: str, tmp_path: Path) -> None:
    if not (RENDERER / "node_modules").is_dir():
        pytest.skip("the npm package zpl-renderer-js is missing: tools/setup test fetches it")
    drawing = label(which=which, dpi=dpi, serial=serial)
    size = [str(int(mm) + 2) for mm in (drawing.width_mm, drawing.height_mm)]
    command = [Path(sys.executable).with_name("node"), RENDERER / "render.cjs", *size, {203: "8", 300: "12"}[dpi]]
    done = subprocess.run(command, input=zpl(drawing), check=True, capture_output=True, timeout=60)
    image = Image.open(BytesIO(done.stdout))
    assert zxing(image) == {CLAIM_ID, serial} - {""}
    assert zbar(image, tmp_path) == {CLAIM_ID, serial} - {""}


@pytest.mark.parametrize(("which", "sheet"), [("small", "L7160"), ("narrow", "5160")])
def test_a_sheet_begins_where_it_is_told_and_every_label_on_it_is_read(which: str, sheet: str, tmp_path: Path) -> None:
    grid = sheets.SHEETS[sheet]
    serials = [f"SN-{number:04d}" for number in range(grid.count)]
    drawings = [label(which=which, dpi=300, serial=serial) for serial in serials]
    pages = pdf_pages(sheet_pdf(drawings, grid, start=3), 300)
    for page, on_it in zip(pages, (serials[:-2], serials[-2:]), strict=True):
        assert zxing(page) == zbar(page, tmp_path) == {CLAIM_ID, *on_it}
        codes_read = zxingcpp.read_barcodes(page)
        assert sum(code.text == CLAIM_ID for code in codes_read) == len(on_it)


@pytest.mark.parametrize("pitch", ["pitch_x", "pitch_y"])
def test_a_sheet_whose_labels_overlap_is_refused_with_the_numbers(pitch: str) -> None:
    sound = dataclasses.asdict(sheets.SHEETS["L7160"])
    assert sheets.parse_sheet(sound) == sheets.SHEETS["L7160"]
    with pytest.raises(LayoutError, match=r"are 63.5 x 38.1 mm, and begin every [0-9. x]+ mm, so that they overlap"):
        sheets.parse_sheet({**sound, pitch: 30})


def test_a_serial_number_that_is_too_long_for_the_label_is_refused_with_the_numbers() -> None:
    with pytest.raises(FitError, match=r"341 modules .* 203 dpi .* makes 85.3 mm, and the layout has 60.5 mm"):
        label(which="small", dpi=203)


def test_a_letter_that_no_font_has_is_an_error_that_names_it() -> None:
    with pytest.raises(CharacterError, match=r"U\+13000 \(EGYPTIAN HIEROGLYPH A001\)"):
        label(name="\U00013000")


@pytest.mark.parametrize(
    "element",
    [
        {"text": "ID {claim_id}", "x": 1, "y": 1, "width": 3, "size": 3},
        {"text": "ID {claim_id}", "x": 1, "y": 19, "width": 40, "size": 3},
        {"text": "ID {claim_id} {product_name}", "x": 1, "y": 1, "width": 40, "size": 3},
        {"code128": "{claim_id}", "x": 1, "y": 1, "width": 10, "height": 3},
        {"code128": "{claim_id} {product_name}", "x": 1, "y": 1, "width": 10, "height": 3},
        {"image": "/nowhere/{claim_id}.png", "x": 1, "y": 1, "width": 10, "height": 3},
    ],
    ids=["too wide", "off the label", "no glyph", "code too wide", "no such letter in a code", "no picture"],
)
def test_why_there_is_no_label_is_said_without_the_whole_claim_id(tmp_path: Path, element: dict[str, Any]) -> None:
    text = json.dumps({"width": 50, "height": 20, "elements": [element]})
    composer = Composer(layout.parse(text.encode(), name="mine.json5", folder=tmp_path))
    with pytest.raises(LabelError) as error:
        composer.compose(Fields(CLAIM_ID, PRODUCT, SERIAL, product_name="Pump \ue000"))
    assert CLAIM_ID not in str(error.value)
    assert "********WQ" in str(error.value)


def damaged_font(folder: Path) -> Path:
    """Make a font whose outlines are whole, and whose program for hinting is garbage."""
    font = bytearray((Path(reportlab.__file__).parent / "fonts" / "Vera.ttf").read_bytes())
    entry = font.index(b"fpgm")
    start, length = struct.unpack_from(">II", font, entry + 8)
    font[start : start + length] = b"\x8f" * length
    (folder / "damaged.ttf").write_bytes(font)
    return folder / "damaged.ttf"


def test_a_font_that_draws_no_dots_is_told_and_its_label_is_not_begun(tmp_path: Path) -> None:
    element = {"text": "A", "x": 1, "y": 1, "width": 9, "size": 3}
    text = json.dumps({"width": 50, "height": 20, "fonts": [str(damaged_font(tmp_path))], "elements": [element]})
    job = batch.LabelJob(layout.parse(text.encode(), name="mine.json5", folder=tmp_path))
    (tmp_path / "lp0").touch()
    with Ledger.in_memory() as ledger:
        claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "generated", CONTEXT))
        labels, _none = batch.compose_all(job, [ledger.advance(StateChange(claim.claim_id, State.VERIFIED, CONTEXT))])
        printer = open_printer(f"file:{tmp_path}/lp0")
        report = batch.print_labels(ledger, labels, printer=printer, context=CONTEXT)
        assert report.failure == (
            f"The font {tmp_path}/damaged.ttf cannot be read (invalid opcode); give another in the layout."
        )
        assert not [event for event in ledger.events() if event.kind == EventKind.PRINT_STARTED]


@pytest.mark.parametrize(
    ("font", "sentence"),
    [
        ("fonts/bold", r"fonts/bold is not there \(Is a directory\); correct its path"),
        ("fonts/" + "x" * 300, r"x is not there \(File name too long\); correct its path"),
        ("x" * 300, "None of the fonts x+ is here"),
    ],
)
def test_a_font_that_is_no_file_is_told(tmp_path: Path, font: str, sentence: str) -> None:
    (tmp_path / "fonts" / "bold").mkdir(parents=True)
    with pytest.raises(CharacterError, match=sentence):
        Fonts([font], folder=tmp_path)


def test_each_script_of_a_text_is_shaped_by_itself_and_signs_go_with_any() -> None:
    need_font_for("Фильм")
    fonts = Fonts(REGULAR)
    words = ["Pump", "Фильм", "αντλία", "q\u0303"]
    widths = [fonts.shape(word).width for word in words]
    assert fonts.shape("".join(words)).width == pytest.approx(sum(widths))
    assert fonts.shape("Фильм-30").glyphs[:5] == fonts.shape("Фильм").glyphs
    assert fonts.shape("مضخة").width < sum(fonts.shape(letter).width for letter in "مضخة")  # they are joined


@pytest.mark.parametrize("sign", ["\u200c", "\u200d", "\ufe0f", "\U000e0100"])
def test_what_only_chooses_between_forms_of_its_neighbours_is_not_drawn(sign: str) -> None:
    fonts = Fonts(REGULAR)
    assert [glyph.number for glyph in fonts.shape(f"x{sign}y").glyphs] == [
        glyph.number for glyph in fonts.shape("xy").glyphs
    ]


@pytest.mark.parametrize(
    ("template", "is_qr", "text"),
    [
        ("Model: {product_name}", False, "Model: Pump 20/A"),
        ("https://example.com/{product_name}", False, "https://example.com/Pump%2020%2FA"),
        ("https://example.com/{product_name}", True, "https://example.com/Pump%2020%2FA"),
        ("app:{product_name}", True, "app:Pump%2020%2FA"),
        ("{product_name}", True, "Pump 20/A"),
    ],
)
def test_fields_are_escaped_in_a_url_and_nowhere_else(template: str, is_qr: bool, text: str) -> None:
    fields = Fields("JT08FFQXWQ", "01G8YJKKRNTHW213TRZYX3YH0M", product_name="Pump 20/A")
    assert fill(template, fields, is_qr=is_qr) == text


def test_no_name_gets_a_command_into_zpl() -> None:
    commands = zpl(label(name="^XZ~JR^XA^FDx")).decode("ascii")
    assert commands.count("^XA") == commands.count("^XZ") == commands.count("^FS") == 1
    assert "~" not in commands and "^FD" not in commands


class Listener:
    """A printer that reads whole labels, and dies in the middle of the one after `lives_for`."""

    def __init__(self, lives_for: int) -> None:
        self.labels: list[bytes] = []
        self._left = lives_for
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with self._socket:
            while True:
                connection, _ = self._socket.accept()
                with connection:
                    if not self._left:
                        connection.recv(100)
                        return
                    data = b""
                    while part := connection.recv(65536):
                        data += part
                    self.labels.append(data.removesuffix(b"~HI~HS"))
                    self._left -= 1


def test_after_a_printer_died_the_next_run_prints_exactly_the_missing_labels_in_order() -> None:
    job = batch.LabelJob(layout.load(), brand="Ioto")
    with Ledger.in_memory() as ledger:
        for number in range(7):
            claim = ledger.allocate(AllocationRequest(PRODUCT, f"SN-{number}", source="generated", context=CONTEXT))
            ledger.advance(StateChange(claim.claim_id, State.VERIFIED, context=CONTEXT))
        wanted = [zpl(item.drawing) for item in batch.compose_all(job, selection.due(ledger, context=CONTEXT))[0]]

        def run(printer: Listener) -> batch.LabelReport:
            labels, _none = batch.compose_all(job, selection.due(ledger, context=CONTEXT))
            to = SocketPrinter("127.0.0.1", printer.port, timeout=60)
            return batch.print_labels(ledger, labels, printer=to, context=CONTEXT)

        dying, sound = Listener(3), Listener(100)
        report = run(dying)
        assert (len(report.made), report.missing) == (3, 4)
        assert "did not take the label" in report.failure
        assert len(run(sound).made) == 4
        assert dying.labels + sound.labels == wanted
        assert not run(sound).made


@pytest.mark.parametrize(
    "payload", [CLAIM_ID, f"https://app.example.com/claim?product={PRODUCT}&id={CLAIM_ID}", "\u0416"]
)
def test_a_qr_code_is_as_large_and_as_well_corrected_as_another_encoder_makes_it(payload: str) -> None:
    ours, theirs = codes.qr(payload, "M"), segno.make_qr(payload, error="M")
    assert ours.size == len(theirs.matrix)
    image = Image.new("L", (ours.size + 8, ours.size + 8), 255)
    for x, y, length in ours.runs:
        image.paste(0, (x + 4, y + 4, x + 4 + length, y + 5))
    (read,) = zxingcpp.read_barcodes(image.resize((image.width * 4, image.height * 4), Image.Resampling.NEAREST))
    assert (read.text, read.ec_level) == (payload, theirs.error)
