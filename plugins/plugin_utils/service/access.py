# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may ask, and what: networks, host names, secrets in the URL, bearer tokens, proxies, and browsers.

From where a request comes gives nobody the right of a controller, for a proxy on the station, or any program of any
user there, comes from this machine too: a controller has a token, and so has the station of a line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

from ..display_text import quoted
from .certificate import read_certificate
from .errors import RefusedError
from .host_names import HostNames
from .networks import Networks
from .proxies import BELIEVED, FORWARDING_HEADERS
from .rate_limit import RateLimit
from .secret_hashes import SecretHashes
from .settings import ServiceSettings

Scope = dict[str, Any]

_BEARER = b"bearer "
_LOOKED_AT = frozenset((b"host", b"authorization", b"origin")) | FORWARDING_HEADERS
_NO_ADDRESS = "unknown"


class Caller(NamedTuple):
    """Somebody who is let in from `address`. A `controller` may confirm, and see whole claim IDs.

    A `station` may tell how the slots of its line stand.
    """

    address: str
    controller: bool
    station: bool = False


class AccessControl:
    """Lets requests in, or raises `RefusedError`. `host_names` are the names that the service may be called by."""

    def __init__(self, settings: ServiceSettings) -> None:
        """Raise `ServiceError` where the settings' certificate cannot be read."""
        names = list(settings.server_names)
        if settings.certificate and settings.key:
            names += read_certificate(settings.certificate, settings.key).names
        self.host_names = HostNames(names)
        self._path = settings.path
        self._networks = Networks(settings.networks)
        self._connecting = Networks((*settings.networks, *settings.trusted_proxies))
        self._agent_secrets = SecretHashes(settings.agent_secrets, setting="agent_secrets")
        self._tokens = SecretHashes(settings.controller_tokens, setting="controller_tokens")
        self._station_tokens = SecretHashes(settings.station_tokens, setting="station_tokens")
        self._rate = RateLimit(settings.rate)

    def may_connect(self, address: str) -> bool:
        """Say whether a connection comes from the networks, or from a load balancer."""
        return address in self._connecting

    def asks_too_often(self, address: str) -> bool:
        """Say whether a request of `address` would be refused for its rate."""
        return self._rate.is_over(address)

    def admit(self, scope: Scope) -> Caller:
        """Return who asks: anybody in the networks, not too often, and no page of another site."""
        client = scope.get("client")
        address = client[0] if client else _NO_ADDRESS
        if address not in self._networks:
            raise RefusedError(403, "network", f"The address {address} is in no network that may ask here.")
        self._count(address)
        authorization = origin = b""
        host: bytes | None = None
        for name, value in scope["headers"]:
            if name not in _LOOKED_AT:
                continue
            if name == b"host":
                if host is not None:
                    raise RefusedError(400, "host", "The request names two hosts (Host); send one.")
                host = value
            elif name == b"authorization":
                authorization = value
            elif name == b"origin":
                origin = value
            elif BELIEVED not in scope:
                raise RefusedError(
                    403, "proxy", "The request came through a proxy that is not known here; name it in trusted_proxies."
                )
        self._check_name(scope, host, origin)
        if not authorization:
            return Caller(address, controller=False)
        if authorization[: len(_BEARER)].lower() != _BEARER:
            raise _unauthorized("The token is not known here; correct it.")
        token = authorization[len(_BEARER) :].strip()
        caller = Caller(address, self._tokens.matches(token), self._station_tokens.matches(token))
        if not (caller.controller or caller.station):
            raise _unauthorized("The token is not known here; correct it.")
        return caller

    def admit_again(self, caller: Caller) -> None:
        """Let in who was let in before, with the same head on the same connection: unless too often by now."""
        self._count(caller.address)

    def admit_unit(self, scope: Scope, caller: Caller) -> None:
        """Check the secret in the URL that an agent needs where there are agent secrets."""
        if caller.controller:
            return
        rest = scope["raw_path"].decode("ascii", "replace")[len(self._path) :].strip("/")
        if not self._agent_secrets:
            if rest:
                raise RefusedError(404, "path", "There is nothing here; correct the URL.")
            return
        presented = list(_presented(rest, scope["query_string"]))
        if not any(self._agent_secrets.matches(secret) for secret in presented):
            raise RefusedError(403, "secret", "The URL holds no secret that is known here; correct api.serialize.")

    def require_controller(self, caller: Caller) -> None:
        """Refuse who may neither confirm nor see whole claim IDs."""
        if not caller.controller:
            raise _unauthorized("This needs a controller's token: Authorization: Bearer TOKEN.")

    def require_station(self, caller: Caller) -> None:
        """Refuse who may not tell how slots stand: neither a station nor a controller."""
        if not (caller.station or caller.controller):
            raise _unauthorized("This needs a station's token: Authorization: Bearer TOKEN.")

    def _count(self, address: str) -> None:
        if wait := self._rate.wait(address):
            raise RefusedError(
                429,
                "rate",
                f"The address {address} asks too often; ask again later.",
                # Whoever does not heed it would go on with what it sent already.
                headers={"Retry-After": str(int(wait) + 1), "Connection": "close"},
            )

    def _check_name(self, scope: Scope, host: bytes | None, origin: bytes) -> None:
        """Refuse a request for another name than the service's: a browser may have been led here (DNS rebinding)."""
        if host is None and scope.get("http_version") == "1.0" and not origin:
            return  # no browser says nothing
        name = (host or b"").decode("latin-1")
        if not self.host_names.accepts(name):
            shown = f"the name {quoted(name[:100])}" if name else "no name"
            raise RefusedError(
                421,
                "host",
                f"The service does not answer to {shown} (Host): put the name into its setting server_names, or ask "
                "it by its IP address.",
            )
        if origin and origin.lower().rpartition(b"/")[2] != name.lower().encode("latin-1"):
            raise RefusedError(403, "origin", "A page of another site may not ask here.")


def _unauthorized(sentence: str) -> RefusedError:
    return RefusedError(401, "token", sentence, headers={"WWW-Authenticate": "Bearer"})


def _presented(rest: str, query: bytes) -> Iterable[bytes]:
    """Yield what of a URL may be its secret: what follows the path, and each value of the query."""
    if rest:
        yield unquote_to_bytes(rest)
    try:
        for _unused, value in parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=8):
            yield value.encode("utf-8", "replace")
    except ValueError:
        return
