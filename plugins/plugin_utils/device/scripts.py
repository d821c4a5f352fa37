# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts that run on a device, and what they answer.

Everything that a device answers is hostile until it is parsed here.
"""

from __future__ import annotations

import base64
import re
import secrets
import shlex
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace as with_fields
from pathlib import Path

from ..display_text import printable
from ..json5.reader import MAX_BYTES
from .connection import last_words
from .device import (
    ALL_FILES,
    BY_SIGNAL,
    NEW_FILE_MODE,
    Answer,
    Device,
    DeviceError,
    FileKind,
    Interface,
    KnownBoard,
    Lasting,
    Observation,
    RemoteFile,
    Storage,
    StoredDevice,
    WriteFailure,
    WriteStep,
    Written,
)

_LEFTOVERS = ".device.json5.ioto-"
_AGENT = re.compile(r"[0-9]+:[0-9]+")
_MODE = re.compile(r"[-a-zA-Z]([-r][-w][-xsS][-r][-w][-xsS][-r][-w][-xtT])")


class OtherBoardError(DeviceError):
    """A device that is another one than was looked at; nothing was touched on it."""


def probe(device: Device, config_dir: str) -> Observation:
    """Look at `device`: its Ioto files below `config_dir` and what identifies its hardware. Changes nothing."""
    if isinstance(device, StoredDevice):
        return device.look(config_dir)
    with _sense(device):
        return _observation(device, config_dir, _run(device, _probe_settings(config_dir), *_PROBE))


def same_board(device: Device, seen: Observation) -> Device:
    """Return `device` as one whose scripts do nothing where another board answers than was `seen`."""
    return device if isinstance(device, StoredDevice) else KnownBoard(device, seen.board)


def replace(device: Device, old: RemoteFile, new: bytes) -> Written | WriteFailure:
    """Put `new` in the place of the file `old`, as it was seen, or its absence, and return the file as read back.

    At every instant the whole old or the whole new file is there. Owner and mode stay; a new file has 0600. Where the
    file is not `old` any more, nothing is written and the step `CHANGED` is returned. Where `new` is what `old` is, it
    is put onto the storage, and read back from there.
    """
    if isinstance(device, StoredDevice):
        return device.put(old.path, old.data if old.exists else None, new)
    settings = {**_write_settings(old), "ioto_deed": "ioto_replace", "ioto_new": _text(new)}
    settings["ioto_new_size"] = str(len(new))
    if old.exists and None not in {old.mode, old.uid, old.gid}:
        mode = old.mode or 0
        settings["ioto_umask"] = f"{0o777 & ~mode:03o}"
        settings["ioto_kept"] = f"{stat.filemode(stat.S_IFREG | mode)} {old.uid} {old.gid}"
        settings["ioto_mode"], settings["ioto_user"] = f"{mode:o}", f"{old.uid}:{old.gid}"
    with _sense(device):
        records = _run(device, settings, "hardware.sh", "lock.sh", "write.sh", *_RUNNING)
        if failure := _failure(records):
            return failure
        files: dict[str, RemoteFile] = {}
        for record in records:
            _collect_file(record, files, old.path.rpartition("/")[0])
        synced, directory_synced = (word == "yes" for word in _record(records, "synced").words)
        return Written(files[old.path.rpartition("/")[2]], _agents(records), synced, directory_synced)


def relink(device: Device, plain: RemoteFile, link: str) -> WriteFailure | None:
    """Put the symbolic link `link` in the place of the file `plain`, as it was seen."""
    settings = {**_write_settings(plain), "ioto_deed": "ioto_relink", "ioto_new": link}
    with _sense(device):
        records = _run(device, settings, "hardware.sh", "lock.sh", "relink.sh", "write.sh")
        if failure := _failure(records):
            return failure
        _record(records, "synced")
        return None


def sweep(device: Device, path: str) -> None:
    """Remove the temporary files that a run which lost the device's power left beside `path`."""
    if isinstance(device, StoredDevice):
        device.settle(path)
        return
    settings = {"ioto_home": path.rpartition("/")[0], "ioto_leftovers": _LEFTOVERS}
    _run(device, settings, "hardware.sh", "lock.sh", "sweep.sh")


def age(device: Device, path: str) -> int | None:
    """Return for how many seconds its file `path` has been as it is, by the clock of `device`; None: nobody knows."""
    with _sense(device):
        words = _record(_run(device, {"ioto_file": path}, "hardware.sh", "age.sh"), "age").words
        return None if words[0] == "unknown" else int(words[0])


