# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of each host over a whole run, from its transaction and from Ansible's own counts."""

from __future__ import annotations

from collections.abc import Mapping

from .model import HostOutcome

BAD = (HostOutcome.FAILED, HostOutcome.UNREACHABLE)
# Ansible's counts of a host that it has not heard of.
NO_COUNTS = dict.fromkeys(("ok", "changed", "unreachable", "failures", "skipped", "rescued", "ignored"), 0)


class Verdicts:
    """Gathers what is known of each host while the run goes on, and judges at its end."""

    def __init__(self) -> None:
        self._devices: dict[str, HostOutcome] = {}
        self._worked: set[str] = set()
        self._speakers: set[str] = set()

    def work(self, host: str) -> None:
        """Note that the host took part: others have no place in the totals."""
        self._worked.add(host)

    def speak(self, host: str) -> None:
        """Note that a task of this host spoke for all units; that it failed says nothing of the host itself."""
        self._speakers.add(host)

    def end_devices(self, outcomes: Mapping[str, HostOutcome]) -> None:
        """Note how the transactions of a play ended."""
        self._devices.update(outcomes)

    def outcomes(self, summaries: Mapping[str, Mapping[str, int]]) -> dict[str, HostOutcome]:
        """Return how each host ended that took part, sorted by name; `summaries` are Ansible's counts by host."""
        verdicts = {}
        for host in sorted({*summaries, *self._devices}):
            counts = summaries.get(host, NO_COUNTS)
            if host in self._worked or counts["failures"]:
                verdicts[host] = self._of(host, counts)
        return verdicts

    def _of(self, host: str, counts: Mapping[str, int]) -> HostOutcome:
        """A device that failed has failed, although a rescue hides it from Ansible's own counts."""
        device, own = self._devices.get(host, HostOutcome.SKIPPED), _host_outcome(counts)
        if device in BAD:
            return device
        if own in BAD and host in self._speakers:
            return device
        return device if own in (HostOutcome.SKIPPED, HostOutcome.OK) and device is not HostOutcome.SKIPPED else own


def _host_outcome(counts: Mapping[str, int]) -> HostOutcome:
    for outcome, key in (
        (HostOutcome.FAILED, "failures"),
        (HostOutcome.UNREACHABLE, "unreachable"),
        (HostOutcome.CHANGED, "changed"),
        (HostOutcome.OK, "ok"),
    ):
        if counts[key]:
            return outcome
    return HostOutcome.SKIPPED
