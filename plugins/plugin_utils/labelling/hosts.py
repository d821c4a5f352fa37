# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Label the units that the flows of a play handled, in the order of the line, each as its host's variables say."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..batch.check import NOBODY
from ..batch.problem import Problem
from ..batch.summary import FLEET_RESULTS, outcome_of, with_fleet
from ..claim_ids import DEFAULT_LENGTH
from ..errors import IotoError
from ..flows import recording
from ..flows.recording import Recording
from ..ledger.ledger import Ledger
from ..ledger.records import Claim, Context, State
from ..modes import Mode
from . import options as label_options

if TYPE_CHECKING:
    from .batch import Label
    from .settings import LabelSettings

VARIABLES = ("ioto_mode", "ioto_outcome", *FLEET_RESULTS, *recording.VARIABLES, *label_options.VARIABLES)
"""What has to be known of each host."""

Complete = Callable[[Mapping[str, Any]], Mapping[str, Any]]
OpenLedger = Callable[[str | None], Ledger]


@dataclass(frozen=True, slots=True)
class _Host:
    """A host whose unit may get a label now."""

    name: str
    product: str
    serial: str
    settings: LabelSettings


@dataclass(slots=True)
class _Result:
    labelled: list[str] = field(default_factory=list)
    unconfirmed: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    not_labelled: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    maybe_twice: list[str] = field(default_factory=list)


def check_hosts(
    hosts: Mapping[str, Mapping[str, Any]], complete: Complete
) -> tuple[Sequence[Problem], Sequence[Problem]]:
    """Return what keeps the labels of `hosts` from being made, whatever their claim IDs will be.

    First what has to be mended before the run: settings, and a text that no label could be made with. Then the texts of
    units that stop no other: those get no label. A serial that only the device knows may turn out to be too long.
    """
    settings_of_hosts = _SettingsOfHosts(complete)
    mistaken: dict[str, list[str]] = {}
    of_texts: dict[str, list[str]] = {}
    sound = 0
    for name, facts in hosts.items():
        settings = settings_of_hosts.of(facts)
        if isinstance(settings, IotoError):
            mistaken.setdefault(str(settings), []).append(name)
        elif settings is not None:
            try:
                _try(settings, str(facts.get("ioto_product", "")), str(facts.get("ioto_serial", "")))
                sound += 1
            except IotoError as error:
                of_texts.setdefault(str(error), []).append(name)
    problems = [Problem(tuple(names), sentence) for sentence, names in mistaken.items()]
    texts = [Problem(tuple(names), sentence) for sentence, names in of_texts.items()]
    return (problems, texts) if sound else ([*problems, *texts], [])


def _try(settings: LabelSettings, product: str, serial: str) -> None:
    """Compose the label that a unit will have. Raises `IotoError`."""
    from . import batch  # noqa: PLC0415  # its libraries are there: the settings needed them

    batch.compose(settings.job, _to_come(product, serial or "0"))


