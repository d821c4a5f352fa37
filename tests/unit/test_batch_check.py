# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch is checked as a whole: every problem at once, with its hosts, and nothing whole of a claim ID."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.check import check_batch, plays
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.check_options import (
    check_options,
    property_notices,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.unknown_variables import check_names
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    ReserveRequest,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.modes import is_for_fleet
from ansible_collections.ioto.serialization.plugins.plugin_utils.preflight.result import conclude

PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"
CONTEXT = Context("tester@bench")
FACTORY = {"ioto_mode": "factory", "ioto_service_url": "http://192.0.2.1/"}


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.db")


def host(ledger: str, **variables: Any) -> dict[str, Any]:
    return {"ioto_mode": "manual", "ioto_product": PRODUCT, "ioto_ledger": ledger} | variables


def problems(batch: dict[str, dict[str, Any]]) -> list[str]:
    return [str(problem) for problem in check_batch(batch)]


def test_a_sound_batch_has_no_problem_and_makes_no_ledger(ledger: str) -> None:
    batch = {
        "a": host(ledger, ioto_claim_id="jt08ffqxwq", ioto_serial="SN-1"),
        "b": host(ledger),
        "c": host(ledger, ioto_mode="auto"),
        "d": host(ledger, **FACTORY, ioto_replace_id="AAAAAAAAAA", ioto_reason="lost"),
        "e": {"ioto_mode": "none", "ioto_product": "whatever"},
    }
    assert problems(batch) == []
    assert not Path(ledger).exists()


def test_a_serial_that_every_board_may_have_is_told_before_the_first_device(ledger: str) -> None:
    batch = {
        "a": host(ledger, ioto_serial="To be filled by O.E.M."),
        "b": host(ledger, ioto_serial="JIG-7", ioto_shared_hardware=["jig-7"]),
        "c": host(ledger, ioto_serial="JIG-8", ioto_shared_hardware="no list"),
    }
    found = problems(batch)
    assert len(found) == 2
    assert all("identifies no unit" in problem and "(ioto_serial)" in problem for problem in found)


def test_an_address_that_ssh_takes_for_an_option_is_refused(ledger: str) -> None:
    batch = {"a": host(ledger, ansible_host="-oProxyCommand=touch /tmp/x"), "-v": host(ledger)}
    assert [text.partition(": ")[0] for text in problems(batch) if "begins with a dash" in text] == ["a", "-v"]


def test_a_yes_is_no_number(ledger: str) -> None:
    (problem,) = check_options({"a": host(ledger, ioto_device_timeout=True)}, complete)
    assert str(problem) == "a: ioto_device_timeout is a yes or no; give a number."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ioto_claim_id_length", 8),
        ("ioto_claim_id_length", "ten"),
        ("ioto_device_timeout", "soon"),
        ("ioto_service_timeout", float("nan")),
        ("ioto_service_retries", -1),
        ("ioto_service_retries", 1.5),
    ],
)
def test_a_number_out_of_its_range_is_told_with_what_it_may_be(ledger: str, name: str, value: object) -> None:
    mode = FACTORY if "service" in name else {}
    (problem,) = check_options({"a": host(ledger, **mode, **{name: value})}, complete)
    assert f"{name} is {value}; give a" in problem.sentence


