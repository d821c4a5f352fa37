# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the claim sources: what the options may be, and which source they mean."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.agent import Agent
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.factory_service import (
    FactoryService,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.generated import Generated
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.given import Given
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.scanned import Scanned
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.source import (
    ClaimSource,
    SourceError,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.table import (
    CHOICES,
    FALLBACKS,
    SOURCES,
    STORED_CHOICES,
    choose,
)

NOTHING: Mapping[str, object] = {"source": None, "claim_id": None, "scan": None}
AGENT = {"agent_wait": 7, "agent_fallback": "none", "service_url": None}
SERVICE = {
    "service_url": "http://factory.example/s3cret",
    "service_timeout": 1.0,
    "service_retries": 0,
    "service_token": None,
    "service_ca_file": None,
    "service_confirms": True,
}


def test_what_options_may_be_follows_from_the_table() -> None:
    assert CHOICES == ("given", "generated", "service", "agent")
    assert STORED_CHOICES == ("given", "generated", "service")
    assert FALLBACKS == ("generated", "service")


def test_every_option_chooses_one_source() -> None:
    own = [source.option for source in SOURCES if source.option is not None]

    assert len(own) == len(set(own))


@pytest.mark.parametrize(
    ("options", "source"),
    [
        ({}, Generated),
        ({"claim_id": "JT08FFQXWQ"}, Given),
        ({"claim_id": "JT08FFQXWQ", "source": "given"}, Given),
        ({"scan": "JT08FFQXWQ"}, Scanned),
        ({"scan": "JT08FFQXWQ", "source": "given"}, Scanned),
        ({"source": "service"}, FactoryService),
        ({"source": "agent"}, Agent),
    ],
)
def test_options_choose_their_source(options: Mapping[str, object], source: type[ClaimSource]) -> None:
    assert choose({**NOTHING, **options}) is source


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"source": "given"}, "claim_id is needed"),
        ({"source": "agent", "claim_id": "JT08FFQXWQ"}, "With source agent claim_id has no meaning"),
        ({"source": "service", "scan": "JT08FFQXWQ"}, "With source service scan has no meaning"),
        ({"scan": "JT08FFQXWQ", "claim_id": "JT08FFQXWQ"}, "With scan claim_id has no meaning"),
    ],
)
def test_options_that_mean_two_sources_or_half_of_one_are_refused(options: Mapping[str, object], sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        choose({**NOTHING, **options})


def test_an_agent_is_checked_by_the_service_that_is_named_and_waits_as_long_as_is_said() -> None:
    agent = Agent.from_options({**SERVICE, **AGENT, "service_url": SERVICE["service_url"]})

    assert agent.seconds == 7
    assert agent.confirmed_at == "http://factory.example"
    assert Agent.from_options({**SERVICE, **AGENT}).confirmed_at is None


def test_what_an_agent_falls_back_to_is_what_the_ledger_records() -> None:
    agent = Agent.from_options({**SERVICE, **AGENT, "agent_fallback": "generated", "length": 12})

    assert (agent.written.name, agent.written.length) == ("generated", 12)


def test_a_token_loses_the_line_end_of_its_file_and_is_never_shown() -> None:
    assert FactoryService.from_options({**SERVICE, "service_token": "t0ken-1234\n"}).token == "t0ken-1234"
    for token in ("t0ken-\n1234", "t0ken-\u00e4", "t0ken-\x00", "t0ken-\udcff"):
        with pytest.raises(SourceError, match=r"^ioto_service_token holds a character that no token has") as error:
            FactoryService.from_options({**SERVICE, "service_token": token})
        assert "t0ken" not in str(error.value)
