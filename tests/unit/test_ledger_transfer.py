# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims as CSV and JSON Lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ioto.serialization.plugins.plugin_utils import claim_ids
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import import_stage
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    Context,
    LedgerError,
    ReserveRequest,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.transfer import (
    Imported,
    ImportRowsError,
    export_claims,
    import_claims,
)

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
OTHER_PRODUCT = "01G9BFEDZXJYWEJ56DPPQSXTWP"
CONTEXT = Context("ann@line-1")

formats = pytest.mark.parametrize("fmt", ["csv", "jsonl"])


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger.in_memory() as opened:
        yield opened


def allocate(ledger: Ledger, unit: str, claim_id: str | None = None) -> Claim:
    return ledger.allocate(AllocationRequest(PRODUCT, unit, source="given", context=CONTEXT, claim_id=claim_id))


def exported(ledger: Ledger, fmt: str) -> str:
    stream = io.StringIO(newline="")
    export_claims(ledger.claims(), stream, fmt)
    return stream.getvalue()


def take_in(ledger: Ledger, text: str, fmt: str = "csv", *, check_only: bool = False) -> Imported:
    return import_claims(ledger, io.StringIO(text, newline=""), fmt, context=CONTEXT, check_only=check_only)


def content(ledger: Ledger) -> list[Claim]:
    return list(ledger.claims())


def problems(ledger: Ledger, text: str, fmt: str = "csv") -> dict[int, str]:
    before = content(ledger)
    with pytest.raises(ImportRowsError) as caught:
        take_in(ledger, text, fmt)
    assert content(ledger) == before
    assert all(f"line {problem.line}: {problem.text}" in str(caught.value) for problem in caught.value.problems)
    return {problem.line: problem.text for problem in caught.value.problems}


units = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.sampled_from("=+-@\"' ,;"), min_size=1, max_size=20
).filter(lambda text: text == text.strip() and text)
moments = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))
free_texts = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
values = st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.text(max_size=3))
details = st.dictionaries(st.text(max_size=5), values, max_size=3)


@st.composite
def claim_lists(draw: st.DrawFn) -> list[Claim]:
    ids = draw(st.lists(st.text(claim_ids.ALPHABET, min_size=10, max_size=20), unique=True, max_size=6))
    names = draw(st.lists(st.none() | units, min_size=len(ids), max_size=len(ids)))
    claims: list[Claim] = []
    taken: set[str] = set()
    for claim_id, name in zip(ids, names, strict=True):
        states = [State.ALLOCATED, State.RETIRED] if name is None else list(State)
        state = State.RETIRED if name in taken else draw(st.sampled_from(states))
        if name is not None and state is not State.RETIRED:
            taken.add(name)
        claims.append(
            Claim(
                claim_id, PRODUCT, name, state, draw(st.sampled_from(["given", "agent"])), draw(moments), draw(moments),
                draw(free_texts), draw(free_texts), draw(details),
                draw(free_texts), draw(free_texts), draw(st.none() | moments),
                draw(st.none() | st.text(claim_ids.ALPHABET, min_size=10, max_size=20)),
            )
        )  # fmt: skip
    return claims


@pytest.mark.parametrize("fmt", ["csv", "jsonl"])
@settings(max_examples=100, deadline=None)
@given(claims=claim_lists().filter(bool))  # of none, JSON Lines say nothing, and an empty file is refused
def test_what_is_exported_is_imported_as_it_was(fmt: str, claims: list[Claim]) -> None:
    stream = io.StringIO(newline="")
    assert export_claims(claims, stream, fmt) == len(claims)
    with Ledger.in_memory() as ledger:
        first = take_in(ledger, stream.getvalue(), fmt)
        assert sorted(content(ledger), key=id_of) == sorted(claims, key=id_of)
        assert first == Imported(len(claims), 0, 0)
        assert take_in(ledger, stream.getvalue(), fmt) == Imported(0, 0, len(claims))


