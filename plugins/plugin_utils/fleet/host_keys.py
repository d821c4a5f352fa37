# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host keys on a line: who may be talked to. What the ledger has of a unit is compared in the transaction itself."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import paramiko
from paramiko.hostkeys import HostKeyEntry

from ..private_files import is_there
from .ssh_arguments import SettingsError
from .ssh_settings import DEFAULT_PORT, HostKeyPolicy, SshSettings

_HASHED = "|1|"
"""How a name begins of which nobody is to see which one it is."""


def fingerprint(key: paramiko.PKey) -> str:
    """Return the fingerprint of `key` as ssh-keygen shows it: SHA256:…"""
    return str(key.fingerprint)


def objection(settings: SshSettings, key: paramiko.PKey) -> str | None:
    """Return why `key` may not be the host's, as far as the known_hosts files can tell, or None."""
    if key.get_name() == "ssh-rsa" and key.get_bits() < settings.rsa_bits:
        return f"its host key {fingerprint(key)} is shorter than RequiredRSASize"
    if settings.policy is HostKeyPolicy.LEDGER:
        return None
    known = _known(settings)
    if not known:
        if settings.policy is HostKeyPolicy.ACCEPT_NEW:
            return None
        return f"its host key {fingerprint(key)} is in none of {', '.join(settings.known_hosts)}"
    if known.get(key.get_name()) == key:
        return None
    return f"its host key {fingerprint(key)} differs from the one in {', '.join(settings.known_hosts)}"


def known_types(settings: SshSettings) -> tuple[str, ...]:
    """Return the types of key under which the host is known, so that it can be asked for one of these first."""
    return () if settings.policy is HostKeyPolicy.LEDGER else tuple(_known(settings))


def _known(settings: SshSettings) -> dict[str, paramiko.PKey]:
    at_port = settings.host if settings.port == DEFAULT_PORT else f"[{settings.host}]:{settings.port}"
    name = settings.key_alias or at_port
    found: dict[str, paramiko.PKey] = {}
    for file in settings.known_hosts:
        found = {**(_load(file).lookup(name) or {}), **found}
    return found


@cache
def _load(file: str) -> paramiko.HostKeys:
    keys = paramiko.HostKeys()
    if is_there(file):
        try:
            text = Path(file).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise SettingsError(
                f"The file {file} cannot be read ({error.strerror}); correct its permissions."
            ) from None
        if "\n@revoked" in f"\n{text}":
            raise SettingsError(f"The file {file} has revoked keys (@revoked), which the fleet engine cannot look for.")
        seen = set()  # of several keys of one type the first counts
        for number, line in enumerate(text.split("\n"), start=1):
            for name, key in _names(line.strip(), number):
                if (name, key.get_name()) not in seen:
                    seen.add((name, key.get_name()))
                    keys.add(name, key.get_name(), key)
    return keys


def _names(line: str, number: int) -> Sequence[tuple[str, paramiko.PKey]]:
    """Return the names in a line of a known_hosts file with their key; none where it says nothing that is known here.

    By line: for one that its parser stumbles over, by an error of any type, paramiko would give up the whole file.
    """
    with suppress(Exception):
        entry = HostKeyEntry.from_line(line, number) if line and not line.startswith("#") else None
        for name in entry.hostnames if entry else ():
            if name.startswith(_HASHED):
                paramiko.HostKeys.hash_host("", name)  # as whoever looks a host up will
        return [(name, entry.key) for name in entry.hostnames] if entry else []
    return []
