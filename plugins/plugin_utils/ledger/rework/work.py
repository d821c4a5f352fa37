# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acts of rework, done in one transaction: all of a batch or none, each at once with the events that tell of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from ...claim_ids import parse
from ...display_text import quoted, shortened
from ...errors import IotoError
from ...identity.board_names import names_of_board
from ...identity.facts import facts_of
from ...identity.mac_addresses import is_same_serial, normal_serial
from ..change_set import ChangeSet, Touched, not_free
from ..event_kinds import EventKind
from ..ledger import Ledger
from ..naming import named_claim
from ..queries import select_events
from ..records import AllocationRequest, Claim, ClaimConflictError, Context, Event, NewEvent, State
from ..row_values import clean, read, select_rows
from .acts import Act, ReworkRequest
from .chain import ACTS

_ATTEMPTS = 5
"""Times that a claim is looked up again because another operator was faster."""
_DONE_AGAIN = (
    *(EventKind.CHECKED, EventKind.VERIFIED, EventKind.SETTLED, EventKind.LABELLED, EventKind.REPRINT),
    *ACTS,
)
"""After one of these, a unit that came back is no longer simply back."""
_LABELS = (EventKind.LABELLED, EventKind.REPRINT, EventKind.RELABEL)
_LONGEST_REASON = 200


class ReworkError(IotoError):
    """An act that cannot be done, though the ledger knows the unit."""


class OvertakenError(ReworkError):
    """A unit that another operator has reworked since its claim was looked up."""


class ReworkRefusedError(IotoError):
    """Acts of which some cannot be done; `answers` has one for each, and nothing was changed."""

    def __init__(self, answers: Sequence[Reworked | IotoError]) -> None:
        super().__init__("Some of the acts cannot be done.")
        self.answers = answers


@dataclass(frozen=True, slots=True)
class Reworked:
    """What an act came to: the claim that the unit had, the one that it has now, and what happened, as a sentence.

    They are the same claim where nothing was issued; `told` ends with what to do next.
    """

    request: ReworkRequest
    before: Claim
    claim: Claim
    told: str
    changed: bool = True


@dataclass(frozen=True, slots=True)
class _ActOnClaim:
    """A request and the claim that it is about, as it was found before the transaction."""

    request: ReworkRequest
    claim: Claim


_Found = _ActOnClaim | IotoError | Reworked
"""A request whose claim was found, or the answer to one that is done or cannot be."""


def rework(ledger: Ledger, requests: Sequence[ReworkRequest], *, check: bool = False) -> list[Reworked | IotoError]:
    """Do `requests`, all or none, and answer each; with `check` say what would be done. Errors are answers, too.

    An act that was done already changes nothing. Of acts on one unit only the first is done: the second may depend on
    what comes of it.
    """
    for _attempt in range(_ATTEMPTS):
        answers = _try(ledger, [_named(ledger, request) for request in requests], check=check)
        if not any(isinstance(answer, OvertakenError) for answer in answers):
            break
    return answers


def _try(ledger: Ledger, named: list[_Found], *, check: bool) -> list[Reworked | IotoError]:
    for place, twin in _twins(named).items():
        named[place] = ReworkError(f"{_unit(twin.claim)} is named before{_at(twin.request)}; keep one.")
    for place, request in _one_new_serial(named).items():
        serial = quoted(request.new_serial)
        named[place] = ReworkError(f"The new serial {serial} is given before{_at(request)}; correct one of the two.")
    for place, request in _named_by_new_serial(named).items():
        named[place] = ReworkError(
            f"The new serial {quoted(request.serial)} names a unit as well{_at(request)}, and whoever runs the file "
            "again would do that act to this board; name that unit by its claim ID (claim_id)."
        )
    refused = any(isinstance(each, IotoError) for each in named)

    def transaction(connection: Connection) -> list[Reworked | IotoError]:
        reworking = _Reworking(connection, named, lock=True)
        answers = reworking.answers()
        if any(isinstance(answer, IotoError) for answer in answers):
            raise ReworkRefusedError(answers)
        reworking.changes.save()
        return answers

    if check or refused:
        with ledger.database.read() as connection:
            return _Reworking(connection, named, lock=False).answers()
    ids = [each.claim.claim_id for each in named if isinstance(each, _ActOnClaim)]
    try:
        # Whoever makes a label is alone with its claim meanwhile: a label is made before an act or after it.
        with ledger.alone_with(ids):
            return ledger.database.write(transaction)
    except ReworkRefusedError as error:
        return list(error.answers)


