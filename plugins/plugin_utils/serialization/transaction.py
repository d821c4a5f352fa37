# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction that gives one unit its identity: probe, decide, claim, write, verify, record.

The ledger knows an ID, durably, before the device does. Killed at any instant and run again, it goes on where it was:
every step first looks what is already done.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from dataclasses import replace as with_fields

from .. import claim_ids
from ..claim_ids import is_valid
from ..device.device import DEVICE_FILE, Device
from ..device.scripts import probe, sweep
from ..device.unit_identity import UnitIdentity, identify
from ..device.verified_write import ChangedMeanwhileError, write_verified
from ..display_text import printable
from ..json5.document import Json5Document
from ..json5.reader import JsonValue
from ..json5.second_opinion import seek_second_opinion
from ..ledger.group_commit import LedgerGroup
from ..ledger.ledger import Ledger
from ..ledger.records import Claim, Context, State
from .decision import Action, Asked, Decision, Known, Seen, decide
from .look import Look, SerializationError, understand
from .request import Outcome, Request
from .sources.agent import await_id, compare_with_service
from .sources.factory_service import Agent, Generated, Given, Service

_TRIES_AGAINST_OTHER_WRITERS = 3
IDENTITY_KEYS = ("id", "product")
_CONFIRMED_AT = "confirmed_at"
_RECORDED = {State.VERIFIED, State.LABELLED}


