# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about one unit: a pure function of what the probe saw, what was asked, and what the ledger says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ..claim_ids import InvalidClaimIdError, check_typed, is_valid, mask
from ..device.agent_settings import Override
from ..display_text import printable, quoted
from ..identity.facts import described, differences, is_named_by
from ..identity.mac_addresses import is_same_serial
from ..ledger.device_check import refusal_of
from ..ledger.records import Claim, State
from ..scanning.keyboard_layout import HINT
from ..scanning.scan import SCAN_REFUSED
from .replacing import Replaced, id_is_meant, product_is_meant
from .situation import Asked, Known, Seen

_DONE = {State.VERIFIED, State.LABELLED}


class Action(StrEnum):
    """What to do."""

    KEEP = "keep"
    """The device has the ID that the ledger has for it."""
    ADOPT = "adopt"
    """The device has an ID that the ledger does not know: record it."""
    ASSIGN = "assign"
    """The device gets an ID."""
    REFUSE = "refuse"
    """A person has to look; `Decision.reason` says why."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The action; the ID to keep, adopt or assign (None: the source gives one); and what becomes of older ones.

    `retire_live` ends the unit's live claim for the new one. `conflict` is the claim of another unit that was found in
    the way, for the record, and `device` in what the device differs from its unit. `rewritten`: the unit
    was verified before, and its device has lost that.
    """

    action: Action
    claim_id: str | None = None
    retire_live: bool = False
    conflict: Claim | None = None
    reason: str = ""
    device: str | None = None
    rewritten: bool = False
    facts: Mapping[str, object] = field(default_factory=dict)
    """What a task's result says beside the reason."""
    place: str | None = None
    """What the refusal is about, where that is not the device.json5."""
    is_of_gift: bool = False
    """Whether it is the ID that was given that is refused: the unit is as it should be, and may get another one."""

    @property
    def needs_an_id(self) -> bool:
        """Whether a source has to give one."""
        return self.action is Action.ASSIGN and self.claim_id is None


_LONGEST_PRODUCT = 255
"""Characters that somebody types to accept what a device says; what it says may fill a file of any size."""


def decide(seen: Seen, asked: Asked, known: Known) -> Decision:
    """Return what to do with the unit. A device that has an ID keeps it, unless somebody names it to be replaced."""
    if _has_other_product(seen, asked) and not asked.replacing.takes_product(seen.product or ""):
        product = seen.product or ""
        meant = product_is_meant(product) if len(product) <= _LONGEST_PRODUCT else "correct its device.json5"
        return _refuse(
            f"The device says product {quoted(product)}, and {asked.product} was asked for: see whether this is the "
            f"right unit and image, or {meant}.{_refused_after(seen, asked, known)}"
        )
    if refused := _refused_replacement(seen, asked, known):
        return refused
    if refused := _refused_gift(asked, known):
        return replace(refused, is_of_gift=True, facts=SCAN_REFUSED if asked.scanned else {})
    if known.live is not None and (refused := _refused_board(seen, asked, known.live)):
        return refused
    return _guarded(replace(_choose(seen, asked, known), place=seen.id_place), seen, asked)


def _refused_after(seen: Seen, asked: Asked, known: Known) -> str:
    """Return what would be refused still where the product is accepted, so that nobody has to come back for it."""
    accepting = replace(asked.replacing, product=seen.product)
    then = decide(seen, replace(asked, replacing=accepting), known)
    return f" That is not all: {then.reason[:1].lower()}{then.reason[1:]}" if then.action is Action.REFUSE else ""


