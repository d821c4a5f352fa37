# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that cannot be used: every problem is told at once."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path

from .. import claim_ids
from ..display_text import quoted
from ..ledger.location import Location
from ..ledger.records import LedgerError
from ..private_files import TypedPathError
from ..settings.named_file import objection_to_file
from .certificate import objection_to_key, read_certificate
from .errors import ServiceError
from .host_names import canonical_name, is_address
from .secret_hashes import SecretHashes
from .settings import ALWAYS, FIELDS, UNTIL_VERIFIED, ServiceSettings

_POSITIVE = (
    *("max_body", "receive_seconds", "answer_seconds", "max_connections", "max_connections_per_address"),
    *("rate", "batch", "working_seconds"),
)
_LEAST, _MOST = 0.001, 10**9
_TAKEN_PATHS = {
    *("claims", "units", "healthz", "metrics", "openapi.json", "station", "station.css", "station.js"),
    *("line.css", "line.js"),
}
_TAKEN_BEGINNINGS = (["line"], ["line", "v1"])
"""Of paths; another one below /line may be a factory's own."""
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_REISSUE = re.compile(r"[1-9][0-9]{0,8}")


def checked(settings: ServiceSettings) -> ServiceSettings:
    """Return the settings in their canonical form. Raises `ServiceError` with every problem."""
    path = "/" + settings.path.strip("/")
    problems = list(_problems_of_texts(settings))
    if not problems:
        problems = [
            *_problems_of_values(settings),
            *_problems_of_path(path),
            *_problems_of_access(settings),
            *_problems_of_files(settings),
        ]
    if problems:
        raise ServiceError(f"The settings cannot be used; correct them: {'; '.join(problems)}.")
    return dataclasses.replace(settings, path=path, products=tuple(map(claim_ids.parse_product, settings.products)))


def _problems_of_texts(settings: ServiceSettings) -> Iterator[str]:
    for name in FIELDS:
        value = getattr(settings, name)
        texts = value if isinstance(value, tuple) else (value,)
        # Not shown: it may be a password.
        if any(isinstance(text, str) and not text.isprintable() for text in texts):
            yield f"{name} holds a character that cannot be printed, such as NUL or a line end"


def _problems_of_values(settings: ServiceSettings) -> Iterator[str]:
    if not 0 <= settings.port <= 65535:
        yield "port is 1 to 65535, or 0 for any that is free"
    if settings.without_unit not in {"refuse", "fresh"}:
        yield "without_unit is refuse or fresh"
    if not settings.unit or not all(settings.unit):
        yield "unit names at least one property, such as serial, and no empty one"
    if not claim_ids.MIN_LENGTH <= settings.length <= claim_ids.MAX_LENGTH:
        yield f"length is {claim_ids.MIN_LENGTH} to {claim_ids.MAX_LENGTH}"
    if settings.reissue not in (ALWAYS, UNTIL_VERIFIED) and not _REISSUE.fullmatch(settings.reissue):
        yield f"reissue is {ALWAYS}, {UNTIL_VERIFIED}, or a number of seconds above 0"
    if not settings.shifts or not all(map(_TIME_OF_DAY.fullmatch, settings.shifts)):
        yield "shifts is at least one time of day, such as 06:00"
    for name in _POSITIVE:
        # Not a number (NaN) is neither more nor less than any.
        if not _LEAST <= getattr(settings, name) <= _MOST:
            yield f"{name} is {_LEAST} to {_MOST}"


def _problems_of_path(path: str) -> Iterator[str]:
    parts = path[1:].split("/")
    if not all(_SEGMENT.fullmatch(part) and part.strip(".") for part in parts):
        yield "path is parts of letters, digits and - . _ ~ behind slashes, none of dots alone, such as /ioto/serialize"
    if parts[0] in _TAKEN_PATHS:
        yield f"path begins with what is something else here ({', '.join(sorted(_TAKEN_PATHS))})"
    if parts[:2] in _TAKEN_BEGINNINGS:
        yield "path is or begins with that of the line's page (/line, /line/v1)"


def _problems_of_access(settings: ServiceSettings) -> Iterator[str]:
    if not canonical_name(settings.host) and not is_address(settings.host):
        yield f"host {quoted(settings.host)} is neither an IP address nor a name"
    if not settings.networks:
        yield "networks names none, so that nobody may connect; name one such as 192.168.7.0/24"
    for product in settings.products:
        try:
            claim_ids.parse_product(product)
        except claim_ids.InvalidProductError as error:
            yield f"products: {error}".rstrip(".")
    for text in settings.server_names:
        if not canonical_name(text):
            yield f"server_names: {quoted(text)} is not a host name; write one such as station.example, without a port"
    for name in ("networks", "trusted_proxies"):
        for text in getattr(settings, name):
            try:
                ipaddress.ip_network(text)
            except ValueError as error:
                yield f"{name}: {error}; write one such as 192.168.7.0/24"
    for name in ("agent_secrets", "controller_tokens", "station_tokens"):
        try:
            SecretHashes(getattr(settings, name), setting=name)
        except ServiceError as error:
            yield str(error).rstrip(".")


def _problems_of_files(settings: ServiceSettings) -> Iterator[str]:
    try:
        Location.parse(settings.ledger)
    except LedgerError as error:
        yield str(error).rstrip(".")
    try:
        yield from _problems_of_file("token_file", str(settings.token_path), may_be_absent=True)
    except TypedPathError as error:
        yield f"token_file: {error}".rstrip(".")
    for order in settings.production_orders:
        yield from _problems_of_file("production_orders", order, may_be_absent=True)  # whoever reads it tells
    if bool(settings.certificate) != bool(settings.key):
        yield "certificate and key go together"
    if not settings.certificate or not settings.key:
        return
    holders = ("certificate", settings.certificate), ("key", settings.key)
    if missing := [problem for name, path in holders for problem in _problems_of_file(name, path)]:
        yield from missing
        return
    yield from filter(None, (objection_to_key(name, path) for name, path in holders))
    try:
        read_certificate(settings.certificate, settings.key)
    except ServiceError as error:
        yield str(error).rstrip(".")


def _problems_of_file(name: str, path: str, *, may_be_absent: bool = False) -> Iterator[str]:
    if wrong := objection_to_file(Path(path), "the service", may_be_absent=may_be_absent):
        yield f"{name} {wrong}"
