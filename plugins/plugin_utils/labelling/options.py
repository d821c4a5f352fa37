# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say how and where labels are made: a task's own, or a host's variables `ioto_label_*`.

Nothing here needs the libraries that labels need; `load_settings` is where they are first wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..claim_ids import DEFAULT_LENGTH, MAX_LENGTH, MIN_LENGTH
from ..device.connection import MOST_SECONDS
from ..errors import IotoError
from ..labels.errors import MissingLibraryError
from ..option import LABEL, Option, given_by, of_flow, of_module, rows, specs

if TYPE_CHECKING:
    from .batch import LabelJob
    from .settings import LabelSettings

_LABEL = ("label",)
_LOOKS = ("label", "report")
"""What a label looks like, which a report draws too."""
_ROLE = (LABEL,)
MOST_LABELS = 100_000
"""Labels of a roll: more are mistyped."""
_ALSO_OF_HOSTS = (LABEL, "label_hosts")

OPTIONS = (
    *rows(
        Option(
            "claim_ids",
            "The claims to label, instead of those that are due, in this order. One that has its label is printed "
            "again only with a O(reason), which is recorded.",
            type="list",
            elements="str",
            no_log=False,
        ),
        Option(
            "serials",
            "The serials of the units to label, instead of those that are due, in this order. As for O(claim_ids), one "
            "that has its label needs a O(reason).",
            type="list",
            elements="str",
        ),
        Option(
            "hosts",
            "The inventory names of the units to label, under which they were last seen; otherwise as O(serials).",
            type="list",
            elements="str",
        ),
        Option("run", "Label units of the run with this number only, as its summary says it."),
        Option(
            "preprint",
            "The number of labels of a roll for units that do not exist yet. Their IDs are reserved for "
            "O(product). On the bench, C(ioto.serialization.bind) gives the ID of a scanned label to the unit, whose "
            "label counts as made then.",
            type="int",
            least=1,
            most=MOST_LABELS,
            more=("Take a layout without a serial number, such as V(preprinted).",),
        ),
        Option(
            "roll",
            "The name of the roll, with O(preprint). The same roll is made once. What a broken run left is "
            "printed by the next, a higher number adds labels, and with a O(reason) those that belong to no unit "
            "yet are printed again.",
        ),
        variable="ioto_label_{}",
        modules=_LABEL,
        flows=_ROLE,
    ),
    Option(
        "length",
        "With O(preprint), the characters of the new IDs, 10 to 20.",
        DEFAULT_LENGTH,
        least=MIN_LENGTH,
        most=MAX_LENGTH,
        variable="ioto_claim_id_length",
        modules=_LABEL,
        flows=_ROLE,
    ),
    Option(
        "product", "Label units of this product only. With O(preprint), the product of the new IDs.", modules=_LABEL
    ),
    Option("product", "With O(preprint), the product of the new IDs, a ULID from the Builder.", flows=_ROLE),
    Option("of_product", "Label units of this product only.", variable="ioto_label_product", flows=_ROLE),
    *rows(
        Option(
            "printer",
            "Print instead of writing files, on a printer that speaks ZPL. C(socket://HOST:9100), C(cups:QUEUE), "
            "or a device file such as C(file:/dev/usb/lp0).",
        ),
        Option("printer_timeout", "Seconds that a printer may take for a label.", 30.0, least=0.1, most=MOST_SECONDS),
        Option(
            "dest",
            "The file for PDF and ZPL, or the folder for SVG and PNG, instead of a printer. Files are readable "
            "for their owner alone. A file that is there is kept, and the new one is called C(labels-2.pdf) and "
            "so on.",
            type="path",
        ),
        Option("format", "What to write to O(dest).", "pdf", choices=("pdf", "svg", "png", "zpl")),
        Option(
            "sheet",
            "Lay the labels of a PDF out on sheets. V(L7160), V(5160), or a dictionary, in mm, of C(page_width), "
            "C(page_height), C(columns), C(rows), C(left), C(top), C(label_width), C(label_height), C(pitch_x), "
            "C(pitch_y).",
            type="raw",
            without="each label is a page",
        ),
        Option("sheet_start", "The position of the first label on the first sheet, from 1 along the rows.", 1, least=1),
        Option(
            "layout",
            "A layout file, or the name of one of the collection. V(standard), V(small), V(narrow), V(preprinted).",
            "standard",
        ),
        variable="ioto_label_{}",
        modules=_LABEL,
        flows=_ALSO_OF_HOSTS,
    ),
    *rows(
        Option(
            "layout",
            "The layout of the labels, a file or the name of one of the collection. V(standard), V(small), "
            "V(narrow), V(preprinted).",
            without="what the hosts' variables C(ioto_label_) say, as for the next ones",
        ),
        variable="ioto_label_{}",
        modules=("report",),
    ),
    *rows(
        Option("dpi", "Dots per inch of the printer.", type="int", without="the layout's"),
        Option("qr", "What the QR code holds, such as C(https://example.com/?id={claim_id}).", without="the layout's"),
        Option("brand", "The brand on the label.", "", without="the layout's"),
        Option("product_name", "The product's name on the label.", ""),
        Option("product_names", "Names by product ID or serial number, where they differ.", {}),
        Option("logo", "A PNG or JPEG for the layout's image.", "", type="path"),
        variable="ioto_label_{}",
        modules=_LOOKS,
        flows=_ALSO_OF_HOSTS,
    ),
    *rows(
        Option("copies", "How often to print each label.", 1),
        Option("reason", "Why labels are printed again, or in copies. It is recorded.", ""),
        Option(
            "reprint",
            "Print labels again that are there already. It needs a O(reason). In the flows' own run, those of its "
            "hosts (C(--limit) chooses); in the role C(label), those of a product or a run.",
            False,
        ),
        variable="ioto_label_{}",
        modules=_LABEL,
        flows=_ALSO_OF_HOSTS,
    ),
    *rows(
        Option(
            "order",
            "The order of labels that are due. V(ledger) is that in which the ledger got the units, as they came "
            "to a line; V(serial) is that of their serial numbers, in which 9 comes before 10, for labels that "
            "somebody sticks on later.",
            "ledger",
            choices=("ledger", "serial"),
        ),
        variable="ioto_label_{}",
        modules=_LABEL,
        flows=_ROLE,
    ),
)

