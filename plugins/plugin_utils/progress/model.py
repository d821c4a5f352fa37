# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the progress display shows: counts, rates, the time that is left, and texts made safe for a terminal.

Times are seconds of a monotonic clock that the caller reads; nothing here sleeps, prints or knows a terminal.
One thread writes to a model while another may read its figures: each update is one step of a counter or a deque.
"""

from __future__ import annotations

import enum
import json
import math
import re
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..display_text import is_visible

# A rate over the last results alone follows the line when it slows down; 128 smooth the bursts of parallel workers.
_RATED_RESULTS = 128
_LONGEST_MESSAGE = 600
_MOST_LINES = 1100
"""More than any list of problems of ours has; such a list says itself how many more there are."""
_SHORTEST_QUOTATION = 20
_WORD = re.compile(r"\w+")
_COLON = re.compile(":")

_ESCAPE_SEQUENCE = re.compile(
    r"""
      \x1b [\]PX^_] [^\x07\x1b\x9c]* (?: \x07 | \x1b\\ | \x9c )?  # OSC, DCS, SOS, PM, APC and their text
    | [\x1b] \[ [0-?]* [ -/]* [@-~]?                               # CSI
    | \x9b [0-?]* [ -/]* [@-~]?                                    # CSI in one byte
    | \x1b [ -/]* [0-~]?                                           # any other escape
    """,
    re.VERBOSE,
)


class HostOutcome(enum.Enum):
    """How a unit or a task ended for one host."""

    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Figures:
    """A tally at one moment. `rate` is per second, `left` and `elapsed` are seconds; `None` while not known."""

    name: str
    finished: int
    total: int
    failed: int
    unreachable: int
    elapsed: float
    rate: float | None
    left: float | None


class Tally:
    """Counts the hosts of one flow (or of one task) as they end.

    A host counts once; what it ended with last is what it ended with, so a rescue can still turn a failure.
    """

    def __init__(self, name: str, total: int, now: float) -> None:
        self.name = name
        self._total = total
        self._started = now
        self._last = now
        self._outcomes: dict[str, HostOutcome] = {}
        self._counts: Counter[HostOutcome] = Counter()
        self._times: deque[float] = deque(maxlen=_RATED_RESULTS)

    def finish(self, host: str, outcome: HostOutcome, now: float) -> None:
        """Note that `host` ended with `outcome`; being skipped never replaces a real outcome."""
        before = self._outcomes.get(host)
        if before is None:
            self._times.append(now)
            self._last = now
        elif outcome is HostOutcome.SKIPPED:
            return
        else:
            self._counts[before] -= 1
        self._outcomes[host] = outcome
        self._counts[outcome] += 1

    def start(self, now: float) -> None:
        """Begin the clock here, when nothing has ended yet: what comes before the first unit is no part of the rate."""
        if not self._outcomes:
            self._started = now

    @property
    def finished(self) -> int:
        """The number of hosts that have ended."""
        return len(self._outcomes)

    @property
    def total(self) -> int:
        """The number of hosts that are to end; never less than those that have."""
        return max(self._total, len(self._outcomes))

    @property
    def is_complete(self) -> bool:
        """Whether all hosts have ended."""
        return self.finished >= self._total

    def count(self, outcome: HostOutcome) -> int:
        """The number of hosts that ended with `outcome`."""
        return self._counts[outcome]

    def outcomes(self) -> dict[str, HostOutcome]:
        """How each host ended that has ended."""
        return dict(self._outcomes)

    def figures(self, now: float) -> Figures:
        """Return the figures at `now`; for a complete tally the clock stands at the last result."""
        if self.is_complete:
            now = self._last
        rate = self._rate(now)
        remaining = self.total - self.finished
        return Figures(
            name=self.name,
            finished=self.finished,
            total=self.total,
            failed=self._counts[HostOutcome.FAILED],
            unreachable=self._counts[HostOutcome.UNREACHABLE],
            elapsed=max(now - self._started, 0.0),
            rate=rate,
            left=remaining / rate if rate and remaining else None,
        )

    def _rate(self, now: float) -> float | None:
        rated = len(self._times)
        if not rated:
            return None
        since = self._times[0] if rated == _RATED_RESULTS else self._started
        return rated / (now - since) if now > since else None


class Reported:
    """Remembers which failure was told of which host, so that what a verdict repeats is not told again."""

    def __init__(self) -> None:
        self._told: dict[str, _ToldOfHost] = {}

    def new_in(self, host: str, message: str) -> str:
        """Return those lines of `message` that tell something new of `host`, empty if none does, and remember it."""
        told = self._told.setdefault(host, _ToldOfHost(host))
        new = [line for line in message.split("\n") if not told.says(line)]
        if any(map(str.strip, new)):
            told.add(message)
        return "\n".join(new).strip()


class _ToldOfHost:
    """What was told of one host. To ask whether something was costs the same after many messages as after few."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._texts: set[str] = set()
        """Each message, and each of its lines, on one line."""
        self._messages: dict[str, list[str]] = {}
        """For each word the messages with it; all of them for none."""

    def add(self, message: str) -> None:
        """Remember `message`."""
        whole, *lines = (_unspaced(text) for text in (message, *message.split("\n")))
        self._texts.update((whole, *lines))
        for word in {"", *_WORD.findall(whole)}:
            self._messages.setdefault(word, []).append(whole)

    def says(self, line: str) -> bool:
        """Say whether a message has all that `line` says of the host."""
        line = _unspaced(line)
        return line in self._texts or self._has_part(line) or self._is_quoted_in(line)

    def _has_part(self, line: str) -> bool:
        # A word or two in common is no quotation, and /dev/sda1 no part of /dev/sda12.
        if len(line) < _SHORTEST_QUOTATION:
            return False
        # Each of its words is one of the message.
        candidates = min((self._messages.get(word, []) for word in ("", *_WORD.findall(line))), key=len)
        return any(
            line in said and re.search(rf"(?<!\w){re.escape(line)}(?!\w)", said) is not None for said in candidates
        )

    def _is_quoted_in(self, line: str) -> bool:
        """Say whether `line` is what was told, behind the host's name or a word or two: `Not serialized: ...`.

        A longer introduction, or anything behind the quotation, says more.
        """
        longest = len(f"{self._host}: {self._host}:") + _SHORTEST_QUOTATION
        for colon in _COLON.finditer(line, 0, longest):
            quotation = line[colon.end() :].lstrip()
            words = line[: colon.end()].removesuffix(f"{self._host}:").removeprefix(f"{self._host}: ")
            if len(words) < _SHORTEST_QUOTATION <= len(quotation) and quotation in self._texts:
                return True
        return False


def _unspaced(text: str) -> str:
    return " ".join(text.split())


class Interval:
    """A gate that opens at most once in `seconds`."""

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._last = now

    def is_due(self, now: float) -> bool:
        """Say whether the time has passed, and start it again if so."""
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


def clean(text: str) -> str:
    """Return `text` without what could steer a terminal or deceive its reader; newlines stay, tabs become spaces."""
    if text.isprintable() and text.isascii():
        return text
    text = _ESCAPE_SEQUENCE.sub("", text.replace("\r\n", "\n").replace("\t", " "))
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character == "\n" or is_visible(character):
        return character
    return " " if character.isspace() and not character.isascii() else ""


def clean_texts(value: Any) -> Any:
    """Return `value` with every text in it cleaned, however deep in lists and dictionaries."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [clean_texts(item) for item in value]
    return {key: clean_texts(item) for key, item in value.items()} if isinstance(value, dict) else value


def one_line(text: str) -> str:
    """Return `text` cleaned, on one line and not endless."""
    text = " ".join(clean(text).split())
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}..."


def all_lines(text: str) -> str:
    """Return each line of `text` cleaned and not endless, the later ones indented; of very many, how many more."""
    lines = [one_line(line) for line in text.splitlines() if line.strip()]
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES:] = [f"… and {len(lines) - _MOST_LINES} more lines."]
    return "\n  ".join(lines)


_ANSIBLES_OWN = "Task failed: "
"""What Ansible puts before the sentence of an action that raised it, and which says nothing beside FAILED."""


def failure_message(result: Mapping[str, object]) -> str:
    """Return the reason that a result gives, cleaned; several lines only when the task wrote several."""
    for key in ("msg", "reason", "stderr", "module_stderr", "censored"):
        value = result.get(key)
        if isinstance(value, str) and (text := clean(value).strip().removeprefix(_ANSIBLES_OWN)):
            return text
        if isinstance(value, list) and value:
            return "\n".join(one_line(str(line)) for line in value)
    return f"the command ended with status {result['rc']}" if "rc" in result else "no reason was given"


def duration(seconds: float) -> str:
    """Return `seconds` as `m:ss` or `h:mm:ss`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def rate_text(rate: float) -> str:
    """Return `rate`, per second, in a unit that leaves something before the point: 4.2/s, 12/min."""
    if rate >= 9.95:
        return f"{rate:.0f}/s"
    if rate >= 0.95:
        return f"{rate:.1f}/s"
    return f"{rate * 60:.0f}/min" if rate * 60 >= 9.5 else f"{rate * 60:.1f}/min"


def troubles(figures: Figures) -> list[str]:
    """Return what went wrong, such as `2 failed`; empty when nothing did."""
    counts = (("failed", figures.failed), ("unreachable", figures.unreachable))
    return [f"{count} {word}" for word, count in counts if count]


def pace(figures: Figures) -> list[str]:
    """Return rate and time left, or rate and time taken when all is done."""
    parts = [rate_text(figures.rate)] if figures.rate else []
    if figures.finished >= figures.total:
        return [*parts, f"took {duration(figures.elapsed)}"]
    # Rounded up: nothing is left only when all is done.
    return [*parts, f"{duration(math.ceil(figures.left))} left"] if figures.left is not None else parts


def progress_line(figures: Figures, *, ended: bool = False, separator: str = " · ") -> str:
    """Return the figures as one line: `manual 23/60 · 4.2/s · 0:09 left · 2 failed`.

    `ended` says that no more will come, so that what was left out is told in place of an estimate.
    """
    missing = figures.total - figures.finished
    timing = (
        [f"took {duration(figures.elapsed)}", f"{missing} not finished: run again"]
        if ended and missing
        else pace(figures)
    )
    return separator.join([f"{figures.name} {figures.finished}/{figures.total}", *timing, *troubles(figures)])


def task_line(tally: Tally, *, separator: str = " · ") -> str:
    """Return one line for a task that is over: `Install the agent: 60 hosts · 58 changed · 2 failed`."""
    hosts = "1 host" if tally.finished == 1 else f"{tally.finished} hosts"
    kinds = (HostOutcome.OK, HostOutcome.CHANGED, HostOutcome.SKIPPED, HostOutcome.FAILED, HostOutcome.UNREACHABLE)
    counts = [f"{tally.count(kind)} {kind.value}" for kind in kinds if tally.count(kind)]
    return separator.join([f"{tally.name}: {hosts}", *counts])


def host_line(host: str, task: str, outcome: HostOutcome, message: object) -> str:
    """Return one line for a host that ended a task: `changed press-1 [Serialize]: written`."""
    text = f": {one_line(message)}" if isinstance(message, str) and message else ""
    return f"{outcome.value} {one_line(host)} [{one_line(task)}]{text}"


def recap_line(host: str, summary: Mapping[str, int]) -> str:
    """Return one line of Ansible's own counts for a host, with the keys of its `summary`."""
    keys = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
    counts = " ".join(f"{key}={summary['failures' if key == 'failed' else key]}" for key in keys)
    return f"{one_line(host)} : {counts}"


def debug_lines(host: str | None, result: Mapping[str, Any]) -> list[str]:
    """Return what a playbook prints on purpose, an item of a list each; `host` is before every line, None for all."""
    whose = "" if host is None else f"{one_line(host)}: "
    lines = []
    for name, value in result.items():
        if name.startswith("_") or name in ("results", "changed"):
            continue
        label = "" if name == "msg" else f"{name} = "
        for item in value if isinstance(value, list) else [value]:
            text = item if isinstance(item, str) else json.dumps(item, default=str, ensure_ascii=False)
            lines.append("\n".join(f"{whose}{label}{part}" for part in clean(text).split("\n")))
    return lines


def total_line(counts: Mapping[HostOutcome, int], elapsed: float, *, separator: str = " · ") -> str:
    """Return the last line: `60 hosts · 40 changed · 18 ok · 2 failed · took 0:14`; failures are named even at zero."""
    total = sum(counts.values())
    parts = ["1 host" if total == 1 else f"{total} hosts"]
    for kind in (HostOutcome.CHANGED, HostOutcome.OK, HostOutcome.SKIPPED, HostOutcome.FAILED, HostOutcome.UNREACHABLE):
        if counts.get(kind) or kind in (HostOutcome.FAILED, HostOutcome.UNREACHABLE):
            parts.append(f"{counts.get(kind, 0)} {kind.value}")
    return separator.join([*parts, f"took {duration(elapsed)}"])