def replaced(seen: Seen, asked: Asked, known: Known, decision: Decision) -> Replaced:
    """Return what gives way where `decision` is carried out."""
    live, before = known.live, seen.claim_id
    is_other_id = decision.action is Action.ASSIGN and before is not None and before != decision.claim_id
    holder = known.holder
    is_of_former = (
        is_other_id
        and _has_other_product(seen, asked)
        and holder is not None
        and holder.is_live
        and holder.product == seen.product
        and is_same_serial(holder.unit, asked.unit)
    )
    gone = is_of_former or _is_gone(holder, asked) or holder is None or decision.retire_live
    retired = live.claim_id if live is not None and decision.retire_live else before if is_other_id and gone else None
    board = None
    if live is not None and seen.identity is not None:
        board = ", ".join(each.known for each in differences(live.details, seen.identity.details)) or None
    return Replaced(
        claim_id=before if is_other_id else None,
        former_product=seen.product if is_of_former else None,
        retired_id=retired if is_valid(retired) else None,
        product=seen.product if _has_other_product(seen, asked) else None,
        board=board,
    )


def is_without_effect(seen: Seen, asked: Asked, known: Known) -> bool:
    """Whether the ID that is to be replaced is not there: it was replaced before, or was never the unit's."""
    replacing = asked.replacing
    there = seen.claim_id, seen.provisioned_id, known.live.claim_id if known.live else None
    return replacing.claim_id is not None and not any(map(replacing.takes_id, there))


def _has_other_product(seen: Seen, asked: Asked) -> bool:
    return seen.product is not None and seen.product != asked.product


def _is_gone(holder: Claim | None, asked: Asked) -> bool:
    """Whether the claim is one that the unit had, and has no more."""
    return holder is not None and holder.state is State.RETIRED and is_same_serial(holder.unit, asked.unit)


def _refused_replacement(seen: Seen, asked: Asked, known: Known) -> Decision | None:
    """Refuse to replace an ID by itself, or one that neither the device nor the ledger has ever had: it is mistyped."""
    if asked.replacing.takes_id(asked.claim_id):
        return _refuse(
            f"The claim ID {mask(asked.claim_id or '')} is given, and is to be replaced (ioto_replace_id): give the "
            "unit another one, or replace none."
        )
    if not is_without_effect(seen, asked, known):
        return None
    named, holder = asked.replacing.folded_id, known.replaced_holder
    if named is None:
        return _refuse(
            "The ID to replace is not a claim ID (10 to 20 digits and letters without I, L, O and U), nor what the "
            "device has as its id: correct ioto_replace_id, or remove it."
        )
    if holder is None:
        return _refuse(
            f"Neither the device nor the ledger has the claim ID {mask(named)} that is to be replaced: correct "
            "ioto_replace_id, or remove it."
        )
    if holder.is_live and not is_same_serial(holder.unit, asked.unit):
        return _refuse(
            f"The claim ID {mask(named)} that is to be replaced is that of {_whose(holder)}, and not this unit's: "
            "correct ioto_replace_id, or remove it."
        )
    return None


def _whose(holder: Claim) -> str:
    return "no unit yet" if holder.unit is None else f"unit {quoted(holder.unit)} of product {holder.product}"


def _refused_gift(asked: Asked, known: Known) -> Decision | None:
    """Refuse an ID that was given, and that the ledger has for something else."""
    holder = known.given_holder
    if holder is None and asked.scanned:
        hint = HINT if known.exchanged_holder else "see whether the label is from a roll of this ledger"
        return _refuse(f"The ledger does not know the claim ID {mask(asked.claim_id or '')} that was scanned: {hint}.")
    if holder is None and asked.claim_id is not None:
        try:
            check_typed(asked.claim_id, asked.length)
        except InvalidClaimIdError as error:
            return _refuse(f"{error}")
    if holder is not None and holder.state is State.RETIRED:
        because = printable(holder.reason or "")
        return _refuse(
            f"The claim ID {mask(holder.claim_id)} that was given is retired ({because}), and no ID is issued twice: "
            "give this unit another one."
        )
    taken = _foreign(holder, asked)
    if taken is None:
        return None
    if taken.unit is None:
        return _refuse(
            f"The claim ID {mask(taken.claim_id)} that was given is reserved for product {taken.product}, and the unit "
            f"is of product {asked.product}: take one that is reserved for its own.",
            taken,
        )
    return _refuse(
        f"The claim ID {mask(taken.claim_id)} that was given belongs to unit {quoted(taken.unit)} of product "
        f"{taken.product}: give this unit another one.",
        taken,
    )


