# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible says of the station's inventory and playbook, before anything is run."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..display_text import printable
from .errors import LineError
from .settings import LineSettings

_READ_SECONDS = 60
_MOST_SHOWN = 500
_MESSAGE = re.compile(
    r"^(?:\[ERROR\]|ERROR!): *(.*)|^\[WARNING\]: .*with '(?!auto')[\w.]+' plugin: *(.*)", re.MULTILINE
)
"""What is wrong with a file stands in a warning; the error says no more than that it is."""


def read_inventory(settings: LineSettings) -> Mapping[str, Any]:
    """Return what `ansible-inventory --list` says, with the extra variables of the runs. Raises `LineError`."""
    try:
        return _listed(settings, [*_sources(settings), *_extra(settings.extra_vars)])
    except LineError:
        # The error of a bad file of variables is that no inventory could be read.
        if bad := [*_bad_variables(settings)]:
            raise LineError("\n".join(bad)) from None
        raise


def playbook_problem(settings: LineSettings) -> str | None:
    """Return why the playbook could not be run, as a sentence, or None where it can."""
    arguments = [settings.playbook, "--syntax-check", *_sources(settings), *_extra(settings.extra_vars)]
    try:
        _asked(settings, "ansible-playbook", arguments)
    except ValueError as error:
        return f"The playbook {settings.playbook} cannot be run ({error}); correct it, or the setting playbook."
    return None


def _bad_variables(settings: LineSettings) -> Iterator[str]:
    for file in settings.extra_vars:
        try:
            _asked(settings, "ansible-inventory", ["--list", "-i", "localhost,", *_extra([file])])
        except ValueError as error:
            why = str(error).rpartition("localhost,: ")[2]  # an inventory of nothing, which is not at fault
            yield f"The variables {file} (extra_vars) cannot be read ({why}); correct them."


def _listed(settings: LineSettings, arguments: Sequence[str]) -> Mapping[str, Any]:
    try:
        found = json.loads(_asked(settings, "ansible-inventory", ["--list", *arguments]))
    except (ValueError, RecursionError) as error:
        raise LineError(f"The inventory cannot be read ({printable(str(error))}); correct it.") from None
    if not isinstance(found, dict):
        raise LineError("The inventory cannot be read (ansible-inventory gave no object); correct it.")
    return found


def _asked(settings: LineSettings, program: str, arguments: Sequence[str]) -> bytes:
    """Return what one of Ansible's programs prints. Raises `ValueError` with what it complains of."""
    try:
        done = subprocess.run(
            [settings.program(program), *arguments],
            # A source that nobody understands is otherwise a warning that nobody reads.
            env={**settings.environment(), "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1", "ANSIBLE_NOCOLOR": "1"},
            cwd=settings.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_READ_SECONDS,
        )
    except OSError as error:
        raise ValueError(f"{program} cannot be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise ValueError(f"{program} took longer than {_READ_SECONDS} s") from None
    if done.returncode:
        raise ValueError(_complaint(done.stderr.decode("utf-8", "replace")) or f"exit status {done.returncode}")
    return done.stdout


def _complaint(text: str) -> str:
    found = [printable(error or warning).rstrip(".") for error, warning in _MESSAGE.findall(text)]
    return ": ".join(dict.fromkeys(found[-1:] + found[:-1]))[:_MOST_SHOWN] or printable(text)[-_MOST_SHOWN:]


def _sources(settings: LineSettings) -> list[str]:
    return [argument for source in settings.inventory for argument in ("-i", source)]


def _extra(files: Sequence[str]) -> list[str]:
    return [argument for file in files for argument in ("-e", f"@{file}")]
