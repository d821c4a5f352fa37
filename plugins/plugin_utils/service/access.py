# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may ask, and what: networks, secrets in the URL, bearer tokens, and browsers that act for somebody else."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

from .errors import RefusedError
from .rate_limit import RateLimit
from .secret_hashes import SecretHashes
from .settings import ServiceSettings

Scope = dict[str, Any]

_BEARER = b"bearer "
_FORWARDED = (b"x-forwarded-for", b"forwarded")
_LOOKED_AT = frozenset((b"host", b"authorization", b"origin", *_FORWARDED))
_NO_ADDRESS = "unknown"


class Caller(NamedTuple):
    """Somebody who is let in from `address`. A `controller` may confirm, and see whole claim IDs."""

    address: str
    has_token: bool
    controller: bool


class AccessControl:
    """Lets requests in, or raises `RefusedError`."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._path = settings.path
        self._networks = [ipaddress.ip_network(text) for text in settings.networks]
        self._agent_secrets = SecretHashes(settings.agent_secrets, setting="agent_secrets")
        self._tokens = SecretHashes(settings.controller_tokens, setting="controller_tokens")
        self._proxied = bool(settings.trusted_proxies)
        self._rate = RateLimit(settings.rate)
        self._is_allowed = lru_cache(maxsize=4096)(self._in_networks)

    def admit(self, scope: Scope) -> Caller:
        """Return who asks: anybody in the networks, not too often, and no page of another site."""
        client = scope.get("client")
        address = client[0] if client else _NO_ADDRESS
        if not self._is_allowed(address):
            raise RefusedError(403, "network", f"The address {address} is in no network that may ask here.")
        self._count(address)
        authorization = host = origin = b""
        forwarded = False
        for name, value in scope["headers"]:
            if name not in _LOOKED_AT:
                continue
            if name == b"host":
                host = value
            elif name == b"authorization":
                authorization = value
            elif name == b"origin":
                origin = value
            else:
                forwarded = True
        if origin and origin.rpartition(b"/")[2] != host:
            raise RefusedError(403, "origin", "A page of another site may not ask here.")
        if forwarded and not self._proxied:
            raise RefusedError(
                403, "proxy", "The request came through a proxy that is not known here; name it in trusted_proxies."
            )
        has_token = False
        if authorization:
            has_token = authorization[: len(_BEARER)].lower() == _BEARER and self._tokens.matches(
                authorization[len(_BEARER) :].strip()
            )
            if not has_token:
                raise _unauthorized("The token is not known here; correct it.")
        # Where no token is set up, a person at this machine is as good. The name in the URL must say so too: a page
        # whose name was made to point at this machine would otherwise pass for this machine's.
        local = not self._tokens and not forwarded and _is_loopback(address) and _names_loopback(host)
        return Caller(address, has_token, has_token or local)

    def admit_again(self, caller: Caller) -> None:
        """Let in who was let in before, with the same head on the same connection: unless too often by now."""
        self._count(caller.address)

    def admit_unit(self, scope: Scope, caller: Caller) -> None:
        """Check the secret in the URL that an agent needs where there are agent secrets."""
        if caller.has_token:
            return
        rest = scope["raw_path"].decode("ascii", "replace")[len(self._path) :].strip("/")
        if not self._agent_secrets:
            if rest:
                raise RefusedError(404, "path", "There is nothing here; correct the URL.")
            return
        presented = list(_presented(rest, scope["query_string"]))
        if not any(self._agent_secrets.matches(secret) for secret in presented):
            raise RefusedError(403, "secret", "The URL holds no secret that is known here; correct api.serialize.")

    def admit_confirmation(self, scope: Scope, caller: Caller) -> None:
        """Check that a controller confirms: by its token; where there are none, by the secret in the URL."""
        if self._tokens or not self._agent_secrets:
            self.require_controller(caller)
        self.admit_unit(scope, caller)

    def require_controller(self, caller: Caller) -> None:
        """Refuse who may neither confirm nor see whole claim IDs."""
        if not caller.controller:
            raise _unauthorized("This needs a controller's token: Authorization: Bearer TOKEN.")

    def _count(self, address: str) -> None:
        if wait := self._rate.wait(address):
            raise RefusedError(
                429,
                "rate",
                f"The address {address} asks too often; ask again later.",
                headers={"Retry-After": str(int(wait) + 1)},
            )

    def _in_networks(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self._networks)


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


@lru_cache(maxsize=4096)
def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback


@lru_cache(maxsize=256)
def _names_loopback(host: bytes) -> bool:
    name = host.decode("ascii", "replace").lower()
    name = name[1 : name.find("]")] if name.startswith("[") else name.partition(":")[0]
    return name == "localhost" or _is_loopback(name)
