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
from typing import Any

from ..display_text import printable
from ..private_files import is_there
from .ssh_arguments import SettingsError, at_home, ssh_words, words_in
from .ssh_program import SshProgram, Values, config_file

DEFAULT_PORT = 22
LAST_PORT = 65535

_LONGEST = 1_000_000
"""Seconds, or tries."""
_PATIENCE = 10.0
"""Seconds for a connection, where neither Ansible nor ssh say how many."""
_CONNECTIONS = {"ssh", "smart", "ansible.builtin.ssh", "ansible.legacy.ssh"}


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
    """Keys that are named for the host."""
    asked_keys: Sequence[str] = ()
    """Those of them that the inventory names: they have to be there. Another one that is not is left out, as by ssh."""
    default_keys: Sequence[str] = ()
    """Keys that nobody has named, which are tried as well."""
    certificates: Sequence[str] = ()
    """Those of any of the keys; files that are there."""
    private_key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    use_agent: bool = True
    public_key_login: bool = True
    timeout: float = _PATIENCE
    attempts: int = 1
    policy: HostKeyPolicy = HostKeyPolicy.LEDGER
    known_hosts: Sequence[str] = ()
    key_alias: str | None = None
    """The name under which the host is known in them, where it is not its own."""
    rsa_bits: int = 0
    """The least that a key of RSA has to have."""
    jump: SshSettings | None = None
    keepalive: int = 0
    algorithms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By kind (kex, key_types, ciphers, digests, pubkeys): what may be used, in order. One that is missing: all."""

    def keys_to_try(self) -> Sequence[str]:
        """Return those of `key_files` that are there, and those that have to be."""
        return [file for file in self.key_files if file in self.asked_keys or is_there(file)]


_ALGORITHMS = {
    "kexalgorithms": "kex",
    "hostkeyalgorithms": "key_types",
    "ciphers": "ciphers",
    "macs": "digests",
    "pubkeyacceptedalgorithms": "pubkeys",
}
_HONOURED = f"""
    {" ".join(_ALGORITHMS)} certificatefile connecttimeout globalknownhostsfile host hostkeyalias hostname
    identitiesonly identityfile passwordauthentication port preferredauthentications proxyjump pubkeyauthentication
    requiredrsasize serveraliveinterval stricthostkeychecking user userknownhostsfile
