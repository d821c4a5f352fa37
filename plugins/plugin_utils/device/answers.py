# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a device answers to one of our scripts: records, and what is made of them.

Everything that a device answers is hostile until it is parsed here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace as with_fields
from functools import lru_cache

from ..display_text import printable
from ..json5.reader import MAX_BYTES
from .connection import last_words
from .device import (
    ALL_FILES,
    NO_STATUS,
    Answer,
    Device,
    DeviceError,
    FileKind,
    Interface,
    Lasting,
    Observation,
    RemoteFile,
    Storage,
    WriteFailure,
    WriteStep,
)

_AGENT = re.compile(r"[0-9]+:[0-9]+")
_MODE = re.compile(r"[-a-zA-Z]([-r][-w][-xsS][-r][-w][-xsS][-r][-w][-xtT])")


@dataclass(frozen=True, slots=True)
class Record:
    """One line of an answer: its key, its words, and what stands encoded in the lines behind it."""

    key: str
    words: Sequence[str]
    blob: bytes


@contextmanager
def making_sense(device: Device) -> Iterator[None]:
    """Turn what cannot be parsed in a device's answer into a sentence."""
    try:
        yield
    except (ValueError, LookupError):
        raise DeviceError(f"The device {device.name} gave an answer that makes no sense; run again.") from None


def records_of(device: Device, answer: Answer, nonce: str) -> Iterator[Record]:
    """Yield what stands between the marks with `nonce`; raises `DeviceError` where the script did not end."""
    # A tty or su may have turned the line ends into CR LF; what is free is encoded, so no CR of ours is lost.
    lines = answer.stdout.replace(b"\r", b"").decode("ascii", "replace").split("\n")
    begin = [number for number, line in enumerate(lines) if line.startswith(f"ioto-begin {nonce} ")]
    if not begin or f"ioto-end {nonce}" not in lines:
        said = last_words(answer.stderr) or last_words(answer.stdout) or "nothing"
        how = "ended without an exit status" if answer.status == NO_STATUS else f"exit status {answer.status}"
        raise DeviceError(
            f"The device {device.name} did not finish our script ({how}); it said: {said}. "
            "See whether its login shell is a POSIX shell, then run again."
        )
    codec = lines[begin[0]].split()[-1]
    if codec == "none":
        raise DeviceError(
            f"The device {device.name} has none of base64, od and hexdump to send a file with; add one to its BusyBox."
        )
    body = iter(lines[begin[0] + 1 : lines.index(f"ioto-end {nonce}")])
    for line in body:
        if not line:
            continue
        key, *words = line.split(" ")
        blob = b""
        if key == "text":
            blob = _plain(body, int(words[1]))
        elif key in _ENCODED:
            encoded = []
            for piece in body:
                if piece == ".":
                    break
                encoded.append(piece)
            blob = _decode("".join(encoded), codec)
        yield Record(key, words, blob)


_ENCODED = frozenset({"data", "path", "link", "serial", "board", "interface", "failed"})
"""The records whose free part stands in encoded lines."""


def record_of(records: Sequence[Record], key: str) -> Record:
    """Return the last record of that key; raises `KeyError` without one."""
    return {record.key: record for record in records}[key]


def failure_of(records: Sequence[Record]) -> WriteFailure | None:
    """Return the step that a writing script failed in, or None."""
    failed = next((record for record in records if record.key == "failed"), None)
    return None if failed is None else WriteFailure(WriteStep(failed.words[0]), printable(failed.blob))


def _plain(lines: Iterator[str], size: int) -> bytes:
    """Take a file of `size` characters, and the dot that stands behind it, off `lines`."""
    text = ""
    for line in lines:
        text += line
        if len(text) > size:
            break
        text += "\n"
    if len(text) != size + 1 or not text.endswith("."):
        raise ValueError("a text of another length than was said")
    return text[:-1].encode("ascii")


def _decode(text: str, codec: str) -> bytes:
    if codec == "base64":
        return base64.b64decode(text, validate=True)  # binascii.Error is a ValueError
    return bytes.fromhex(text)


