# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of labels: their names, of which none is taken twice, and how they are written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from ..labels.errors import LabelError
from ..ledger.records import Claim
from ..private_files import alone_in, make_private_folder, write_private


@contextmanager
def alone_beside(files: Iterable[Path]) -> Iterator[None]:
    """Have no other run look for names in the folders of `files` meanwhile, which are made. Raises `LabelError`."""
    with ExitStack() as locks:
        for folder in sorted({path.parent for path in files}):
            try:
                make_private_folder(folder)
                locks.enter_context(alone_in(folder))
            except OSError as error:
                raise _cannot_be_written(folder, error) from error
        yield


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and durably."""
    try:
        write_private(path, data)
    except OSError as error:
        raise _cannot_be_written(path, error) from error


def _cannot_be_written(place: Path, error: OSError) -> LabelError:
    return LabelError(f"The labels cannot be written to {place} ({error.strerror}); give another dest.")


def unused(path: Path) -> Path:
    """Return `path`, or the first of `name-2`, `name-3` … that is not there: labels of an earlier batch are kept.

    A link that leads nowhere now, such as to a share that is not mounted, is there.
    """
    candidates = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return path if not is_taken(path) else next(candidate for candidate in candidates if not is_taken(candidate))


def is_taken(path: Path) -> bool:
    """Say whether something has that name. A name that is too long is not taken, and refused when it is written."""
    return os.path.lexists(path)


def file_name(claim: Claim) -> str:
    """Return the name of the file of a label, without its ending."""
    name = claim.unit or claim.claim_id[-2:]
    return re.sub(r"[^0-9A-Za-z_-]", "_", name)[:80]
