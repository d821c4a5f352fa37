# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the tiles: an operator reads what happened and what to do, whatever the technician's sentence says."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

from ansible_collections.ioto.serialization.plugins import plugin_utils
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import FailureKind, IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.line import words
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.words import FAILURES, Trouble

ROOMS = ("claim_ids", "device", "identity", "json5", "ledger", "scanning", "serialization", "verification")
"""What a flow meets on its way to one board."""
OF_SETTINGS = {
    "JobNumberError",
    "ScanFileError",
    "ScannerAddressError",
    "ScannerPortError",
    "TimeLimitError",
    "InvalidProductError",
    "PartsRefusedError",
    "LedgerTaskError",
    "NamingError",
    "OvertakenError",
    "ReworkError",
    "ReworkRefusedError",
    "ReworkTaskError",
}
"""What concerns no board, but what somebody has set or typed."""
TROUBLES = {
    **{f"failure {kind}": trouble for kind, trouble in FAILURES.items()},
    **{name: value for name, value in vars(words).items() if isinstance(value, Trouble)},
}


@pytest.mark.parametrize("name", TROUBLES)
def test_a_tile_says_a_few_plain_words_and_what_to_do(name: str) -> None:
    reason, remedy, detail = TROUBLES[name]
    assert len(reason) <= 60 and len(remedy) <= 110 and detail is None
    assert reason.endswith(".") and remedy.endswith(".")
    for text in (reason, remedy):
        assert not set(text) & set("_=/{}\"'"), "nothing to type for somebody with gloves on"
    acts = ("aside", "technician", "scan", "plug", "destroy")
    assert any(act in remedy.lower() for act in acts)


def test_every_kind_has_its_words() -> None:
    assert set(FAILURES) == set(FailureKind)
    assert len({trouble.reason for trouble in FAILURES.values()}) == len(FailureKind)


def test_every_failure_that_a_flow_meets_on_a_board_has_a_kind_of_its_own() -> None:
    for module in modules():
        importlib.import_module(module)
    met = {
        error for error in subclasses(IotoError) if error.__module__.split("plugin_utils.")[-1].split(".")[0] in ROOMS
    }
    assert len(met) > 20
    assert {error.__name__ for error in met if error.kind is FailureKind.SETTINGS} == OF_SETTINGS


@pytest.mark.parametrize(
    ("result", "reason", "remedy"),
    [
        ({"unreachable": True, "failure": "unreachable"}, "does not answer", "plug it in again"),
        ({"failure": "conflict"}, "not what the records say", "Put the board aside"),
        ({"failure": "conflict", "twin": "slot-2"}, "same one", "Put both boards aside"),
        ({"failure": "conflict", "scan_refused": True}, "label is not for this board", "Scan another label"),
        ({"failure": "records"}, "records cannot be", "call the technician"),
        ({"failure": "source"}, "No ID came", "call the technician"),
        ({"failure": "storage"}, "does not keep its ID", "Put the board aside"),
        ({"failure": "of another version"}, "not done", "Put the board aside"),
        ({}, "not done", "Put the board aside"),
        ({"failure": ["x"]}, "not done", "Put the board aside"),
    ],
)
def test_the_kind_says_what_to_do_and_the_sentence_is_for_the_technician(
    result: dict[str, object], reason: str, remedy: str
) -> None:
    sentence = "It has another product: run again with -e ioto_replace_id=ID -e ioto_reason=WHY."
    trouble = words.of_result({"failed": True, "msg": sentence, **result})
    assert reason in trouble.reason and remedy in trouble.remedy
    assert trouble.detail == sentence


def modules() -> Iterator[str]:
    for room in ROOMS:
        name = f"{plugin_utils.__name__}.{room}"
        package = importlib.import_module(name)
        yield name
        if hasattr(package, "__path__"):
            yield from (found.name for found in pkgutil.walk_packages(package.__path__, f"{name}."))


def subclasses(error: type[IotoError]) -> Iterator[type[IotoError]]:
    for found in error.__subclasses__():
        yield found
        yield from subclasses(found)