def _named(ledger: Ledger, request: ReworkRequest) -> _Found:
    if request.act is Act.NEW_CASE and (done := _moved_already(ledger, request)) is not None:
        return done
    try:
        claim = named_claim(ledger, claim_id=request.claim_id, serial=request.serial, product=request.product)
    except IotoError as error:
        return error
    if claim.unit is None:
        return ReworkError(f"The claim {claim.masked} is reserved and belongs to no unit; there is nothing to rework.")
    return _ActOnClaim(request, claim)


def _moved_already(ledger: Ledger, request: ReworkRequest) -> Reworked | ReworkError | None:
    """Return the answer where the new case has the board already: its claim is then no longer under the old serial.

    It is an error where the claim ID went the other way than is asked for now.
    """
    for live in ledger.claims(unit=request.new_serial, product=request.product, states=_IN_USE):
        moved = next(
            ledger.events(claim_id=live.claim_id, kinds=[EventKind.NEW_CASE], newest_first=True, limit=1), None
        )
        if moved is None:
            continue
        if request.claim_id is None:
            is_it = is_same_serial(_former_unit(moved), request.serial)
        else:
            is_it = request.claim_id in {live.claim_id, live.replaces}
        if is_it:
            told = f"{_unit(live)} has the board already, from unit {quoted(_former_unit(moved))}"
            kept = (moved.detail or "").endswith(_STAYS)
            if kept is not request.keeps_id:
                return ReworkError(f"{told}{_KEPT if kept else _NOT_KEPT}")
            return Reworked(request, live, live, f"{told}; nothing was changed.", changed=False)
    return None


def _twins(named: Sequence[_Found]) -> dict[int, _ActOnClaim]:
    """Return, by the places of those that are about a unit that one before is about, that one."""
    seen: dict[tuple[str, str | None], _ActOnClaim] = {}
    found = {}
    for place, each in enumerate(named):
        if isinstance(each, _ActOnClaim):
            first = seen.setdefault((each.claim.product, each.claim.unit), each)
            if first is not each:
                found[place] = first
    return found


def _one_new_serial(named: Sequence[_Found]) -> dict[int, ReworkRequest]:
    """Return, by the places of those that want the new serial of one before, that one."""
    seen: dict[tuple[str, str], ReworkRequest] = {}
    found = {}
    for place, each in enumerate(named):
        if isinstance(each, _ActOnClaim) and each.request.act is Act.NEW_CASE:
            wanted = each.claim.product, normal_serial(each.request.new_serial or "")
            first = seen.setdefault(wanted, each.request)
            if first is not each.request:
                found[place] = first
    return found


def _named_by_new_serial(named: Sequence[_Found]) -> dict[int, ReworkRequest]:
    """Return, by the places of those that give a board the serial by which another act names its unit, that act."""
    by_serial = {
        (each.claim.product, normal_serial(each.request.serial)): each.request
        for each in named
        if isinstance(each, _ActOnClaim) and each.request.serial and not each.request.claim_id
        if each.request.act is not Act.NEW_CASE
    }
    asked = ((place, each) for place, each in enumerate(named) if not isinstance(each, IotoError))
    new = {place: (each.claim.product, normal_serial(each.request.new_serial or "")) for place, each in asked}
    return {place: by_serial[name] for place, name in new.items() if name in by_serial}


def _at(request: ReworkRequest) -> str:
    return "" if request.line is None else f", in line {request.line}"


