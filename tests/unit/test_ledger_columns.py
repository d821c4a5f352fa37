# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A column of the ledger is declared once: whatever shows, stores or takes columns has one that is only declared."""

from __future__ import annotations

import csv
import importlib
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.modules import ledger_info
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.columns import columns_of
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Claim, Event

CORE = Path(__file__).resolve().parents[2] / "plugins" / "plugin_utils"
PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"
DECLARED = {
    # the last line of a record: what is declared after it
    "    replaces: Annotated[str | None, LedgerColumn(parse=claim_ids.parse, is_claim_id=True, is_told=False)]"
    " = None\n": (
        '    fixture: Annotated[str | None, LedgerColumn(task_name="lot")] = None\n'
        "    tried: int | None = None\n"
        "    tested_at: datetime | None = None\n"
    ),
    "    run: str | None = None\n": "    station: str | None = None\n",  # of Context, which events take it from
    '    """The same in every ledger that the event is moved to or merged into, where its `id` is another."""\n': (
        "    station: str | None = None\n"
    ),
}
AT = datetime(2026, 11, 27, 12, tzinfo=UTC)
FILE = {
    "claim_id": "JT08FFQXWQ",
    "product": PRODUCT,
    "unit": "SN-1",
    "state": "verified",
    "fixture": "B7",
    "tried": 3,
    "tested_at": AT.isoformat(),
}
KEPT = {"fixture": "B7", "tried": 3, "tested_at": AT}
SHOWN = {"fixture": "B7", "tried": 3, "tested_at": AT.isoformat()}
SHOWN_BY_TASK = {"lot": "B7", "tried": 3, "tested_at": AT.isoformat()}

Module = Callable[[str], Any]


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Module]:
    """A copy of the core whose records declare more, and nothing else is changed in it."""
    folder = tmp_path_factory.mktemp("declared")
    shutil.copytree(CORE, folder / "declared_core", ignore=shutil.ignore_patterns("__pycache__"))
    records = folder / "declared_core" / "ledger" / "records.py"
    text = records.read_text(encoding="utf-8")
    for line, more in DECLARED.items():
        assert text.count(line) == 1, line
        text = text.replace(line, line + more)
    records.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield lambda name: importlib.import_module(f"declared_core.{name}")


@pytest.fixture
def ledger(module: Module, tmp_path: Path) -> Iterator[Any]:
    context = module("ledger.records").Context("ann@line-1", station="left")
    with module("ledger.ledger").Ledger(tmp_path / "ledger.db") as opened:
        lines = json.dumps(FILE).encode()
        assert module("ledger.transfer").import_claims(opened, lines, "jsonl", context=context).added == 1
        yield opened


def test_the_tables_and_the_rows_have_it(module: Module, ledger: Any) -> None:
    schema, records = module("ledger.schema"), module("ledger.records")
    assert {"fixture", "tried", "tested_at"} <= set(schema.claims.c.keys())
    context = records.Context("bob@line-2", "pump-1")
    ledger.advance(records.StateChange("JT08FFQXWQ", records.State.LABELLED, context))
    for claim in (ledger.find("JT08FFQXWQ"), *ledger.claims(), ledger.live_claim(PRODUCT, "SN-1")):
        assert (claim.state, claim.host) == ("labelled", "pump-1")
        assert {name: getattr(claim, name) for name in KEPT} == KEPT
    given = ledger.allocate(records.AllocationRequest(PRODUCT, "SN-2", "generated", context))
    assert ledger.find(given.claim_id) == given
    assert (given.fixture, given.tried, given.tested_at) == (None, None, None)


def test_events_take_it_from_their_context(ledger: Any) -> None:
    assert [(event.kind, event.station) for event in ledger.events()] == [("imported", "left")]


@pytest.mark.parametrize("fmt", ["csv", "jsonl"])
def test_files_say_it_and_take_it(module: Module, ledger: Any, fmt: str) -> None:
    transfer, records = module("ledger.transfer"), module("ledger.records")
    stream = StringIO(newline="")
    transfer.export_claims(ledger.claims(), stream, fmt)
    text = stream.getvalue()
    (line,) = csv.DictReader(StringIO(text)) if fmt == "csv" else map(json.loads, text.splitlines())
    assert {name: str(line[name]) for name in SHOWN_BY_TASK} == {
        name: str(value) for name, value in SHOWN_BY_TASK.items()
    }
    with module("ledger.ledger").Ledger.in_memory() as other:
        transfer.import_claims(other, text.encode(), fmt, context=records.Context("ann"))
        assert list(other.claims()) == list(ledger.claims())


def test_results_of_tasks_have_it(module: Module, ledger: Any) -> None:
    asked = dict.fromkeys(
        (
            *("claim_ids", "state", "product", "serial", "host", "since", "until", "source", "run", "dest"),
            *("whole", "compare_with", "chain", "void_labels"),
        )
    )
    options = {**asked, **dict.fromkeys(("reveal", "check_integrity", "chain", "void_labels"), False)}
    options |= {"limit": 10, "history": True}
    result = module("ledger.tasks").query_ledger(ledger, options, check=False)
    assert SHOWN_BY_TASK.items() <= result["claims"][0].items()
    assert result["events"][0]["station"] == "left"


def test_seals_and_the_check_of_a_whole_ledger_read_it(module: Module, ledger: Any) -> None:
    assert module("ledger.seals").seal_events(ledger.database).events > 0
    report = module("ledger.integrity.check").check_integrity(ledger.database)
    assert (report.findings, report.unsealed) == ([], 0)


def test_the_service_tells_and_describes_it(module: Module, ledger: Any) -> None:
    told = module("ledger.columns").told_by_service(ledger.find("JT08FFQXWQ"), reveal=False)
    assert SHOWN_BY_TASK.items() <= told.items()
    described = module("service.openapi").describe(module("service.settings").ServiceSettings())
    answer = described["paths"]["/claims/{claim_id}"]["get"]["responses"]["200"]["content"]["application/json"][
        "schema"
    ]
    assert {name: answer["properties"][name] for name in SHOWN_BY_TASK} == {
        "lot": {"type": ["string", "null"]},
        "tried": {"type": ["integer", "null"]},
        "tested_at": {"type": ["string", "null"], "format": "date-time"},
    }
    assert "station" in answer["properties"]["history"]["items"]["properties"]


def test_a_report_has_it(module: Module, ledger: Any) -> None:
    records, now = module("report.records"), datetime.now(UTC)
    row = records.Row("pump-1", PRODUCT, "SN-1", None, ledger.find("JT08FFQXWQ"), records.UnitVerdict.DONE)
    report = records.Report("Report", now, now, ["ledger.db"], [row])
    tables = module("report.tables")
    (line,) = csv.DictReader(StringIO(tables.csv_table(report, reveal=False)))
    assert {name: line[name] for name in SHOWN_BY_TASK} == {name: str(value) for name, value in SHOWN_BY_TASK.items()}
    assert SHOWN_BY_TASK.items() <= json.loads(tables.json_lines(report, reveal=False)).items()
    page = module("report.page").page(report, None, most_pictures=0, reveal=False, made_at=now)
    assert "<small>lot B7</small>" in page


@pytest.mark.parametrize(("record", "key"), [(Claim, "claims"), (Event, "events")])
def test_the_page_of_ledger_info_documents_every_column_and_no_other(record: type, key: str) -> None:
    documented = yaml.safe_load(ledger_info.RETURN)[key]["contains"]
    assert list(documented) == [column.task_name for column in columns_of(record) if not column.is_row_number]
