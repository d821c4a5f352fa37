# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the task `verify` does: it finds what was scanned for a unit, asks the device and the ledger, and judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..claim_ids import mask, parse_product
from ..device.connection import UnreachableError
from ..device.device import Device
from ..device.state import DeviceState
from ..display_text import printable
from ..errors import FailureKind, IotoError
from ..identity.mac_addresses import is_same_serial
from ..identity.marks import IdentifyingMarks
from ..labels.qr_templates import qr_templates
from ..ledger.ledger import Ledger
from ..ledger.records import Context
from ..scanning.camera import read_picture
from ..scanning.keyboard_layout import HINT, exchanged, is_exchanged
from ..scanning.scan import NothingScannedError, Scan, ScanError, read_scan
from ..scanning.scan_file import ScanFile, ScanFileError, read_scan_file
from .three_way_check import CheckVerdict, UnitSeen, ask_ledger, compare, record


def verify_unit(
    device: Device,
    ledger: Ledger,
    options: Mapping[str, Any],
    hosts: Sequence[str],
    *,
    context: Context,
    check: bool,
) -> dict[str, Any]:
    """Check the unit behind `device`, and return what `verify` documents. `hosts` are all of the play, in their order.

    Raises `IotoError` where the options, a file of scans or the ledger cannot be used, and with `ask_again` where the
    scan says nothing; whatever else is wrong with label or device is a verdict.
    """
    product = parse_product(options["product"]) if options["product"] else None
    templates = qr_templates(options["qr"], options["layout"])
    scans = read_scan_file(options["scans"], hosts) if options["scans"] else None
    scan: Scan | None = None
    seen: UnitSeen | None = None
    problems: list[str] = []
    is_worth_recording = not check
    # Asked first: a device that cannot be reached is no mismatch, and Ansible says so.
    try:
        marks = IdentifyingMarks.without(options.get("shared_hardware") or ())
        seen = UnitSeen.of(DeviceState.read(device, options["config_dir"]), options["serial"], marks)
    except UnreachableError:
        raise
    except IotoError as error:
        problems.append(_clause(error))
    try:
        scan = _scan(options, templates, scans, device.name, seen)
        if not options["image"]:
            _check_keyboard(scan, ledger)
    except ScanFileError:
        raise  # says nothing of the unit
    except ScanError as error:
        if options["ask_again"] and error.facts:
            raise
        scan = None
        problems.append(_clause(error))
        is_worth_recording &= not isinstance(error, NothingScannedError)
    if scan is not None and seen is not None:
        verdict = compare(scan, seen, ask_ledger(ledger, scan, seen, product), product)
    else:
        unit, found = (seen.unit, seen.product) if seen else (options["serial"], None)
        verdict = CheckVerdict(problems, unit, product or found)
    if is_worth_recording:
        record(ledger, verdict, scan, seen, context)
    return _result(verdict, scan, device.name)


def _scan(
    options: Mapping[str, Any], templates: Sequence[str], scans: ScanFile | None, host: str, seen: UnitSeen | None
) -> Scan:
    if options["image"]:
        return read_picture(options["image"], templates)
    text = options["scan"] or ""
    if scans is not None:
        text = scans.of(host, seen.unit if seen else options["serial"])
    if seen is not None and is_same_serial(text, seen.unit):
        raise ScanError("What was scanned is the barcode of the serial number; scan the QR code beside it.")
    return read_scan(text, templates)


def _check_keyboard(scan: Scan, ledger: Ledger) -> None:
    """Raise `ScanError` where a scanner has exchanged Y and Z, as far as the ledger can tell."""
    other = exchanged(scan.claim_id)
    if other is not None and is_exchanged(scan.claim_id, ledger.holders([scan.claim_id, other])):
        raise ScanError(f"The ledger does not know the label's claim ID {mask(scan.claim_id)}: {HINT}.")


def _result(verdict: CheckVerdict, scan: Scan | None, host: str) -> dict[str, Any]:
    name = f"{printable(host)}, unit {printable(verdict.unit)}" if verdict.unit else printable(host)
    shown = mask(scan.claim_id) if scan else None
    if verdict.passed:
        line = f"PASS  {name}: label, device and ledger have {shown}."
    else:
        line = f"FAIL  {name}: {printable('; '.join(verdict.problems))}."
    return {
        "changed": False,
        "failed": not verdict.passed,
        "passed": verdict.passed,
        **({} if verdict.passed else {"failure": FailureKind.MISMATCH.value}),
        "msg": line,
        "problems": list(verdict.problems),
        "claim_id": shown,
        "product": verdict.product,
        "serial": verdict.unit,
    }


def _clause(error: IotoError) -> str:
    text = str(error).rstrip(".")
    return text[:1].lower() + text[1:]
