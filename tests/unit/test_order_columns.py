# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A title of a production order that is meant for a column, or for no order at all, is no property without a word."""

from __future__ import annotations

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.production_order import order as production_order
from ansible_collections.ioto.serialization.plugins.plugin_utils.production_order.order import (
    OrderedUnit,
    OrderLayout,
    ProductionOrderError,
)


def read(text: str | bytes, **layout: object) -> list[OrderedUnit]:
    data = text.encode() if isinstance(text, str) else text
    return production_order.read(data, "order.csv", OrderLayout(**layout))  # type: ignore[arg-type]


def problems(text: str | bytes, **layout: object) -> list[str]:
    with pytest.raises(ProductionOrderError) as caught:
        read(text, **layout)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("title", "meant"),
    [
        ("ClaimID", "claim_id"),
        ("Claim-I.D.", "claim_id"),
        ("UCI", "claim_id"),
        ("clam_id", "claim_id"),
        ("lcaim id", "claim_id"),
        ("Pro-duct", "product"),
        ("ProductID", "product"),
        ("_serial", "serial"),
        ("serials", "serial"),
        ("S/N", "serial"),
        ("Serial No.", "serial"),
        ("MAC address", "serial"),
        ("adress", "address"),
        ("IP-Adresse", "address"),
        ("ioto_claim_id", "claim_id"),
        ("ioto_serial", "serial"),
        ("Ioto Product", "product"),
        ("claim_identifier", "claim_id"),
        ("ULID", "product"),
        ("product_code", "product"),
        ("mdoe", "mode"),
        *((title, "claim_id") for title in ("claim_number", "claim_nr", "claims", "Claim Key", "clame_id", "clamid")),
        *((title, "claim_id") for title in ("uci_id", "uci_code", "ClaimNr", "claim_id_2", "device_id", "ioto_id")),
        *((title, "claim_id") for title in ("iotoclaim", "iot_claim", "unit UCI", "Claim-Nummer", "ID claim")),
        *(
            (title, "serial")
            for title in ("ser_no", "serial_id", "device_serial", "mac", "MAC", "Serien-Nr.", "serail")
        ),
        *((title, "product") for title in ("produktid", "Produkt", "product_number", "ULID code", "iot product")),
        *((title, "address") for title in ("ip_addr", "device address")),
    ],
)
def test_a_title_that_is_meant_for_a_column_is_refused_and_names_it(title: str, meant: str) -> None:
    other = "serial" if meant == "address" else "address"
    (problem,) = (found for found in problems(f"{other},{title}\n10.0.0.1,x\n") if "Column 2" in found)
    assert problem.startswith(f"line 1: Column 2 is called '{title}', which looks like {meant}; call it so")


@pytest.mark.parametrize(
    "title",
    [
        *("model", "model_no", "note", "claim_note", "name", "site", "modes", "product_name", "production", "series"),
        *("serial_console", "aerial", "mac_wifi", "ip_2", "street_address", "device", "device_name", "unit", "key"),
        *(
            "number",
            "nr",
            "code",
            "order_no",
            "batch_id",
            "customer_number",
            "hardware",
            "firmware",
            "colour",
            "casino",
        ),
        *("username_hint", "location", "serie", "sku", "article_number", "plan", "channel", "aerial_id", "sensor_id"),
    ],
)
def test_a_title_that_no_column_is_meant_by_is_a_property(title: str) -> None:
    assert read(f"address,{title}\n10.0.0.1,x\n")[0].properties == {title: "x"}


@pytest.mark.parametrize(
    ("title", "remedy"),
    [
        ("Port", "write it in address as host:port"),
        ("password", "no order should hold; keep it in Ansible Vault"),
        ("Token", "no order should hold; keep it in Ansible Vault"),
        ("ioto_colour", "begins like a variable; the columns are address"),
    ],
)
def test_what_no_order_holds_is_no_property_without_a_word(title: str, remedy: str) -> None:
    (problem,) = problems(f"address,{title}\n10.0.0.1,x\n")
    assert f"'{title}', which " in problem and remedy in problem


@pytest.mark.parametrize("name", ["seriall", "claimid"])
def test_a_name_in_the_manifest_that_is_nearly_a_column_is_refused(name: str) -> None:
    (problem,) = problems("address,Nummer\n10.0.0.1,x\n", columns={"Nummer": name}, has_settings=True)
    assert f"is called '{name}', which looks like " in problem and "below columns" not in problem


@pytest.mark.parametrize("title", ["UCI", "claim_number", "mac", "device_id"])
def test_a_column_that_the_manifest_calls_a_property_is_one(title: str) -> None:
    (unit,) = read(f"address,{title}\n10.0.0.1,x\n", columns={title: title}, has_settings=True)
    assert unit.properties == {title: "x"}


@pytest.mark.parametrize("title", ["ClaimID", "claimid", "Pro-duct", "_serial"])
def test_a_title_that_is_nearly_a_column_is_not_taken_for_a_property(title: str) -> None:
    (problem,) = problems(f"address,{title}\n10.0.0.1,JT08FFQXWQ\n")
    assert problem.startswith(f"line 1: Column 2 is called '{title}', which looks like ")
    assert read(f"address,{title}\n10.0.0.1,x\n", columns={title: "note"})[0].properties == {"note": "x"}


@pytest.mark.parametrize("title", ["area_m²", "m³", "length_٣"])
def test_a_digit_of_another_kind_ends_a_title_like_any_letter(title: str) -> None:
    assert "use letters A to Z" in problems(f"address,{title}\n10.0.0.1,x\n")[0]


def test_a_title_of_very_many_words_is_meant_for_nothing() -> None:
    # Each of them may be left out on either side: for ten thousand that would take hours.
    title = "device_id_" * 10_000 + "claim"
    assert read(f"address,{title}\n10.0.0.1,x\n")[0].properties == {title: "x"}
