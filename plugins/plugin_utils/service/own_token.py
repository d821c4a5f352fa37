# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's own token: made at the first start, for its user alone, and what opens the station page with it."""

from __future__ import annotations

import dataclasses
import html
from pathlib import Path

from ..controller_token import read_token
from ..private_files import alone_in, make_private_folder, write_private
from .errors import ServiceError
from .secret_hashes import hash_secret, new_secret
from .settings import ServiceSettings

_PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={url}">
<title>Serialization station</title>
<a href="{url}">The station page</a>
"""


def with_own_token(settings: ServiceSettings) -> ServiceSettings:
    """Return the settings with the service's own token, which is made where it is not there yet.

    Raises `IotoError` where it cannot be kept, or others may have read it.
    """
    hashed = hash_secret(_obtain(settings.token_path))
    return dataclasses.replace(settings, controller_tokens=(*settings.controller_tokens, hashed))


def write_page(settings: ServiceSettings, origin: str) -> Path:
    """Write the file that opens the station page at `origin` with the token, and return its path (0600).

    A browser of the same user can open it. The token is in the fragment, which no browser sends, and on no command
    line, which everybody could read. Raises `ServiceError`.
    """
    path = settings.token_path.with_name(f"{settings.token_path.name}.html")
    url = html.escape(f"{origin}/#token={read_token(settings.token_path) or ''}")
    try:
        write_private(path, _PAGE.format(url=url).encode())
    except OSError as error:
        raise ServiceError(f"The file {path} cannot be written: {error.strerror}; set another token_file.") from None
    return path


def _obtain(path: Path) -> str:
    try:
        make_private_folder(path.parent)
        with alone_in(path.parent):
            if (found := read_token(path)) is None:
                found = new_secret()
                write_private(path, found.encode() + b"\n")
    except OSError as error:
        raise ServiceError(
            f"The token {path} cannot be written: {error.strerror}; let the service's user write there, "
            "or set token_file."
        ) from None
    return found
