# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options that an inventory gives for ssh to the settings of one connection, or a refusal by name."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from getpass import getuser
from pathlib import Path
from typing import Any

from ..display_text import printable
from ..errors import IotoError
from .ssh_arguments import SshArgumentError, parse_arguments

DEFAULT_PORT = 22
LAST_PORT = 65535
DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")

_LONGEST = 1_000_000
"""Seconds, or tries."""
_CONNECTIONS = {"ssh", "smart", "ansible.builtin.ssh", "ansible.legacy.ssh"}


class SettingsError(IotoError):
    """A connection that the fleet engine cannot make as the inventory wants it."""


class HostKeyPolicy(StrEnum):
    """Which host keys are taken. Whatever is taken is compared with the one that the ledger has of the unit."""

    LEDGER = "ledger"
    """Any: on a line, new devices come with new keys to old addresses."""
    ACCEPT_NEW = "accept-new"
    """Any of a host that is not in the known_hosts files, and only the known one of a host that is."""
    STRICT = "strict"
    """Those in the known_hosts files."""


@dataclass(frozen=True, slots=True)
class SshSettings:
    """How one host is reached. Times are in seconds."""

    host: str
    port: int = DEFAULT_PORT
    user: str = "root"
    password: str | None = field(default=None, repr=False)
    key_files: Sequence[str] = ()
    """Keys that have to be there."""
    default_keys: bool = True
    """Try the user's own ~/.ssh/id_* as well."""
    private_key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    use_agent: bool = True
    public_key_login: bool = True
    timeout: float = 10.0
    attempts: int = 1
    policy: HostKeyPolicy = HostKeyPolicy.LEDGER
    known_hosts: Sequence[str] = ()
    jump: SshSettings | None = None
    compression: bool = False
    keepalive: int = 0
    algorithms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By kind (kex, key_types, ciphers, digests): what may be used, in order. A kind that is missing: all we know."""


_ALGORITHMS = {
    "kexalgorithms": "kex",
    "hostkeyalgorithms": "key_types",
    "ciphers": "ciphers",
    "macs": "digests",
}


def resolve_settings(options: Mapping[str, Any]) -> SshSettings:
    """Return the settings for `options`, which have the names of Ansible's ssh connection plugin.

    Beside these: `connection`, its name, and `become`; `host_key_checking` is there only where somebody has set it.
    Raises `SettingsError`, which names all that is not honoured.
    """
    refused = _refusals(options)
    given: Mapping[str, str] = {}
    try:
        given = parse_arguments(*(options.get(name) for name in ("ssh_args", "ssh_common_args", "ssh_extra_args")))
    except SshArgumentError as error:
        refused.append(str(error))
    values = {name: read(given[name]) for name, read in _VALUES.items() if name in given}
    refused += [f"{name} {given[name]}" for name, value in values.items() if value is None]
    refused += [
        f"{name} {given[name]} (no tokens)" for name in ("hostname", "identityfile") if "%" in given.get(name, "")
    ]
    algorithms = {}
    for option, kind in _ALGORITHMS.items():
        if option in given and given[option][:1] in {"+", "-", "^", ""}:
            refused.append(f"{option} {given[option]} (only a plain list is understood)")
        elif option in given:
            algorithms[kind] = tuple(given[option].split(","))
    if refused:
        raise SettingsError(f"The fleet engine does not honour {', '.join(refused)}: use serialize, or change that.")
    key_files = [options["private_key_file"]] if options.get("private_key_file") else []
    key_files += given.get("identityfile", "").splitlines()
    identities_only = values.get("identitiesonly") == "yes"
    settings = SshSettings(
        host=given.get("hostname") or str(options["host"]),
        port=parse_port(
            next(port for port in (options.get("port"), given.get("port"), DEFAULT_PORT) if port is not None)
        ),
        user=str(options.get("remote_user") or given.get("user") or getuser()),
        password=options.get("password") if values.get("passwordauthentication") != "no" else None,
        key_files=tuple(str(Path(file).expanduser()) for file in key_files),
        default_keys=not (key_files or options.get("private_key") or identities_only),
        private_key=options.get("private_key"),
        passphrase=options.get("private_key_passphrase"),
        use_agent=values.get("identityagent") != "none" and not identities_only and "SSH_AUTH_SOCK" in os.environ,
        public_key_login=values.get("pubkeyauthentication") != "no",
        timeout=_number("timeout", values.get("connecttimeout")) or _number("timeout", options.get("timeout")) or 10.0,
        attempts=1 + int(_number("reconnection_retries", options.get("reconnection_retries"))),
        policy=_policy(values.get("stricthostkeychecking"), options.get("host_key_checking")),
        known_hosts=_known_hosts(given),
        compression=values.get("compression") == "yes",
        keepalive=int(_number("serveraliveinterval", values.get("serveraliveinterval"))),
        algorithms=algorithms,
    )
    # A jump host is the company's own and stays: its key is known_hosts' business, unless nobody wants to know.
    unasked = values.get("stricthostkeychecking") == "no"
    way = replace(
        settings,
        policy=HostKeyPolicy.LEDGER if unasked else HostKeyPolicy.STRICT,
        password=None,  # that is the device's, and for nobody else
        default_keys=True,
        algorithms={},
    )
    return _behind(settings, given.get("proxyjump", ""), way)


def parse_port(value: object) -> int:
    """Return the port that `value` says, as a number or in digits. Raises `SettingsError`."""
    text = str(value)
    if text.isdecimal() and len(text) <= len(str(LAST_PORT)) and 0 < int(text) <= LAST_PORT:
        return int(text)
    raise SettingsError(f"{printable(text[:20])!r} is no port; give one up to {LAST_PORT}.")


def _number(name: str, value: object) -> float:
    """Return what `value` says, 0 for nothing. Raises `SettingsError` for what nobody can wait or count."""
    try:
        number = float(str(value or 0))
    except ValueError:
        number = math.nan
    if 0 <= number <= _LONGEST:
        return number
    raise SettingsError(f"The {name} {printable(str(value)[:20])!r} is none; give a number up to {_LONGEST}.")


def _one_of(**words: str) -> Callable[[str], str | None]:
    """Return what reads a value of which case means nothing: each of the `words` in its one form, None for others."""
    forms = {word.replace("_", "-"): form for word, form in words.items()}
    return lambda value: forms.get(value.lower())


def _seconds(value: str) -> str | None:
    """Read a time as ssh does (90, 90s, 1m30s, none); None for what is none."""
    parts = re.findall(r"(\d+)([smhdw]?)", value.lower())
    if value.lower() == "none":
        return "0"
    if "".join(map("".join, parts)) != value.lower() or not parts:
        return None
    return str(sum(int(number) * _UNITS[unit] for number, unit in parts))


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_YES_OR_NO = _one_of(yes="yes", true="yes", no="no", false="no")
_VALUES: Mapping[str, Callable[[str], str | None]] = {
    "compression": _YES_OR_NO,
    "connecttimeout": _seconds,
    "identitiesonly": _YES_OR_NO,
    "identityagent": _one_of(none="none"),
    "passwordauthentication": _YES_OR_NO,
    "port": lambda value: value if value.isdecimal() else None,
    "pubkeyauthentication": _YES_OR_NO,
    "serveraliveinterval": _seconds,
    # Nobody is there to be asked, so `ask` is refused as well.
    "stricthostkeychecking": _one_of(yes="yes", true="yes", accept_new="accept-new", no="no", off="no", false="no"),
}
"""What the values of options may be; None is what is refused."""


def _refusals(options: Mapping[str, Any]) -> list[str]:
    refused = []
    if options.get("connection", "ssh") not in _CONNECTIONS:
        refused.append(f"the connection {options['connection']}")
    if options.get("become"):
        refused.append("become (log in as the user that may write the files)")
    if options.get("pkcs11_provider"):
        refused.append("ansible_ssh_pkcs11_provider")
    if options.get("ssh_executable") not in {None, "ssh", "/usr/bin/ssh"}:
        refused.append(f"ansible_ssh_executable {options['ssh_executable']} (the engine starts no ssh)")
    return refused


def _policy(strict: str | None, checking: object) -> HostKeyPolicy:
    """Return the policy that StrictHostKeyChecking says, else what Ansible was told of checking (None: nothing)."""
    if strict == "accept-new":
        return HostKeyPolicy.ACCEPT_NEW
    if strict == "yes" or (strict is None and str(checking).lower() in {"true", "yes", "on", "1"}):
        return HostKeyPolicy.STRICT
    return HostKeyPolicy.LEDGER


def _known_hosts(given: Mapping[str, str]) -> tuple[str, ...]:
    files = given.get("userknownhostsfile", "~/.ssh/known_hosts").split()
    files += given.get("globalknownhostsfile", "/etc/ssh/ssh_known_hosts").split()
    return tuple(str(Path(file).expanduser()) for file in files if file != "none")


def _behind(settings: SshSettings, jumps: str, like: SshSettings) -> SshSettings:
    """Put `settings` behind the jump hosts that `jumps` names as ssh does: user@host:port, several with commas.

    They are reached as `like` says.
    """
    if jumps in {"", "none"}:
        return settings
    way: SshSettings | None = None
    for name in jumps.split(","):
        user, _unused, place = name.strip().removeprefix("ssh://").rpartition("@")
        host, port = _host_and_port(place)
        way = replace(like, host=host, port=port, user=user or like.user, jump=way)
    return replace(settings, jump=way)


def _host_and_port(place: str) -> tuple[str, int]:
    if place.startswith("["):
        host, _unused, port = place[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _unused, port = place.partition(":")
    if not host:
        raise SettingsError(f"The jump host {place!a} is none; write user@host:port.")
    return host, parse_port(port or DEFAULT_PORT)
