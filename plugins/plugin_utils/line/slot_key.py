# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The private key that opens the boards of a slot. Without it no board lets anybody in, and each would seem broken."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..display_text import printable, quoted
from ..private_files import open_regular
from .settings import LineSettings

_NAMES = ("ansible_ssh_private_key_file", "ansible_private_key_file")
_READ_SECONDS = 10


def key_of(variables: Mapping[str, Any], settings: LineSettings) -> Path | None:
    """Return the file with the key, or None where the variables name none, or a template does."""
    for name in _NAMES:
        said = variables.get(name)
        if isinstance(said, str) and said and "{{" not in said:
            return settings.folder / os.path.expanduser(said)  # noqa: PTH111  # "~nobody" is no error for ssh, too
    return None


def missing_key(key: Path | None) -> str | None:
    """Return why the file with the key cannot be read, as a sentence, or None where it can."""
    if key is None:
        return None
    try:
        open_regular(key).close()
    except OSError as error:
        why = str(error.strerror)
    except ValueError:
        why = "its path holds a NUL"
    else:
        return None
    return (
        f"The key {quoted(str(key))}, which opens the boards, cannot be read ({why}); put it there, or correct "
        "ansible_ssh_private_key_file."
    )


def key_problems(keys: Iterable[Path | None]) -> Iterator[str]:
    """Yield a sentence for each of `keys` that cannot be used."""
    for key in dict.fromkeys(keys):
        if key is not None and (why := missing_key(key) or _unusable(key)):
            yield why


def _unusable(key: Path) -> str | None:
    """Return why there is no key in the file that ssh can use by itself.

    An agent may hold its other half, or its passphrase; then nothing is known.
    """
    if os.environ.get("SSH_AUTH_SOCK"):
        return None
    with suppress(OSError, subprocess.TimeoutExpired):  # a machine without an SSH client is told otherwise
        done = subprocess.run(
            ["ssh-keygen", "-y", "-P", "", "-f", str(key)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_READ_SECONDS,
        )
        if done.returncode:
            said = printable(done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]).rstrip(".")
            return (
                f"{quoted(str(key))} is no key that ssh can use ({said}); give ansible_ssh_private_key_file a private "
                "key without a passphrase, which only the station's user can read."
            )
    return None
