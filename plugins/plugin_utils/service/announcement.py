# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the log says when the service starts: where it listens, who may call it how, and what it leaves open."""

from __future__ import annotations

import ipaddress
import logging

from ..display_text import bracketed
from .certificate import read_certificate
from .host_names import HostNames, canonical_name
from .own_token import write_page
from .settings import ServiceSettings
from .settings_doubts import doubts

_log = logging.getLogger("ioto.service")


def announce(settings: ServiceSettings, names: HostNames, host: str, port: int) -> None:
    """Log what is to be known of a service that listens at `host` (an IP address) and `port`.

    Raises `ServiceError` where the file that opens the station page cannot be written.
    """
    _log.info("listening at %s%s", _origin(settings, host, port), settings.path)
    _log.info("answers to %s; other names are added with server_names", names)
    page = write_page(settings, _origin(settings, _called_here(settings, host), port))
    _log.info("the station page with the right to see whole claim IDs, for this user: %s", page.as_uri())
    for doubt in doubts(settings):
        _log.warning("%s", doubt)


def _called_here(settings: ServiceSettings, host: str) -> str:
    """Return how a browser on this machine calls a service that listens at `host`."""
    if settings.certificate and settings.key:
        named = (name for name in read_certificate(settings.certificate, settings.key).names if canonical_name(name))
        if name := next((name for name in named if "*" not in name), None):
            return name
    if ipaddress.ip_address(host).is_unspecified:
        return "::1" if ":" in host else "127.0.0.1"
    return host


def _origin(settings: ServiceSettings, host: str, port: int) -> str:
    return f"{'https' if settings.tls else 'http'}://{bracketed(host)}:{port}"