"""
_IGNORED = {
    "no connection is shared": "controlmaster controlpath controlpersist",
    "nothing is forwarded": """clearallforwardings exitonforwardfailure forwardagent forwardx11 forwardx11timeout
        forwardx11trusted gatewayports permitremoteopen streamlocalbindmask streamlocalbindunlink tunneldevice
        xauthlocation""",
    "nobody sits at a terminal": """batchmode enableescapecommandline escapechar fingerprinthash loglevel logverbose
        numberofpasswordprompts obscurekeystroketiming requesttty stdinnull syslogfacility visualhostkey
        warnweakcrypto""",
    "our scripts set what they need": "sendenv setenv",
    "it permits what is refused by itself": "permitlocalcommand",
    "keys and passwords are tried, and no tickets": """gssapiauthentication gssapidelegatecredentials
        gssapikexalgorithms gssapikeyexchange gssapirenewalforcesrekey gssapitrustdns kbdinteractiveauthentication""",
    "no host vouches for us": "enablesshkeysign hostbasedacceptedalgorithms",
    "the certificate of a host counts as an unknown key": "casignaturealgorithms",
    "the server takes what our keys sign with, or refuses it": "securitykeyprovider",
    "known_hosts and the agent are only read": "addkeystoagent checkhostip hashknownhosts updatehostkeys",
    "ssh has done it before it answers": """canonicaldomains canonicalizefallbacklocal canonicalizehostname
        canonicalizemaxdots canonicalizepermittedcnames ignoreunknown tag""",
    "deadlines and attempts are ours": "channeltimeout connectionattempts serveralivecountmax tcpkeepalive",
    "it makes no difference to a few short packets": "ipqos rekeylimit versionaddendum",
    "what is packed small could fill our memory": "compression",
}
"""Options without influence on what we do, by the reason."""
_LEFT = frozenset(" ".join([_HONOURED, *_IGNORED.values()]).split())
_MOST_JUMPS = 8
_JUMP = re.compile(r"(?:ssh://)?(?:(?P<user>.*)@)?(?:\[(?P<address>.+)\]|(?P<host>[^:]+))(?::(?P<port>\d+))?")
_POLICIES = {"true": HostKeyPolicy.STRICT, "accept-new": HostKeyPolicy.ACCEPT_NEW, "false": HostKeyPolicy.LEDGER}


def resolve_settings(options: Mapping[str, Any], ssh: SshProgram | None = None) -> SshSettings:
    """Return the settings for `options`, which have the names of Ansible's ssh connection plugin, as `ssh` has them.

    Beside these: `connection`, its name, and `become`; `host_key_checking` is there only where somebody has set it.
    Raises `SettingsError`, which names all that is not honoured.
    """
    return SharedSettings(options, ssh or SshProgram()).of(options["host"], options.get("port"))


class SharedSettings:
    """The settings of hosts whose options differ in address and port alone: worked out once for all that ssh has alike.

    Each of them goes through `check` first, which raises `IotoError` where they cannot be used.
    """

    def __init__(
        self, options: Mapping[str, Any], ssh: SshProgram, check: Callable[[SshSettings], None] | None = None
    ) -> None:
        """Take options as `resolve_settings` does; their host and port count for nothing. Raises `SettingsError`."""
        self._options = options
        self._ssh = ssh
        self._check = check
        self._refused = _refusals(options)
        self._timeout = _number("timeout", options.get("timeout")) or _PATIENCE
        self._own = SshSettings(
            host="",
            password=options.get("password"),
            key_files=[at_home(options["private_key_file"])] if options.get("private_key_file") else [],
            private_key=options.get("private_key"),
            passphrase=options.get("private_key_passphrase"),
            timeout=self._timeout,
            attempts=1 + int(_number("reconnection_retries", options.get("reconnection_retries"))),
            policy=HostKeyPolicy.STRICT
            if str(options.get("host_key_checking")).lower() in {"true", "yes", "on", "1"}
            else HostKeyPolicy.LEDGER,
        )
        self._words: dict[bool, tuple[str, ...]] = {}
        self._alike: dict[tuple[str | None, bool], SshSettings] = {}

    def of(self, host: object, port: object) -> SshSettings:
        """Return the settings of a host at that address and port, None where nobody says one. Raises `IotoError`."""
        address, number = str(host), None if port is None else _port(port)
        has_port = number is not None
        if has_port not in self._words:
            self._words[has_port] = tuple(ssh_words({**self._options, "port": number}, self._timeout))
        words = self._words[has_port]
        stand_in = self._ssh.configuration(words).stand_in(address)
        if shared := self._alike.get((stand_in, has_port)):
            return replace(shared, host=address, port=number or shared.port)
        own = replace(self._own, host=address)
        settings = _as_ssh_says(own, self._ssh, words, number, refused=self._refused)
        if self._check:
            self._check(settings)
        if stand_in is not None and self._ssh.differ_in_address(words, stand_in):
            self._alike[stand_in, has_port] = settings
        return settings


def _as_ssh_says(
    own: SshSettings,
    ssh: SshProgram,
    words: tuple[str, ...],
    port: int | None = None,
    *,
    refused: Sequence[str] = (),
    jumps: int = 0,
) -> SshSettings:
    """Return `own` with all that ssh, told `words`, says of its host, a destination. `refused`: what else is."""
    values = ssh.values(words, own.host, port)
    said = {name: found[0] for name, found in values.items()}
    said = {"proxyjump": "none", "preferredauthentications": "publickey,password", "identityagent": "", **said}
    refused = [*refused, *_unknown(values, ssh.defaults)]
    if (
        own.policy is HostKeyPolicy.LEDGER
        and values["stricthostkeychecking"] == ["ask"]
        and ssh.configuration(words).asks
    ):
        # That is the default, which the ledger takes the place of; who writes it wants to be asked.
        refused.append("stricthostkeychecking ask (nobody is there to answer)")
    if refused:
        raise SettingsError(
            f"The fleet engine does not honour {', '.join(refused)}: use ioto_engine: ansible, or change that."
        )
    methods = said["preferredauthentications"].replace("keyboard-interactive", "password").split(",")
    tokens = ssh.tokens(values)
    files = _files(values, "identityfile", tokens)
    there = tuple(file for file in files if file in own.key_files or is_there(file))
    certificates = *_files(values, "certificatefile", tokens), *(f"{file}-cert.pub" for file in there)
    by_default = values.get("identityfile") == ssh.defaults.get("identityfile")
    wants_agent = said["identityagent"] != "none" and said["identitiesonly"] == "no"
    known_hosts = f"{said['userknownhostsfile']} {said['globalknownhostsfile']}".split()
    way = None
    if said["proxyjump"] != "none":
        way = _jump(own, ssh, config_file(words), said["proxyjump"], jumps + 1)
    return replace(
        own,
        host=said["hostname"],
        port=int(said["port"]),
        user=said["user"],
        password=own.password if _is_yes(said["passwordauthentication"]) and "password" in methods else None,
        key_files=() if by_default else there or files,
        asked_keys=tuple(file for file in files if f'IdentityFile="{file}"' in words),
        certificates=tuple(file for file in certificates if is_there(file)),
        default_keys=there if by_default and not own.private_key else (),
        use_agent=wants_agent and "SSH_AUTH_SOCK" in os.environ,
        public_key_login=_is_yes(said["pubkeyauthentication"]) and "publickey" in methods,
        timeout=float(said["connecttimeout"].replace("none", "0")) or own.timeout,
        policy=_POLICIES.get(said["stricthostkeychecking"], own.policy),
        known_hosts=tuple(file for file in known_hosts if file != "none"),
        key_alias=said.get("hostkeyalias"),
        rsa_bits=int(said.get("requiredrsasize", 0)),
        jump=way,
        keepalive=int(said["serveraliveinterval"]),
        algorithms={
            kind: said[name].split(",") for name, kind in _ALGORITHMS.items() if values[name] != ssh.defaults[name]
        },
    )


def _unknown(values: Values, defaults: Values) -> list[str]:
    """Return what differs from OpenSSH's own defaults, and is neither done as ssh does nor without influence."""
    different = (name for name in sorted(values.keys() - _LEFT) if values[name] != defaults.get(name))
    found = [f"{name} {value}" for name in different for value in values[name]]
    return [one for one in found if one not in {"identityagent none", "identityagent SSH_AUTH_SOCK"}]


