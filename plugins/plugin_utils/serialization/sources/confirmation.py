# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service answers when it is told that a unit has its ID: that it is so there, that it is not, or neither.

It is so only where the answer says so of this very ID. A status alone says nothing: a proxy, a portal or a service that
makes a new ID for each request answers 200 as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...claim_ids import is_valid, mask
from ...display_text import printable, quoted
from ...identity.facts import MAC, SERIAL
from ...identity.mac_addresses import is_same_serial
from ...json5.independent_reader import read_independently
from ...json5.reader import JsonValue
from .source import SourceError

_CANNOT = "if it is one that cannot, such as the agent's sample, say so (ioto_service_confirms: false)."
_SEE_URL = "see whether ioto_service_url is the one of an Ioto serialization service"

UNAUTHORIZED = 401
"""What a service says that wants another token."""
_FORBIDDEN, _CONFLICT = 403, 409
_UNKNOWN = frozenset({404, 410})
_TAKES_NO_CONFIRMATION = frozenset({405, 501})
_BUSY = frozenset({408, 425, 429})
_STATES = frozenset({"written", "verified", "labelled"})
"""What the service may say of a unit that was told to have its ID."""


def read_answer(reply: bytes) -> Mapping[str, object]:
    """Return the object of a reply, which is JSON or, from the agent's sample, JSON5; an empty one for any other."""
    try:
        answer = read_independently(reply.decode("utf-8"))
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def unconfirmed(status: int, reply: bytes, said: str, body: Mapping[str, JsonValue], *, place: str) -> str | None:
    """Return why nobody knows whether the service at `place` has taken the confirmation `body`, or None: it has.

    `said` is the reply as a sentence that may be shown. Raises `SourceError` otherwise.
    """
    if 200 <= status < 300:
        if problem := _contradiction(read_answer(reply), body):
            raise SourceError(
                f"The service at {place} answered the confirmation with status {status}, and {problem}: {_SEE_URL}; "
                f"{_CANNOT}"
            )
        return None
    if status in _BUSY or (status >= 500 and status not in _TAKES_NO_CONFIRMATION):
        return f"The service at {place} took no confirmation, status {status}: {said}"
    raise SourceError(_refusal(status, said, place))


def _contradiction(answer: Mapping[str, object], body: Mapping[str, JsonValue]) -> str | None:
    """Return what keeps `answer` from being the confirmation of `body`, as the end of a sentence."""
    claim_id, unit = str(body["id"]), str(body.get(SERIAL) or body.get(MAC) or "")
    found, holder, state = answer.get("id"), answer.get("serial"), answer.get("state")
    if not isinstance(found, str) or not found:
        return "does not say for which claim ID"
    if found not in {claim_id, mask(claim_id)}:
        what = f" ({mask(found)})" if is_valid(found) else ""
        return f"names another claim ID{what} than the unit has ({mask(claim_id)})"
    if found != claim_id and not isinstance(holder, str):
        return "does not say for which serial"
    if isinstance(holder, str) and not is_same_serial(holder, unit):
        return f"names the serial {quoted(printable(holder[:64]))}, not {quoted(unit)}"
    if state is not None and str(state) not in _STATES:
        return f"has the claim ID as {quoted(printable(str(state)[:20]))}"
    return None


def _refusal(status: int, said: str, place: str) -> str:
    because = said.rstrip(".")
    if status == _CONFLICT:
        return f"The service at {place} does not accept what the unit has, status {status}: {said}"
    if status in _UNKNOWN:
        return (
            f"The service at {place} does not know the claim ID that the unit has, status {status} ({because}): see "
            "whether it is the service that the agent asks (api.serialize), and whether it remembers its units and "
            f"takes confirmations; {_CANNOT}"
        )
    if status in _TAKES_NO_CONFIRMATION:
        return f"The service at {place} takes no confirmation, status {status}: {_CANNOT}"
    if status in {UNAUTHORIZED, _FORBIDDEN}:
        remedy = (
            "set ioto_service_token to the token of that service (the file controller-token, which it made at its "
            "first start)"
            if status == UNAUTHORIZED
            else "see whether it may serve this product and unit, and correct ioto_service_token, or the secret in "
            "ioto_service_url"
        )
        return (
            f"The service at {place} takes this confirmation from others alone, status {status} ({because}): {remedy}."
        )
    if status < 400:
        return (
            f"The service at {place} sent the confirmation elsewhere, status {status}, which is not followed: give "
            "the URL to which it leads as ioto_service_url."
        )
    return (
        f"The service at {place} refused the confirmation of what the unit has, status {status} ({because}): correct "
        f"what it names, see its log, and {_SEE_URL}."
    )
