# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling the service how the slots stand, without waiting for it.

A thread sends what is newest of each slot; who tells goes on at once. A service that is gone, or takes a connection and
never answers, costs a run the time that it waits at its end, and nothing else: what was not told then, the station's
next heartbeat tells.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ..controller_token import read_token
from ..display_text import printable, quoted, url_origin
from ..errors import IotoError
from ..serialization.sources.service_client import UntrustedServiceError
from ..serialization.sources.service_client import send as exchange
from ..service.slot_message import MOST_SLOTS, NOTICE_SECONDS, PATH, SlotReport, StationMessage, StationNotice
from ..settings.http_url import check_service_url

CLOSING_SECONDS = 0.3
"""How long a run waits at its end for what is not told yet."""
_NOT_ALONE = (
    "have the service's new-secret make another, write it into a file that its user alone can read (0600), and its "
    "hash into station_tokens"
)
_PATIENCE_SECONDS = 2.0
"""For one exchange, with connecting."""
_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Before the next try, after one that failed."""
_RETRIED = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """Where the service is, and the token of the station. `ca_file` verifies its certificate, else the system's do."""

    url: str
    token: str | None = field(default=None, repr=False)
    ca_file: str | None = None

    def __post_init__(self) -> None:
        """Raise `IotoError` where that is no URL, or the token could not be sent."""
        check_service_url(self.url)
        if self.token is not None:
            _check_token(self.token)


def service_address(url: str, token_file: Path | None, ca_file: str | None) -> ServiceAddress:
    """Return where the service is, with the token in `token_file`. Raises `IotoError`, also for a bad `ca_file`."""
    address = ServiceAddress(url, station_token(token_file) if token_file else None, ca_file)
    if ca_file:
        check_ca_file(ca_file)
    return address


def station_token(file: Path) -> str:
    """Return the token in `file`. Raises `IotoError` without one, or where others may have had it."""
    token = read_token(file, _NOT_ALONE)
    if token is None:
        raise IotoError(f"There is no token in {file}; write what the service's new-secret made there.")
    _check_token(token)
    return token


def _check_token(token: str) -> None:
    if not (token.isascii() and token.isprintable() and token.strip()):
        raise IotoError("The token of the station holds what no token has; write what new-secret made into its file.")


def check_ca_file(file: str) -> None:
    """Raise `IotoError` where no certificate could be verified by `file`."""
    try:
        ssl.create_default_context(cafile=file)
    except OSError as error:
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise IotoError(
            f"The CA file {printable(file)} cannot be used ({why}); name a PEM file with the certificate that "
            "vouches for the service's."
        ) from None


class Sent(NamedTuple):
    """What came of telling: no `trouble`, or why the service was not told, and whether to try that `again`."""

    trouble: str | None = None
    again: bool = False


