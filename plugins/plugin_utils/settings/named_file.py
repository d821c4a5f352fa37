# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that a setting names: whether a program will be able to read it, said before it does."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..display_text import quoted


def objection_to_file(path: Path, reader: str, *, or_folder: bool = False, may_be_absent: bool = False) -> str | None:
    """Return what is wrong with `path`, which `reader` has to read, for behind the setting's name; None if nothing is.

    Reading what is neither a file nor, with `or_folder`, a folder may never end. It may lie where the reader may not
    look, of which `Path.is_file` makes an error in some releases of Python.
    """
    wrong = None
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or (or_folder and stat.S_ISDIR(mode))):
            wrong = "is not a file; correct the path"
        elif not os.access(path, os.R_OK):
            raise PermissionError
    except PermissionError:  # also of a folder above it
        wrong = f"{reader} may not read; let its user read it"
    except (FileNotFoundError, NotADirectoryError):
        if not may_be_absent:
            wrong = "is not there; correct the path, or make the file"
    except OSError as error:
        wrong = f"cannot be read ({error.strerror}); correct the path"
    return wrong and f"names {quoted(str(path))}, which {wrong}"
