# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say how and where labels are made: a task's own, or a host's variables `ioto_label_*`.

Nothing here needs the libraries that labels need; `load_settings` is where they are first wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import IotoError
from ..labels.errors import MissingLibraryError

if TYPE_CHECKING:
    from .settings import LabelSettings

ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "printer": {"type": "str"},
    "printer_timeout": {"type": "float", "default": 30.0},
    "dest": {"type": "path"},
    "format": {"type": "str", "choices": ["pdf", "svg", "png", "zpl"], "default": "pdf"},
    "sheet": {"type": "raw"},
    "sheet_start": {"type": "int", "default": 1},
    "layout": {"type": "str", "default": "standard"},
    "dpi": {"type": "int"},
    "qr": {"type": "str"},
    "brand": {"type": "str", "default": ""},
    "product_name": {"type": "str", "default": ""},
    "product_names": {"type": "dict", "default": {}},
    "logo": {"type": "path", "default": ""},
    "copies": {"type": "int", "default": 1},
    "reason": {"type": "str", "default": ""},
}
"""Those of the module `label`, as Ansible's argument specs write them."""

VARIABLES = {f"ioto_label_{name}": name for name in ARGUMENTS}
"""The variables of a host, and the option that each stands for."""


class LabelTaskError(IotoError):
    """Options that do not go together."""


def options_of(variables: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the options that a host's variables say; None where they name neither a printer nor a dest."""
    if not variables.get("ioto_label_printer") and not variables.get("ioto_label_dest"):
        return None
    return {option: variables[name] for name, option in VARIABLES.items() if variables.get(name) not in (None, "")}


def load_settings(options: Mapping[str, Any]) -> LabelSettings:
    """Return what the complete `options` say, checked. Raises `IotoError`."""
    try:
        # Here, since it needs the libraries of labels, which a batch without labels does without.
        from .settings import LabelSettings  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError(error) from error
    return LabelSettings.parse(options)
