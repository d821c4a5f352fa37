# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that Ansible's ssh connection would give to the ssh program for a host."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from getopt import GetoptError, getopt
from math import ceil
from typing import Any

from ..display_text import quoted
from ..errors import IotoError
from ..private_files import TypedPathError, typed_path

PORT_WORD = "Port="
"""Where a host's port is put in; hosts that differ in it alone have the same words."""

_FLAGS = "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:P:Q:R:S:TVw:W:XYy"
_ELSEWHERE = {"-E", "-O", "-Q", "-V", "-W"}
"""Flags that make another program of ssh; it would do as they say when it is asked with -G."""
_UNSAID = {"-S", "-q", "-v"}
"""Flags that change what ssh answers, and nothing else here."""


class SettingsError(IotoError):
    """A connection that the fleet engine cannot make as the inventory wants it."""


def ssh_words(options: Mapping[str, Any], timeout: float) -> Iterator[str]:
    """Yield what `options` say, in the order of Ansible's ssh plugin: of several values, ssh takes the first.

    What the plugin adds where there is no password is left out, since nobody would send one.
    """
    yield from words_in(options.get("ssh_args"))[0]
    if str(options.get("host_key_checking")).lower() in {"false", "no", "off", "0"}:
        yield from ("-o", "StrictHostKeyChecking=no")
    if options.get("port") is not None:
        yield from ("-o", PORT_WORD)
    if options.get("private_key"):
        yield from ("-o", "IdentitiesOnly=yes")
    elif options.get("private_key_file"):
        yield from ("-o", f'IdentityFile="{at_home(options["private_key_file"])}"')
    if options.get("remote_user"):
        yield from ("-o", f'User="{options["remote_user"]}"')
    yield from ("-o", f"ConnectTimeout={ceil(timeout)}")
    for name in ("ssh_common_args", "ssh_extra_args"):
        yield from words_in(options.get(name))[0]


def at_home(path: str) -> str:
    """Return `path` with its ~ put in, by HOME. Raises `SettingsError`."""
    try:
        return str(typed_path(path))
    except TypedPathError as error:
        raise SettingsError(str(error)) from None


@cache
def words_in(text: str | None) -> tuple[Sequence[str], Sequence[str]]:
    """Return the words of `text`, flags and values apart, and those that ssh cannot be asked about.

    Raises `SettingsError` for what ssh would not take.
    """
    try:
        found, strange = getopt(shlex.split(text or ""), _FLAGS)
    except (ValueError, GetoptError) as error:
        raise SettingsError(f"The ssh arguments {quoted(text)} cannot be read ({error}); correct them.") from None
    words: list[str] = []
    for flag, value in found:
        if flag in _ELSEWHERE:
            strange.append(f"{flag} {value}".strip())
        elif flag == "-i":  # ssh itself would drop it where the file is missing
            words += ("-o", f'IdentityFile="{value}"')
        elif flag not in _UNSAID:
            words += (flag, value) if f"{flag[1]}:" in _FLAGS else (flag,)
    return words, strange