def test_every_problem_is_listed_at_once_with_its_host(ledger: str) -> None:
    with Ledger(ledger) as book:
        book.allocate(AllocationRequest(PRODUCT, "SN-9", source="given", context=CONTEXT, claim_id="CCCCCCCCCC"))
        book.allocate(AllocationRequest(PRODUCT, "SN-8", source="given", context=CONTEXT, claim_id="DDDDDDDDDD"))
        book.retire("DDDDDDDDDD", reason="scrapped", context=CONTEXT)
    batch = {
        "twice-1": host(ledger, ioto_claim_id="AAAAAAAAAA"),
        "twice-2": host(ledger, ioto_claim_id="aaaaaaaaaa"),
        "malformed": host(ledger, ioto_claim_id="AAAAAAAAAU"),
        "foreign": host(ledger, ioto_claim_id="CCCCCCCCCC", ioto_serial="SN-1"),
        "retired": host(ledger, ioto_claim_id="DDDDDDDDDD"),
        "no-ulid": host(ledger, ioto_product="pump"),
        "no-mode": {"ioto_ledger": ledger},
        "odd-mode": host(ledger, ioto_mode="magic"),
        "number": host(ledger, ioto_claim_id=1234567890),
        "no-url": host(ledger, ioto_mode="factory"),
        "image": host(ledger, ioto_mode="firmware"),
        "given-to-auto": host(ledger, ioto_mode="auto", ioto_claim_id="BBBBBBBBBB"),
        "replaced-on-auto": host(ledger, ioto_mode="auto", ioto_replace_id="A", ioto_reason="lost"),
        "replaced-on-agent": host(
            ledger, **FACTORY, ioto_factory_delivery="agent", ioto_replace_id="A", ioto_reason="lost"
        ),
        "without-reason": host(ledger, ioto_accept_board="SN-0", ioto_reason=" "),
        "same-serial-1": host(ledger, ioto_serial="SN-2"),
        "same-serial-2": host(ledger, ioto_serial=" SN-2"),
        "same-door-1": host(ledger, ansible_host="192.0.2.7"),
        "same-door-2": host(ledger, ansible_host="192.0.2.7", ansible_port=22),
        "relative": host(ledger, ioto_config_dir="etc/ioto"),
    }
    found = problems(batch)

    named = " ".join(problem.split(": ")[0] for problem in found).replace(",", "").split()
    assert sorted(named) == sorted(batch)
    text = "\n".join(found)
    assert "SN-9" in text and "scrapped" in text
    assert not any(letter * 10 in text for letter in "ABCD")


@pytest.mark.parametrize("count", [1, 3])
def test_a_ledger_that_cannot_be_made_is_one_problem_for_all_its_hosts(tmp_path: Path, count: int) -> None:
    (tmp_path / "file").touch()
    place = str(tmp_path / "file" / "deeper" / "ledger.db")

    (problem,) = problems({f"dev{number}": host(place) for number in range(count)})

    assert problem.startswith("dev0") and "file" in problem


def test_a_ledger_whose_file_is_gone_and_whose_log_is_not_is_found_by_the_check(ledger: str) -> None:
    Path(f"{ledger}-wal").write_bytes(b"log")
    (problem,) = problems({"dev": host(ledger)})
    assert "restore the ledger" in problem


def test_hosts_behind_different_jump_hosts_may_have_the_same_address(ledger: str) -> None:
    batch = {
        "a": host(ledger, ansible_host="192.168.1.1", ansible_ssh_common_args="-J station-1"),
        "b": host(ledger, ansible_host="192.168.1.1", ansible_ssh_common_args="-J station-2"),
    }
    assert problems(batch) == []


def test_an_id_that_the_unit_itself_holds_is_no_problem(ledger: str) -> None:
    with Ledger(ledger) as book:
        book.allocate(AllocationRequest(PRODUCT, "SN-1", source="given", context=CONTEXT, claim_id="CCCCCCCCCC"))

    assert problems({"a": host(ledger, ioto_claim_id="CCCCCCCCCC", ioto_serial="SN-1")}) == []


def test_each_host_belongs_to_one_play_and_a_play_for_nobody_has_nobody() -> None:
    batch = {
        "a": {"ioto_mode": "manual"},
        "b": {"ioto_mode": "auto", "ioto_engine": "fleet"},
        "c": {"ioto_mode": "none", "ioto_engine": "fleet"},
    }
    found = plays(batch)

    assert (found["manual"], found["fleet"], found["none"]) == (["a"], ["b"], ["c"])
    assert found["auto"] == found["factory"] == found["firmware"] == ["!all"]


