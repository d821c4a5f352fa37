# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several ledgers become one, in any order, with the history and the seals of each; or every conflict is told."""

from __future__ import annotations

import codecs
import hashlib
import itertools
import json
import re
import shutil
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from itertools import permutations
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.compare import (
    LedgersDifferError,
    compare,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.exchange_file import (
    dump,
    is_exchange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.merge import MergeConflictsError, merge
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.merge_plan import plan
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.merge_stage import MergeStage
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.move import move
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.tasks import import_whole
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import DamagedLedgerError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    LedgerError,
    NewEvent,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.transfer import ImportRowsError
from tests.services.move_kills import (
    CONTEXT,
    PRODUCT,
    all_rows,
    content,
    go_on,
    kill_merges,
    may_be_written,
    problems,
    site,
)
from tests.services.postgresql import PostgresqlServer, wait_until_somebody_waits
from tests.support.ledgers import damage
from tests.support.old_ledger import execute, rows

OTHER_PRODUCT = "01K9F1EETDEV1CEPR0DVCT0009"

psycopg = pytest.importorskip("psycopg", reason="the Python package psycopg is not installed")

# Forked as Ansible forks its workers; pytest-xdist's own thread makes Python 3.12 and later warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


@pytest.fixture
def sites(tmp_path: Path) -> list[str]:
    """Three sites' ledgers. Units went from A to B and C, who recorded them as they found them."""
    places = [str(tmp_path / f"{name}.db") for name in "ABC"]
    for place, name in zip(places, "ABC", strict=True):
        site(place, name, 20)
    shipped = live_claims(places[0])[12:16]
    for claim, state, place in zip(
        shipped, (State.LABELLED, State.ALLOCATED, None, State.VERIFIED), places[1:] * 2, strict=True
    ):
        with Ledger(place) as ledger:
            asked = AllocationRequest(PRODUCT, str(claim.unit), "adopted", CONTEXT, claim.claim_id)
            ledger.allocate(asked)
            if state is None:
                ledger.retire(claim.claim_id, reason="came back broken", context=CONTEXT)
            else:
                ledger.advance(StateChange(claim.claim_id, state, CONTEXT))
    return places


def live_claims(location: str) -> list[Claim]:
    with Ledger(location, read_only=True) as ledger:
        return [claim for claim in ledger.claims() if claim.is_live and claim.unit is not None]


def states(location: str) -> dict[str, State]:
    with Ledger(location, read_only=True) as ledger:
        return {claim.claim_id: claim.state for claim in ledger.claims()}


def merged(target: object, *sources: str) -> str:
    merge(str(target), sources, CONTEXT, check=False)
    assert problems(str(target)) == []
    return str(target)


def test_three_merge_into_one_in_any_order(sites: list[str], tmp_path: Path) -> None:
    expected = content(merged(tmp_path / "all.db", *sites))
    assert len(expected["origins"]) == 3
    assert len(expected["claims"]) == len(set().union(*map(states, sites)))
    assert len(expected["events"]) == sum(len(all_rows(site)["ioto_events"]) for site in sites)
    for number, order in enumerate(permutations(sites)):
        merge(str(tmp_path / f"{number}.db"), order, CONTEXT, check=False)
        assert content(str(tmp_path / f"{number}.db")) == expected
    for name, order in (("forth", sites), ("back", sites[::-1])):  # one after the other
        for source in order:
            merged(tmp_path / f"{name}.db", source)
        assert content(str(tmp_path / f"{name}.db")) == expected
    for source in sites:
        assert compare(str(tmp_path / "all.db"), source).more_claims > 0


def test_a_claim_has_come_as_far_as_it_came_anywhere(sites: list[str], tmp_path: Path) -> None:
    whole = states(merged(tmp_path / "all.db", *sites))
    for claim_id, state in whole.items():
        assert state == max(
            (found[claim_id] for found in map(states, sites) if claim_id in found), key=list(State).index
        )


def test_what_sites_do_afterwards_is_brought_by_the_next_merge(sites: list[str], location: str) -> None:
    merged(location, *sites)
    before = all_rows(location)
    assert not merge(location, sites, CONTEXT, check=False).is_news
    assert all_rows(location) == before
    with Ledger(sites[0]) as ledger:
        go_on(ledger, "A")
    with Ledger(location) as ledger:  # and the merged one is used, too
        mine = ledger.allocate(AllocationRequest(PRODUCT, "mine", "generated", CONTEXT))

    news = merge(location, sites, CONTEXT, check=True)
    assert news == merge(location, sites, CONTEXT, check=False)

    assert news.changed > 0
    assert news.claims == 21
    assert problems(location) == []
    now = states(location)
    assert now[mine.claim_id] is State.ALLOCATED
    there = {claim.unit: claim.claim_id for claim in live_claims(location)}
    for claim in live_claims(sites[0]):
        assert there.get(claim.unit) == claim.claim_id or now[claim.claim_id] is State.RETIRED  # elsewhere


def test_check_mode_makes_nothing(sites: list[str], tmp_path: Path) -> None:
    told = merge(str(tmp_path / "all.db"), sites, CONTEXT, check=True)
    assert told.is_new
    assert not (tmp_path / "all.db").exists()
    assert merge(str(tmp_path / "all.db"), sites, CONTEXT, check=False) == told


def test_a_merged_ledger_proves_what_came_from_where(sites: list[str], tmp_path: Path) -> None:
    whole = merged(tmp_path / "all.db", *sites)
    with Ledger(whole) as ledger:
        damage(ledger.database, "UPDATE ioto_events SET actor = 'eve' WHERE id = 30")
        damage(ledger.database, "DELETE FROM ioto_seals")  # and the ledger sealed anew
    found = [sentence for sentence in problems(whole) if "which was merged" in sentence]
    assert found
    assert all(re.match(r"Seal \d+ of the ledger \S+, which was merged: its events", sentence) for sentence in found)
    with pytest.raises(DamagedLedgerError):
        merge(str(tmp_path / "more.db"), [whole], CONTEXT, check=False)


def test_origins_come_along_when_the_merged_is_merged_and_moved(
    sites: list[str], tmp_path: Path, postgresql_url: str
) -> None:
    part = merged(tmp_path / "part.db", *sites[:2])
    whole = merged(tmp_path / "whole.db", part, sites[2], sites[0])
    assert [origin for (origin,) in content(whole)["origins"]] == sorted(
        identity for (identity,) in [*content(merged(tmp_path / "flat.db", *sites))["origins"], identity_of(part)]
    )
    move(whole, postgresql_url, check=False)
    assert all_rows(postgresql_url) == all_rows(whole)
    assert problems(postgresql_url) == []
    assert not merge(postgresql_url, [part, *sites], CONTEXT, check=False).is_news


def identity_of(location: str) -> tuple[str]:
    from tests.support.old_ledger import rows  # noqa: PLC0415

    return (rows(location, "ioto_ledger", "identity")[0][0],)


def test_all_conflicts_are_told_at_once_and_nothing_is_merged(tmp_path: Path, location: str) -> None:
    sites = [str(tmp_path / f"{name}.db") for name in "AB"]
    taken = ["0000000001", "0000000002", "0000000003"]

    def give(place: str, unit: str, claim_id: str, board: str | None = None) -> None:
        details = None if board is None else {"serial": board}
        with Ledger(place) as ledger:
            ledger.allocate(AllocationRequest(PRODUCT, unit, "given", CONTEXT, claim_id, details=details))

    give(sites[0], "one", taken[0])  # one ID live for two units
    give(sites[1], "another", taken[0])
    give(sites[0], "twice", "0000000004")  # one unit with two live IDs
    give(sites[1], "twice", "0000000005")
    give(sites[0], "kept", taken[1])  # an ID in use that is retired for another unit
    give(sites[1], "scrapped", taken[1])
    give(sites[0], "on-board-1", "0000000006", "BOARD")  # one board that is two units
    give(sites[1], "on-board-2", "0000000007", "BOARD")
    give(sites[0], "sound", "0000000008")
    give(sites[1], "sound", "0000000008")
    with Ledger(sites[1]) as ledger:
        ledger.retire(taken[1], reason="scrapped", context=CONTEXT)
    give(location, "there", "0000000009")
    before = all_rows(location)

    for order in (sites, sites[::-1]):
        for check in (True, False):
            with pytest.raises(MergeConflictsError) as told:
                merge(location, order, CONTEXT, check=check)
            conflicts = "\n".join(told.value.conflicts)
            assert len(told.value.conflicts) == 4, conflicts
            assert not re.search(r"00000000\d\d", str(told.value))
            for sentence in (
                r"The claim ID \S+ is of unit \w+ in \S+ and of unit \w+ in \S+; find out which of them has it",
                r"The claim ID \S+ is in use by unit kept in \S+A.db and retired, of unit scrapped, in \S+B.db",
                r"The unit twice of product \w+ has the claim ID \S+ in \S+ and \S+ in \S+; find out which one is on",
                r"The board with the serial \w+ BOARD is unit on-board-1 in \S+A.db and unit on-board-2 in \S+B.db",
            ):
                assert re.search(sentence, conflicts), (sentence, conflicts)
            assert all_rows(location) == before


def test_a_conflict_that_is_settled_is_merged(tmp_path: Path) -> None:
    sites = [str(tmp_path / f"{name}.db") for name in "AB"]
    for place, unit in zip(sites, ("one", "another"), strict=True):
        with Ledger(place) as ledger:
            ledger.allocate(AllocationRequest(PRODUCT, unit, "given", CONTEXT, "0000000001"))
    with Ledger(sites[1]) as ledger:  # as the conflict says
        ledger.rebind("0000000001", "one", reason="the other one has it", context=CONTEXT)
    merged(tmp_path / "all.db", *sites)


def test_an_id_of_two_products_is_merged_once_it_is_retired_in_both(tmp_path: Path) -> None:
    sites = [str(tmp_path / f"{name}.db") for name in "AB"]
    for place, product in zip(sites, (PRODUCT, OTHER_PRODUCT), strict=True):
        with Ledger(place) as ledger:
            ledger.allocate(AllocationRequest(product, "one", "given", CONTEXT, "0000000001"))
    for place in sites:
        with pytest.raises(MergeConflictsError, match=r"and belongs to neither; give each unit that has it another"):
            merge(str(tmp_path / "all.db"), sites, CONTEXT, check=False)
        with Ledger(place) as ledger:
            ledger.retire("0000000001", reason="two products have it", context=CONTEXT)

    whole = merged(tmp_path / "all.db", *sites)
    assert not merge(whole, sites, CONTEXT, check=False).is_news
    merged(sites[0], sites[1])
    with Ledger(whole) as ledger:
        assert {event.product for event in ledger.events(claim_id="0000000001")} == {PRODUCT, OTHER_PRODUCT}
        damage(ledger.database, "UPDATE ioto_claims SET product = '01K9F1EETDEV1CEPR0DVCT0008'")
    assert any("its product is not what its events say" in sentence for sentence in problems(whole))


def test_a_copy_that_went_on_is_told_and_not_guessed(sites: list[str], tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(Path(sites[0]).read_bytes())
    for place, name in ((str(copy), "copy"), (sites[0], "A")):
        with Ledger(place) as ledger:
            go_on(ledger, name)
    with pytest.raises(MergeConflictsError, match=r"hold one ledger that went two ways from its event \d+ on"):
        merge(str(tmp_path / "all.db"), [sites[0], str(copy)], CONTEXT, check=False)
    whole = merged(tmp_path / "all.db", sites[0])
    with pytest.raises(MergeConflictsError, match=r"hold one ledger that went two ways from its event \d+ on"):
        merge(whole, [str(copy)], CONTEXT, check=False)


def test_all_that_is_wrong_with_the_sources_is_told_at_once(sites: list[str], tmp_path: Path) -> None:
    execute(sites[1], f"UPDATE ioto_ledger SET moved_to = '{tmp_path / 'new.db'}'")
    with pytest.raises(LedgerError) as told:
        merge(str(tmp_path / "all.db"), [sites[0], str(tmp_path / "none.db"), sites[1], sites[0]], CONTEXT, check=False)
    lines = str(told.value).splitlines()
    assert len(lines) == 4
    assert "There is no ledger in" in lines[1]
    assert "was moved to" in lines[2]
    assert "is named twice" in lines[3]
    assert not (tmp_path / "all.db").exists()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE ioto_events SET actor = 'eve' WHERE id = 3", "Row 3 of ioto_events: changed since seal 1."),
        ("UPDATE ioto_claims SET source = 'given' WHERE seq = 2", "its source is not what its events say"),
        ("DROP INDEX ioto_events_unit", "ioto_events_unit is missing from the database"),
    ],
)
def test_nothing_is_merged_into_a_damaged_ledger(sites: list[str], location: str, statement: str, told: str) -> None:
    merged(location, sites[0])
    with Ledger(location) as ledger:
        damage(ledger.database, statement)
    before = all_rows(location)
    for check in (True, False):
        with pytest.raises(DamagedLedgerError, match="restore the newest of its backups") as refused:
            merge(location, sites[1:], CONTEXT, check=check)
        assert any(told in finding for finding in refused.value.findings)
    assert all_rows(location) == before


def test_what_nobody_wrote_to_meanwhile_is_planned_once(
    sites: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who merges holds up all who write, so nothing is computed then that was computed before."""
    target = merged(tmp_path / "all.db", sites[0])
    planned: list[MergeStage] = []

    def noted(stage: MergeStage) -> Iterator[str]:
        planned.append(stage)
        return plan(stage)

    monkeypatch.setattr(f"{merge.__module__}.plan", noted)
    merged(target, *sites[1:])
    assert len(planned) == 1


@pytest.mark.parametrize("killed", ["the process", "the server's process"])
def test_killed_at_any_instant_all_is_merged_or_nothing(
    sites: list[str], tmp_path: Path, postgresql_server: PostgresqlServer, killed: str
) -> None:
    of_server = killed != "the process"
    targets = (
        postgresql_server.new_url() if of_server else str(tmp_path / f"{number}.db") for number in itertools.count()
    )
    expected = content(merged(tmp_path / "expected.db", *sites))
    server = postgresql_server if of_server else None
    assert kill_merges(sites, targets, 2, expected=expected, server=server, seed=21)["kills"] == 2


UNDER_WAY = {
    "moved": (
        "INSERT INTO ioto_events (at, action, claim_id, product, unit, actor, detail, reason, key) "
        f"SELECT now(), 'rebound', claim_id, '{PRODUCT}', 'SN-9', 'ann', 'from unit SN-1', 'another case', 'slow.0' "
        "FROM ioto_claims; UPDATE ioto_claims SET unit = 'SN-9'"
    ),
    "described": 'UPDATE ioto_claims SET details = \'{"mac": "02:00:00:00:00:01"}\'',
}


@pytest.mark.parametrize("what", UNDER_WAY)
def test_what_was_under_way_when_a_merge_began_is_not_undone(postgresql_url: str, tmp_path: Path, what: str) -> None:
    """PostgreSQL: what is committed after a later event, or has none, has no new number by which one sees it."""
    source = str(tmp_path / "site.db")
    with Ledger(source) as ledger:
        claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "generated", CONTEXT))
    merged(postgresql_url, source)
    went_on = {source: State.VERIFIED} if what == "moved" else {source: State.VERIFIED, postgresql_url: State.LABELLED}
    for location, state in went_on.items():
        with Ledger(location) as ledger:
            ledger.advance(StateChange(claim.claim_id, state, CONTEXT))

    with (
        Ledger(postgresql_url) as ledger,
        psycopg.connect(postgresql_url) as slow,
        ThreadPoolExecutor(1) as thread,
    ):
        slow.execute(UNDER_WAY[what])
        ledger.record(NewEvent(EventKind.CHECKED, CONTEXT))  # with a later number, and committed before
        merging = thread.submit(merge, postgresql_url, [source], CONTEXT, check=False)
        wait_until_somebody_waits(postgresql_url)
        slow.commit()
        if what == "moved":
            with pytest.raises(MergeConflictsError, match="is of unit SN-9 in"):
                merging.result()
        else:
            assert merging.result().is_news
            assert rows(postgresql_url, "ioto_claims", "details") == [('{"mac": "02:00:00:00:00:01"}',)]
    assert problems(postgresql_url) == []


# The full exchange


@pytest.fixture
def whole(sites: list[str], tmp_path: Path) -> Iterator[Path]:
    """The file of a merged ledger."""
    path = tmp_path / "whole.jsonl"
    with Ledger(merged(tmp_path / "all.db", *sites), read_only=True) as ledger, path.open("wb") as file:
        dump(ledger.database, file)
    return path


def test_a_file_holds_the_whole_ledger(whole: Path, location: str, tmp_path: Path) -> None:
    for is_news in (True, False):
        with Ledger(location) as ledger:
            assert import_whole(ledger.database, whole, check=False)["changed"] is is_news
        assert all_rows(location) == all_rows(str(tmp_path / "all.db"))
        assert problems(location) == []
    assert compare(location, str(whole)).is_same
    assert compare(str(whole), location).is_same
    again = tmp_path / "again.jsonl"
    with Ledger(location, read_only=True) as ledger, again.open("wb") as file:
        dump(ledger.database, file)
    assert again.read_bytes().splitlines()[1:-1] == whole.read_bytes().splitlines()[1:-1]


def test_a_file_that_was_saved_with_a_byte_order_mark_is_the_same(whole: Path, tmp_path: Path) -> None:
    whole.write_bytes(codecs.BOM_UTF8 + whole.read_bytes())
    assert is_exchange(whole)
    assert compare(str(tmp_path / "all.db"), str(whole)).is_same


def test_a_line_without_an_end_is_refused_and_not_kept(whole: Path, tmp_path: Path) -> None:
    with whole.open("ab") as file:
        file.truncate(200_000_000)
    tracemalloc.start()
    try:
        with Ledger(tmp_path / "new.db") as ledger, pytest.raises(ImportRowsError, match="lines were changed"):
            import_whole(ledger.database, whole, check=False)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_a_file_is_merged_as_its_ledger_is(whole: Path, sites: list[str], tmp_path: Path) -> None:
    expected = content(merged(tmp_path / "by-ledger.db", str(tmp_path / "all.db")))
    assert content(merged(tmp_path / "by-file.db", str(whole))) == expected
    assert not merge(str(tmp_path / "by-file.db"), sites, CONTEXT, check=False).is_news


@pytest.mark.parametrize(
    ("line", "new", "told"),
    [
        (-1, None, "The end of the file is missing"),
        (5, None, "lines were changed, removed or added"),
        (5, b"{}", "not a row of a ledger"),
        (5, b'{"event":{"id":"five"}}', "The value of id, at, action, actor, key is missing or of another kind"),
        (5, b'{"event":{"id":1,"colour":"red"}}', "The key 'colour' is unknown"),
        (1, "repeat", "The row is out of order"),
    ],
)
def test_a_file_that_was_changed_is_refused(
    whole: Path, tmp_path: Path, line: int, new: bytes | str | None, told: str
) -> None:
    lines = whole.read_bytes().splitlines()
    if new == "repeat":
        lines.insert(line, lines[line])
    elif isinstance(new, bytes):
        lines[line] = new
    else:
        del lines[line]
    whole.write_bytes(b"\n".join(lines) + b"\n")
    with Ledger(tmp_path / "new.db") as ledger:
        with pytest.raises(ImportRowsError, match=told):
            import_whole(ledger.database, whole, check=False)
        assert not list(ledger.events(limit=1))


def test_a_value_that_was_changed_with_its_hash_is_found_by_its_seal(whole: Path, tmp_path: Path) -> None:
    lines = whole.read_bytes().splitlines(keepends=True)[:-1]
    lines[5] = lines[5].replace(b"ann@line-1", b"eve@line-1")
    end = {"end": {"lines": len(lines), "sha256": hashlib.sha256(b"".join(lines)).hexdigest()}}
    whole.write_bytes(b"".join([*lines, json.dumps(end).encode()]))
    with Ledger(tmp_path / "new.db") as ledger, pytest.raises(DamagedLedgerError, match="changed since seal 1"):
        import_whole(ledger.database, whole, check=False)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"state": "bogus"}, "The row is of no ledger, since its state cannot be read"),
        ({"claim_id": None}, r"The row, or one of the \d+ after it, contradicts one before it"),
    ],
)
def test_a_claim_that_was_changed_with_the_checksum_is_told_by_file_and_line(
    whole: Path, tmp_path: Path, change: dict[str, str | None], told: str
) -> None:
    lines = [json.loads(line) for line in whole.read_bytes().splitlines()[:-1]]
    first, second = [number for number, line in enumerate(lines) if "claim" in line][:2]
    lines[second]["claim"] |= {key: value or lines[first]["claim"][key] for key, value in change.items()}
    data = b"".join(f"{json.dumps(line)}\n".encode() for line in lines)
    end = {"end": {"lines": len(lines), "sha256": hashlib.sha256(data).hexdigest()}}
    whole.write_bytes(data + json.dumps(end).encode())
    line = (second if "state" in change else first) + 1
    told = rf"(?s)Nothing was taken from {whole}, because of 1 bad line; .*line {line}: {told}"
    with Ledger(tmp_path / "new.db") as ledger, pytest.raises(ImportRowsError, match=told):
        import_whole(ledger.database, whole, check=False)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"identity": "\ud800"}, "does not begin as a whole ledger does"),
        ({"identity": "a\0b"}, "does not begin as a whole ledger does"),
        ({"foreign_until": 2**63}, "The first line of the file was changed"),
        ({"foreign_until": True}, "The first line of the file was changed"),
    ],
)
def test_a_first_line_that_no_database_takes_is_a_sentence(
    whole: Path, tmp_path: Path, change: dict[str, object], told: str
) -> None:
    head, _end, rest = whole.read_bytes().partition(b"\n")
    whole.write_bytes(json.dumps({"ledger": json.loads(head)["ledger"] | change}).encode() + b"\n" + rest)
    with pytest.raises(LedgerError, match=told):
        merged(tmp_path / "new.db", str(whole))


def test_a_full_disk_is_told_of_the_file_and_not_of_the_ledger(tmp_path: Path) -> None:
    with (
        Ledger(tmp_path / "ledger.db") as ledger,
        Path("/dev/full").open("wb", buffering=0) as file,
        pytest.raises(OSError, match="No space left on device"),
    ):
        dump(ledger.database, file)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ioto_seals SET last_event = x'00' WHERE seq = 1",
        "UPDATE ioto_claims SET unit = x'ff' WHERE seq = 1",
        "UPDATE ioto_origins SET identity = x'ff'",
        "UPDATE ioto_origin_events SET events = 'x'",
        "UPDATE ioto_origin_seals SET hash = x'ff'",
        "UPDATE ioto_ledger SET identity = x'ff'",
    ],
)
def test_what_a_flipped_bit_makes_of_a_ledger_is_a_sentence(sites: list[str], tmp_path: Path, statement: str) -> None:
    whole = merged(tmp_path / "all.db", sites[0])
    sound = str(tmp_path / "sound.db")
    shutil.copy(whole, sound)
    with Ledger(whole) as ledger:
        damage(ledger.database, statement)
        with pytest.raises(LedgerError, match=r"The ledger is damaged: .*|The ledger does not say who it is"):
            dump(ledger.database, BytesIO())
    for work in (
        partial(compare, whole, sound),
        partial(compare, sound, whole),
        partial(merge, whole, sites[1:], CONTEXT, check=True),
        partial(merge, sound, [whole], CONTEXT, check=True),
    ):
        with pytest.raises(LedgerError, match=r"amaged|does not say who it is"):
            work()


def test_text_that_is_not_utf_8_is_exported_nowhere(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.record(NewEvent(EventKind.CHECKED, CONTEXT, detail="agreed"))
        damage(ledger.database, "UPDATE ioto_events SET detail = CAST(x'41ff42' AS TEXT)")
        with pytest.raises(LedgerError, match="it holds text that is not UTF-8; have it checked"):
            dump(ledger.database, BytesIO())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ioto_events SET key = CAST(x'41ff42' AS TEXT) WHERE id = 3",
        "UPDATE ioto_origin_seals SET origin = CAST(x'41ff42' AS TEXT)",
        "UPDATE ioto_ledger SET identity = CAST(x'41ff42' AS TEXT)",
    ],
)
def test_text_that_is_not_utf_8_is_not_compared(sites: list[str], tmp_path: Path, statement: str) -> None:
    whole = merged(tmp_path / "all.db", sites[0])
    with Ledger(whole) as ledger:
        damage(ledger.database, statement)
    for pair in ((whole, sites[0]), (sites[0], whole)):
        with pytest.raises(LedgerError, match="it holds text that is not UTF-8; have it checked"):
            compare(*pair)


# Comparing


def test_what_a_ledger_lacks_is_told_row_by_row(sites: list[str], tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(Path(sites[0]).read_bytes())
    assert compare(str(copy), sites[0]).is_same
    with Ledger(sites[0]) as ledger:
        claim = ledger.allocate(AllocationRequest(PRODUCT, "new", "generated", CONTEXT))
        ledger.retire(claim.claim_id, reason="x", context=CONTEXT)
    with Ledger(copy) as ledger:
        damage(ledger.database, "UPDATE ioto_claims SET source = 'given' WHERE seq = 2")
        damage(ledger.database, "UPDATE ioto_events SET actor = 'eve' WHERE id = 3")
    with pytest.raises(LedgersDifferError) as told:
        compare(str(copy), sites[0])
    last = len(all_rows(sites[0])["ioto_events"])
    found = [re.sub(r"\(\S+\)", "(ID)", sentence) for sentence in told.value.differences]
    assert found[:3] == [
        "Row 3 of ioto_events is not what row 3 says.",
        f"Row {last - 1} of ioto_events is missing.",
        f"Row {last} of ioto_events is missing.",
    ]
    assert "Row 2 of ioto_claims (ID) differs in source." in found
    assert claim.claim_id not in str(told.value)


def test_a_ledger_that_went_on_holds_all_of_the_older_one(sites: list[str], tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(Path(sites[0]).read_bytes())
    with Ledger(sites[0]) as ledger:
        go_on(ledger, "A")
    found = compare(sites[0], str(copy))
    assert not found.is_same
    assert (found.more_claims, found.gone_on) == (21, 4)
    assert EventKind.REBOUND in {event.kind for event in Ledger(sites[0], read_only=True).events()}
    assert may_be_written(str(copy))