def _refused_board(seen: Seen, asked: Asked, live: Claim) -> Decision | None:
    """Refuse a device that calls itself by the name of a unit, and is not the one that carried the `live` claim."""
    if seen.identity is None:
        return None
    refusal = refusal_of(live, seen.identity.details, asked.replacing.board)
    return None if refusal is None else replace(_refuse(refusal, live), device=described(seen.identity.details))


def _choose(seen: Seen, asked: Asked, known: Known) -> Decision:
    if seen.claim_id is None:
        return _for_a_blank_device(seen, asked, known)
    if not is_valid(seen.claim_id):
        if asked.replacing.takes_id(seen.claim_id):
            return _for_a_blank_device(seen, asked, known)
        return _refuse(
            "The device has an id that is not a claim ID (10 to 20 digits and letters without I, L, O and U): "
            f"remove it there, or {id_is_meant(seen.claim_id)}."
        )
    if known.live is not None and known.live.claim_id == seen.claim_id:
        return _for_a_known_device(seen.claim_id, asked)
    if known.live is not None:
        return _for_two_ids(seen.claim_id, known.live, asked, known)
    return _for_an_unknown_id(seen.claim_id, seen, asked, known)


def _for_a_blank_device(seen: Seen, asked: Asked, known: Known) -> Decision:
    live = known.live
    if live is None:
        return Decision(Action.ASSIGN, asked.claim_id)
    if asked.replacing.takes_id(live.claim_id):
        return Decision(Action.ASSIGN, asked.claim_id, retire_live=True)
    rewritten = live.state in _DONE
    if rewritten and seen.identity is not None and seen.identity.is_a_mac and not _is_again(asked, live):
        return _refuse(
            f"The device is blank, and only its MAC address says that it is unit {quoted(asked.unit)}, which "
            f"was done before as {printable(live.host or 'another host')}: see whether it is that unit, or another "
            "board with the same address, which needs its own serial (ioto_serial); if it is, say so (ioto_rewrite: "
            "true).",
            live,
        )
    if asked.claim_id in {None, live.claim_id}:
        return Decision(Action.ASSIGN, live.claim_id, rewritten=rewritten)
    return _refuse_gift(
        f"The unit {quoted(asked.unit)} has the claim ID {mask(live.claim_id)} in the ledger, and another was given: "
        f"correct the inventory, or {id_is_meant(live.claim_id)}."
    )


def _is_again(asked: Asked, live: Claim) -> bool:
    """Whether somebody says that a blank device is the unit of the `live` claim, or takes the place of its board."""
    return asked.rewrite or is_named_by(live.details, asked.replacing.board)


def _for_a_known_device(claim_id: str, asked: Asked) -> Decision:
    if asked.replacing.takes_id(claim_id):
        return Decision(Action.ASSIGN, asked.claim_id, retire_live=True)
    if asked.claim_id in {None, claim_id}:
        return Decision(Action.KEEP, claim_id)
    return _refuse_gift(
        f"The unit {quoted(asked.unit)} already has the claim ID {mask(claim_id)}, and another was given: "
        f"correct the inventory, or {id_is_meant(claim_id)}."
    )


def _for_two_ids(claim_id: str, live: Claim, asked: Asked, known: Known) -> Decision:
    """The device has one ID, the ledger another."""
    old = known.holder
    is_unfinished = _is_gone(old, asked) and live.state is State.ALLOCATED
    takes = asked.replacing.takes_id(claim_id)
    if asked.claim_id in {None, live.claim_id} and (is_unfinished or takes):
        # A replacement that was cut off before it reached the device ends here; so does a restored old image.
        return Decision(Action.ASSIGN, live.claim_id, conflict=_foreign(old, asked))
    remedy = "leave the given one out" if takes else id_is_meant(claim_id)
    return _refuse(
        f"The device has the claim ID {mask(claim_id)}, and the ledger has {mask(live.claim_id)} for its unit "
        f"{quoted(asked.unit)}: retire the latter in the ledger where it is wrong (ledger_entry); for the device to "
        f"get it, {remedy}.",
        _foreign(old, asked),
    )