def _jump(own: SshSettings, ssh: SshProgram, file: str | None, names: str, jumps: int) -> SshSettings:
    """Return the last of the jump hosts `names`, behind those before it, as a ssh of its own would reach it."""
    if jumps > _MOST_JUMPS or "%" in names:
        raise SettingsError(f"The fleet engine does not honour proxyjump {names}: use ioto_engine: ansible.")
    before, _unused, name = names.rpartition(",")
    place = _JUMP.fullmatch(name)
    if place is None:
        raise SettingsError(f"The jump host {printable(name)} is not valid; write it as user@host:port.")
    said = {"-F": file, "-J": before, "-l": place["user"], "-p": place["port"]}
    words = tuple(word for flag, value in said.items() if value for word in (flag, value))
    # The device's key and password are for nobody else. A jump host is the company's own, and its key is known.
    host = place["address"] or place["host"]
    way = SshSettings(host, timeout=own.timeout, attempts=own.attempts, policy=HostKeyPolicy.STRICT)
    return _as_ssh_says(way, ssh, words, jumps=jumps)


def _files(values: Values, name: str, tokens: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(_expand(file, tokens) for file in values.get(name, ()) if file != "none")


def _expand(path: str, tokens: Mapping[str, str]) -> str:
    """Return `path` with its ~, its `tokens` and its variables of the environment put in, as ssh does."""

    def value(found: re.Match[str]) -> str:
        known = tokens.get(found[1]) if found[1] else os.environ.get(found[2])
        if known is None:
            raise SettingsError(f"The path {printable(path)} has {found[0]}, which stands for nothing; correct it.")
        return known

    home = re.sub("^~(?=/)", lambda _home: tokens["d"], path)
    return re.sub(r"%(.)|\$\{(\w+)\}", value, at_home(home))


def _is_yes(value: str) -> bool:
    """Read what ssh shows of yes; for public keys it has words of its own as well."""
    return value not in {"no", "false"}


def _port(value: object) -> int:
    """Return the port that `value` says, as a number or in digits. Raises `SettingsError`."""
    text = str(value)
    if text.isdecimal() and len(text) <= len(str(LAST_PORT)) and 0 < int(text) <= LAST_PORT:
        return int(text)
    raise SettingsError(f"{printable(text[:20])!r} is not a port; give one up to {LAST_PORT}.")


def _number(name: str, value: object) -> float:
    """Return what `value` says, 0 for nothing. Raises `SettingsError` for what nobody can wait or count."""
    try:
        number = float(str(value or 0))
    except ValueError:
        number = math.nan
    if 0 <= number <= _LONGEST:
        return number
    raise SettingsError(f"The {name} {printable(str(value)[:20])!r} is not valid; give a number up to {_LONGEST}.")


def _refusals(options: Mapping[str, Any]) -> list[str]:
    refused = []
    if options.get("connection", "ssh") not in _CONNECTIONS:
        refused.append(f"the connection {options['connection']}")
    if options.get("become"):
        refused.append("become (log in as the user that may write the files)")
    if options.get("pkcs11_provider"):
        refused.append("ansible_ssh_pkcs11_provider")
    if options.get("ssh_executable") not in {None, "ssh", "/usr/bin/ssh"}:
        refused.append(f"ansible_ssh_executable {options['ssh_executable']} (the engine connects without ssh)")
    for name in ("ssh_args", "ssh_common_args", "ssh_extra_args"):
        refused += words_in(options.get(name))[1]
    return refused
