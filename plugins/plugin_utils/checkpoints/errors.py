# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with checkpoints and their keys."""

from __future__ import annotations

from ..errors import IotoError


class CheckpointError(IotoError):
    """A checkpoint that cannot be made, read or trusted, or that does not agree with what it is held against."""


class SigningKeyError(CheckpointError):
    """A key that cannot be made, read or used."""
