# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder that nobody may enter, also where the tests run as root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65534


@contextmanager
def closed_folder(folder: Path) -> Iterator[Path]:
    """Yield a closed folder in `folder`, which others may read meanwhile; where this is root, be a user without rights.

    The files in it cannot even be looked at.
    """
    folder.chmod(0o777)
    closed = folder / "closed"
    closed.mkdir(mode=0o000)
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(_NOBODY)
    try:
        yield closed
    finally:
        if was_root:
            os.seteuid(0)
        closed.chmod(0o700)
