# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that the ssh program takes, as far as they are understood here: arguments become options with values."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from ..errors import IotoError

HONOURED = frozenset(
    {
        "ciphers",
        "compression",
        "connecttimeout",
        "globalknownhostsfile",
        "hostkeyalgorithms",
        "hostname",
        "identitiesonly",
        "identityagent",
        "identityfile",
        "kexalgorithms",
        "macs",
        "passwordauthentication",
        "port",
        "proxyjump",
        "pubkeyauthentication",
        "serveraliveinterval",
        "stricthostkeychecking",
        "user",
        "userknownhostsfile",
    }
)
"""Options that change how a connection is made, and that we do as ssh does."""

_POINTLESS = frozenset(
    {
        "addkeystoagent",
        "batchmode",
        "checkhostip",
        "connectionattempts",
        "controlmaster",
        "controlpath",
        "controlpersist",
        "escapechar",
        "forwardagent",
        "forwardx11",
        "forwardx11trusted",
        "gssapiauthentication",
        "hashknownhosts",
        "ipqos",
        "kbdinteractiveauthentication",
        "loglevel",
        "numberofpasswordprompts",
        "preferredauthentications",
        "requesttty",
        "serveralivecountmax",
        "tcpkeepalive",
        "updatehostkeys",
        "visualhostkey",
    }
)
"""Options that make no difference to scripts over connections that nobody shares."""

_FLAGS = {"-C": ("compression", "yes")}
_POINTLESS_FLAGS = {"-q", "-v", "-vv", "-vvv", "-T", "-t", "-tt", "-x", "-a", "-A", "-n", "-X"}
_WITH_VALUE = {"-i": "identityfile", "-l": "user", "-p": "port", "-J": "proxyjump"}


class SshArgumentError(IotoError):
    """Arguments for ssh that the fleet engine cannot honour; the message names them."""


def parse_arguments(*texts: str | None) -> Mapping[str, str]:
    """Return the options in arguments for ssh, by name in lower case; of several values the first counts, as in ssh.

    Of `identityfile` all count, a line each. Values keep their case; `ssh_settings` knows where it means nothing.
    Raises `SshArgumentError`, which names everything that cannot be honoured.
    """
    found: dict[str, str] = {}
    strange: list[str] = []
    for text in texts:
        try:
            words = iter(shlex.split(text or ""))
        except ValueError:
            raise SshArgumentError(f"the ssh arguments {text!a}, which have an open quote") from None
        for word in words:
            name, value = _option(word, words)
            if name == "identityfile" and name in found:
                found[name] += f"\n{value}"
            elif name in HONOURED:
                found.setdefault(name, value)
            elif name not in _POINTLESS:
                strange.append(f"{name} {value}".strip())
    if strange:
        raise SshArgumentError(f"the ssh argument{'s' if len(strange) > 1 else ''} {', '.join(strange)}")
    return found


def _option(word: str, rest: Iterator[str]) -> tuple[str, str]:
    """Name and value of what begins with `word`; a name that is not known stays as it is written."""
    if word in _FLAGS:
        return _FLAGS[word]
    if word in _POINTLESS_FLAGS:
        return "loglevel", ""
    flag, value = word[:2], word[2:]
    if flag == "-F":
        file = value or next(rest, "")
        return ("loglevel", "") if file in {"none", "/dev/null"} else ("-F", file)
    if flag in _WITH_VALUE:
        return _WITH_VALUE[flag], value or next(rest, "")
    if flag == "-o":
        name, _unused, value = (value or next(rest, "")).replace("=", " ", 1).strip().partition(" ")
        return (name.lower() if name.lower() in HONOURED | _POINTLESS else f"-o {name}"), value.strip()
    return word, ""