@formats
def test_a_file_from_a_ledger_of_schema_2_says_its_doubts_among_the_details(ledger: Ledger, fmt: str) -> None:
    told = {"mac": "a", "run": "20261127T143210-7QK4XW", "twins": "pump-1", "unsettled": True}
    row = {"claim_id": "JT08FFQXWQ", "product": PRODUCT, "unit": "SN-1", "state": "verified", "details": told}
    row["updated_at"] = "2026-11-27T08:00:00+00:00"
    stream = io.StringIO(newline="")
    if fmt == "csv":
        writer = csv.DictWriter(stream, list(row))
        writer.writeheader()
        writer.writerow({**row, "details": json.dumps(told)})
    else:
        stream.write(json.dumps(row) + "\n")
    assert take_in(ledger, stream.getvalue(), fmt) == Imported(1, 0, 0)
    (claim,) = content(ledger)
    assert (claim.details, claim.run, claim.twin) == ({"mac": "a"}, "20261127T143210-7QK4XW", "pump-1")
    assert claim.unsettled_at == claim.updated_at
    assert [event.kind for event in ledger.events()] == ["imported", "twins", "unsettled"]
    assert check_integrity(ledger.database).findings == []


def id_of(claim: Claim) -> str:
    return claim.claim_id


@given(unit=units)
def test_no_cell_is_a_formula(unit: str) -> None:
    now = datetime.now(UTC)
    stream = io.StringIO(newline="")
    claim = Claim("JT08FFQXWQ", PRODUCT, unit, State.ALLOCATED, "given", now, now, host=unit, details={unit: unit})
    export_claims([claim], stream, "csv")
    for row in csv.reader(io.StringIO(stream.getvalue(), newline="")):
        assert not [cell for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d")]


@formats
def test_importing_again_after_the_line_went_on_changes_nothing(ledger: Ledger, fmt: str) -> None:
    one, two = allocate(ledger, "SN-1"), allocate(ledger, "SN-2")
    ledger.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))
    before = exported(ledger, fmt)
    ledger.advance(StateChange(one.claim_id, State.LABELLED, context=CONTEXT))
    ledger.replace(AllocationRequest(PRODUCT, "SN-2", source="generated", context=CONTEXT), reason="leaked")
    (reserved,) = ledger.claims(reserved=True)
    ledger.rebind(reserved.claim_id, "SN-3", reason="scanned", context=CONTEXT)
    now = content(ledger)
    assert take_in(ledger, before, fmt) == Imported(added=0, changed=0, unchanged=3)
    assert content(ledger) == now
    assert ledger.find(two.claim_id).state is State.RETIRED


@formats
def test_a_file_that_is_ahead_moves_claims_forward(ledger: Ledger, fmt: str) -> None:
    with Ledger.in_memory() as other:
        for claim_id, unit in (("AAAAAAAAAA", "SN-1"), ("BBBBBBBBBB", "SN-2"), ("CCCCCCCCCC", "SN-3")):
            allocate(other, unit, claim_id)
        before = exported(other, fmt)
        other.advance(StateChange("AAAAAAAAAA", State.VERIFIED, context=CONTEXT))
        other.retire("BBBBBBBBBB", reason="scrapped", context=CONTEXT)
        after = exported(other, fmt)
    take_in(ledger, before, fmt)
    assert take_in(ledger, after, fmt) == Imported(added=0, changed=2, unchanged=1)
    assert [(claim.state, claim.reason) for claim in content(ledger)] == [
        (State.VERIFIED, None),
        (State.RETIRED, "scrapped"),
        (State.ALLOCATED, None),
    ]
    actions = [event.kind for event in ledger.events(claim_id="AAAAAAAAAA")]
    assert actions == ["imported", "written", "verified"]


def test_a_list_of_ids_that_somebody_made_needs_two_columns(ledger: Ledger) -> None:
    text = f"\ufeffproduct,claim_id\r\n{PRODUCT},jto8ffqxwq\r\n,\r\n\r\n{PRODUCT},5555555555\r\n"
    assert take_in(ledger, text, check_only=True) == Imported(2, 0, 0)
    assert content(ledger) == []
    assert take_in(ledger, text) == Imported(2, 0, 0)
    assert [(claim.claim_id, claim.unit, claim.source) for claim in content(ledger)] == [
        ("JT08FFQXWQ", None, "imported"),
        ("5555555555", None, "imported"),
    ]


