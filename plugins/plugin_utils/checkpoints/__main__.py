# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m …checkpoints`."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    try:
        from ..processes.standard_output import status_of
        from .command import main

        sys.exit(status_of(main))
    except ImportError as error:
        python = sys.executable
        sys.exit(f"The Python {python} lacks {error.name or error}; install it: {python} -m pip install {error.name}")
