# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction that gives one unit its identity: probe, decide, claim, write and verify, settle, record.

The ledger knows an ID, durably, before the device does. Killed at any instant and run again, it goes on where it was:
every step first looks what is already done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from dataclasses import replace as with_fields

from .. import claim_ids
from ..claim_ids import is_valid
from ..device.agent_process import settle_agent
from ..device.device import Device, DeviceError, StoredDevice
from ..device.durability import check_storage, directory_notice, needs_a_sync, restore_link, unsynced
from ..device.scripts import age, same_board, sweep
from ..device.state import IDENTITY_KEYS, DeviceState
from ..device.unit_identity import UnitIdentity
from ..device.verified_write import ChangedMeanwhileError, write_verified
from ..display_text import printable, quoted
from ..identity.facts import merged
from ..json5.document import Json5Document
from ..json5.reader import JsonValue
from ..json5.second_opinion import seek_second_opinion
from ..ledger.claim_ledger import ClaimLedger
from ..ledger.device_check import twin_of
from ..ledger.event_kinds import EventKind
from ..ledger.records import (
    AllocationRequest,
    Claim,
    Context,
    Description,
    DeviceConflictError,
    NewEvent,
    State,
    StateChange,
    TwinError,
)
from ..ledger.run_number import seconds_since
from .decision import Action, Decision, decide, is_without_effect, replaced
from .replacing import NOTHING_REPLACED, succession
from .request import GivenIdError, OtherDeviceError, Request, SerializationError, UnitOutcome
from .situation import Asked, Known, Seen
from .sources.source import ClaimSource

_TRIES_AGAINST_OTHER_WRITERS = 3
_READ_BY_OTHERS = 0o004
_CONFIRMED_AT = "confirmed_at"
_WRITTEN_MEANWHILE = (
    "Its claim ID was written while this run went on, and is not from this ledger: see whether its agent made it, or "
    "another run with another ledger, whose ID it is then too."
)
_RECORDED = {State.VERIFIED, State.LABELLED}


