# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wrong with a label."""

from __future__ import annotations

from ..errors import IotoError
from ..requirements import missing


class LabelError(IotoError):
    """A label that cannot be made."""


class LayoutError(LabelError):
    """A layout file that cannot be used."""


class FitError(LabelError):
    """Something that does not fit its place on the label, or would not scan; the message has the numbers."""


class CharacterError(LabelError):
    """A character that no font draws, or a text that would be drawn wrongly."""


class PrintError(LabelError):
    """A printer did not take a label; where it is `uncertain`, it may have taken it nevertheless."""

    def __init__(self, message: str, *, uncertain: bool = False) -> None:
        super().__init__(message)
        self.uncertain = uncertain


class MissingLibraryError(IotoError):
    """A library that labels need is not there."""

    def __init__(self, error: ImportError) -> None:
        super().__init__(missing("labels", error))
