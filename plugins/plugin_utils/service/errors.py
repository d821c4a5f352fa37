# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service answers when it does not give what was asked."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import IotoError


class ServiceError(IotoError):
    """The service cannot run as it is set up."""


class RefusedError(IotoError):
    """A request that is refused: `status` is HTTP's, `reason` a word for the metrics, `str()` the sentence.

    `unit` and `product` say whose request it was, as far as that was understood.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        sentence: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        self.unit: str | None = None
        self.product: str | None = None