def serialize(device: Device, request: Request, ledger: ClaimLedger, context: Context) -> UnitOutcome:
    """Give the unit behind `device` its identity, or find that it has it. Raises `IotoError`."""
    for key in IDENTITY_KEYS:
        if key in request.properties:
            raise SerializationError(f"The property {quoted(key)} is reserved; give it as claim_id or product.")
    with suppress(ChangedMeanwhileError):
        return _Transaction(device, request, ledger, context).run()
    for _unused in range(_TRIES_AGAINST_OTHER_WRITERS - 2):
        with suppress(ChangedMeanwhileError):
            return _after_another(_Transaction(device, request, ledger, context).run())
    return _after_another(_Transaction(device, request, ledger, context).run())


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was decided after one look, and on what."""

    state: DeviceState
    decision: Decision
    known: Known


class _Transaction:
    """One try at one unit."""

    def __init__(self, device: Device, request: Request, ledger: ClaimLedger, context: Context) -> None:
        self._device = device
        self._request = request
        self._source = request.source
        self._ledger = ledger
        self._context = context
        self._first = self._probe()
        self._device = same_board(device, self._first.observation)
        self._notices = [*check_storage(self._first, volatile=request.volatile)]
        self._unsynced: str | None = None
        self._unit = self._first.unit(request.serial, request.marks)
        self._asked = request.ask_for(self._first, self._unit)
        self._replaced = NOTHING_REPLACED
        self._adopts = False

    def run(self) -> UnitOutcome:
        """Take the unit from what it is to its identity. Raises `ChangedMeanwhileError` as well as `IotoError`."""
        plan = self._decide(self._first)
        self._adopts = plan.decision.action is Action.ADOPT and self._source.name_of_found == ClaimSource.name_of_found
        if self._adopts and _is_of_this_run(self._device, plan.state.file.path, self._context):
            self._notices.append(_WRITTEN_MEANWHILE)
        self._replaced = replaced(Seen.of(plan.state, self._unit), self._asked, plan.known, plan.decision)
        if self._request.check:
            return self._prediction(plan)
        if self._replaced.product is not None:
            self._ledger.record(_product_accepted(self._replaced.product, self._asked, self._context))
        if self._source.on_device and plan.decision.needs_an_id:
            plan = self._let_device_make_one(plan)
        claim = self._claim(plan)
        self._notices += succession(claim, plan.known.live, self._replaced)
        target = self._target(plan.state, claim.claim_id).data
        if target != plan.state.file.data:
            claim = self._mark_unsettled(claim)
        # Nobody has read back yet what may be there since a run that was cut off, or from an agent, which never syncs.
        after, agents = self._write(plan.state, target, anew=not _is_settled(claim))
        claim = self._settle(plan, claim, after, agents)
        # First: what the source does not confirm is not verified.
        note = self._confirm(claim)
        claim = self._record(claim)
        changed = after != self._first.file.data or _differs(claim, plan.known.live)
        return self._outcome(plan, claim, changed=changed, after=after, note=note)

    # --- 1. probe ---

    def _probe(self) -> DeviceState:
        state = DeviceState.read(self._device, self._request.config_dir)
        state.check_ready()
        return state

    # --- 2. decide ---

    def _decide(self, state: DeviceState) -> _Plan:
        asked, seen = self._asked, Seen.of(state, self._unit)
        live = self._ledger.live_claim(asked.product, asked.unit)
        if live is not None:  # a MAC address may be there in another notation, from an older version
            self._asked = asked = with_fields(asked, unit=live.unit or asked.unit)
        named = seen.claim_id, asked.claim_id, asked.replacing.folded_id, asked.exchanged_id
        wanted = [claim_id for claim_id in named if is_valid(claim_id)]
        holders = self._ledger.holders(wanted) if wanted else {}
        known = Known(live, *(holders.get(claim_id or "") for claim_id in named))
        if live is not None and twin_of(live, self._context) is not None and not self._request.check:
            # The ledger refuses it where it binds an ID; nothing has to be asked for one before that.
            self._allocate(None, live.source)
        decision = decide(seen, asked, known)
        if decision.conflict is not None and not self._request.check:
            about = decision.conflict.claim_id, asked.product, asked.unit
            why = decision.reason or f"overruled: {self._request.replacing.reason}"
            self._ledger.record(NewEvent(EventKind.CONFLICT, self._context, *about, why, decision.device))
        if decision.action is Action.REFUSE:
            raise _refused(decision, state, self._unit, asked)
        if live is None and (self._request.check or self._source.costs_elsewhere):
            with _telling_of_others(self._unit, self._asked):
                self._ledger.check_board(self._allocation(None, self._source.name), is_noted=not self._request.check)
        if is_without_effect(seen, asked, known) and state is self._first:
            self._notices.append(_replaced_nothing(asked.replacing.claim_id or ""))
        return _Plan(state, decision, known)

    def _let_device_make_one(self, plan: _Plan) -> _Plan:
        """Have the ID made on the device, and decide again with what is there then."""
        # What names the unit to the agent's factory service has to be there before the agent asks.
        old, _unused = self._write(plan.state, self._target(plan.state, None).data)
        state = self._source.await_id(self._device, self._request.config_dir, old or None, self._request.restart)
        state = restore_link(self._device, with_fields(plan.state.file, data=old), state)
        state.check_ready()
        return self._decide(state)

    # --- 3. claim: the ledger knows the unit's ID, durably, before the device does ---

    def _claim(self, plan: _Plan) -> Claim:
        decision, live = plan.decision, plan.known.live
        former = self._replaced.former_product
        if live is not None and decision.claim_id == live.claim_id and former is None:
            return self._meet(live, is_kept=decision.action is Action.KEEP)
        if decision.action is Action.ADOPT:
            return self._allocate(decision.claim_id, self._source.name_of_found)
        source = self._source.written
        claim_id = decision.claim_id or source.claim_id(_described(plan.state, self._unit, self._asked.product))
        replaced = plan.state.claim_id
        retire_live = decision.retire_live
        if live is None and plan.known.holder is None and is_valid(replaced) and replaced != claim_id:
            # The ID that is replaced was the unit's, and may never be another's.
            self._allocate(replaced, "adopted")
            retire_live = True
        if not retire_live and former is None:
            return self._allocate(claim_id, source.name, source.length)
        if live is not None and claim_id == live.claim_id and retire_live:
            raise SerializationError(
                f"The source gives {self._device.name} the claim ID that it has ({claim_ids.mask(live.claim_id)}): "
                "replace it at the source first."
            )
        with _telling_of_others(self._unit, self._asked):
            wanted = self._allocation(claim_id, source.name, source.length)._replace(former_product=former)
            return self._ledger.replace(wanted, reason=self._request.replacing.reason or "replaced")

    def _allocate(self, claim_id: str | None, source: str, length: int = claim_ids.DEFAULT_LENGTH) -> Claim:
        with _telling_of_others(self._unit, self._asked):
            return self._ledger.allocate(self._allocation(claim_id, source, length))

    def _allocation(
        self, claim_id: str | None, source: str, length: int = claim_ids.DEFAULT_LENGTH
    ) -> AllocationRequest:
        asked, details = self._asked, self._unit.details
        about = asked.product, asked.unit, source, self._context
        return AllocationRequest(*about, claim_id, length, details, asked.replacing.board, asked.replacing.reason)

    def _meet(self, live: Claim, *, is_kept: bool) -> Claim:
        """Have the ledger compare the device with that of the unit, and hold what it does not know of it yet."""
        known = merged(live.details, self._unit.details), self._context.run  # a report tells by the run who was reached
        if is_kept and known == (live.details, live.run):
            return live
        return self._allocate(live.claim_id, live.source)

    # --- 4. write and verify ---

    def _write(self, state: DeviceState, new: bytes, *, anew: bool = False) -> tuple[bytes, Sequence[str]]:
        """Have the device hold `new` in its device.json5, with `anew` written also where it does.

        Return its bytes as they were read back, and the agents that run.
        """
        file = state.file
        if not file.exists or file.data != new or (anew and needs_a_sync(self._device, state)):
            written = write_verified(self._device, file, new)
            self._unsynced = unsynced(written)
            self._notices += directory_notice(written)
            return new, written.agents
        if state.observation.leftovers:
            sweep(self._device, file.path)
        return new, state.observation.agents

    def _target(self, state: DeviceState, claim_id: str | None) -> Json5Document:
        """The device.json5 that the unit has to have; without an id where `claim_id` is None."""
        wanted: dict[str, JsonValue] = {} if claim_id is None else {"id": claim_id}
        wanted |= {"product": self._asked.product, **self._request.properties, **self._source.members_for(self._unit)}
        document = state.document
        for key, value in wanted.items():
            document = document.set((key,), value)
        if document is not state.document:
            seek_second_opinion(state.document, document, wanted)
        return document

    # --- 5. settle: no agent goes on that started with another identity ---

    def _settle(self, plan: _Plan, claim: Claim, after: bytes, agents: Sequence[str]) -> Claim:
        """Have an agent that runs start again, and the file be as it was written: else the unit is written, no more."""
        awaited, assigned = plan.state is not self._first, plan.decision.action is Action.ASSIGN
        # The agent that saved an ID has it in memory. One that saved none has made up another, seen or not.
        old = [agent for agent in agents if not awaited or assigned or agent in self._first.observation.agents]
        is_settled = _is_settled(claim) and after == plan.state.file.data
        if not (awaited and assigned) and (not old or is_settled):
            return claim
        claim = self._mark_unsettled(claim)
        trouble = settle_agent(self._device, self._request.config_dir, old, after, self._request.restart)
        if trouble is not None:
            if claim.state is State.ALLOCATED:
                self._ledger.advance(StateChange(claim.claim_id, State.WRITTEN, self._context))
            raise SerializationError(trouble)
        return claim

    def _mark_unsettled(self, claim: Claim) -> Claim:
        """Have the next run know that what was verified is being written again, or may be overwritten by an agent."""
        if not _is_settled(claim):
            return claim
        return self._ledger.describe(Description(claim.claim_id, {}, self._context, is_unsettled=True))

    # --- 6. record, and tell whoever has to know ---

    def _record(self, claim: Claim) -> Claim:
        if self._unsynced is not None and not self._request.unsynced:
            self._ledger.advance(StateChange(claim.claim_id, State.WRITTEN, self._context))
            raise SerializationError(
                f"The claim ID of {self._device.name} was written and not verified, since {self._unsynced}: add one of "
                "them to the device, or give ioto_unsynced: true."
            )
        if self._unsynced is not None:
            self._notices.append(f"It counts as verified, and {self._unsynced} (ioto_unsynced: true).")
        if claim.unsettled_at is not None:
            claim = self._ledger.describe(Description(claim.claim_id, {}, self._context, is_unsettled=False))
        if claim.state not in _RECORDED:
            claim = self._ledger.advance(StateChange(claim.claim_id, State.VERIFIED, self._context))
        if self._source.label is not None and claim.state is not State.LABELLED:
            claim = self._ledger.advance(StateChange(claim.claim_id, State.LABELLED, self._context, self._source.label))
        return claim

    def _confirm(self, claim: Claim) -> str | None:
        """Have the source tell once that the ID was read back; until that is recorded, each run tells it."""
        place = self._source.confirmed_at
        if place is None or claim.details.get(_CONFIRMED_AT) == place:
            return None
        note = self._source.confirm({**self._unit.naming_members, "product": claim.product, "id": claim.claim_id})
        if note is None:
            self._ledger.describe(Description(claim.claim_id, {_CONFIRMED_AT: place}, self._context))
        return note

    # --- report ---

    def _prediction(self, plan: _Plan) -> UnitOutcome:
        """What a real run would do; an ID that does not exist yet is stars."""
        claim_id, live = plan.decision.claim_id, plan.known.live
        after = self._target(plan.state, claim_id or "*" * self._source.length).data
        recorded = {State.LABELLED} if self._source.label is not None else _RECORDED
        is_recorded = live is not None and live.claim_id == claim_id and live.state in recorded and _is_settled(live)
        return self._outcome(plan, live, changed=after != self._first.file.data or not is_recorded, after=after)

    def _outcome(
        self, plan: _Plan, claim: Claim | None, *, changed: bool, after: bytes, note: str | None = None
    ) -> UnitOutcome:
        final = claim.claim_id if claim is not None and not self._request.check else plan.decision.claim_id
        before = self._first.claim_id
        return UnitOutcome(
            changed=changed,
            claim_id=final,
            product=self._asked.product,
            serial=self._asked.unit,
            source=claim.source if claim else self._source.name,
            state=claim.state.value if claim else None,
            path=printable(self._first.file.path),
            previous_claim_id=before if before != final else None,
            replaced=self._replaced,
            adopted=self._adopts,
            before=self._first.file.data,
            after=after,
            readable_by_others=bool((self._first.file.mode or 0) & _READ_BY_OTHERS),
            note=note,
            notices=self._notices,
            hardware=self._unit.hardware,
            rewritten=plan.decision.rewritten,
        )


def _replaced_nothing(claim_id: str) -> str:
    return (
        f"Its claim ID is not {claim_ids.mask(claim_id)}, so that ioto_replace_id replaced nothing; remove it, or "
        "correct it."
    )


def _is_of_this_run(device: Device, path: str, context: Context) -> bool:
    """Whether the file has been written since the run began, as far as the device can tell."""
    begun = seconds_since(context.run)
    if begun is None or isinstance(device, StoredDevice):
        return False
    with suppress(DeviceError):
        seconds = age(device, path)
        return seconds is not None and seconds < begun
    return False


def _refused(decision: Decision, state: DeviceState, unit: UnitIdentity, asked: Asked) -> OtherDeviceError:
    sentence = f"{decision.reason} ({decision.place or printable(state.file.path)} on {state.name})"
    kind = GivenIdError if decision.is_of_gift else OtherDeviceError
    return kind(sentence, {"hardware": unit.hardware, "product": asked.product, **decision.facts})


def _product_accepted(old: str, asked: Asked, context: Context) -> NewEvent:
    what = f"{printable(old)} became {asked.product}, accepted"
    return NewEvent(EventKind.PRODUCT, context, None, asked.product, asked.unit, what, reason=asked.replacing.reason)


def _after_another(outcome: UnitOutcome) -> UnitOutcome:
    """Return the outcome of a try after somebody else wrote; where nothing was left to do, that was another run."""
    if outcome.adopted:
        others = [notice for notice in outcome.notices if notice != _WRITTEN_MEANWHILE]
        return with_fields(outcome, notices=[*others, _WRITTEN_MEANWHILE])
    if outcome.changed:
        return outcome
    told = "Another run did this device in the meantime; see that no two runs have the same devices."
    return with_fields(outcome, notices=[*outcome.notices, told])


@contextmanager
def _telling_of_others(unit: UnitIdentity, asked: Asked) -> Iterator[None]:
    """Have an error say what the device is that is not its unit's."""
    try:
        yield
    except DeviceConflictError as error:
        twin = {"twin": error.twin} if isinstance(error, TwinError) else {}
        raise OtherDeviceError(str(error), {"hardware": unit.hardware, "product": asked.product, **twin}) from None


def _described(state: DeviceState, unit: UnitIdentity, product: str) -> dict[str, JsonValue]:
    """The unit as a factory service gets it: its device.json5, with what names it."""
    members = {key: value for key, value in state.members.items() if key != "id"}
    return {**members, **unit.members, "product": product}


def _is_settled(claim: Claim) -> bool:
    return claim.state in _RECORDED and claim.unsettled_at is None


def _differs(claim: Claim, before: Claim | None) -> bool:
    if before is None or before.unsettled_at is not None:
        return True
    return (claim.claim_id, claim.state) != (before.claim_id, before.state)
