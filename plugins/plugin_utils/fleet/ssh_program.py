# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenSSH makes of its arguments and configuration: `ssh -G`, asked once for all hosts that are alike."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

from ..display_text import printable, quoted
from .ssh_arguments import PORT_WORD, SettingsError
from .ssh_configuration import Configuration

SECONDS = 20.0
"""How long ssh may take for an answer."""
_SHOWN = 300
_TOKENS = "CiLlud"
_ASIDE = ("-o", f"ControlPath={'|'.join(f'%{token}' for token in _TOKENS)}")
"""Tokens that ssh is to put in itself, in a path of which nobody makes use."""
_OF_ONE_HOST = {"host", "hostname", "port", "controlpath"}

Values = Mapping[str, Sequence[str]]
"""Options by name in lower case, each with the values of its lines."""


class SshProgram:
    """The ssh program of this machine, which is asked what holds for a host, and never connects."""

    def __init__(self) -> None:
        self._ask = lru_cache(_ask)
        self._silent: set[Sequence[str]] = set()
        self._configurations: dict[Sequence[str], Configuration] = {}

    @cached_property
    def defaults(self) -> Values:
        """What holds where nobody has said anything."""
        return _parse(self._ask(("-F", "none"), "localhost"))

    def values(self, words: Sequence[str], host: str, port: int | None = None) -> Values:
        """Return what holds for `host` with the arguments `words`. Raises `SettingsError`.

        `port` is put in for `PORT_WORD`. Where a `Match` stands in the configuration, each host has a call of its own.
        """
        configuration = self.configuration(words)
        stand_in = configuration.stand_in(host)
        asked, number = (stand_in, configuration.unused_port) if stand_in else (host, port)
        answer = "" if words in self._silent else self._ask(_with_port(words, number), asked)
        if not answer:
            self._silent.add(words)
            raise SettingsError(f"The ssh program says nothing for {SECONDS:.0f} s; see the Match lines it reads.")
        if stand_in:
            own = {asked: host, str(number): str(port)}
            answer = re.sub("|".join(map(re.escape, own)), lambda found: own[found[0]], answer)
        return _parse(answer)

    def differ_in_address(self, words: Sequence[str], stand_in: str) -> bool:
        """Say whether the hosts with that `stand_in` differ in host, host name and port alone.

        A value that has a token is taken for one that differs.
        """
        port = self.configuration(words).unused_port
        values = _parse(self._ask(_with_port(words, port), stand_in))
        others = (value for name in values.keys() - _OF_ONE_HOST for value in values[name])
        strange = re.compile("|".join(map(re.escape, (stand_in, str(port), "%", "$"))))
        return list(values["hostname"]) == [stand_in] and not any(map(strange.search, others))

    def tokens(self, values: Values) -> Mapping[str, str]:
        """Return what the tokens in the paths of a host with these `values` stand for."""
        said = {name: found[0] for name, found in values.items()}
        return {
            **dict(zip(_TOKENS, said["controlpath"].split("|", len(_TOKENS) - 1), strict=True)),
            **{"%": "%", "h": said["hostname"], "n": said["host"], "p": said["port"], "r": said["user"]},
            **{"k": said.get("hostkeyalias", said["host"]), "j": said.get("proxyjump", "")},
        }

    def configuration(self, words: Sequence[str]) -> Configuration:
        """Return what ssh reads with the arguments `words`, from where it says itself that its files are."""
        if words not in self._configurations:
            known = (self.defaults[f"{whose}knownhostsfile"][0].split()[0] for whose in ("user", "global"))
            own, shared = (Path(file).parent for file in known)
            file = config_file(words)
            home = Path.home() / ".ssh"  # what is included is looked for where HOME says, and only that
            files = [(Path(file), home)] if file else [(own / "config", home), (shared / "ssh_config", shared)]
            text = "\n".join((*words, *map(str, self.defaults.values())))
            self._configurations[words] = Configuration([] if file == "none" else files, text)
        return self._configurations[words]


def config_file(words: Sequence[str]) -> str | None:
    """Return the configuration file that `words` name; the last one, as for ssh."""
    return next((words[place + 1] for place in range(len(words) - 2, -1, -1) if words[place] == "-F"), None)


def _with_port(words: Sequence[str], port: int | None) -> tuple[str, ...]:
    return tuple(f"{PORT_WORD}{port}" if word == PORT_WORD else word for word in words)


def _parse(answer: str) -> Values:
    values: dict[str, list[str]] = {}
    for line in answer.splitlines():
        name, _unused, value = line.partition(" ")
        values.setdefault(name.lower(), []).append(value)
    return values


def _ask(words: Sequence[str], host: str) -> str:
    # With a command, which is never run, ssh does not look for a terminal.
    command = ["ssh", "-G", *_ASIDE, *words, "--", host, "true"]
    if strange := [word for word in command if not (word and word.isprintable())]:
        raise SettingsError(f"{quoted(strange[0])} cannot be said to ssh; correct what stands for it in the inventory.")
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
            start_new_session=True,
        )
    except OSError as error:
        raise SettingsError(f"There is no ssh to be asked ({error.strerror}); install OpenSSH's client.") from None
    try:
        answer, complaint = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return ""
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # with what a `Match exec` has started
            process.communicate()
    if process.returncode == 0 and "\nhostname " in answer:
        return answer
    raise SettingsError(
        f"The ssh program does not take its settings ({printable(complaint.strip()[-_SHOWN:])}); correct the ssh "
        "arguments in the inventory, or the configuration of ssh."
    )