def observation_of(device: Device, config_dir: str, records: Sequence[Record]) -> Observation:
    """Return what a probe saw; raises `DeviceError`, and `LookupError` or `ValueError` where it makes no sense."""
    files: dict[str, RemoteFile] = {}
    words: dict[str, str] = {}
    serial: str | None = None
    interfaces: list[Interface] = []
    storage = Storage(Lasting.UNKNOWN, "none")
    for record in records:
        if record.key == "serial":
            # The device tree ends its strings with NUL.
            serial = printable(record.blob.replace(b"\0", b" ")) or None
        elif record.key == "plain-serial":
            serial = record.words[0]
        elif record.key == "interface":
            name, _blank, mac = printable(record.blob).partition(" ")
            interfaces.append(_interface([*record.words, name, mac]))
        elif record.key == "plain-interface":
            interfaces.append(_interface([*map(printable, record.words)]))
        elif record.key == "board":
            words["board"] = record.blob.decode("utf-8", "surrogateescape")
        elif record.key == "storage":
            lasting, access, over, *words_of_type = record.words
            kind = printable(" ".join(words_of_type))
            storage = Storage(Lasting(lasting), kind, readonly=access == "ro", mounted=over == "mounted")
        elif record.key in {"directory", "leftovers", "plain-board"}:
            words[record.key.removeprefix("plain-")] = record.words[0]
        else:
            collect_file(record, files, config_dir)
    for file in files.values():
        if len(file.data) > MAX_BYTES:
            raise DeviceError(
                f"The file {printable(file.path)} on {device.name} is larger than {MAX_BYTES // 1024} KiB, "
                "so it is not a configuration file of the agent; remove it."
            )
    if missing := set(ALL_FILES) - set(files):
        raise LookupError(missing)
    return Observation(
        directory=words.get("directory", "absent"),
        files=files,
        leftovers=int(words.get("leftovers", "0")),
        serial=serial,
        interfaces=tuple(interfaces),
        agents=agents_of(records),
        storage=storage,
        board=words.get("board", ""),
        restarted=_restarted(records),
    )


def agents_of(records: Sequence[Record]) -> Sequence[str]:
    """Return the agents that run, each as its pid and start time."""
    words = next((record.words for record in records if record.key == "agents"), ())
    return tuple(word for word in words if _AGENT.fullmatch(word))


def _interface(words: Sequence[str]) -> Interface:
    kind, permanence, name, mac = words
    return Interface(name, mac.lower(), kind == "virtual", usb=kind == "usb", passing=permanence == "passing")


def _restarted(records: Sequence[Record]) -> int | None:
    word = next((record.words[0] for record in records if record.key == "restarted"), "none")
    return int(word) if word.isdigit() else None


def collect_file(record: Record, files: dict[str, RemoteFile], directory: str) -> None:
    """Take one record about a file into `files`: first comes `file`, then its `data` or `text`, `shared`, and `path`.

    A file without `path` is where it was looked for, in `directory`.
    """
    name = record.words[0] if record.words else ""
    if record.key == "file":
        kind, place = FileKind(record.words[1]), f"{directory}/{name}"
        if kind is not FileKind.REGULAR:
            file = RemoteFile(name, kind, place, looked_at=place)
        elif any(record.words[2:]):
            mode, uid, gid, size = record.words[2:]
            match = _MODE.match(mode)
            bits = match and _mode_bits(match[1])
            # What it holds has to come yet, and to be as long as it is.
            file = RemoteFile(name, FileKind.DAMAGED, place, b"", bits, int(uid), int(gid), int(size), place)
        else:
            file = RemoteFile(name, FileKind.DAMAGED, place, looked_at=place)
        files[name] = file
    elif name in files and record.key in {"data", "text"}:
        whole = len(record.blob) == files[name].size or len(record.blob) > MAX_BYTES
        kind = FileKind.REGULAR if whole else FileKind.DAMAGED
        files[name] = with_fields(files[name], data=record.blob, kind=kind)
    elif name in files and record.key == "shared":
        files[name] = with_fields(files[name], shared=True)
    elif name in files and record.key in {"path", "plain-path"}:
        files[name] = with_fields(files[name], path=_word(record))
    elif name in files and record.key in {"link", "plain-link"}:
        files[name] = with_fields(files[name], link=_word(record))


def _word(record: Record) -> str:
    return record.words[1] if record.key.startswith("plain-") else record.blob.decode("utf-8", "surrogateescape")


@lru_cache(maxsize=64)
def _mode_bits(characters: str) -> int:
    """Nine characters of ls, such as `rw-r--r--`, as a number; `s` and `t` stand for two bits, `S` and `T` for one."""
    bits = sum(1 << (8 - place) for place, character in enumerate(characters) if character not in "-ST")
    special = sum(0o4000 >> place for place in range(3) if characters[3 * place + 2] in "sStT")
    return bits | special