def test_a_list_that_a_spreadsheet_saved_is_imported(ledger: Ledger) -> None:
    text = f"sep=;\r\nClaim ID;Product;Unit;\r\nJT08FFQXWQ;{PRODUCT};SN-1;\r\n5555555555;{PRODUCT};;\r\n"
    source = io.BufferedReader(io.BytesIO(text.encode("utf-16")))
    assert import_claims(ledger, source, "csv", context=CONTEXT) == Imported(2, 0, 0)
    assert [(claim.claim_id, claim.unit) for claim in content(ledger)] == [("JT08FFQXWQ", "SN-1"), ("5555555555", None)]


def test_bytes_that_are_no_utf8_are_named_by_line_with_all_other_bad_lines(ledger: Ledger) -> None:
    head = f"claim_id,product,reason\nAAAAAAAAAA,{PRODUCT},".encode()
    source = io.BufferedReader(io.BytesIO(head + b"caf\xe9\nU,x,\n"))
    with pytest.raises(ImportRowsError, match=r"line 2: Byte 42 \(0xe9\) is not UTF-8(.|\n)*line 3: ") as caught:
        import_claims(ledger, source, "csv", context=CONTEXT)
    assert [problem.line for problem in caught.value.problems] == [2, 3]


@pytest.mark.parametrize("title", ["serial", "unit"])
def test_a_reserved_id_gets_the_unit_that_the_file_names(ledger: Ledger, title: str) -> None:
    """The column is `serial`, as everywhere, and `unit` in the files of earlier versions."""
    (reserved,) = ledger.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))
    text = f"claim_id,product,{title},state\n{reserved.claim_id},{PRODUCT},SN-1,verified\n"
    assert take_in(ledger, text) == Imported(0, 1, 0)
    assert [(claim.unit, claim.state) for claim in content(ledger)] == [("SN-1", State.VERIFIED)]


def test_a_reserved_id_that_comes_back_retired_leaves_its_unit_the_one_that_it_has(ledger: Ledger) -> None:
    (reserved,) = ledger.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))
    live = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "generated", CONTEXT))
    void = f"claim_id,product,serial,state\n{reserved.claim_id},{PRODUCT},SN-1,retired\n"
    second = problems(ledger, f"{void}KT08FFQXWQ,{PRODUCT},SN-1,verified\n")
    assert list(second) == [3] and f"already has the claim ID {live.masked}" in second[3]
    assert take_in(ledger, void) == Imported(0, 1, 0)
    assert ledger.live_claim(PRODUCT, "SN-1") == live


def test_every_bad_line_is_named_at_once_and_nothing_is_imported(ledger: Ledger) -> None:
    allocate(ledger, "SN-1", "AAAAAAAAAA")
    allocate(ledger, "SN-2", "BBBBBBBBBB")
    lines = [
        "claim_id,product,serial,state,created_at,details",
        f"CCCCCCCCCC,{PRODUCT},SN-3,,,",  # 2: good
        f"U,{PRODUCT},SN-4,,,",
        f"DDDDDDDDDD,{PRODUCT},SN-5,broken,,",
        "EEEEEEEEEE,product,SN-6,,,",
        f"cccccccccc,{PRODUCT},SN-7,,,",
        f"AAAAAAAAAA,{PRODUCT},SN-8,,,",
        f"FFFFFFFFFF,{PRODUCT},SN-2,,,",
        f"GGGGGGGGGG,{PRODUCT},SN-3,,,",
        f"HHHHHHHHHH,{PRODUCT},SN-9,,2026-01-31 12:00,",
        f'JJJJJJJJJJ,{PRODUCT},"SN\n10",,,',  # 11 and 12
        f"KKKKKKKKKK,{PRODUCT},SN-11,,,[1]",
        f"MMMMMMMMMM,{PRODUCT}",
        f"NNNNNNNNNN,{PRODUCT},,verified,,",
        f"AAAAAAAAAA,{OTHER_PRODUCT},SN-1,,,",
    ]
    found = problems(ledger, "\n".join(lines))
    for line, words in {
        3: "character 1",
        4: "state 'broken' is unknown",
        5: "is not a product ID",
        6: "stands in line 2 already",
        7: "belongs to unit SN-1",
        8: "SN-2 already has the claim ID ********BB",
        9: "SN-3 stands in line 2 already",
        10: "time zone",
        11: "cannot be printed",
        13: "are not a JSON object",
        14: "2 cells and the header 6",
        15: "give its serial",
        16: "stands in line 7 already",
    }.items():
        assert words in found.pop(line)
    assert not found


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("claim_id:product\n", 1, "'claim_id:product' is unknown"),
        ("claim_id\n", 1, "product is missing"),
        ("claim_id,product,claim_id\n", 1, "Columns 1 and 3 are both 'claim_id'"),
        ('claim_id,product\nA,"B\nC,D\n', 2, "as CSV"),
    ],
)
def test_a_csv_that_cannot_be_read_says_where(ledger: Ledger, text: str, line: int, words: str) -> None:
    assert words in problems(ledger, text)[line]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"claim_id": ' + "1" * 5000 + "}", "is not JSON"),
        ("[]", "is not a JSON object"),
        ('{"id": "AAAAAAAAAA"}', "'id' is unknown"),
        ('{"claim_id": 1234567890}', "claim_id is not text"),
        ('{"claim_id": "AAAAAAAAAA", "product": "\ud800"}', "is not a product ID"),
    ],
)
def test_a_json_line_that_is_no_claim_says_why(ledger: Ledger, text: str, words: str) -> None:
    good = json.dumps({"claim_id": "CCCCCCCCCC", "product": PRODUCT})
    assert words in problems(ledger, f"{good}\n\n{text}\n", "jsonl")[3]


