# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of images, made in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import json5

from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware.image_batch import (
    ImageBatch,
    ImageJob,
    ResultOptions,
)
from tests.support.firmware import DEVICE_PATH, PRODUCT, sh

_OPTIONS: Mapping[str, Any] = {
    **dict.fromkeys(("format", "partition", "config_dir", "claim_id", "service_url", "properties", "source")),
    "length": 10,
    "product": PRODUCT,
}


@dataclass
class BatchLine:
    """A production line: a folder with a ledger, and batches of units."""

    folder: Path
    log: list[str] = field(default_factory=list)
    """What is for who mends this collection."""

    def make(self, base: Path, *serials: str, dest: Path | None = None, **options: Any) -> list[dict[str, Any]]:
        """Make images in `dest` (`out`) in one batch, and return the results in the order of `serials`."""
        every = {**_OPTIONS, "ledger": str(self.folder / "ledger.db"), "base": str(base), **options}
        every["dest"] = f"{dest or self.folder / 'out'}/"
        jobs = [ImageJob(serial, {**every, "serial": serial}) for serial in serials]
        made = ImageBatch(jobs, ResultOptions(reveal=True), at_once=3).run(log=self.log.append)
        results = {result["host"]: result for result in made}
        return [results[serial] for serial in serials]


def paths(results: list[dict[str, Any]]) -> list[Path]:
    """The images of `results`, all of which were made."""
    assert [result.get("msg") for result in results] == [None] * len(results)
    return [Path(result["path"]) for result in results]


def held(image: Path) -> dict[str, Any]:
    """The device.json5 of an ext image."""
    return dict(json5.loads(sh("debugfs", "-R", f"cat /{DEVICE_PATH}", image)))
