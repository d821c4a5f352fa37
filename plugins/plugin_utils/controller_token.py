# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token that a factory service makes at its first start: where the same user's runs find it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .errors import IotoError
from .private_files import user_folder

_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MOST_BYTES = 1024


def default_path() -> Path:
    """Return where the token is unless said otherwise."""
    return user_folder() / "controller-token"


_MADE_AGAIN = "remove it, and restart the service, which makes another"


def read_token(path: Path, remedy: str = _MADE_AGAIN) -> str | None:
    """Return the token in `path`, or None without one. Raises `IotoError` where others may have had it.

    `remedy` is what its sentence says to do then, of a token that the service does not make itself.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IotoError(f"The token {path} cannot be read: {error.strerror}; let its user read it.") from None
    with open(descriptor, "rb") as file:  # noqa: PTH123  # it is open
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise IotoError(f"The token {path} is not a file; {remedy}.")
        if status.st_mode & _OPEN_TO_OTHERS or os.geteuid() not in (0, status.st_uid):
            raise IotoError(f"The token {path} can be read by others than its user; {remedy}.")
        return file.read(_MOST_BYTES).decode("ascii", "replace").strip() or None