def test_a_unit_by_two_notations_of_its_address_is_one_in_every_part_of_a_file(ledger: Ledger, part: int) -> None:
    units = ("00:1b:21:33:44:55", "SN-1", "SN-2", "001B.2133.4455")
    ids = ("AAAAAAAAAA", "BBBBBBBBBB", "CCCCCCCCCC", "DDDDDDDDDD")
    rows = (f"{claim_id},{PRODUCT},{unit}" for claim_id, unit in zip(ids, units, strict=True))
    text = "\n".join(("claim_id,product,serial", *rows, ""))
    for check_only in (True, False):
        with pytest.raises(ImportRowsError) as caught:
            take_in(ledger, text, check_only=check_only)
        (problem,) = caught.value.problems
        assert problem.line == 5 and "001B.2133.4455 stands in line 2 already" in problem.text


@pytest.mark.parametrize(
    "details",
    ['{"serial": "7-\\udcff"}', '{"mac": "a\\u0000"}', '{"macs": ["\\ud800"]}', f'{{"serial": "{"7" * 256}"}}'],
)
def test_details_that_name_a_device_by_no_name_are_a_bad_line(ledger: Ledger, details: str) -> None:
    """Of these, one database takes some, and the other none."""
    line = f'{{"claim_id": "AAAAAAAAAA", "product": "{PRODUCT}", "serial": "SN-1", "details": {details}}}\n'
    assert "name a device by what no name can be" in problems(ledger, line, "jsonl")[1]


def nested(deep: int) -> str:
    """A line whose details are so many objects, each in another."""
    details = '{"a":' * (deep - 1) + "{}" + "}" * (deep - 1)
    return f'{{"claim_id": "AAAAAAAAAA", "product": "{PRODUCT}", "details": {details}}}\n'


def test_details_that_python_reads_and_could_not_write_again_are_a_bad_line(ledger: Ledger) -> None:
    for deep in (101, *range(970, 1000)):  # how deep that is depends on the version, and on who calls
        said = problems(ledger, nested(deep), "jsonl")[1]
        assert "details are nested more than 100 deep" in said or (deep > 101 and "is not JSON" in said)
    assert take_in(ledger, nested(100), "jsonl") == Imported(1, 0, 0)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
def test_a_time_that_not_every_zone_has_is_a_bad_line(ledger: Ledger, moment: str) -> None:
    text = f"claim_id,product,created_at\nAAAAAAAAAA,{PRODUCT},{moment}\n"
    assert "is not a time with a time zone" in problems(ledger, text)[2]


