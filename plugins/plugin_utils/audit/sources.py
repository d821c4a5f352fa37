# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit looks at: devices, images, scans and other ledgers, each read one after the other into the stage."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ..batch.results import some_of
from ..claim_ids import is_valid
from ..device.state import DeviceState
from ..display_text import printable, quoted
from ..errors import IotoError
from ..firmware.image_device import open_device
from ..fleet.look import effective_id
from ..private_files import typed_path
from ..scanning.scan import read_scan
from ..scanning.scan_file import each_scan
from .findings import Finding, FindingKind, Origin
from .stage import AuditStage, Sighting

_CHECKSUMS = re.compile(r".*\.(md5|sha1|sha256|sha512)|(md5|sha1|sha256|sha512)sums?(\.txt)?", re.IGNORECASE)
_ENDS = re.compile(
    r"(\.(img|bin|tar|tgz|gz|xz|zst|ext[234]|fat|vfat|squashfs|sqfs|ubi|raw|wic|rootfs))+$", re.IGNORECASE
)
"""How the names of images end, behind the serial after which `firmware.yml` calls them."""
_MOST_CHARACTERS = 64
"""Of what a device says is its ID or product."""


class AuditError(IotoError):
    """An audit that cannot be made, or that has nothing to look at."""


def take_device(stage: AuditStage, answer: Mapping[str, Any]) -> None:
    """Take in what the fleet engine says of one device: `host`, and what `fleet.look` returns, or why it was not read.

    Everything that a device answers comes by here, one device at a time.
    """
    host = str(answer["host"])
    if answer.get("failed") or answer.get("unreachable"):
        _not_read(stage, Origin.DEVICE, host, str(answer.get("msg", "it gave no answer")))
        return
    stage.add(
        Sighting(
            Origin.DEVICE,
            host,
            _id_of(answer.get("claim_id")),
            _text_of(answer.get("product")),
            _storable(answer.get("serial")),
            note=_text_of(answer.get("id_place")),
        )
    )


def take_images(stage: AuditStage, folder: str) -> Sequence[str]:
    """Look into each image of a folder; return the names of hidden files, which are left alone.

    Raises `AuditError` where it has no images.
    """
    path = typed_path(folder).absolute()
    try:
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError as error:
        raise AuditError(
            f"The folder of images {printable(str(path))} cannot be read ({error.strerror}); correct it "
            "(ioto_audit_images)."
        ) from None
    hidden = [name for name in names if name.startswith(".")]
    names = [name for name in names if not name.startswith(".") and not _CHECKSUMS.fullmatch(name)]
    if not names:
        beside = f" but hidden ones ({some_of(hidden)})" if hidden else ""
        raise AuditError(
            f"The folder {printable(str(path))} has no images{beside}; give another one (ioto_audit_images)."
        )
    for name in names:
        try:
            stage.add(_image(path / name))
        except IotoError as error:
            _not_read(stage, Origin.IMAGE, name, str(error))
    return hidden


def _image(path: Path) -> Sighting:
    with open_device(path, path, check=True) as device:
        state = DeviceState.read(device, device.config_dir(None))
        claim_id, note = effective_id(state)
        return Sighting(
            Origin.IMAGE,
            printable(path.name),
            _id_of(claim_id),
            _text_of(state.product),
            _storable(unquote(_ENDS.sub("", path.name))),
            note=_text_of(note),
        )


def take_scans(stage: AuditStage, path: str, templates: Sequence[str], hosts: Sequence[str]) -> None:
    """Read each scan of a file. `hosts` are the devices that are read, in their order; lines alone are theirs.

    Raises `ScanFileError`, and `AuditError` where there is no scan.
    """
    name = printable(Path(path).name)
    before = stage.seen[Origin.SCAN]
    for line in each_scan(path, hosts):
        place = f"{name} line {line.line}"
        try:
            scan = read_scan(line.text, templates)
        except IotoError as error:
            _not_read(stage, Origin.SCAN, place, str(error))
            continue
        stage.add(
            Sighting(
                Origin.SCAN,
                place,
                scan.claim_id,
                scan.product,
                _storable(line.serial),
                said=_storable(scan.serial),
                host=_storable(line.host),
                number=_text_of(scan.number),
            )
        )
    if stage.seen[Origin.SCAN] == before:
        raise AuditError(f"The file of scans {name} has no scans; scan the labels into it (ioto_audit_scans).")


def _not_read(stage: AuditStage, origin: Origin, place: str, why: str) -> None:
    stage.seen[origin] += 1
    text = printable(why).rstrip(".")
    stage.find(Finding(FindingKind.NOT_READ, origin, printable(place), text[:1].lower() + text[1:]))


def _id_of(value: object) -> str | None:
    if value is None or is_valid(value):
        return value
    # What is no ID is told to be none: empty it would be no ID at all.
    return printable(str(value))[:_MOST_CHARACTERS] or quoted(str(value)[:_MOST_CHARACTERS])


def _text_of(value: object) -> str | None:
    return None if value is None else printable(str(value))[:_MOST_CHARACTERS]


def _storable(value: object) -> str | None:
    """Return a text that both databases take: a NUL and half characters, which only a stranger sends, are replaced."""
    if value in (None, ""):
        return None
    return str(value).encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
