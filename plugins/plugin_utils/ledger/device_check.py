# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a device that asks for a unit's claim ID is the one that the ledger knows, looked at where the ID is bound.

Two devices that say that they are the same unit meet here, whoever handles them and however close together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..display_text import meant_by, printable, quoted
from ..identity.board_names import as_said, names_of_board, remedy_for_twins
from ..identity.facts import BOARD_FACTS, HOST_KEY, MAC, described, differences, facts_of, is_named_by, macs_of, merged
from .boards import shared_names
from .event_kinds import EventKind
from .records import AllocationRequest, Claim, Context, DeviceConflictError, NewEvent, TwinError
from .row_values import clean, tidy


def device_conflict(live: Claim, request: AllocationRequest) -> DeviceConflictError | None:
    """Return what is wrong where the device of `request` is not that of the `live` claim, or is its twin."""
    if request.details is None:
        return None
    if twin := twin_of(live, request.context):
        return TwinError(_is_its_twin(live, twin, request), live, twin, described(request.details))
    if refusal := refusal_of(live, request.details, request.accepts):
        return DeviceConflictError(refusal, live, described(request.details))
    return None


def refusal_of(live: Claim, details: Mapping[str, object], accepts: str | None) -> str | None:
    """Return why a device with `details` is not that of the `live` claim; None where it may be.

    Where `accepts` is a fact of that device, another one may take its place.
    """
    if live.twin is not None:
        return f"The ledger has {live.masked} for one device, and {live.doubt}."
    refused = differences(live.details, details)
    if not refused or is_named_by(live.details, accepts):
        return None
    names = " and ".join(each.fact.replace("_", " ") for each in refused)
    what = printable("; ".join(map(str, refused)))
    # Of several addresses, one will do.
    known = next(iter(sorted(macs_of(live.details)))) if refused[0].fact == MAC else refused[0].known
    remedy = meant_by("ioto_accept_board", known)
    if accepts is not None:
        remedy = f"{remedy}, and not with {printable(accepts)}, which the ledger does not have of it"
    if {each.fact for each in refused} == {HOST_KEY}:
        return (
            f"The device says that it is unit {quoted(live.unit)}, and has another {names} than that unit had "
            f"({what}): see which unit it is; where its key was made anew, {remedy}."
        )
    return (
        f"The unit {quoted(live.unit)} was serialized before on a board with another {names} ({what}): correct the "
        f"serial where these are two units; where the board was replaced, {remedy}."
    )


def second_unit(claim: Claim, request: AllocationRequest) -> DeviceConflictError:
    """Return what is wrong where the device of `request` is on the board of another unit's `claim`, or of its twin."""
    what = printable(" and ".join(sorted(map(as_said, shared_names(claim, request)))))
    if twin := twin_of(claim, request.context):
        told = (
            f"{printable(twin)}, which is unit {quoted(claim.unit)} of product {claim.product}, and "
            f"{_host_of(request)}, which would be unit {quoted(request.unit)}, both say that they are "
            f"the board with {what}: {remedy_for_twins(is_one_board=True, is_one_unit=False)}."
        )
        return TwinError(told, claim, twin, described(request.details or {}))
    sentence = (
        f"The board with {what} is unit {quoted(claim.unit)} of product {claim.product} in the ledger, with the claim "
        f"ID {claim.masked} ({claim.state}), and would be unit {quoted(request.unit)} as well: correct the serial; "
        "where the board is to be that unit, move its claim ID (ledger_entry with action: rebind) or retire it "
        "(action: retire); where many boards say this, name it in ioto_shared_hardware (the service: shared_hardware)."
    )
    return DeviceConflictError(sentence, claim, described(request.details or {}))


def twin_of(live: Claim, context: Context) -> str | None:
    """Return the other host of the same run whose device is the unit of the `live` claim already, if there is one."""
    if context.run is None or live.run != clean(context.run):
        return None
    host = clean(context.host)
    return live.host if host is not None and live.host not in {None, host} else None


def twins_of(
    error: DeviceConflictError, request: AllocationRequest, own: Claim | None
) -> Iterator[tuple[Claim, str | None]]:
    """Yield the claims that `error` leaves in doubt, with their twins; `own` is that of the unit of `request`."""
    if isinstance(error, TwinError):
        yield error.claim, request.context.host
        if own is not None and own.claim_id != error.claim.claim_id:
            yield own, error.twin


def details_of(request: AllocationRequest) -> dict[str, object]:
    """Return the details that a claim which its unit gets by `request` keeps of it."""
    return tidy(request.details or {})


def news_of(live: Claim, request: AllocationRequest) -> dict[str, object]:
    """Return what the `live` claim's unit has to be known by after `request`, beside what else is known of it."""
    if request.details is None:
        return {}
    now = facts_of(request.details)
    replaced = {each.fact for each in differences(live.details, now)}
    return merged(facts_of(live.details), now, replaced=replaced)


def accepted(live: Claim, request: AllocationRequest) -> Iterator[NewEvent]:
    """Yield an event for each fact of the `live` claim's unit that `request` changes."""
    about = live.claim_id, live.product, live.unit
    for each in differences(live.details, request.details or {}):
        if each.fact in BOARD_FACTS:
            what = f"{each.fact} {printable(each.known)} became {printable(each.now)}, accepted"
            yield NewEvent(EventKind.HARDWARE, request.context, *about, what, reason=request.reason)
        elif each.fact == HOST_KEY:
            what = f"{printable(each.known)} became {printable(each.now)}, accepted"
            yield NewEvent(EventKind.HOST_KEY, request.context, *about, what, reason=request.reason)


def _is_its_twin(live: Claim, twin: str, request: AllocationRequest) -> str:
    board = names_of_board(live.product, live.details) & names_of_board(live.product, request.details)
    return (
        f"{printable(twin)} and {_host_of(request)} both say that they are unit {quoted(live.unit)}, and one unit "
        f"is one device: {remedy_for_twins(is_one_board=bool(board), is_one_unit=True)}."
    )


def _host_of(request: AllocationRequest) -> str:
    return printable(request.context.host or "this device")


def run_of(request: AllocationRequest) -> str | None:
    """Return the run in which a known device asks by `request`; None: nothing of it is compared with others."""
    return None if request.details is None or request.context.host is None else clean(request.context.run)