def test_bytes_that_are_no_text_are_a_bad_line(ledger: Ledger) -> None:
    for fmt, head in (("csv", b"claim_id,product\n"), ("jsonl", b"")):
        stream = io.TextIOWrapper(io.BytesIO(head + b"\xff\n"), encoding="utf-8", newline="")
        with pytest.raises(ImportRowsError, match=r"UTF-8"):
            import_claims(ledger, stream, fmt, context=CONTEXT)


def test_a_format_that_is_unknown_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="csv or jsonl, not as 'xml'"):
        take_in(ledger, "", "xml")
    with pytest.raises(LedgerError, match="csv or jsonl"):
        exported(ledger, "xml")


@pytest.fixture(params=[1000, 2])
def part(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many claims are in memory at a time."""
    monkeypatch.setattr(import_stage, "_PART", request.param)
    return int(request.param)


def test_a_retired_claim_of_the_file_makes_room_for_a_later_one_of_its_unit(ledger: Ledger, part: int) -> None:
    allocate(ledger, "SN-1", "AAAAAAAAAA")
    lines = [
        "claim_id,product,serial,state,reason",
        f"BBBBBBBBBB,{PRODUCT},SN-1,verified,",
        *(f"CCCCCCCCC{number},{PRODUCT},SN-{number},allocated," for number in range(3, 8)),
        f"AAAAAAAAAA,{PRODUCT},SN-1,retired,scrapped",
    ]
    looked = import_claims(ledger, "\n".join(lines).encode(), "csv", context=CONTEXT, check_only=True)
    assert looked == Imported(6, 1, 0) and len(content(ledger)) == 1
    assert take_in(ledger, "\n".join(lines)) == Imported(6, 1, 0)
    live = ledger.live_claim(PRODUCT, "SN-1")
    assert live is not None and live.claim_id == "BBBBBBBBBB"
    assert ledger.summary().total == 7 and ledger.summary().states[State.RETIRED] == 1


def test_one_that_cannot_be_had_undoes_all_parts(ledger: Ledger, part: int) -> None:
    allocate(ledger, "SN-9", "AAAAAAAAAA")
    lines = [f"CCCCCCCCC{number},{PRODUCT},SN-{number}" for number in range(10)]
    assert list(problems(ledger, "\n".join(["claim_id,product,serial", *lines]))) == [11]
    assert len(content(ledger)) == 1 and ledger.summary().total == 1


def test_very_many_bad_lines_are_counted_and_not_all_listed(ledger: Ledger) -> None:
    text = "claim_id,product\n" + "U,U\n" * 3000
    with pytest.raises(ImportRowsError) as caught:
        take_in(ledger, text)
    assert len(caught.value.problems) == 1000
    assert "because of 3000 bad lines" in str(caught.value) and str(caught.value).endswith("… and 2000 more.")


@pytest.mark.parametrize("fmt", ["csv", "jsonl"])
@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_file_that_is_empty_is_not_imported(ledger: Ledger, fmt: str, content: str) -> None:
    with pytest.raises(LedgerError, match="because the file is empty; see whether it is"):
        take_in(ledger, content, fmt)


@pytest.mark.parametrize(
    ("text", "fmt"),
    [
        ('{"claim_id": "JT08FFQXWQ", "product": "x"}\n', "csv"),
        ("JT08FFQXWQ\njt08ffqxwq\n", "csv"),
        ("JT08F-FQXWQ,JT08F-FQXWQ\n", "csv"),
        ("product,claim_id\nJT08FFQXWQ,AAAAAAAAAA\n", "csv"),
        (f"claim_id,product,serial,state\nAAAAAAAAAA,{PRODUCT},SN-1,JT08FFQXWQ\n", "csv"),
        (f"claim_id,product,serial,created_at\nAAAAAAAAAA,{PRODUCT},SN-1,JT08FFQXWQ\n", "csv"),
        ('{"JT08FFQXWQ": 1}\n', "jsonl"),
    ],
)
def test_no_claim_id_is_whole_in_what_is_said_of_a_file(ledger: Ledger, text: str, fmt: str) -> None:
    told = " ".join(problems(ledger, text, fmt).values()).upper()
    assert "WQ" in told
    assert not {"JT08FFQXWQ", "JT08F-FQXWQ"} & set(re.findall(r"[0-9A-Z-]+", told))
