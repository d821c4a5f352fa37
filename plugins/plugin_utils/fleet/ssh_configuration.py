# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts a configuration of ssh treats alike, by its lines `Host`, `Match` and `Include`."""

from __future__ import annotations

import ipaddress
import re
import shlex
import socket
from collections.abc import Sequence
from contextlib import suppress
from glob import glob
from itertools import count
from pathlib import Path

from .ssh_arguments import at_home

_LINE = re.compile(r"^[ \t]*(host|match|include)(?:[ \t]*=[ \t]*|[ \t]+)(.*)$", re.IGNORECASE | re.MULTILINE)
_ASKS = re.compile(r'^[ \t]*stricthostkeychecking[ \t="]+ask\b', re.IGNORECASE | re.MULTILINE)
_BY_HOST = re.compile(r"%C|(?i:canonicalizehostname)")
"""What makes something of a host's name that cannot be put right for another's."""
_DEEPEST = 16
"""Files in files; ssh goes no deeper either."""


class Configuration:
    """What stands in configuration files, and in `text` before them.

    Hosts for which the same `Host` lines hold have the same options, unless a `Match` stands there.
    """

    def __init__(self, files: Sequence[tuple[Path, Path]], text: str) -> None:
        """Read `files`, each with the folder from which it includes; those that cannot be read are left out."""
        self._text = text
        self._by_host = False
        self._lines: list[re.Pattern[str]] = []
        self._stand_ins: dict[bytes, str] = {}
        for file, folder in files:
            self._read(file, folder, 0)
        self._by_host |= bool(_BY_HOST.search(self._text))
        self._mark = next(mark for mark in map("ioto{}x".format, count()) if mark not in self._text)
        self.unused_port = next(port for port in range(65535, 0, -1) if str(port) not in self._text)
        self.asks = bool(_ASKS.search(self._text))
        """`StrictHostKeyChecking ask`, which is the default, is written somewhere."""

    def stand_in(self, host: str) -> str | None:
        """Return the name to ask for in place of `host` and of all that are alike, None where there can be none.

        It stands nowhere in the files, so whatever has it in an answer has it from the question.
        """
        key = self._key(host)
        if self._by_host or not _is_plain(host):
            return None
        if key not in self._stand_ins:
            names = (f"{host[:place]}{self._mark}{host[place:]}" for place in range(len(host), -1, -1))
            self._stand_ins |= {self._key(name): name for name in names if self._key(name) == key}
        return self._stand_ins.get(key)

    def _key(self, host: str) -> bytes:
        return bytes(line.fullmatch(host) is not None for line in self._lines)

    def _read(self, file: Path, folder: Path, depth: int) -> None:
        text = ""
        with suppress(OSError):
            text = file.read_text(encoding="utf-8", errors="surrogateescape")
        self._text += f"\n{text}"
        for word, value in _LINE.findall(text):
            words = _split(value)
            if word.lower() == "host":
                self._lines.append(_pattern(words))
            elif word.lower() == "match" or depth == _DEEPEST or set(value) & set("%$"):
                self._by_host = True
            else:
                for path in (str(folder / at_home(name)) for name in words):
                    for included in glob(path):  # noqa: PTH207 - the whole path is a pattern
                        self._read(Path(included), folder, depth + 1)


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    """Return what fits the names that one of `words` fits, and none that has a ! before it."""
    words = [re.escape(word).replace(r"\*", ".*").replace(r"\?", ".") for word in words]
    never = "".join(rf"(?!{word[1:]}\Z)" for word in words if word.startswith("!"))
    return re.compile(f"{never}(?:{'|'.join(word for word in words if not word.startswith('!')) or '(?!)'})", re.DOTALL)


def _is_plain(host: str) -> bool:
    """Whether ssh takes `host` as it stands: no user, no capitals, no address in another form than its own."""
    if not re.fullmatch(r"[a-z0-9_:][a-z0-9._:-]*", host):
        return False
    with suppress(ValueError):
        return str(ipaddress.ip_address(host)) == host
    with suppress(OSError):
        return not socket.inet_aton(host)
    return ":" not in host
