# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m …service`."""

from __future__ import annotations

import sys

from ..requirements import missing

if __name__ == "__main__":
    try:
        from ..processes.standard_output import status_of
        from .cli import main

        sys.exit(status_of(main))
    except ImportError as error:
        sys.exit(missing("service", error))