_OF_HOSTS = of_flow(OPTIONS, "label_hosts")
VARIABLES = tuple(_OF_HOSTS)
"""The variables of a host that say how its label is made."""

ARGUMENTS = specs(of_module(_OF_HOSTS.values(), "label"))
"""The options that they stand for, as Ansible's argument specs write them."""


class LabelTaskError(IotoError):
    """Options that do not go together."""


def options_of(variables: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the options that a host's variables say; None where they name neither a printer nor a dest."""
    return given_by(label_variables(variables), variables) or None


def label_variables(variables: Mapping[str, Any]) -> Mapping[str, Option]:
    """Return the options that a host's variables say, by variable; none where there is neither a printer nor a dest."""
    if not variables.get("ioto_label_printer") and not variables.get("ioto_label_dest"):
        return {}
    return {name: option for name, option in _OF_HOSTS.items() if variables.get(name) not in (None, "")}


def load_settings(options: Mapping[str, Any]) -> LabelSettings:
    """Return what the complete `options` say, checked. Raises `IotoError`."""
    settings: LabelSettings = _settings().LabelSettings.parse(options)
    return settings


def load_job(options: Mapping[str, Any]) -> LabelJob:
    """Return what is to stand on labels by the complete `options`, wherever they go. Raises `IotoError`."""
    job: LabelJob = _settings().parse_job(options)
    return job


def _settings() -> ModuleType:
    """Return what needs the libraries of labels, which a batch without labels does without: once a process."""
    try:
        from . import settings  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError(error) from error
    return settings
