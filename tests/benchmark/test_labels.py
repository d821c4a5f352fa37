# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""1,000 labels in one PDF, beside the same labels done plainly with reportlab and segno, in turn in the same run.

Both draw brand, product name, claim ID, QR code, serial number and Code 128 on a page for each label. Ours also shapes
the letters, refuses what would not fit or scan, and puts every bar on whole printer dots. CPU time is compared, which
what else runs on the machine changes least; the best of several rounds counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from io import BytesIO

import segno
from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from ansible_collections.ioto.serialization.plugins.plugin_utils import claim_ids
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels import layout
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.compose import Composer
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.fields import Fields
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.output_pdf import roll_pdf

LABELS = 1000
ROUNDS = 2
DPI = 203


def labels(count: int = LABELS) -> list[Fields]:
    """Return labels of which no two are alike."""
    product = "01G8YJKKRNTHW213TRZYX3YH0M"
    serial = "01G9BFEDZXJYWEJ56DPPQ"
    return [
        Fields(claim_ids.generate(), product, f"{serial}{number:05d}", brand="Ioto", product_name="Pump 20")
        for number in range(count)
    ]


def ours(wanted: Sequence[Fields]) -> bytes:
    composer = Composer(layout.load().with_dpi(DPI))
    return roll_pdf([composer.compose(fields) for fields in wanted])


def plainly(wanted: Sequence[Fields]) -> bytes:
    """What somebody writes who has reportlab and segno, and half an hour."""
    file = BytesIO()
    canvas = Canvas(file, pagesize=(100 * mm, 75 * mm), pageCompression=1)
    for fields in wanted:
        canvas.setFont("Helvetica-Bold", 18)
        canvas.drawCentredString(50 * mm, 66 * mm, fields.brand)
        canvas.setFont("Helvetica", 12)
        canvas.drawCentredString(50 * mm, 60 * mm, fields.product_name)
        canvas.setFont("Helvetica-Bold", 14)
        canvas.drawCentredString(50 * mm, 51 * mm, f"Claim ID  {fields.claim_id}")
        module = 1.0 * mm
        for y, row in enumerate(segno.make_qr(fields.claim_id, error="M").matrix):
            for x, black in enumerate(row):
                if black:
                    canvas.rect(39.5 * mm + x * module, 46 * mm - y * module, module, module, stroke=0, fill=1)
        canvas.setFont("Helvetica", 11)
        canvas.drawCentredString(50 * mm, 17 * mm, f"S/N {fields.serial}")
        bars = Code128(fields.serial, barWidth=0.25 * mm, barHeight=11 * mm, quiet=0)
        bars.drawOn(canvas, (100 * mm - bars.width) / 2, 4 * mm)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def cpu_seconds(work: Callable[[Sequence[Fields]], bytes], wanted: Sequence[Fields]) -> tuple[float, bytes]:
    began = time.process_time()
    pdf = work(wanted)
    return time.process_time() - began, pdf


def test_a_thousand_labels_take_less_than_half_of_what_they_take_plainly() -> None:
    import zxingcpp  # noqa: PLC0415 - here, so that `make bench` can measure a revision that this reader knows nothing of

    from tests.support.labels import pdf_pages  # noqa: PLC0415

    wanted = labels()
    best: dict[Callable[[Sequence[Fields]], bytes], float] = {}
    pdfs = {}
    for _round in range(ROUNDS):
        for work in (ours, plainly):
            seconds, pdfs[work] = cpu_seconds(work, wanted)
            best[work] = min(best.get(work, seconds), seconds)
    ratio = best[ours] / best[plainly]
    print(
        f"\n{LABELS:,} labels in one PDF: {best[ours]:.2f} s of CPU, {len(pdfs[ours]) / 1e6:.1f} MB; plainly with "
        f"reportlab and segno {best[plainly]:.2f} s, {len(pdfs[plainly]) / 1e6:.1f} MB; ratio {ratio:.2f}"
    )
    for pdf in pdfs.values():
        page = pdf_pages(pdf, DPI, last=1)[0]
        assert {code.text for code in zxingcpp.read_barcodes(page)} == {wanted[0].claim_id, wanted[0].serial}
    assert ratio < 0.5