def test_a_ledger_that_cannot_be_used_is_one_problem_of_its_hosts_beside_the_others(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a ledger" * 100)
    foreign = str(tmp_path / "notes.txt")
    batch = {
        "a": host(foreign),
        "b": host(foreign, ioto_claim_id="AAAAAAAAAA"),
        "c": host("postgresql://127.0.0.1:1/ioto"),
        "d": host(str(tmp_path / "ledger.db"), ioto_mode="magic"),
    }
    told = problems(batch)
    assert [sentence.partition(":")[0] for sentence in told] == ["d", "a, b", "c"]
    assert "cannot be opened: that file holds something else; name the ledger's own file." in told[1]
    assert "cannot be reached" in told[2]


def test_a_mac_in_two_notations_is_one_serial_and_fits_a_pattern_of_either(ledger: str) -> None:
    line = host(ledger, ioto_serial_pattern="([0-9A-F]{2}-){5}[0-9A-F]{2}")
    batch = {
        "a": {**line, "ioto_serial": "00-1B-21-AA-00-01"},
        "b": {**line, "ioto_serial": "001b.21aa.0001"},
        "c": {**line, "ioto_serial": "01:00:5e:00:00:01"},
    }
    group, one = problems(batch)
    assert (
        one == "a, b: the serial '00:1b:21:aa:00:01' is given to each, for the same product; a serial names one unit."
    )
    assert group.startswith("c: The serial '01:00:5e:00:00:01' identifies no unit")


def test_a_serial_that_does_not_fit_the_pattern_of_the_line_is_refused(ledger: str) -> None:
    line = host(ledger, ioto_serial_pattern="SN-[0-9]{3}")
    batch = {"good": {**line, "ioto_serial": "SN-001"}, "bad": {**line, "ioto_serial": "SN-0017"}, "none": line}
    assert problems(batch) == [
        "bad: the serial 'SN-0017' does not match ioto_serial_pattern (SN-[0-9]{3}); correct one of them."
    ]
    (problem,) = problems({"odd": {**line, "ioto_serial": "SN-1", "ioto_serial_pattern": "SN-("}})
    assert problem.startswith("odd: ioto_serial_pattern is not a regular expression: ")


def test_an_ordered_id_in_a_property_is_refused_without_being_shown(ledger: str) -> None:
    with Ledger(ledger) as book:
        (reserved,) = book.reserve(ReserveRequest(PRODUCT, 1, CONTEXT))
    properties = {"sticker": f" {reserved.claim_id.lower()}", "model": "METER30000"}
    assert problems({"a": host(ledger, ioto_properties=properties)}) == [
        "a: its property 'sticker' is a claim ID of the ledger; call it claim_id, or give it another value."
    ]


@pytest.mark.parametrize("form", ["{}", " {}", "ID: {}", "claim:{}"])
def test_an_ordered_id_is_found_in_a_property_however_it_is_written(ledger: str, form: str) -> None:
    with Ledger(ledger) as book:
        (reserved,) = book.reserve(ReserveRequest(PRODUCT, 1, CONTEXT))
    grouped = f"{reserved.claim_id[:5]}-{reserved.claim_id[5:]}"
    (problem,) = problems({"a": host(ledger, ioto_properties={"sticker": form.format(grouped)})})
    assert problem.startswith("a: its property 'sticker' is a claim ID of the ledger")


@pytest.mark.parametrize("name", ["claim_id", "Product", "Claim-ID", "ioto_claim_id"])
def test_a_property_that_is_called_as_what_is_given_elsewhere_is_refused(ledger: str, name: str) -> None:
    (problem,) = check_options({"a": host(ledger, ioto_properties={name: "x", "serial": "7"})}, complete)
    assert f"ioto_properties holds {name}, which is reserved" in str(problem)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("claim_id", "ioto_claim_id"),
        ("ito_claim_id", "ioto_claim_id"),
        ("iotoclaim_id", "ioto_claim_id"),
        ("IOTO_CLAIM_ID", "ioto_claim_id"),
        ("Ioto_Mode", "ioto_mode"),
        *((name, "ioto_claim_id") for name in ("uci", "UCI", "claimid", "claim", "claim_nr", "uci-code", "clame_id")),
        *((name, "ioto_claim_id") for name in ("iotoclaim", "iot_claim", "ito_uci", "iotuci", "claim_id_2")),
        *((name, "ioto_product") for name in ("iot_product", "iotproduct", "ito_produkt", "iota_product_id")),
        *((name, "ioto_serial") for name in ("iot_serial", "ioto-serial-no", "iotserialnumber")),
    ],
)
def test_a_variable_that_is_ours_but_for_its_prefix_is_refused(name: str, meant: str) -> None:
    known = ("ioto_claim_id", "ioto_mode", "ioto_product", "ioto_serial")
    own = ["serial", "mode", "iota", "inventory_hostname", "product", "mac", "device_id", "id", "iot_hub", "iot_user"]
    own += ["claim_service_url", "reclaim", "iotop", "claimed", "product_id", "unit", "site_code", "iot_device_name"]
    assert check_names({"a": own}, known, {}) == []
    (problem,) = check_names({"a": [name, *own]}, known, {})
    assert str(problem).startswith(f"a: the variable {name} is unknown: did you mean {meant}?")
    for own in ([name], f"another, {name}"):
        assert check_names({"a": [name]}, known, {"a": {"ioto_own_variables": own}}) == []
    assert check_names({"a": [name, meant]}, known, {}) == []


