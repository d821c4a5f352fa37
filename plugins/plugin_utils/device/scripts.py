# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts that run on a device. What it answers to them is parsed in `answers`."""

from __future__ import annotations

import secrets
import shlex
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import FailureKind
from .answers import Record, agents_of, collect_file, failure_of, making_sense, observation_of, record_of, records_of
from .device import (
    ALL_FILES,
    NEW_FILE_MODE,
    Device,
    DeviceError,
    KnownBoard,
    Observation,
    RemoteFile,
    StoredDevice,
    WriteFailure,
    Written,
)

_LEFTOVERS = ".device.json5.ioto-"


class OtherBoardError(DeviceError):
    """Another device than the one that was looked at; nothing was touched on it."""

    kind = FailureKind.CHANGED


def probe(device: Device, config_dir: str) -> Observation:
    """Look at `device`: its Ioto files below `config_dir` and what identifies its hardware. Changes nothing."""
    if isinstance(device, StoredDevice):
        return device.look(config_dir)
    with making_sense(device):
        return observation_of(device, config_dir, _run(device, _probe_settings(config_dir), *_PROBE))


def same_board(device: Device, seen: Observation) -> Device:
    """Return `device` as one whose scripts do nothing where another board answers than was `seen`."""
    return device if isinstance(device, StoredDevice) else KnownBoard(device, seen.board)


def replace(device: Device, old: RemoteFile, new: bytes) -> Written | WriteFailure:
    """Replace the file `old`, as it was seen, or its absence, by `new`, and return the file as read back.

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
    with making_sense(device):
        records = _run(device, settings, "hardware.sh", "lock.sh", "shared.sh", "write.sh", *_RUNNING)
        if failure := failure_of(records):
            return failure
        files: dict[str, RemoteFile] = {}
        for record in records:
            collect_file(record, files, old.path.rpartition("/")[0])
        synced, directory_synced = (word == "yes" for word in record_of(records, "synced").words)
        return Written(files[old.path.rpartition("/")[2]], agents_of(records), synced, directory_synced)


def relink(device: Device, plain: RemoteFile, link: str) -> WriteFailure | None:
    """Replace the file `plain`, as it was seen, by the symbolic link `link`."""
    settings = {**_write_settings(plain), "ioto_deed": "ioto_relink", "ioto_new": link}
    with making_sense(device):
        records = _run(device, settings, "hardware.sh", "lock.sh", "shared.sh", "relink.sh", "write.sh")
        if failure := failure_of(records):
            return failure
        record_of(records, "synced")
        return None


def sweep(device: Device, path: str) -> None:
    """Remove the temporary files that a run which lost the device's power left beside `path`."""
    if isinstance(device, StoredDevice):
        device.settle(path)
        return
    settings = {"ioto_home": path.rpartition("/")[0], "ioto_leftovers": _LEFTOVERS}
    with making_sense(device):
        _run(device, settings, "hardware.sh", "lock.sh", "sweep.sh")


def age(device: Device, path: str) -> int | None:
    """Return for how many seconds its file `path` has been as it is, by the clock of `device`; None: nobody knows."""
    with making_sense(device):
        words = record_of(_run(device, {"ioto_file": path}, "hardware.sh", "age.sh"), "age").words
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
    waiting = "shared.sh", "await.sh", *_PROBE
    with making_sense(device):
        if restart is None:
            records = _run(device, settings, *waiting)
        else:
            records = _run(device, settings, "hardware.sh", "restart.sh", *waiting, restart=restart)
        left = next((int(record.words[0]) for record in records if record.key == "remaining"), 0)
        return observation_of(device, config_dir, records), left


def restart_and_look(
    device: Device, config_dir: str, before: Sequence[str], *, seconds: int, restart: Sequence[str]
) -> Observation:
    """Start the agent again (`restart` as in `await_change`), give what ran `before` `seconds` to end, and look."""
    settings = {**_probe_settings(config_dir), "ioto_before": " ".join(before), "ioto_seconds": str(seconds)}
    with making_sense(device):
        records = _run(device, settings, "hardware.sh", "restart.sh", "agent.sh", "settle.sh", *_PROBE, restart=restart)
        return observation_of(device, config_dir, records)


# --- scripts -------------------------------------------------------------------------------------------------------


def _read_script(path: Path) -> str:
    """Return the text of one of our scripts without its comment lines, which a device need not read."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#")) + "\n"


# Read at the start, and so once for all devices: Ansible forks a process for each.
_SCRIPTS = {path.name: _read_script(path) for path in (Path(__file__).parent / "shell").glob("*.sh")}


_RUNNING = ("agent.sh", "running.sh")
_PROBE = ("hardware.sh", "mounts.sh", "storage.sh", "shared.sh", "probe.sh", *_RUNNING)


def _probe_settings(config_dir: str) -> dict[str, str]:
    return {"ioto_dir": config_dir, "ioto_names": " ".join(ALL_FILES), "ioto_leftovers": _LEFTOVERS}


def _write_settings(old: RemoteFile) -> dict[str, str]:
    """What is said of the file `old`, and of a new one in its place unless somebody says otherwise."""
    return {
        "ioto_looked_at": old.looked_at or old.path,
        "ioto_target": old.path,
        "ioto_old": _text(old.data) + "." if old.exists else "absent",
        "ioto_shared": "yes" if old.shared else "no",
        "ioto_umask": f"{0o777 & ~NEW_FILE_MODE:03o}",
        "ioto_kept": "",
        "ioto_leftovers": _LEFTOVERS,
    }


def _run(device: Device, settings: Mapping[str, str], *scripts: str, restart: Sequence[str] = ()) -> Sequence[Record]:
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
    records = list(records_of(device, device.run(script), nonce))
    if any(record.key == "failed" and record.words[0] == "board" for record in records):
        raise OtherBoardError(
            f"Another board answers at this address now than when {device.name} was looked at, and nothing was touched "
            "on it; see what is connected there, then run again."
        )
    return records


def _text(data: bytes) -> str:
    # Our writers are the JSON5 editor's output: UTF-8 without NUL. Anything else would not pass a shell unharmed.
    text = data.decode("utf-8")
    if "\0" in text:
        raise ValueError("a NUL byte cannot be written by a shell")
    return text
