# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a claim ID comes from: somebody gives it, we make it, a factory service hands it out, or the agent makes it.

The first three are asked by the controller (`ControllerSource`); for the fourth one waits on the device.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ... import claim_ids
from ...device.device import DEVICE_FILE, Device, Observation
from ...device.scripts import await_change, restart_agent
from ...display_text import printable, url_origin
from ...errors import IotoError
from ...json5.independent_reader import read_independently
from ...scanning.scan import Scan
from . import service_client

_CONFLICT = 409
_TAKES_NO_CONFIRMATION = (404, 405, 501)


class SourceError(IotoError):
    """A source that gave no claim ID."""


class ControllerSource(Protocol):
    """A source that the controller asks. `name` is what the ledger records."""

    @property
    def name(self) -> str:
        """One of given, generated, service."""

    @property
    def length(self) -> int:
        """Letters of an ID that the ledger draws, where `claim_id` returns None."""

    def claim_id(self, body: Mapping[str, object]) -> str | None:
        """Return the ID for the unit that `body` describes, or None: the ledger draws one."""


@dataclass(frozen=True, slots=True)
class Given:
    """The operator's own ID; with `scan`, the one of a pre-printed label, which the ledger has to have reserved."""

    value: str
    name: str = "given"
    length: int = claim_ids.DEFAULT_LENGTH
    scan: Scan | None = None

    def claim_id(self, body: Mapping[str, object]) -> str | None:
        """Return the ID, in its canonical form."""
        return claim_ids.parse(self.value)


@dataclass(frozen=True, slots=True)
class Generated:
    """An ID that the ledger draws from the system's CSPRNG, so that it is unique as well as random."""

    length: int = claim_ids.DEFAULT_LENGTH
    name: str = "generated"

    def claim_id(self, body: Mapping[str, object]) -> str | None:
        """Return None: the ledger draws."""
        return None


@dataclass(frozen=True, slots=True)
class Service:
    """A factory service: any endpoint that answers as Ioto's does, its sample in JSON5 included.

    Asked again with growing pauses when it cannot be reached or says that it is busy; `timeout` (seconds) is for
    each try. TLS certificates are verified, against `ca_file` where one is given.
    """

    url: str = field(repr=False)  # its path or query may hold a secret
    timeout: float = 30.0
    retries: int = 5
    token: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    name: str = "service"
    length: int = claim_ids.DEFAULT_LENGTH

    def claim_id(self, body: Mapping[str, object]) -> str | None:
        """Ask the service for the unit's ID, as the agent would: a POST of its `device.json5` as strict JSON."""
        try:
            text = json.dumps(body, ensure_ascii=False, allow_nan=False)
        except ValueError:
            raise SourceError(
                f"The unit's {DEVICE_FILE} holds a number that JSON has not (Infinity or NaN), so no service can be "
                "asked for it; write another one there."
            ) from None
        status, reply = self._send("POST", text.encode())
        if not 200 <= status < 300:
            raise SourceError(
                f"The service at {self.place} refused with status {status}: {_sentence(reply)} "
                "See its log, and whether it may serve this product and unit."
            )
        # The agent's own sample service answers {id:"..."}, which is JSON5; strict JSON is JSON5 too.
        try:
            answer = read_independently(reply.decode("utf-8"))
        except ValueError:
            answer = None
        found = answer.get("id") if isinstance(answer, dict) else None
        if not claim_ids.is_valid(found):
            raise SourceError(
                f"The service at {self.place} answered without a valid claim ID; see whether the URL is the one of an "
                "Ioto serialization service."
            )
        return str(found)

    def confirm(self, body: Mapping[str, object]) -> str | None:
        """Tell the service that the unit of `body` has been given the `id` in it, verified. Again is as once.

        Return why that could not be said, as a sentence, or None: it was, or the service is one that takes no
        confirmation, such as the agent's sample. Raises `SourceError` where the ID is another unit's to the service.
        """
        try:
            status, reply = self._send("PUT", json.dumps(body, ensure_ascii=False, allow_nan=False).encode())
        except SourceError as error:
            return f"{error} The ID is on the device and recorded; only the service does not know that yet."
        if status == _CONFLICT:
            raise SourceError(f"The service at {self.place} does not accept what the unit has: {_sentence(reply)}")
        if 200 <= status < 300 or status in _TAKES_NO_CONFIRMATION:
            return None
        return f"The service at {self.place} took no confirmation, status {status}: {_sentence(reply)}"

    @property
    def place(self) -> str:
        """The service's host and port: a path or a query may hold a secret."""
        return url_origin(self.url)

    def _send(self, method: str, body: bytes) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            return service_client.send(
                method, self.url, body, headers, timeout=self.timeout, retries=self.retries, ca_file=self.ca_file
            )
        except OSError as error:
            raise SourceError(
                f"The service at {self.place} could not be asked: {error}; "
                "see whether it runs and the URL is right, then run again."
            ) from None


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent's own ID: it is started again, and saves one (or does not: 2.8 to 3.0.0).

    `seconds` is how long to wait on the device; `restart` the command (None: no restart; empty: the device's own init
    script or systemd unit). `fallback` writes an ID instead where the agent saves none. `checked_by` is the service
    that the agent asked: it has to know the unit under the same ID.
    """

    seconds: int = 30
    restart: Sequence[str] | None = ()
    fallback: ControllerSource | None = None
    checked_by: Service | None = None
    name: str = "agent"

    def saves(self, device: Device, config_dir: str, old: bytes | None) -> Iterator[Observation]:
        """Restart the agent, and yield a look at the device at each change of its device.json5 until time is up.

        `old` are the file's bytes before the restart (None: there is no file).
        """
        left, restart = self.seconds, self.restart
        while left > 0:
            observation, left = await_change(device, config_dir, old, seconds=left, restart=restart)
            if restart is not None:
                self._judge(observation.restarted, device)
            file = observation.device_file
            old, restart = file.data if file.exists else None, None
            yield observation

    def restart_on(self, device: Device) -> None:
        """Start the agent again, where `restart` allows it."""
        if self.restart is not None:
            self._judge(restart_agent(device, self.restart), device)

    def _judge(self, status: int | None, device: Device) -> None:
        if status is None:
            raise SourceError(
                f"The agent on {device.name} could not be restarted: there is no /etc/init.d/ioto and no systemctl; "
                "say how (ioto_agent_restart)."
            )
        if status != 0:
            raise SourceError(
                f"The command that restarts the agent on {device.name} failed with status {status}; "
                "run it on the device to see why, or name another (ioto_agent_restart)."
            )


def _sentence(reply: bytes) -> str:
    text = printable(reply[:300])
    return text if text.endswith((".", "!", "?")) else f"{text or 'no reason'}."
