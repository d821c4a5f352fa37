# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service counts, in Prometheus' text format."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0)


class Metrics:
    """Counters of this process. No label comes from a request, so that their number cannot grow."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._buckets = [0] * (len(_SECONDS) + 1)
        self._commit_seconds = 0.0
        self._commits = 0
        self._committed = 0
        self._failed_commits = 0
        self.ledger_up = False
        self.gauges: dict[str, tuple[str, Callable[[], float]]] = {}

    def count(self, kind: str, outcome: str) -> None:
        """Count a request of a `kind` (issue, confirm, read, connection) by what came of it. On the event loop only."""
        self._requests[kind, outcome] += 1

    @property
    def commits(self) -> int:
        """How many commits went through."""
        return self._commits

    def committed(self, requests: int, seconds: float) -> None:
        """Count a commit that answered `requests`."""
        with self._lock:
            self._commits += 1
            self._committed += requests
            self._commit_seconds += seconds
            self._buckets[next((at for at, edge in enumerate(_SECONDS) if seconds <= edge), len(_SECONDS))] += 1
            self.ledger_up = True

    def commit_failed(self) -> None:
        """Count a commit that the ledger did not take."""
        with self._lock:
            self._failed_commits += 1
            self.ledger_up = False

    def text(self) -> str:
        """Return everything, in the format that Prometheus reads."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from _head("ioto_service_requests_total", "counter", "Requests by kind and what came of them.")
        for (kind, outcome), number in sorted(self._requests.items()):
            yield f'ioto_service_requests_total{{kind="{kind}",outcome="{outcome}"}} {number}'
        with self._lock:
            yield from _head("ioto_service_commit_seconds", "histogram", "Time of a commit to the ledger.")
            total = 0
            for edge, number in zip((*map(str, _SECONDS), "+Inf"), self._buckets, strict=True):
                total += number
                yield f'ioto_service_commit_seconds_bucket{{le="{edge}"}} {total}'
            yield f"ioto_service_commit_seconds_sum {self._commit_seconds:.6f}"
            yield f"ioto_service_commit_seconds_count {self._commits}"
            yield from _head("ioto_service_committed_requests_total", "counter", "Requests that those answered.")
            yield f"ioto_service_committed_requests_total {self._committed}"
            yield from _head("ioto_service_failed_commits_total", "counter", "Commits that the ledger did not take.")
            yield f"ioto_service_failed_commits_total {self._failed_commits}"
            yield from _head("ioto_service_ledger_up", "gauge", "Whether the last commit went through.")
            yield f"ioto_service_ledger_up {int(self.ledger_up)}"
        for name, (text, value) in self.gauges.items():
            yield from _head(name, "gauge", text)
            yield f"{name} {value():g}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