class Teller:
    """Tells the service of one station. Usable from any thread; ends with the process, or with `close`.

    A station that speaks for itself names its `start`, another one each time that it is started; a run names none.
    """

    def __init__(self, address: ServiceAddress, station: str, start: str | None = None) -> None:
        self._address = address
        self._start = start
        self._number = 0
        self._station = station
        self._news = threading.Condition()
        self._waiting: dict[str, SlotReport] = {}
        self._operator: str | None = None
        self._notices: dict[str | None, tuple[str, float]] = {}
        self._sent_at: dict[str | None, float] = {}
        """When the notices that are being sent were news."""
        self._whole: tuple[SlotReport, ...] | None = None
        self._sending = False
        self._ended = False
        self._thread: threading.Thread | None = None
        self.trouble: str | None = None
        """Why the service was not told last, in a sentence; None where it was."""

    def tell(self, *reports: SlotReport, operator: str | None = None) -> None:
        """Have `reports` told soon, each in place of what was not told of its slot yet."""
        with self._news:
            for report in reports:
                self._waiting[report.slot] = report
            self._say(operator)

    def tell_whole(self, reports: Iterable[SlotReport], operator: str | None = None) -> None:
        """Have told that these are all slots of the station: its heartbeat."""
        with self._news:
            self._whole = tuple(reports)
            self._waiting.clear()
            self._say(operator)

    def notify(self, text: str, slot: str | None = None) -> None:
        """Have `text` shown for a while: on the tile of `slot`, or as a line on the page. Empty, it takes one back."""
        with self._news:
            self._notices[slot] = text, time.monotonic()
            self._say(None)

    def close(self, seconds: float = CLOSING_SECONDS) -> str | None:
        """Wait so long at most until all is told; return None once it is, or a sentence why it is not.

        Nothing is told afterwards.
        """
        with self._news:
            done = self._news.wait_for(lambda: not (self._has_news or self._sending), seconds)
            self._ended = True
            self._news.notify_all()
            if self.trouble is None and not done:  # the exchange that goes on may yet be answered, or not
                origin = url_origin(self._address.url)
                return f"The service at {origin} did not answer within {seconds:g} s; see to it."
            return self.trouble

    @property
    def _has_news(self) -> bool:
        return bool(self._waiting or self._notices) or self._whole is not None or self._operator is not None

    def _say(self, operator: str | None) -> None:
        if operator is not None:
            self._operator = operator
        if self._thread is None and not self._ended:
            self._thread = threading.Thread(target=self._run, name="teller", daemon=True)
            self._thread.start()
        self._news.notify_all()

    def _run(self) -> None:
        failures = 0
        while (message := self._next()) is not None:
            sent = send(self._address, message)
            with self._news:
                self.trouble = sent.trouble
                if sent.again and not self._ended:
                    self._put_back(message)
                self._sending = False
                self._news.notify_all()
                if self.trouble is None:
                    failures = 0
                elif not self._ended:
                    # Not by news: they would have a service that is gone asked at each of them.
                    self._news.wait_for(lambda: self._ended, _PAUSES[min(failures, len(_PAUSES) - 1)])
                    failures += 1

    def _next(self) -> StationMessage | None:
        with self._news:
            self._news.wait_for(lambda: self._has_news or self._ended)
            if self._ended:
                return None
            self._sending = True
            operator, self._operator = self._operator, None
            notices = tuple(StationNotice(text, slot) for slot, (text, at) in self._notices.items() if _is_news(at))
            self._sent_at = {slot: at for slot, (_text, at) in self._notices.items()}
            self._notices = {}
            if self._whole is not None:
                # What was told since is newer than the whole, and of one of its slots.
                slots = {report.slot: report for report in self._whole} | self._waiting
                self._whole, self._waiting = None, {}
                return self._message(tuple(slots.values()), operator, notices, whole=True)
            first = list(self._waiting)[:MOST_SLOTS]
            told = tuple(self._waiting.pop(name) for name in first)
            return self._message(told, operator, notices)

    def _message(
        self,
        told: tuple[SlotReport, ...],
        operator: str | None,
        notices: tuple[StationNotice, ...],
        *,
        whole: bool = False,
    ) -> StationMessage:
        self._number += 1
        return StationMessage(self._station, told, operator, whole, notices, self._start, self._number)

    def _put_back(self, message: StationMessage) -> None:
        """Have told again what was not, unless something newer is to be told."""
        if self._operator is None:
            self._operator = message.operator
        for notice in message.notices:
            self._notices.setdefault(notice.slot, (notice.text, self._sent_at[notice.slot]))
        if self._whole is not None:
            return
        slots = {report.slot: report for report in message.slots} | self._waiting
        if message.whole:
            self._whole, self._waiting = tuple(slots.values()), {}
        else:
            self._waiting = slots


def _is_news(at: float) -> bool:
    """Whether what happened then is still to be shown: nobody wants to know of a scan of long ago."""
    return time.monotonic() - at < NOTICE_SECONDS


def send(address: ServiceAddress, message: StationMessage, *, seconds: float = _PATIENCE_SECONDS) -> Sent:
    """Tell the service once, in so many seconds at most.

    It is told, too, where the service knows something newer of a run's slots already (409).
    """
    origin = url_origin(address.url)
    parts = urlsplit(address.url)
    headers = {"Content-Type": "application/json", "Connection": "close"}
    if address.token is not None:
        headers["Authorization"] = f"Bearer {address.token}"
    url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{PATH}"
    try:
        status, _answer = exchange(
            "POST", url, message.encode(), headers, timeout=seconds, retries=0, ca_file=address.ca_file
        )
    except UntrustedServiceError as error:
        return Sent(f"The service at {origin} cannot be told, since {error}; set the CA file.")
    except TimeoutError:
        return Sent(f"The service at {origin} does not answer; see to it.", again=True)
    except OSError as error:
        return Sent(f"The service at {origin} cannot be reached ({error}); see to it.", again=True)
    return _judged(status, message, origin)


def _judged(status: int, message: StationMessage, origin: str) -> Sent:
    """Return what an answer's status says."""
    if status == 409 and message.start is not None:
        name = quoted(message.station)
        return Sent(f"Another station {name} tells the service at {origin}; stop one, or give each its own name.")
    if 200 <= status < 300 or status == 409:
        return Sent()
    if status in (401, 403):
        return Sent(
            f"The service at {origin} does not let the station in; put the hash of its token in station_tokens."
        )
    return Sent(f"The service at {origin} answered with {status}; see its log.", again=status in _RETRIED)