def await_change(
    device: Device, config_dir: str, old: bytes | None, *, seconds: int, restart: Sequence[str] | None
) -> tuple[Observation, int]:
    """Wait on the device until its device.json5 is not `old` (None: no file) any more, then look at it.

    `restart` is the command that starts the agent again: None for no restart, empty for the one that the device has
    (an init script or systemd unit `ioto`). Returns the observation and the seconds of `seconds` that were left.
    """
    settings = {
        **_probe_settings(config_dir),
        "ioto_old": "absent" if old is None else _text(old) + ".",
        "ioto_seconds": str(seconds),
    }
    waiting = "await.sh", *_PROBE
    with _sense(device):
        if restart is None:
            records = _run(device, settings, *waiting)
        else:
            records = _run(device, settings, "hardware.sh", "restart.sh", *waiting, restart=restart)
        left = next((int(record.words[0]) for record in records if record.key == "remaining"), 0)
        return _observation(device, config_dir, records), left


def restart_and_look(
    device: Device, config_dir: str, before: Sequence[str], *, seconds: int, restart: Sequence[str]
) -> Observation:
    """Start the agent again (`restart` as in `await_change`), give what ran `before` `seconds` to end, and look."""
    settings = {**_probe_settings(config_dir), "ioto_before": " ".join(before), "ioto_seconds": str(seconds)}
    with _sense(device):
        records = _run(device, settings, "hardware.sh", "restart.sh", "agent.sh", "settle.sh", *_PROBE, restart=restart)
        return _observation(device, config_dir, records)


# --- scripts -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Record:
    key: str
    words: Sequence[str]
    blob: bytes


def _read_script(path: Path) -> str:
    """Return the text of one of our scripts without its comment lines, which a device need not read."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#")) + "\n"


# Read at the start, and so once for all devices: Ansible forks a process for each.
_SCRIPTS = {path.name: _read_script(path) for path in (Path(__file__).parent / "shell").glob("*.sh")}


_RUNNING = ("agent.sh", "running.sh")
_PROBE = ("hardware.sh", "mounts.sh", "storage.sh", "probe.sh", *_RUNNING)


def _probe_settings(config_dir: str) -> dict[str, str]:
    return {"ioto_dir": config_dir, "ioto_names": " ".join(ALL_FILES), "ioto_leftovers": _LEFTOVERS}


def _write_settings(old: RemoteFile) -> dict[str, str]:
    """What is said of the file `old`, and of a new one in its place unless somebody says otherwise."""
    return {
        "ioto_looked_at": old.looked_at or old.path,
        "ioto_target": old.path,
        "ioto_old": _text(old.data) + "." if old.exists else "absent",
        "ioto_umask": f"{0o777 & ~NEW_FILE_MODE:03o}",
        "ioto_kept": "",
        "ioto_leftovers": _LEFTOVERS,
    }


def _run(device: Device, settings: Mapping[str, str], *scripts: str, restart: Sequence[str] = ()) -> Sequence[_Record]:
    nonce = secrets.token_hex(8)
    settings = {**settings, "ioto_nonce": nonce, "ioto_restart_given": "yes" if restart else "no"}
    if isinstance(device, KnownBoard):
        settings["ioto_expected"] = device.board
        scripts = ("hardware.sh", "same.sh", *scripts)
    parts = [f"{name}={shlex.quote(value)}\n" for name, value in settings.items()]
    parts.append(f"ioto_restart_agent() {{ {shlex.join(restart) or ':'}; }}\n")
    # One function around everything: a script that was cut off on its way does nothing at all. What it starts gets
    # nothing of our stdin, which holds the script and may hold another one later. A part may return from the work.
    work = "".join(_SCRIPTS[name] for name in dict.fromkeys(scripts))
    script = f"ioto_main() {{\n{''.join(parts)}{_SCRIPTS['common.sh']}ioto_work() {{\n{work}}}\nioto_work\n"
    script += f"{_SCRIPTS['end.sh']}}}\nioto_main </dev/null\n"
    records = list(_records(device, device.run(script), nonce))
    if any(record.key == "failed" and record.words[0] == "board" for record in records):
        raise OtherBoardError(
            f"Another board answers at this address now than when {device.name} was looked at, and nothing was touched "
            "on it; see what is connected there, then run again."
        )
    return records


@contextmanager
def _sense(device: Device) -> Iterator[None]:
    """Turn what cannot be parsed in a device's answer into a sentence."""
    try:
        yield
    except (ValueError, LookupError):
        raise DeviceError(f"The device {device.name} gave an answer that makes no sense; run again.") from None


