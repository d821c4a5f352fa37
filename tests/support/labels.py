# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels that units have to get."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.ioto.serialization.plugins.plugin_utils.labels import batch, layout
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.output_zpl import zpl
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import Ledger


def labels_of(ledger: Ledger, serials: Sequence[str], *, which: str = "standard") -> list[bytes]:
    """Return the labels, as ZPL, of the units with those serials, in that order."""
    job = batch.Job(layout.load(which))
    claims = {claim.unit: claim for claim in ledger.claims() if claim.is_live}
    return [zpl(batch.compose(job, claims[serial]).drawing) for serial in serials]
