# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's settings, as the rest of it has them.

`settings_sources` reads them, `settings_problems` and `settings_doubts` look at what they say.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from .. import claim_ids, controller_token
from ..identity.marks import IdentifyingMarks
from ..private_files import typed_path

ALWAYS = "always"
UNTIL_VERIFIED = "until_verified"


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How the service runs. Without any setting: on the loopback, for this machine alone, with the default ledger."""

    host: str = "127.0.0.1"
    """The address to listen at."""
    port: int = 1234
    path: str = "/ioto/serialize"
    """Where agents POST. A secret may follow it: `/ioto/serialize/SECRET`, or as the query `?key=SECRET`."""
    ledger: str | None = field(default=None, repr=False)
    """Path or URL of the ledger. None: `ioto/ledger.db` below `XDG_DATA_HOME`."""
    unit: tuple[str, ...] = ("serial", "mac")
    """The properties of `device.json5` that name the unit; the first that is there does."""
    without_unit: str = "refuse"
    """What a body gets that names no unit: `refuse`, or `fresh`, an ID that nobody can ask for again."""
    shared_hardware: tuple[str, ...] = ()
    """Serials and MAC addresses that more than one device says and that identify none, beside those that are known."""
    length: int = claim_ids.DEFAULT_LENGTH
    """Characters of a claim ID."""
    products: tuple[str, ...] = ()
    """Products that are served. With neither these nor production orders, all are."""
    production_orders: tuple[str, ...] = ()
    """CSV files whose rows are served: a product and a serial; a row without a serial stands for its product."""
    networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Who may connect."""
    server_names: tuple[str, ...] = ()
    """Names by which the service may be called, beside IP addresses, `localhost` and those of its certificate."""
    agent_secrets: tuple[str, ...] = field(default=(), repr=False)
    """Hashes of the secrets that agents have in their URL. Empty: they need none."""
    controller_tokens: tuple[str, ...] = field(default=(), repr=False)
    """Hashes of bearer tokens that may confirm and see whole claim IDs, beside the one in `token_file`."""
    station_tokens: tuple[str, ...] = field(default=(), repr=False)
    """Hashes of bearer tokens that may tell how the slots of a line stand, and nothing else."""
    token_file: str | None = None
    """Where the token is kept that is made at the first start. None: `ioto/controller-token` below `XDG_DATA_HOME`."""
    reissue: str = ALWAYS
    """How long agents get a unit's ID: `always`, `until_verified`, or for so many seconds since it was issued."""
    certificate: str | None = None
    """PEM file of the certificate, for TLS."""
    key: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    """Load balancers whose `X-Forwarded-For` is believed."""
    max_body: int = 16 * 1024
    """Bytes of a body."""
    receive_seconds: int = 10
    """Time in which a request must have come."""
    answer_seconds: int = 5
    """Time in which the ledger must have answered, or whoever asks is told to ask again."""
    max_connections: int = 2000
    max_connections_per_address: int = 256
    rate: float = 100.0
    """Requests a second from one address, over a time; ten seconds' worth may come at once."""
    shifts: tuple[str, ...] = ("00:00",)
    """When shifts begin, such as `06:00`: the counts of the line begin anew."""
    working_seconds: int = 180
    """Time after which the page of the line calls a board failed that is still being worked on."""
    batch: int = 256
    """Requests that share one commit, at most."""

    @property
    def tls(self) -> bool:
        """Whether the service speaks HTTPS."""
        return self.certificate is not None

    @property
    def marks(self) -> IdentifyingMarks:
        """What identifies a unit."""
        return IdentifyingMarks.without(self.shared_hardware)

    @property
    def token_path(self) -> Path:
        """Where the token is that the service made at its first start."""
        return typed_path(self.token_file or controller_token.default_path()).absolute()

    @property
    def reissue_seconds(self) -> int | None:
        """For how long a unit's ID is given to agents that ask, in seconds; None where time does not matter."""
        return None if self.reissue in (ALWAYS, UNTIL_VERIFIED) else int(self.reissue)


FIELDS = {item.name: item for item in dataclasses.fields(ServiceSettings)}