class _Reworking:
    """One transaction of rework."""

    def __init__(self, connection: Connection, named: Sequence[_Found], *, lock: bool) -> None:
        self._connection = connection
        self._named = named
        self.changes = ChangeSet(connection, lock=lock, **_touched(named))

    def answers(self) -> list[Reworked | IotoError]:
        """Do each act, or say why not."""
        return [self._answer(each) for each in self._named]

    def _answer(self, named: _Found) -> Reworked | IotoError:
        if not isinstance(named, _ActOnClaim):
            return named
        request = named.request
        try:
            claim = self._current(named)
            if claim.is_live or request.act in {Act.SCRAP, Act.CAME_BACK}:
                return _DO[request.act](self, request, claim)
            return self._already(request, claim)
        except IotoError as error:
            return error

    def _current(self, named: _ActOnClaim) -> Claim:
        """Return the claim that the unit has now: another operator may have been faster."""
        known = self.changes.known(named.claim.claim_id)
        live = None
        if named.request.claim_id is None:
            live = self.changes.live(named.claim.product, named.claim.unit or "")
        if (
            (live or known).claim_id != known.claim_id
            or not is_same_serial(known.unit, named.claim.unit)
            or known.is_live is not named.claim.is_live
        ):
            raise OvertakenError(
                f"{_unit(named.claim)} is being reworked by somebody else; see its chain and run again."
            )
        return known

    def _already(self, request: ReworkRequest, claim: Claim) -> Reworked:
        """Answer for a unit whose claim is retired. Raises `ReworkError` unless this very act did it."""
        last = self._last(claim, (*ACTS, EventKind.RETIRED))
        if last is not None and request.act is Act.NEW_BOARD and last.kind == EventKind.NEW_BOARD:
            return Reworked(request, claim, claim, f"{_unit(claim)} waits for its new board already.", changed=False)
        because = f" ({_shown(claim.reason)})" if claim.reason else ""
        raise ReworkError(
            f"{_unit(claim)} has no claim ID in use: {claim.masked} is retired{because}; have "
            "ioto.serialization.provision give it one first."
        )

    def _last(self, claim: Claim, kinds: Sequence[EventKind]) -> Event | None:
        query = select_events({"claim_id": claim.claim_id, "kinds": kinds}, newest_first=True).limit(1)
        return next(read(Event, select_rows(self._connection, query), self._connection.dialect), None)

    def _note(self, kind: EventKind, request: ReworkRequest, claim: Claim, detail: str) -> None:
        # No host: what was done to a unit on the bench is no device of a run.
        about = claim.claim_id, claim.product, claim.unit, detail, request.reason
        self.changes.note(NewEvent(kind, replace(request.context, host=None), *about))

    def scrap(self, request: ReworkRequest, claim: Claim) -> Reworked:
        """End the unit."""
        if not claim.is_live and (last := self._last(claim, [EventKind.SCRAPPED])) is not None:
            told = f"{_unit(claim)} is scrapped already ({_shown(last.reason)}); nothing was changed."
            return Reworked(request, claim, claim, told, changed=False)
        gone = self.changes.retire(claim, request.reason, _without_host(request.context))
        self._note(EventKind.SCRAPPED, request, claim, _was(claim))
        told = f"{_unit(claim)} is scrapped: its claim ID {claim.masked} never comes back, and a label with it is void."
        return Reworked(request, claim, gone, told)

    def new_board(self, request: ReworkRequest, claim: Claim) -> Reworked:
        """Retire the ID of the old board; the new board's claim, whoever gives it, replaces it."""
        gone = self.changes.retire(claim, request.reason, _without_host(request.context))
        self._note(EventKind.NEW_BOARD, request, claim, _was(claim))
        told = (
            f"{_unit(claim)} waits for its new board: {claim.masked} is retired, and a label with it is void; "
            "ioto.serialization.provision gives the new board its claim ID and its label."
        )
        return Reworked(request, claim, gone, told)

    def new_case(self, request: ReworkRequest, claim: Claim) -> Reworked:
        """Give the board another serial, and another ID where it does not keep its own."""
        unit = request.new_serial or ""
        if live := self.changes.live(claim.product, unit):
            raise ClaimConflictError(not_free(unit, live), live)
        if any(map(self.changes.get, _scanned_id(unit))):
            raise ReworkError(
                f"The new serial of {_unit(claim, begins=False)} is a claim ID; give the serial of the case, not what "
                "its label says (ioto_rework_new_serial)."
            )
        detail = f"{_FROM_UNIT}{claim.unit}; the claim ID {_STAYS if request.keeps_id else 'is a new one'}"
        if request.keeps_id:
            after = self.changes.rebind(claim, unit, request.reason, replace(request.context, host=claim.host))
            told = f"{_unit(claim)} is unit {quoted(unit)} now, and keeps {claim.masked}; a label that says "
            told += "the old serial is void"
        else:
            context = _without_host(request.context)
            self.changes.retire(claim, request.reason, context)
            self.changes.given_up.note(claim.product, unit, claim)
            asked = AllocationRequest(claim.product, unit, "generated", context, details=facts_of(claim.details))
            after = self.changes.allocate(asked._replace(length=len(claim.claim_id)))
            told = f"{_unit(claim)} is unit {quoted(unit)} now, with {after.masked}; {claim.masked} is retired, and a "
            told += "label with it is void; the device still has it: name it as ioto_replace_id, with ioto_reason"
        self._note(EventKind.NEW_CASE, request, after, detail)
        told = f"{told}; give the unit its new serial in the inventory, and run ioto.serialization.provision."
        return Reworked(request, claim, after, told)

    def relabel(self, request: ReworkRequest, claim: Claim) -> Reworked:
        """Have the labels be void that the unit has."""
        last = self._last(claim, _LABELS)
        if claim.state is not State.LABELLED:
            raise ReworkError(f"{_unit(claim)} has no label yet ({claim.state}); ioto.serialization.labels makes it.")
        if last is not None and last.kind == EventKind.RELABEL:
            told = f"{_unit(claim)} waits for its new label already ({_shown(last.reason)}); {_PRINT_IT}"
            return Reworked(request, claim, claim, told, changed=False)
        self._note(EventKind.RELABEL, request, claim, _was(claim))
        told = f"The labels that {_unit(claim, begins=False)} has are void, and it keeps {claim.masked}; {_PRINT_IT}"
        return Reworked(request, claim, claim, told)

    def came_back(self, request: ReworkRequest, claim: Claim) -> Reworked:
        """Record that the unit is here."""
        last = self._last(claim, (EventKind.CAME_BACK, *_DONE_AGAIN))
        if last is not None and last.kind == EventKind.CAME_BACK and last.reason == clean(request.reason):
            told = f"{_unit(claim)} is back already, for this reason; nothing was changed."
            return Reworked(request, claim, claim, told, changed=False)
        self._note(EventKind.CAME_BACK, request, claim, _was(claim))
        told = f"{_unit(claim)} is back; its claim ID {claim.masked} is {claim.state}, and nothing was issued."
        return Reworked(request, claim, claim, told)