def serialize(device: Device, request: Request, ledger: Ledger | LedgerGroup, context: Context) -> Outcome:
    """Give the unit behind `device` its identity, or find that it has it. Raises `IotoError`."""
    for key in IDENTITY_KEYS:
        if key in request.properties:
            raise SerializationError(f"The property {key!r} is no free one; give it as claim_id or product.")
    for _unused in range(_TRIES_AGAINST_OTHER_WRITERS - 1):
        with suppress(ChangedMeanwhileError):
            return _Transaction(device, request, ledger, context).run()
    return _Transaction(device, request, ledger, context).run()


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was decided after one look, and on what."""

    look: Look
    decision: Decision
    known: Known


class _Transaction:
    """One try at one unit."""

    def __init__(self, device: Device, request: Request, ledger: Ledger | LedgerGroup, context: Context) -> None:
        self._device = device
        self._request = request
        self._ledger = ledger
        self._context = context
        self._first = understand(device, request.config_dir, probe(device, request.config_dir))
        unit = identify(request.serial, self._first.observation, where=device.name)
        self._unit = with_fields(unit, host_key=request.host_key)
        self._asked = _what_is_asked(device, request, self._first.seen, self._unit)

    def run(self) -> Outcome:
        """Take the unit from what it is to its identity. Raises `ChangedMeanwhileError` as well as `IotoError`."""
        plan = self._plan(self._first)
        if self._request.check:
            return self._prediction(plan)
        source = self._request.source
        if isinstance(source, Agent) and plan.decision.needs_an_id:
            plan = self._let_agent_make_one(source, plan)
        claim = self._claim(plan)
        after = self._write(plan.look, claim.claim_id)
        if claim.state not in _RECORDED:
            claim = self._ledger.advance(claim.claim_id, State.VERIFIED, context=self._context)
        if self._request.scan is not None and claim.state is not State.LABELLED:
            claim = self._ledger.advance(
                claim.claim_id, State.LABELLED, context=self._context, detail="its pre-printed label was scanned"
            )
        if isinstance(source, Agent) and plan.decision.action is Action.ASSIGN:
            # We wrote the ID, and the agent goes on with one that it made up in memory until it is started again.
            source.restart_on(self._device)
        note = self._confirm(claim)
        changed = after != self._first.file.data or _differs(claim, plan.known.live)
        return self._outcome(plan, claim, changed=changed, after=after, note=note)

    # --- look and decide ---

    def _plan(self, look: Look) -> _Plan:
        asked, seen = self._asked, with_fields(look.seen, identity=self._unit)
        live = self._ledger.live_claim(asked.product, asked.unit)
        wanted = [claim_id for claim_id in (seen.claim_id, asked.claim_id) if is_valid(claim_id)]
        holders = self._ledger.holders(wanted) if wanted else {}
        known = Known(
            live=live,
            holder=holders.get(seen.claim_id or ""),
            given_holder=holders.get(asked.claim_id or ""),
        )
        decision = decide(seen, asked, known)
        if decision.conflict is not None and not self._request.check:
            self._ledger.record(
                "conflict",
                context=self._context,
                claim_id=decision.conflict.claim_id,
                product=asked.product,
                unit=asked.unit,
                detail=decision.reason or "overruled by force",
            )
        if decision.action is Action.REFUSE:
            raise SerializationError(f"{decision.reason} ({printable(look.file.path)} on {self._device.name})")
        return _Plan(look, decision, known)

    def _keep_host_key(self, live: Claim) -> Claim:
        """Have the ledger hold the key of a unit that it knows already."""
        if self._unit.has_its_host_key(live.details):
            return live
        known = self._unit.other_host_key(live.details)
        if known is not None:
            self._ledger.record(
                "host key",
                context=self._context,
                claim_id=live.claim_id,
                product=live.product,
                unit=live.unit,
                detail=f"{known} became {self._unit.host_key}, accepted",
            )
        return self._allocate(live.claim_id, live.source)

    # --- the agent's own ID ---

    def _let_agent_make_one(self, source: Agent, plan: _Plan) -> _Plan:
        """Have the agent make its ID and save it, and plan again with what it saved."""
        # What names the unit to the agent's factory service has to be there before the agent asks.
        old = self._write(plan.look, None)
        look = await_id(source, self._device, self._request.config_dir, old or None)
        if look is None:  # there is a fallback
            look = understand(self._device, self._request.config_dir, probe(self._device, self._request.config_dir))
        else:
            compare_with_service(source, self._device, look.seen.claim_id or "", self._described(look))
        return self._plan(look)

    # --- claim ---

    def _claim(self, plan: _Plan) -> Claim:
        """Have the ledger know the unit's ID, durably, before the device does."""
        look, decision, live = plan.look, plan.decision, plan.known.live
        if live is not None and decision.claim_id == live.claim_id:
            return self._keep_host_key(live)
        source = self._request.source
        if decision.action is Action.ADOPT:
            return self._allocate(decision.claim_id, "agent" if isinstance(source, Agent) else "adopted")
        if isinstance(source, Agent):
            source = source.fallback or Generated()
        claim_id = decision.claim_id or source.claim_id(self._described(look))
        replaced = look.seen.claim_id
        if live is None and plan.known.holder is None and is_valid(replaced) and replaced != claim_id:
            # The ID that is forced off was the unit's, and may never be another's.
            self._allocate(replaced, "adopted")
            live_now = True
        else:
            live_now = decision.retire_live
        if not live_now:
            return self._allocate(claim_id, source.name, source.length)
        if live is not None and claim_id == live.claim_id:
            raise SerializationError(
                f"The source gives {self._device.name} the claim ID that it has ({claim_ids.mask(live.claim_id)}): "
                "replace it at the source first."
            )
        return self._ledger.replace(
            self._asked.product,
            self._asked.unit,
            claim_id=claim_id,
            reason="replaced by force",
            source=source.name,
            context=self._context,
            length=source.length,
            details=self._unit.details,
        )

    def _allocate(self, claim_id: str | None, source: str, length: int = claim_ids.DEFAULT_LENGTH) -> Claim:
        return self._ledger.allocate(
            self._asked.product,
            self._asked.unit,
            claim_id=claim_id,
            source=source,
            context=self._context,
            length=length,
            details=self._unit.details,
        )

    def _confirm(self, claim: Claim) -> str | None:
        """Tell the service once that its ID was read back; until that is recorded, each run tells it."""
        source = self._request.source
        service = source.checked_by if isinstance(source, Agent) else source
        if not isinstance(service, Service) or claim.details.get(_CONFIRMED_AT) == service.place:
            return None
        note = service.confirm({**self._unit.naming_members, "product": claim.product, "id": claim.claim_id})
        if note is None:
            self._ledger.allocate(
                claim.product,
                self._asked.unit,
                claim_id=claim.claim_id,
                source=claim.source,
                context=self._context,
                details={_CONFIRMED_AT: service.place},
            )
        return note

    def _described(self, look: Look) -> dict[str, JsonValue]:
        """The unit as a factory service gets it: its device.json5, with what names it."""
        members = {key: value for key, value in look.members.items() if key != "id"}
        return {
            **members,
            **self._unit.hardware,
            **self._unit.naming_members,
            "product": self._asked.product,
        }

    # --- write and verify ---

    def _target(self, look: Look, claim_id: str | None) -> Json5Document:
        """The device.json5 that the unit has to have; without an id where `claim_id` is None."""
        wanted: dict[str, JsonValue] = {} if claim_id is None else {"id": claim_id}
        wanted |= {"product": self._asked.product, **self._request.properties}
        if isinstance(self._request.source, Agent) and self._request.source.checked_by is not None:
            # The agent sends its device.json5 to the service: what names the unit has to be in it.
            wanted |= self._unit.naming_members
        document = look.document
        for key, value in wanted.items():
            document = document.set((key,), value)
        if document is not look.document:
            seek_second_opinion(look.document, document, wanted)
        return document

    def _write(self, look: Look, claim_id: str | None) -> bytes:
        """Have the device hold the target, and return its bytes as they were read back."""
        file, new = look.file, self._target(look, claim_id).data
        if not file.exists or file.data != new:
            write_verified(self._device, file, new)
        elif look.observation.leftovers:
            sweep(self._device, file.path)
        return new

    # --- report ---

    def _prediction(self, plan: _Plan) -> Outcome:
        """What a real run would do; an ID that does not exist yet is stars."""
        claim_id, live = plan.decision.claim_id, plan.known.live
        source = self._request.source
        length = claim_ids.DEFAULT_LENGTH if isinstance(source, Agent) else source.length
        after = self._target(plan.look, claim_id or "*" * length).data
        recorded = {State.LABELLED} if self._request.scan is not None else _RECORDED
        unrecorded = live is None or live.claim_id != claim_id or live.state not in recorded
        return self._outcome(plan, live, changed=after != self._first.file.data or unrecorded, after=after)

    def _outcome(
        self, plan: _Plan, claim: Claim | None, *, changed: bool, after: bytes, note: str | None = None
    ) -> Outcome:
        final = claim.claim_id if claim is not None and not self._request.check else plan.decision.claim_id
        before = self._first.seen.claim_id
        return Outcome(
            changed=changed,
            claim_id=final,
            product=self._asked.product,
            serial=self._unit.serial,
            source=claim.source if claim else self._request.source.name,
            state=claim.state.value if claim else None,
            path=printable(self._first.file.path),
            previous_claim_id=before if before != final else None,
            before=self._first.file.data,
            after=after,
            note=note,
        )


def _what_is_asked(device: Device, request: Request, seen: Seen, unit: UnitIdentity) -> Asked:
    product = request.product if request.product is not None else seen.product
    if product is None:
        raise SerializationError(
            f"Nothing says of which product {device.name} is: its {DEVICE_FILE} does not, so give it (ioto_product)."
        )
    source, scan = request.source, request.scan
    asked = Asked(
        product=claim_ids.parse_product(product),
        unit=unit.serial,
        claim_id=claim_ids.parse(source.value) if isinstance(source, Given) else None,
        force=request.force,
        replace_provisioned=request.replace_provisioned,
        scanned=scan is not None,
        by_agent=isinstance(source, Agent),
        accept_host_key=request.accept_host_key,
    )
    if scan is not None and scan.product not in {None, asked.product}:
        raise SerializationError(
            f"The label that was scanned is for product {scan.product}, and the unit is of {asked.product}: "
            "take a label of its own product."
        )
    return asked


def _differs(claim: Claim, before: Claim | None) -> bool:
    return before is None or (claim.claim_id, claim.state) != (before.claim_id, before.state)
