# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bare paramiko loop: two channels on one transport for each address on stdin, and nothing recorded.

python -m tests.benchmark.bare_paramiko KEY PORT AT_ONCE SCRIPT < ADDRESSES
"""

from __future__ import annotations

import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import paramiko


def main() -> None:
    """Run SCRIPT twice on each device."""
    path, port, at_once, script = sys.argv[1:]
    key = paramiko.Ed25519Key.from_private_key_file(path)

    def one(address: str) -> None:
        transport = paramiko.Transport(socket.create_connection((address, int(port))))
        transport.start_client(timeout=30)
        transport.auth_publickey("root", key)
        for _ in range(2):
            channel = transport.open_session()
            channel.exec_command(script)
            while channel.recv(65536):
                pass
            if channel.recv_exit_status():
                raise SystemExit(f"{address} failed")
        transport.sock.shutdown(socket.SHUT_RDWR)
        transport.close()

    with ThreadPoolExecutor(int(at_once)) as pool:
        list(pool.map(one, sys.stdin.read().split()))


if __name__ == "__main__":
    main()
