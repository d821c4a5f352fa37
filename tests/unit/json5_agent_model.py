# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of how the Ioto agent reads JSON5, to check that it reads what we write.

Written after the behaviour of the agent's reader (its `jsonLib.c`, in two generations): where the agent refuses such a
text, or takes a part of it for something else, it raises `AgentRefusesError`.
Two known differences in values are left to the caller: a bare word stays the text that it is (`Bare`), and of a
`\\uXXXX` escape one byte is kept.
"""

from __future__ import annotations

BLANKS = b" \t\r\n"
WORD = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-."
ESCAPES = {ord(b): v for b, v in zip("'`\"/\\bfrnt", b"'`\"/\\\b\f\r\n\t", strict=True)}


class AgentRefusesError(Exception):
    """The agent cannot read the text, or reads something else."""


class Bare(str):
    """A number or a word, as it stands in the text."""


class Agent:
    def __init__(self, data: bytes) -> None:
        if b"\0" in data:
            raise AgentRefusesError("NUL ends the text")
        self.data = data
        self.at = 0

    def read(self) -> object:
        self.skip()
        value = self.value()
        self.skip()
        if self.at < len(self.data):
            raise AgentRefusesError("something follows")
        return value

    def skip(self) -> None:
        data = self.data
        while self.at < len(data):
            if data[self.at] in BLANKS:
                self.at += 1
            elif data.startswith(b"//", self.at):
                # Only a newline ends it: neither a carriage return nor U+2028 does.
                end = data.find(b"\n", self.at)
                self.at = len(data) if end < 0 else end
            elif data.startswith(b"/*", self.at):
                end = data.find(b"*/", self.at + 2)
                if end < 0:
                    raise AgentRefusesError("comment not closed")
                self.at = end + 2
            else:
                return

    def next(self) -> bytes:
        self.skip()
        return self.data[self.at : self.at + 1]

    def value(self) -> object:
        first = self.next()
        if first == b"{":
            return self.object()
        if first == b"[":
            return self.array()
        if first in (b"'", b'"', b"`"):
            return self.string(first)
        return Bare(self.word())

    def object(self) -> dict[str, object]:
        members: dict[str, object] = {}
        self.at += 1
        self.commas()
        while (first := self.next()) != b"}":
            key = self.string(first) if first in (b"'", b'"', b"`") else self.word()
            self.expect(b":")
            members.setdefault(key, self.value())
            if self.next() != b"}":
                self.expect(b",")
                self.commas()
        self.at += 1
        return members

    def array(self) -> list[object]:
        items = []
        self.at += 1
        self.commas()
        while self.next() != b"]":
            items.append(self.value())
            if self.next() != b"]":
                self.expect(b",")
                self.commas()
        self.at += 1
        return items

    def commas(self) -> None:
        while self.next() == b",":
            self.at += 1

    def expect(self, mark: bytes) -> None:
        if self.next() != mark:
            raise AgentRefusesError(f"no {mark!r}")
        self.at += 1

    def word(self) -> str:
        start = self.at
        while self.at < len(self.data) and self.data[self.at] in WORD:
            if self.data[self.at] == ord(".") and not self.data[start : self.at][-1:].isalnum():
                raise AgentRefusesError("point without a digit before")
            self.at += 1
        # What stops a word must be a blank or a punctuator, else the agent takes it as a part of the word.
        if self.at == start or self.data[self.at : self.at + 1] not in (b"", *(bytes([c]) for c in BLANKS + b"}]:,")):
            raise AgentRefusesError("word with a strange end")
        return self.data[start : self.at].decode()

    def string(self, quote: bytes) -> str:
        value = bytearray()
        self.at += 1
        while (letter := self.data[self.at : self.at + 1]) != quote:
            if not letter:
                raise AgentRefusesError("string not closed")
            self.at += 1
            if letter != b"\\":
                value += letter
                continue
            escape = self.data[self.at]
            self.at += 1
            if escape == ord("u"):
                kept = int(self.data[self.at : self.at + 4], 16) & 0xFF
                if not kept:
                    raise AgentRefusesError("NUL ends the string")
                value.append(kept)
                self.at += 4
            elif escape in ESCAPES:
                value.append(ESCAPES[escape])
            else:
                raise AgentRefusesError("unknown escape")
        self.at += 1
        return value.decode(errors="surrogateescape")


def same(agent: object, value: object) -> bool:
    """Say whether what the agent read is `value`, given that it keeps numbers and words as text."""
    if isinstance(value, dict):
        return (
            isinstance(agent, dict)
            and list(agent) == list(value)
            and all(same(agent[key], child) for key, child in value.items())
        )
    if isinstance(value, list):
        return (
            isinstance(agent, list)
            and len(agent) == len(value)
            and all(same(left, right) for left, right in zip(agent, value, strict=True))
        )
    if isinstance(value, str):
        return isinstance(agent, str) and agent == value
    if not isinstance(agent, Bare):
        return False
    if value is None or isinstance(value, bool):
        return agent == {None: "null", True: "true", False: "false"}[value]
    text = agent.replace("Infinity", "inf")
    number = float(int(text, 16)) if "x" in text.lower() else float(text)
    return number == float(value) or (number != number and value != value)
