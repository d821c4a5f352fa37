# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the get-pip.py that ansible-test fetches: that host is no package registry, and not open everywhere.

ansible-test runs it with the Python of an environment that has no pip yet. tools/sanity.py links it to where
ansible-test looks first, so the link leads back to this clone, whose own pip then installs into that environment.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

OF_GET_PIP_ALONE = {"--no-setuptools", "--no-wheel"}

if __name__ == "__main__":
    python_with_pip = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "python"
    arguments = [argument for argument in sys.argv[1:] if argument not in OF_GET_PIP_ALONE]
    command = [str(python_with_pip), "-m", "pip", "--python", sys.executable, "install", *arguments]
    sys.exit(subprocess.run(command, check=False).returncode)
