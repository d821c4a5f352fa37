# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which units are served: products, and the units of production orders, read again when a file changes."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import IotoError
from ..production_order.order import OrderLayout, read
from .errors import ServiceError

LOOK_SECONDS = 2.0
"""How often a production order's file is looked at."""

_log = logging.getLogger("ioto.service")


@dataclass(frozen=True, slots=True)
class _Served:
    """`products` are served whole; of other products those units that are in `units`."""

    products: frozenset[str]
    units: frozenset[tuple[str, str]]
    known: frozenset[str] = field(default=frozenset())


class AllowList:
    """The units that are served. Empty: all."""

    def __init__(self, products: Sequence[str], orders: Sequence[str]) -> None:
        """Take product IDs and the paths of production orders (CSV). Raises `ServiceError` where one is unusable."""
        self._products = frozenset(products)
        self._orders = [Path(order) for order in orders]
        self._state = self._look()
        self._next_look = time.monotonic() + LOOK_SECONDS
        self._served = self._read_orders()

    def objection(self, product: str, unit: str) -> str | None:
        """Return why the unit is not served, as a sentence, or None."""
        if self._orders and time.monotonic() > self._next_look:
            self._refresh()
        served = self._served
        if not served.known or product in served.products or (product, unit) in served.units:
            return None
        if product in served.known:
            return f"The unit {unit} is in no production order of its product; add it to one, or correct its serial."
        return f"The product {product} is not served here; correct it in device.json5, or allow it."

    def _refresh(self) -> None:
        self._next_look = time.monotonic() + LOOK_SECONDS
        state = self._look()
        if state == self._state:
            return
        self._state = state
        try:
            self._served = self._read_orders()
            _log.info("read the production orders again")
        except ServiceError as error:
            # A half-written file must not stop the line: the next look finds it whole.
            _log.error("the production orders stay as they were: %s", error)

    def _look(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(order) for order in self._orders]

    def _read_orders(self) -> _Served:
        products, units = set(self._products), set()
        for order in self._orders:
            try:
                # An image for each unit is the one flow that asks nothing but product and serial of a row.
                rows = read(order.read_bytes(), str(order), OrderLayout(mode="firmware"))
            except OSError as error:
                raise ServiceError(
                    f"The production order {order} cannot be read: {error.strerror}; correct the path."
                ) from None
            except IotoError as error:
                raise ServiceError(str(error)) from None
            for row in rows:
                if row.product is None:
                    raise ServiceError(f"The production order {order} names no product on line {row.line}; add it.")
                if row.serial is None:
                    products.add(row.product)
                else:
                    units.add((row.product, row.serial))
        return _Served(
            frozenset(products), frozenset(units), frozenset(products | {product for product, _unused in units})
        )


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what is another after any change: also of the rights alone, or to a file of the same size and time."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_ctime_ns, status.st_size