def _for_an_unknown_id(claim_id: str, seen: Seen, asked: Asked, known: Known) -> Decision:
    """The device has an ID, and the ledger has none for the unit."""
    holder = known.holder
    if asked.replacing.takes_id(claim_id):
        return Decision(Action.ASSIGN, asked.claim_id, conflict=_foreign(holder, asked))
    if holder is not None and holder.state is State.RETIRED:
        return _refuse(
            f"The device has the claim ID {mask(claim_id)}, which was retired ({holder.reason or 'no reason'}): "
            f"remove it there, or {id_is_meant(claim_id)}.",
            _foreign(holder, asked),
        )
    if foreign := _foreign(holder, asked):
        cause = "an image was copied from that unit or the serial is wrong"
        if seen.id_place is not None:
            cause = "both have it from one image, and remove it from that file there and in the image"
        return _refuse(
            f"The device has the claim ID {mask(claim_id)}, which belongs to unit {quoted(foreign.unit)} of product "
            f"{foreign.product}: see whether {cause}, or "
            f"{id_is_meant(claim_id)}.",
            foreign,
        )
    if asked.claim_id not in {None, claim_id}:
        return _refuse_gift(
            f"The device already has the claim ID {mask(claim_id)}, and another was given: "
            f"correct the inventory, or {id_is_meant(claim_id)}."
        )
    return Decision(Action.ADOPT, claim_id)


def _guarded(decision: Decision, seen: Seen, asked: Asked) -> Decision:
    """Refuse what the device itself would undo: an override, or the end of a provisioning nobody meant to end."""
    if decision.action is Action.REFUSE:
        return decision
    if asked.by_agent and decision.needs_an_id and seen.claim_id is not None:
        return _refuse(
            "An agent makes an ID only if it has none yet: to replace the present one, let the controller write it "
            "(source: generated)."
        )
    wanted = {"id": decision.claim_id, "product": asked.product}
    for name, override in seen.overrides.items():
        if override.value != wanted[name]:
            return replace(_refuse(_overridden(name, override)), conflict=decision.conflict)
    loses = decision.claim_id is None or decision.claim_id != seen.provisioned_id
    provisioned = seen.provisioned_id or seen.claim_id
    takes = any(map(asked.replacing.takes_id, (seen.claim_id, seen.provisioned_id)))
    if decision.action is Action.ASSIGN and seen.provisioned and loses and not takes:
        remedy = "remove provision.json5 there" if provisioned is None else id_is_meant(provisioned)
        return _refuse(
            "The device has been claimed and provisioned (provision.json5), and another ID would throw that away: "
            f"leave it, or {remedy}."
        )
    return decision


def _overridden(name: str, override: Override) -> str:
    if override.value is None:
        return f"The agent loses the {name} of device.json5, by {override.key} in {override.path}: correct it there."
    return (
        f"The agent takes another {name} than that of device.json5, from {override.key} in {override.path}: remove it "
        "there."
    )


def _foreign(holder: Claim | None, asked: Asked) -> Claim | None:
    """`holder` where it is another unit's claim, or reserved for another product."""
    if holder is None:
        return None
    mine = holder.product == asked.product and (holder.unit is None or is_same_serial(holder.unit, asked.unit))
    return None if mine else holder


def _refuse_gift(reason: str) -> Decision:
    return replace(_refuse(reason), is_of_gift=True)


def _refuse(reason: str, conflict: Claim | None = None) -> Decision:
    return Decision(Action.REFUSE, conflict=conflict, reason=reason)
