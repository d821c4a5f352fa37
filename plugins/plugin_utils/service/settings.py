# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's settings: a TOML file, then the environment, then the command line, each over the one before.

In the environment a setting is `IOTO_SERVICE_` and its name in capitals; a list is separated by spaces.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .. import claim_ids
from ..identity.marks import IdentifyingMarks
from .errors import ServiceError
from .secret_hashes import SecretHashes

ENVIRONMENT_PREFIX = "IOTO_SERVICE_"

_POSITIVE = (
    *("max_body", "receive_seconds", "answer_seconds", "max_connections", "max_connections_per_address"),
    *("rate", "batch"),
)
_TAKEN_PATHS = {"claims", "units", "healthz", "metrics", "openapi.json", "station", "station.css", "station.js"}


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
    agent_secrets: tuple[str, ...] = field(default=(), repr=False)
    """Hashes of the secrets that agents have in their URL. Empty: they need none."""
    controller_tokens: tuple[str, ...] = field(default=(), repr=False)
    """Hashes of the bearer tokens that may confirm and see whole claim IDs. Empty: this machine may."""
    certificate: str | None = None
    """PEM file of the certificate, for TLS."""
    key: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    """Load balancers whose `X-Forwarded-For` is believed."""
    max_body: int = 16 * 1024
    """Bytes of a body."""
    receive_seconds: int = 10
    """Time in which a request must have come."""
    answer_seconds: int = 25
    """Time in which the ledger must have answered; agents wait 30 s."""
    max_connections: int = 2000
    max_connections_per_address: int = 256
    rate: float = 100.0
    """Requests a second from one address, over a time; ten seconds' worth may come at once."""
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

    def checked(self) -> ServiceSettings:
        """Return these settings in their canonical form. Raises `ServiceError` with every problem."""
        path = "/" + self.path.strip("/")
        problems = [*_problems_of_values(self), *_problems_of_path(path), *_problems_of_access(self)]
        if problems:
            raise ServiceError(f"The settings cannot be used; correct them: {'; '.join(problems)}.")
        return dataclasses.replace(self, path=path, products=tuple(map(claim_ids.parse_product, self.products)))


FIELDS = {item.name: item for item in dataclasses.fields(ServiceSettings)}


def load(file: Path | None, environment: Mapping[str, str], given: Mapping[str, object]) -> ServiceSettings:
    """Return the settings of `file` (TOML), `environment` and the command line. Raises `ServiceError`."""
    values: dict[str, object] = {}
    if file is not None:
        values |= _read_file(file)
    for name in FIELDS:
        if (text := environment.get(ENVIRONMENT_PREFIX + name.upper())) is not None:
            values[name] = _from_text(name, text)
    values |= {name: _typed(name, value, "on the command line") for name, value in given.items() if value is not None}
    return ServiceSettings(**values).checked()  # type: ignore[arg-type]


def _read_file(file: Path) -> dict[str, object]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ServiceError(f"The settings {file} cannot be read: {error.strerror}; correct the path.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ServiceError(f"The settings {file} are no TOML: {error}; correct them.") from None
    values: dict[str, object] = {}
    problems = []
    for name, value in content.items():
        try:
            if name in FIELDS:
                values[name] = _typed(name, value, f"in {file}")
        except ServiceError as error:
            problems.append(str(error))
    if unknown := sorted(set(content) - set(FIELDS)):
        problems.append(
            f"The settings {file} hold {', '.join(unknown)!a}, which the service does not know; "
            f"it knows {', '.join(FIELDS)}."
        )
    if problems:
        raise ServiceError("\n".join(problems))
    return values


def _typed(name: str, value: object, where: str) -> object:
    """Return `value` when it is of the setting's type."""
    default = FIELDS[name].default
    if isinstance(default, tuple):
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise ServiceError(f"The setting {name} {where} is no list of texts; correct it.")
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    wanted = str if default is None else type(default)
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise ServiceError(f"The setting {name} {where} is no {_NAMES[wanted]}; correct it.")
    return value


_NAMES = {str: "text", int: "whole number", float: "number"}


def _from_text(name: str, text: str) -> object:
    default = FIELDS[name].default
    if isinstance(default, tuple):
        return tuple(text.split())
    if isinstance(default, int | float):
        try:
            return type(default)(text)
        except ValueError:
            raise ServiceError(
                f"The variable {ENVIRONMENT_PREFIX}{name.upper()} is no {_NAMES[type(default)]}; correct it."
            ) from None
    return text or None


def _problems_of_values(settings: ServiceSettings) -> Iterator[str]:
    if not 0 <= settings.port <= 65535:
        yield "port is 1 to 65535, or 0 for any that is free"
    if settings.without_unit not in {"refuse", "fresh"}:
        yield "without_unit is refuse or fresh"
    if not settings.unit:
        yield "unit names at least one property, such as serial"
    if not claim_ids.MIN_LENGTH <= settings.length <= claim_ids.MAX_LENGTH:
        yield f"length is {claim_ids.MIN_LENGTH} to {claim_ids.MAX_LENGTH}"
    for name in _POSITIVE:
        if getattr(settings, name) <= 0:
            yield f"{name} is more than 0"


def _problems_of_path(path: str) -> Iterator[str]:
    if path == "/" or not path.isascii() or any(character in path for character in "?#% "):
        yield "path needs at least one part and no ? # % or space, such as /ioto/serialize"
    if path.split("/")[1] in _TAKEN_PATHS:
        yield f"path begins with what is something else here ({', '.join(sorted(_TAKEN_PATHS))})"


def _problems_of_access(settings: ServiceSettings) -> Iterator[str]:
    if bool(settings.certificate) != bool(settings.key):
        yield "certificate and key go together"
    for name in ("certificate", "key"):
        if (file := getattr(settings, name)) and not Path(file).is_file():
            yield f"{name} {file!a} is no file"
    for product in settings.products:
        try:
            claim_ids.parse_product(product)
        except claim_ids.InvalidProductError as error:
            yield f"products: {error}".rstrip(".")
    for name in ("networks", "trusted_proxies"):
        for text in getattr(settings, name):
            try:
                ipaddress.ip_network(text)
            except ValueError as error:
                yield f"{name}: {error}; write one such as 192.168.7.0/24"
    for name in ("agent_secrets", "controller_tokens"):
        try:
            SecretHashes(getattr(settings, name), setting=name)
        except ServiceError as error:
            yield str(error).rstrip(".")