@pytest.mark.parametrize(("name", "meant"), [("ioto_uci", "claim_id"), ("ioto_id", "claim_id"), ("ioto_sn", "serial")])
def test_an_unknown_variable_is_told_the_one_that_people_call_so(name: str, meant: str) -> None:
    (problem,) = check_names({"a": [name]}, ("ioto_claim_id", "ioto_serial", "ioto_scan"), {})
    assert f"the variable {name} is unknown: did you mean ioto_{meant}?" in str(problem)


def test_a_property_that_is_a_date_is_told_before_the_first_device(ledger: str) -> None:
    given = {"made": date(2026, 1, 5), "at": datetime(2026, 1, 5, tzinfo=UTC), "model": "Meter 3", "slots": [1, 2.5]}
    found = [str(problem) for problem in check_options({"a": host(ledger, ioto_properties=given)}, complete)]
    assert len(found) == 2
    assert found[0].endswith('holds made, which YAML takes for a date; quote it, as in made: "2026-01-05".')


def test_properties_that_are_no_texts_are_told_once_as_they_are_written(ledger: str) -> None:
    given = {"rev": 10, "version": 1.1, "shielded": True, "model": "0012"}
    batch = {name: host(ledger, ioto_properties=given) for name in ("a", "b")}
    (notice,) = property_notices(batch)
    assert "(rev: 10, version: 1.1, shielded: true)" in notice
    assert property_notices({"a": host(ledger, ioto_properties={"model": "0012"}), "b": host(ledger)}) == []


@pytest.mark.parametrize(
    ("serials", "wrong"),
    [(["1001", "1002", "05.01.2026"], "'05.01.2026'"), (["00101", "00102", "103"], "'103'")],
)
def test_a_serial_that_is_damaged_beside_the_others_is_refused(ledger: str, serials: list[str], wrong: str) -> None:
    batch = {f"h{number}": host(ledger, ioto_serial=serial) for number, serial in enumerate(serials)}
    (problem,) = problems(batch)
    assert problem.startswith(f"h2: the serial {wrong} looks like ") and "ioto_serial_pattern" in problem
    assert problems({name: {**of, "ioto_serial_pattern": None} for name, of in batch.items()}) == [problem]
    assert problems({name: {**of, "ioto_serial_pattern": "[0-9.]+"} for name, of in batch.items()}) == []


def test_serials_that_all_look_alike_are_let_pass(ledger: str) -> None:
    for serials in (["05.01.2026", "06.01.2026"], ["999", "1000"], ["00101", "00102"]):
        batch = {f"h{number}": host(ledger, ioto_serial=serial) for number, serial in enumerate(serials)}
        assert problems(batch) == []


def test_a_serial_that_is_a_number_is_told_with_both_ways_to_quote_it(ledger: str) -> None:
    (problem,) = problems({"a": host(ledger, ioto_serial=1001)})
    assert 'ioto_serial: "1001" in YAML' in problem and "ioto_serial='\"1001\"' behind a host in INI" in problem


