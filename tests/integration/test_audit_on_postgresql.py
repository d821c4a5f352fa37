# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit against a ledger on PostgreSQL, which takes less than SQLite does of what strangers say."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.ioto.serialization.plugins.plugin_utils.audit.task import AuditedDevices, make_audit
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from tests.support.ledgers import PRODUCT, fill


def test_a_name_with_a_nul_hides_nothing_of_what_else_is_wrong(location: str, tmp_path: Path) -> None:
    with Ledger(location) as ledger:
        fill(ledger, 10)
    for name in ("SN%00X", "SN-000005"):
        folder = tmp_path / "images" / name / "etc/ioto"
        folder.mkdir(parents=True)
        (folder / "device.json5").write_text(f'{{"id": "0123456789", "product": "{PRODUCT}"}}', encoding="utf-8")
    answer = {"host": "pump-1", "claim_id": "9876543210", "product": PRODUCT, "serial": "SN\0X"}
    options = {
        **{"dest": str(tmp_path / "audit.html"), "ledger": location, "images": str(tmp_path / "images")},
        **{"devices": True, "scans": None, "ledgers": None, "checkpoints": None, "public_key": None},
        **{"unverified_hours": 24.0, "title": "", "reveal": False, "qr": None, "layout": None},
    }
    result = make_audit(options, AuditedDevices(["pump-1"], [answer]), check=True)
    assert result["findings"] == {"two-devices": 1, "unknown": 1}
