# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a seal's hash is over: it has to stay the same for ever, so it is made here in the plainest way."""

from __future__ import annotations

import hashlib
import json
import random
import zlib

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.seals import EVENT_NAMES, Seal, seal_hash

VALUES = ("allocated", "SN-1", 'said "so",', "\\", "é\n", "\udcff", "", None, 7, b"\xff\x00")


def plain_hash(seal: Seal, before: str, rows: list[tuple[object, ...]]) -> str:
    """As the first seals were made: an event after the other."""

    def text(value: object) -> str:
        return json.dumps(value, separators=(",", ":"), default=lambda blob: {"blob": blob.hex()})

    lines = [
        text({name: value for name, value in zip(EVENT_NAMES, row, strict=True) if value is not None}).encode()
        for row in rows
    ]
    marks = "".join(f"{zlib.crc32(line) & 0xFFFF:04x}" for line in lines)
    head = text([before, seal.seq, seal.first_event, seal.last_event, seal.events, seal.at, marks]).encode()
    return f"{hashlib.sha256(b''.join((head, *(chr(10).encode() + line for line in lines)))).hexdigest()}.{marks}"


def test_a_seal_is_over_each_event_alone_however_alike_its_events_are() -> None:
    chance = random.Random(23)
    for turn in range(200):
        alike = chance.sample(EVENT_NAMES[1:], chance.randint(0, len(EVENT_NAMES) - 1))
        same = {name: chance.choice(VALUES) for name in alike}
        rows = [
            (number, *(same[name] if name in same else chance.choice(VALUES) for name in EVENT_NAMES[1:]))
            for number in range(chance.randint(0, 6))
        ]
        seal = Seal(turn, 1, len(rows), len(rows), "2026-11-28 12:00:00.000000", "")
        assert seal_hash(seal, "before", rows) == plain_hash(seal, "before", rows)