_DO: Mapping[Act, Callable[[_Reworking, ReworkRequest, Claim], Reworked]] = {
    Act.SCRAP: _Reworking.scrap,
    Act.NEW_BOARD: _Reworking.new_board,
    Act.NEW_CASE: _Reworking.new_case,
    Act.RELABEL: _Reworking.relabel,
    Act.CAME_BACK: _Reworking.came_back,
}
_IN_USE = tuple(state for state in State if state is not State.RETIRED)
_FROM_UNIT = "from unit "
_STAYS = "stays"
_KEPT = (
    ", and kept its claim ID, which was not to stay; see that it is the same board (ioto_ledger_job=chain), and say "
    "ioto_rework_keep_id=true, or replace the ID (ioto_replace_id)."
)
_NOT_KEPT = (
    ", with a new claim ID: the one that was to stay is retired, and never comes back; see that it is the same board "
    "(ioto_ledger_job=chain), and say ioto_rework_keep_id=false."
)
_PRINT_IT = "ioto.serialization.labels prints its new one."


def _touched(named: Sequence[_Found]) -> Touched:
    """Return what the acts touch: their claims, what their units have now, and, of a new case, what is there."""
    about = [each for each in named if isinstance(each, _ActOnClaim)]
    moved = [each for each in about if each.request.act is Act.NEW_CASE]
    return Touched(
        units=[*(each.claim.unit or "" for each in about), *(each.request.new_serial or "" for each in moved)],
        ids=[
            *(each.claim.claim_id for each in about),
            *(claim_id for each in moved for claim_id in _scanned_id(each.request.new_serial or "")),
        ],
        boards=[name for each in moved for name in names_of_board(each.claim.product, each.claim.details)],
    )


def _scanned_id(serial: str) -> list[str]:
    """Return the claim ID that a new serial would be if a label had been scanned for it, or nothing."""
    try:
        return [parse(serial)]
    except IotoError:
        return []


def _former_unit(event: Event) -> str:
    """Return the unit that a board had before the case of which `event` tells."""
    return (event.detail or "").removeprefix(_FROM_UNIT).rpartition("; the claim ID ")[0]


def _without_host(context: Context) -> Context:
    return replace(context, host=None)


def _shown(reason: str | None) -> str:
    """Return a reason for the middle of a sentence: the ledger takes some of a whole page."""
    return shortened(reason or "", _LONGEST_REASON)


def _was(claim: Claim) -> str:
    return f"it was {claim.state}"


def _unit(claim: Claim, *, begins: bool = True) -> str:
    return f"{'The' if begins else 'the'} unit {quoted(claim.unit)}"
