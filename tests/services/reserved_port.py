# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port of 127.0.0.1 that is kept from all others: for a server, until it listens there, or for nobody at all.

A port that was free a moment ago may be somebody else's by then, also that of a connection which another test makes.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reserved_port() -> Iterator[int]:
    """Keep a port of 127.0.0.1 for a server that listens with SO_REUSEADDR, as servers do."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))  # it never listens, and so is in nobody's way
        yield int(held.getsockname()[1])


@contextmanager
def refusing_port() -> Iterator[int]:
    """Keep a port of 127.0.0.1 where nobody listens, nor can: a connection to it is refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])
