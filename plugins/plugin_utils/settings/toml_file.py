# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings in a TOML file: each is looked at by itself, so that one that is wrong hides no other."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeGuard

from ..display_text import printable, quoted
from ..errors import IotoError

_MOST_BYTES = 1024 * 1024
_DEEP_KEY = re.compile(r"""(?<!["'\w-])(?:["'\w-]++[ \t]*+\.[ \t]*+){20}""")
"""Takes tomllib a time that grows with the square of the dots; no setting has one.

It is looked for where a word begins, and nothing of it is tried twice: a long word would take as long as long keys do.
"""
_KINDS: Mapping[type, str] = {str: "text", bool: "true or false", int: "whole number", float: "number"}


def kind_of(default: object) -> str:
    """Return what a setting with this default is called."""
    return _KINDS[str if default is None else type(default)]


def is_whole_number(value: object) -> TypeGuard[int]:
    """Whether TOML's value is one; Python takes true and false for numbers as well."""
    return isinstance(value, int) and not isinstance(value, bool)


class FoundSettings:
    """What was found of the settings whose defaults these are, and what is wrong, by the setting.

    A default says the type: text, whole number, number, true or false, or a list of texts (a tuple here); None is a
    text that may be left out.
    """

    def __init__(self, defaults: Mapping[str, object], whose: str, error: type[IotoError]) -> None:
        """`whose` says who knows these settings, such as "the service"; `error` is raised for what is not TOML."""
        self._defaults = defaults
        self._whose = whose
        self._error = error
        self.values: dict[str, object] = {}
        self.problems: dict[str, str] = {}
        """A sentence for each setting that is wrong; those that nobody knows share the name ``""``."""

    def read(self, file: Path) -> None:
        """Take what stands in `file`. Raises the error where it cannot be read, or is not TOML."""
        content = self._content(file)
        for name, value in content.items():
            if name in self._defaults:
                self.take(name, value, f"in {file}")
        if unknown := sorted(set(content) - set(self._defaults)):
            self.problems[""] = (
                f"The settings {file} hold {quoted(', '.join(unknown))}, which {self._whose} does not know; "
                f"it knows {', '.join(self._defaults)}."
            )

    def take(self, name: str, value: object, where: str) -> None:
        """Take the `value` found `where`, if it is of the setting's type; it wins over what was found before."""
        default = self._defaults[name]
        self.values.pop(name, None)
        if isinstance(default, tuple):
            if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
                self.values[name] = tuple(value)
            else:
                self.problems[name] = f"The setting {name} {where} is not a list of texts; correct it."
            return
        wanted = str if default is None else type(default)
        if wanted is float and is_whole_number(value):
            value = float(value)
        # Python's True is a number as well; a setting's is not.
        if isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool)):
            self.values[name] = value
        else:
            self.problems[name] = f"The setting {name} {where} is no {kind_of(default)}; correct it."

    def _content(self, file: Path) -> Mapping[str, object]:
        try:
            text = self._text_of(file)
            if _DEEP_KEY.search(text):
                raise RecursionError
            return tomllib.loads(text)
        except OSError as error:
            raise self._error(f"The settings {file} cannot be read: {error.strerror}; correct the path.") from None
        except RecursionError:
            raise self._error(
                f"The settings {file} nest too deeply; write lists of texts, as the guide does."
            ) from None
        except ValueError as error:  # also of a number that is too long
            raise self._error(f"The settings {file} are not TOML: {printable(str(error))}; correct them.") from None

    def _text_of(self, file: Path) -> str:
        if "\0" in str(file):
            raise self._error("The path of the settings holds a NUL; correct it.")
        if not stat.S_ISREG(file.stat().st_mode):  # another kind may never end
            raise self._error(f"The settings {file} are not a file; correct the path.")
        with file.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise self._error(f"The settings {file} are longer than {_MOST_BYTES} bytes; correct the path.")
        return data.decode("utf-8")
