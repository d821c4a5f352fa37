# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The factory service under attack: what its own description allows and does not, mutated bodies, bad HTTP and bad TLS.

`SERVICE_FUZZ_REQUESTS=50000` is the long way.
"""

from __future__ import annotations

import os
import ssl
import time
from pathlib import Path
from typing import Any

import hypothesis
import schemathesis
from schemathesis import Case, CheckContext, Response

from tests.services.factory_fuzz import fuzz
from tests.services.factory_mutations import attack
from tests.services.factory_service import RunningService
from tests.services.factory_service_fixture import ServiceMaker, authority, service_with, shared_service

__all__ = ["authority", "service_with", "shared_service"]

EXAMPLES = int(os.environ.get("SERVICE_ATTACK_EXAMPLES", "25"))
MUTATIONS = 3_000
FUZZED = int(os.environ.get("SERVICE_FUZZ_REQUESTS", "3000"))
GROWTH = 24 * 1024 * 1024


def no_defect(context: CheckContext, response: Response, case: Case) -> bool | None:
    """A request, whatever it says, is never the service's fault."""
    assert response.status_code < 500
    return None


def test_nothing_that_the_description_allows_or_forbids_is_a_5xx(shared_service: RunningService) -> None:
    description = shared_service.get("/openapi.json").body
    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=f"http://127.0.0.1:{shared_service.port}")
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @hypothesis.settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
        )
        @hypothesis.given(case=operation.as_strategy())
        def probe(case: Case) -> None:
            case.call_and_validate(checks=[no_defect], excluded_checks=[])

        probe()
        tried += 1
    assert tried == len([method for path in description["paths"].values() for method in path])
    assert shared_service.claim("SN-after")


def test_mutated_bodies_are_never_a_5xx_and_memory_does_not_grow(shared_service: RunningService) -> None:
    attack(shared_service.port, MUTATIONS, seed=1)
    before = shared_service.memory()
    statuses = attack(shared_service.port, MUTATIONS, seed=2)
    assert sum(statuses.values()) == MUTATIONS
    assert {status for status in statuses if status >= 500} == set()
    assert len(statuses) >= 3, "the mutations must reach more than one refusal"
    assert shared_service.memory() - before < GROWTH
    assert shared_service.claim("SN-after-mutations")


def test_bad_http_is_never_a_5xx_nor_a_trace_and_memory_does_not_grow(service_with: ServiceMaker) -> None:
    service = service_with(receive_seconds=2)
    check_fuzz(service, FUZZED)
    assert service.claim("SN-after-fuzz")


def test_bad_tls_and_bad_http_in_good_tls_are_neither(authority: Path, service_with: ServiceMaker) -> None:
    service = service_with(receive_seconds=2, certificate=authority / "station.pem", key=authority / "station.key")
    check_fuzz(service, FUZZED // 5, trusted=ssl.create_default_context(cafile=authority / "ca.pem"))
    assert service.claim("SN-after-fuzz")


def check_fuzz(service: RunningService, count: int, **more: Any) -> None:
    statuses = fuzz(service.port, count // 3, seed=1, **more)
    before = service.memory()
    statuses += fuzz(service.port, count - count // 3, seed=2, **more)
    grown = service.memory() - before
    print(f"\n{count} requests: {dict(sorted(statuses.items()))}; grown by {grown / 1e6:.1f} MB")
    assert {status for status in statuses if status >= 500} == set()
    assert len(statuses) >= 6, "the requests must reach more than one refusal"
    assert grown < GROWTH
    assert [line for line in service.log_text.splitlines() if "Traceback" in line or "report this" in line] == []
    deadline = time.monotonic() + 30
    while service.counter("ioto_service_connections") > 1 or service.descriptors() > 50:
        assert time.monotonic() < deadline, "connections that ended are neither counted nor open for ever"
