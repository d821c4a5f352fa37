# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The URL of a service, as somebody writes it into settings."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..display_text import url_origin
from ..errors import IotoError


def check_service_url(url: str) -> None:
    """Raise `IotoError` where `url` says no place that is asked over HTTP; its sentence shows no password."""
    try:
        parts = urlsplit(url)
        # What a request has in its head is ASCII, and a user in it would never be sent.
        good = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
        )
    except ValueError:
        good = False
    if not (good and url.isascii() and url.isprintable() and " " not in url):
        raise IotoError(
            f"The URL of the service ({url_origin(url)}) is not valid; write one such as http://127.0.0.1:1234."
        )