def _records(device: Device, answer: Answer, nonce: str) -> Iterator[_Record]:
    # A tty or su may have turned the line ends into CR LF; what is free is encoded, so no CR of ours is lost.
    lines = answer.stdout.replace(b"\r", b"").decode("ascii", "replace").split("\n")
    begin = [number for number, line in enumerate(lines) if line.startswith(f"ioto-begin {nonce} ")]
    if not begin or f"ioto-end {nonce}" not in lines:
        said = last_words(answer.stderr) or last_words(answer.stdout) or "nothing"
        how = "ended by a signal" if answer.status == BY_SIGNAL else f"exit status {answer.status}"
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
        yield _Record(key, words, blob)


_ENCODED = frozenset({"data", "path", "link", "serial", "board", "interface", "failed"})
"""The records whose free part stands in encoded lines."""


def _record(records: Sequence[_Record], key: str) -> _Record:
    return {record.key: record for record in records}[key]


def _failure(records: Sequence[_Record]) -> WriteFailure | None:
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


def _text(data: bytes) -> str:
    # Our writers are the JSON5 editor's output: UTF-8 without NUL. Anything else would not pass a shell unharmed.
    text = data.decode("utf-8")
    if "\0" in text:
        raise ValueError("a NUL byte cannot be written by a shell")
    return text


# --- answers -------------------------------------------------------------------------------------------------------


def _observation(device: Device, config_dir: str, records: Sequence[_Record]) -> Observation:
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
            _collect_file(record, files, config_dir)
    for file in files.values():
        if len(file.data) > MAX_BYTES:
            raise DeviceError(
                f"The file {printable(file.path)} on {device.name} is larger than {MAX_BYTES // 1024} KiB, "
                "so it is no configuration of the agent; remove it."
            )
    if missing := set(ALL_FILES) - set(files):
        raise LookupError(missing)
    return Observation(
        directory=words.get("directory", "absent"),
        files=files,
        leftovers=int(words.get("leftovers", "0")),
        serial=serial,
        interfaces=tuple(interfaces),
        agents=_agents(records),
        storage=storage,
        board=words.get("board", ""),
        restarted=_restarted(records),
    )


def _agents(records: Sequence[_Record]) -> Sequence[str]:
    words = next((record.words for record in records if record.key == "agents"), ())
    return tuple(word for word in words if _AGENT.fullmatch(word))


def _interface(words: Sequence[str]) -> Interface:
    kind, permanence, name, mac = words
    return Interface(name, mac.lower(), kind == "virtual", usb=kind == "usb", passing=permanence == "passing")


def _restarted(records: Sequence[_Record]) -> int | None:
    word = next((record.words[0] for record in records if record.key == "restarted"), "none")
    return int(word) if word.isdigit() else None


def _collect_file(record: _Record, files: dict[str, RemoteFile], directory: str) -> None:
    """Take one record about a file into `files`: first comes `file`, then its `data` or `text`, and `path`.

    A file without `path` is where it was looked for, in `directory`.
    """
    name = record.words[0] if record.words else ""
    if record.key == "file":
        kind = FileKind(record.words[1])
        file = RemoteFile(name, kind, f"{directory}/{name}", looked_at=f"{directory}/{name}")
        if kind is FileKind.REGULAR:
            # What it holds has to come yet, and to be as long as it is.
            file = with_fields(file, kind=FileKind.DAMAGED)
            if any(record.words[2:]):
                mode, uid, gid, size = record.words[2:]
                match = _MODE.match(mode)
                file = with_fields(
                    file, mode=match and _mode_bits(match[1]), uid=int(uid), gid=int(gid), size=int(size)
                )
        files[name] = file
    elif name in files and record.key in {"data", "text"}:
        whole = len(record.blob) == files[name].size or len(record.blob) > MAX_BYTES
        kind = FileKind.REGULAR if whole else FileKind.DAMAGED
        files[name] = with_fields(files[name], data=record.blob, kind=kind)
    elif name in files and record.key in {"path", "plain-path"}:
        files[name] = with_fields(files[name], path=_word(record))
    elif name in files and record.key in {"link", "plain-link"}:
        files[name] = with_fields(files[name], link=_word(record))


def _word(record: _Record) -> str:
    return record.words[1] if record.key.startswith("plain-") else record.blob.decode("utf-8", "surrogateescape")


def _mode_bits(characters: str) -> int:
    """Nine characters of ls, such as `rw-r--r--`, as a number; `s` and `t` stand for two bits, `S` and `T` for one."""
    bits = sum(1 << (8 - place) for place, character in enumerate(characters) if character not in "-ST")
    special = sum(0o4000 >> place for place in range(3) if characters[3 * place + 2] in "sStT")
    return bits | special