@pytest.mark.parametrize("empty", [None, ""])
def test_a_claim_id_that_is_there_and_empty_is_refused(ledger: str, empty: str | None) -> None:
    (problem,) = problems({"a": host(ledger, ioto_claim_id=empty)})
    assert "ioto_claim_id" in problem


@pytest.mark.parametrize("value", [True, "true", "", "********WQ", 1234567890])
def test_what_no_device_holds_as_its_id_is_not_replaced(ledger: str, value: object) -> None:
    (problem,) = problems({"a": host(ledger, ioto_replace_id=value, ioto_reason="lost")})
    assert problem.startswith("a: ioto_replace_id ")


def test_a_mode_that_is_a_list_is_told_in_a_sentence(ledger: str) -> None:
    batch = {"a": host(ledger, ioto_mode=["manual"], ioto_engine="fleet")}
    assert is_for_fleet(batch["a"])
    assert check_options(batch, complete) == []
    result = conclude(batch, check_batch(batch), labelled=[], report=None, started=datetime.now(UTC))
    assert "a: ioto_mode is ['manual']; it has to be one of manual" in result["msg"]


@pytest.mark.parametrize(
    "said",
    [
        {"ioto_config_dir": "/etc/ioto"},
        {"ioto_config_dir": "/etc/ioto/"},
        {"ansible_connection": "ansible.builtin.ssh"},
        {"ansible_ssh_common_args": ""},
        {"ansible_port": "22"},
    ],
)
def test_a_default_that_one_host_says_leads_to_the_same_device(ledger: str, said: dict[str, object]) -> None:
    batch = {
        "a": host(ledger, ansible_host="192.0.2.7", **said),
        "b": host(ledger, ansible_host="192.0.2.7"),
        "c": host(ledger, ansible_host="192.0.2.7", ioto_config_dir="/opt/ioto"),
    }
    assert problems(batch) == ["a, b: each leads to the same device; give every device one host."]


@pytest.mark.parametrize(
    "variable",
    [
        *("ansible_host", "ansible_port", "ansible_ssh_common_args", "ioto_config_dir", "ioto_factory_delivery"),
        *("ioto_label_qr", "ioto_label_layout", "ioto_claim_id_length", "ioto_serial_pattern"),
    ],
)
@pytest.mark.parametrize("value", [["a"], {"a": 1}, 5, 1.5, True, "9" * 5000])
def test_a_value_of_any_kind_ends_in_sentences(ledger: str, variable: str, value: object) -> None:
    given = {**FACTORY, "ioto_serial": "SN-1"} if variable == "ioto_factory_delivery" else {"ioto_scan": "JT08FFQXWQ"}
    batch = {"a": host(ledger, **given, **{variable: value}), "b": host(ledger, ioto_claim_id="JT08FFQXWR")}
    assert all(sentence.isprintable() for sentence in problems(batch))
    assert all(str(problem).isprintable() for problem in check_options(batch, complete))


@pytest.mark.parametrize("pattern", ["a{99999999999999999999}", "(" * 5000, "["])
def test_a_pattern_that_python_cannot_take_is_told(ledger: str, pattern: str) -> None:
    (told,) = problems({"a": host(ledger, ioto_serial="SN-1", ioto_serial_pattern=pattern)})
    assert "ioto_serial_pattern is not a regular expression" in told


def test_a_number_without_end_is_told_where_a_whole_one_is_wanted(ledger: str) -> None:
    (told,) = check_options({"a": host(ledger, ioto_claim_id_length=float("inf"))}, complete)
    assert "ioto_claim_id_length is inf; give a whole number from 10 to 20." in str(told)


def test_the_name_of_a_property_disturbs_no_terminal(ledger: str) -> None:
    properties = {"claim\x1bid": "x", "made\x1b[2J": date(2026, 11, 28)}
    told = check_options({"a": host(ledger, ioto_properties=properties)}, complete)
    assert len(told) == 2
    assert all(str(problem).isprintable() for problem in told)