def labelled_hosts(hosts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the hosts whose units get labels, in their order; the pattern `NOBODY` for none."""
    found = [
        name
        for name, facts in hosts.items()
        if facts.get("ioto_mode") != Mode.NONE and label_options.options_of(facts) is not None
    ]
    return found or NOBODY


def label_hosts(
    hosts: Mapping[str, Mapping[str, Any]],
    *,
    complete: Complete,
    open_ledger: OpenLedger,
    check: bool,
) -> dict[str, Any]:
    """Make the labels of `hosts`, which maps each to its `VARIABLES`, and return the task's result.

    `complete` gives a host's options with their defaults. A host whose flow failed gets no label; one whose label
    cannot be made is named with the reason, and the others are made; but what comes after a printer that failed waits,
    so that the order stays the order of the line.
    """
    result = _Result()
    for (place, _unused), queue in _queues(hosts, complete, result).items():
        try:
            with closing(open_ledger(place.ledger)) as ledger:
                _label_queue(ledger, queue, result, context=place.context(queue[0].name), check=check)
        except IotoError as error:
            done = {*result.labelled, *result.unconfirmed, *result.already, *result.not_labelled}
            result.not_labelled |= {host.name: str(error) for host in queue if host.name not in done}
    made = "would be made" if check else "made"
    unconfirmed = f"{len(result.unconfirmed)} sent and not confirmed, " if result.unconfirmed else ""
    shown = {
        "changed": bool(result.labelled or result.unconfirmed),
        "msg": (
            f"Labels: {len(result.labelled)} {made}, {unconfirmed}{len(result.already)} there already, "
            f"{len(result.not_labelled)} missing."
        ),
        "labelled": result.labelled,
        "unconfirmed": result.unconfirmed,
        "already": result.already,
        "not_labelled": result.not_labelled,
        "files": result.files,
        "notices": result.notices,
        "maybe_twice": result.maybe_twice,
    }
    if result.not_labelled:
        shown["failed"] = True
    return shown


def _queues(
    hosts: Mapping[str, Mapping[str, Any]], complete: Complete, result: _Result
) -> dict[tuple[Recording, object], list[_Host]]:
    """Return the hosts that are recorded alike and go to one printer or file, in their order."""
    settings_of_hosts = _SettingsOfHosts(complete)
    queues: dict[tuple[Recording, object], list[_Host]] = {}
    for name, facts in with_fleet(hosts).items():
        outcome = outcome_of(facts)
        settings = settings_of_hosts.of(facts) if outcome is not None else None
        if outcome is None or settings is None:
            continue
        if isinstance(settings, IotoError):
            result.not_labelled[name] = str(settings)
            continue
        queue = queues.setdefault((Recording.of_host(facts), settings.queue), [])
        queue.append(_Host(name, outcome["product"], outcome["serial"], settings))
    return queues


class _SettingsOfHosts:
    """The settings of hosts; those that say the same share them."""

    def __init__(self, complete: Complete) -> None:
        self._complete = complete
        self._known: dict[str, LabelSettings | IotoError] = {}

    def of(self, facts: Mapping[str, Any]) -> LabelSettings | IotoError | None:
        """Return what the variables of a host say, or what is wrong with it; None where it wants no label."""
        options = label_options.options_of(facts)
        if options is None or facts.get("ioto_mode") == Mode.NONE:
            return None
        key = repr(sorted(options.items()))  # of keys in a dictionary, YAML makes anything
        if key not in self._known:
            try:
                self._known[key] = label_options.load_settings(self._complete(options))
            except IotoError as error:
                self._known[key] = error
        return self._known[key]


def _label_queue(ledger: Ledger, queue: Sequence[_Host], result: _Result, *, context: Context, check: bool) -> None:
    claims = {host.name: claim for host, claim in _claims(ledger, queue, result, context=context, check=check)}
    due = [host for host in queue if host.name in claims]
    labels = list(_composed(ledger, due, claims, result))
    if check:
        result.labelled += [host.name for host, _label in labels]
        return
    if not labels:
        return
    report = queue[0].settings.make(ledger, [label for _host, label in labels], context=context)
    result.files += report.files
    result.notices += report.notices
    result.maybe_twice += [host.name for host, label in labels if label.claim.claim_id in report.maybe_twice]
    names = [host.name for host, _label in labels]
    made = len(report.made)
    for name, claim in zip(names, report.made, strict=False):  # the made ones are the first
        (result.unconfirmed if claim.claim_id in report.unconfirmed else result.labelled).append(name)
    for number, name in enumerate(names[made:]):
        result.not_labelled[name] = (
            report.failure if not number else f"Its label waits, since one before it failed: {report.failure}"
        )


def _claims(
    ledger: Ledger, queue: Sequence[_Host], result: _Result, *, context: Context, check: bool
) -> Iterator[tuple[_Host, Claim]]:
    """Yield the hosts that need a label, with what the ledger says of their units."""
    # Not at the top: the check of a batch, which every run makes, makes no labels.
    from ..ledger.rework.void_labels import waiting_for_labels  # noqa: PLC0415
    from . import selection  # noqa: PLC0415

    live = ledger.live_claims((host.product, host.serial) for host in queue)
    printed = selection.preprinted(ledger, live.values())
    waiting = waiting_for_labels(ledger)
    if not check:
        beforehand = [claim for claim in live.values() if _is_preprinted(claim, printed)]
        selection.accept_preprinted(ledger, beforehand, context=context)
        if beforehand:
            live = ledger.live_claims((host.product, host.serial) for host in queue)
    for host in queue:
        claim = live.get((host.product, host.serial))
        if claim is None and check:
            yield host, _to_come(host.product, host.serial)
        elif claim is None:
            result.not_labelled[host.name] = f"The ledger has no claim of unit {host.serial}; run again."
        elif claim.doubt is not None and not check:
            result.not_labelled[host.name] = f"The claim {claim.masked} may have no label, since {claim.doubt}."
        elif claim.state is State.LABELLED or claim.claim_id in printed:
            if host.settings.is_reprint or claim.claim_id in waiting:
                yield host, claim
            else:
                result.already.append(host.name)
                _tell_again(ledger, host.name, claim, result)
        elif claim.state is State.VERIFIED or check:
            yield host, claim
        else:
            result.not_labelled[host.name] = (
                f"The claim {claim.masked} is only {claim.state}, and only what was read back gets a label; run again."
            )


def _tell_again(ledger: Ledger, host: str, claim: Claim, result: _Result) -> None:
    """Tell that a label may be there twice where the run that made it may have died before it could."""
    from . import batch  # noqa: PLC0415  # its libraries are there: the settings needed them

    if claim.state is State.LABELLED and (notice := batch.twice_before(ledger, claim)):
        result.notices.append(notice)
        result.maybe_twice.append(host)


def _is_preprinted(claim: Claim, printed: Container[str]) -> bool:
    return claim.claim_id in printed and claim.state is State.VERIFIED and claim.doubt is None


def _composed(
    ledger: Ledger, due: Sequence[_Host], claims: Mapping[str, Claim], result: _Result
) -> Iterator[tuple[_Host, Label]]:
    from . import batch  # noqa: PLC0415  # its libraries are there: the settings needed them
    from .numbers import numbers_on  # noqa: PLC0415  # as in `_claims`

    known: dict[int, Mapping[str, int]] = {}
    for host in due:
        job = host.settings.job
        if id(job) not in known:  # hosts that are set alike share it
            known[id(job)] = numbers_on(job.layout, ledger, claims.values())
        claim = claims[host.name]
        try:
            yield host, batch.compose(job, claim, known[id(job)].get(claim.claim_id, 1))
        except IotoError as error:
            result.not_labelled[host.name] = str(error)


def _to_come(product: str, serial: str) -> Claim:
    """Stand in for the claim that a real run will have made, so that its label can be tried."""
    now = datetime.now(UTC)
    return Claim("0" * DEFAULT_LENGTH, product, serial, State.VERIFIED, "generated", now, now)
