# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that plays the operator of a line, and whoever kills its parts: it acts by a seed, and reads the log.

What it does depends on what the station says meanwhile, and so on the speed of the machine: a seed gives the same dice,
not the same film.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tests.fleet import Device, FleetError

from .line_bench import LineBench

STATION = "kill -9 of the station"
VERDICTS = frozenset({"PASS", "FAIL", "NO LABEL"})
_IN_THE_MIDDLE, _REBOOTED = "pulled in the middle", "rebooted"
_MOST_SPOILT = 0.25
"""Of the boards, how many are pulled in the middle, and how many rebooted."""
LAST_SECONDS = 120.0
_SAID = re.compile(r"^\S+ (slot-\d+) (EMPTY|WORKING|PASS|FAIL|NO LABEL)\b ?(.*)$")


@dataclass(frozen=True)
class Part:
    """What can be killed (`name` says what is done), and started again after at most `most_down` seconds.

    Without `start`, the line replaces it by itself. A board may end in one of `spoils` because of it, and of no other.
    """

    name: str
    kill: Callable[[], None]
    start: Callable[[], None] | None = None
    most_down: float = 0.0
    spoils: frozenset[str] = frozenset()
    spoils_at: int = 1
    """How often it has to be killed for that."""
    excludes: frozenset[str] = frozenset()
    """Parts that are not to be down at the same time, since what starts one needs the other."""


@dataclass(frozen=True)
class Chances:
    """How often a board is pulled before it is done, one that was done is plugged once more, and so on."""

    in_the_middle: float = 0.15
    again: float = 0.25
    reboot: float = 0.0
    kill: float = 0.0
    pause: tuple[float, float] = (0.2, 1.2)
    """Seconds between two deeds."""


@dataclass
class Tile:
    """What the station has said of a slot."""

    state: str = "EMPTY"
    said: str = ""
    unseen: int = 0
    """Boards that were pulled, and that the station has not said to be gone."""
    causes: Counter[str] = field(default_factory=Counter)
    """What was killed or down while the board had no verdict."""


class LineScript:
    """Plugs and pulls the boards of `line`, kills `parts` of it, and notes what is not as it should be."""

    def __init__(self, line: LineBench, seed: int, parts: Sequence[Part] = (), chances: Chances | None = None) -> None:
        self._line = line
        self._jig = line.jig
        self._fresh = list(line.fleet.devices)
        self._used: list[Device] = []
        self._random = random.Random(seed)
        self._parts = {part.name: part for part in parts}
        self._chances = chances or Chances()
        self._down: dict[str, float] = {}
        self._shown = 0
        self.tiles = {slot: Tile() for slot in self._jig.places}
        self.passed: set[str] = set()
        """The serials of the boards that were PASS once."""
        self.deeds: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.troubles: list[str] = []

    def play(self, seconds: float) -> None:
        """Plug and pull for so long, or until every board has been in a slot."""
        until = time.monotonic() + seconds
        while self._fresh and time.monotonic() < until:
            self._act()
            self.follow(self._random.uniform(*self._chances.pause))

    def settle(self) -> None:
        """Have everything up, and return when each board that is in a slot has its verdict. Raises `FleetError`."""
        for name in [*self._down]:
            self._revive(name)
        until = time.monotonic() + LAST_SECONDS
        while open_slots := [slot for slot in self._jig.inside if self.tiles[slot].state not in VERDICTS]:
            if time.monotonic() > until:
                raise FleetError(f"No verdict came for {', '.join(open_slots)}; look into {self._line.station.log}.")
            self.follow(0.2)

    def finish(self) -> None:
        """Plug each board that was never PASS again, and again once more: where nothing is killed, each becomes it."""
        for _try in range(2):
            unfinished = [board for board in self._used if board.serial not in self.passed]
            while unfinished:
                for slot in [*self._jig.inside]:
                    self._pull(slot, "pulled")
                for slot, board in zip(self._jig.places, unfinished, strict=False):
                    self._put(slot, board, "plugged again at the end")
                unfinished = unfinished[len(self._jig.places) :]
                self.settle()

    @property
    def unfinished(self) -> list[Device]:
        """The boards that were in a slot and never PASS."""
        return [board for board in self._used if board.serial not in self.passed]

    @property
    def used(self) -> Sequence[Device]:
        """The boards that were in a slot."""
        return self._used

    def follow(self, seconds: float) -> None:
        """Show and take what the station says meanwhile, and start what was down for long enough."""
        until = time.monotonic() + seconds
        while True:
            self._read()
            for name in [name for name, due in self._down.items() if time.monotonic() >= due]:
                self._revive(name)
            if (left := until - time.monotonic()) <= 0:
                return
            time.sleep(min(left, 0.1))

    # --- what the station says ---

    def _read(self) -> None:
        data = self._line.station.log.read_bytes()
        end = data.rfind(b"\n") + 1
        for line in data[self._shown : end].decode().splitlines():
            print(f"  {line}", flush=True)
            if found := _SAID.match(line):
                self._take(found[1], found[2], found[3])
        self._shown = max(self._shown, end)

    def _take(self, slot: str, state: str, said: str) -> None:
        tile = self.tiles[slot]
        if tile.unseen:
            # Until it has said that the last board is gone, it speaks of that one.
            tile.unseen -= state == "EMPTY"
            tile.state = "EMPTY"
            return
        tile.state, tile.said = state, said
        if state in VERDICTS:
            self.verdicts[state] += 1
            self._judge(slot, tile)

    def _judge(self, slot: str, tile: Tile) -> None:
        """Compare a verdict with the board, and with what was done to the line while it was worked on."""
        board = self._jig.inside.get(slot)
        if board is None:
            self.troubles.append(f"{slot} says {tile.state} of a board that nobody plugged in")
        elif tile.state == "PASS":
            self.passed.add(board.serial)
            if board.serial not in tile.said or not board.claim_id():
                self.troubles.append(f"{slot} says PASS {tile.said} with {board.serial} in it")
        elif not self._is_explained(tile):
            self.troubles.append(f"{slot} says {tile.state} without a cause: {tile.said} ({dict(tile.causes)})")

    def _is_explained(self, tile: Tile) -> bool:
        return any(
            tile.state in self._parts[name].spoils and number >= self._parts[name].spoils_at
            for name, number in tile.causes.items()
        )

    # --- what the script does ---

    def _act(self) -> None:
        inside = [*self._jig.inside]
        done = [slot for slot in inside if self.tiles[slot].state in VERDICTS]
        working = [slot for slot in inside if self.tiles[slot].state == "WORKING"]
        empty = [slot for slot in self._jig.places if slot not in inside]
        chances, dice = self._chances, self._random
        if dice.random() < chances.kill and (parts := self._killable()):
            self._kill(dice.choice(parts))
        elif working and self._may(_IN_THE_MIDDLE) and dice.random() < chances.in_the_middle:
            self._take_out(dice.choice(working), _IN_THE_MIDDLE)
        elif (done or working) and self._may(_REBOOTED) and dice.random() < chances.reboot:
            self._reboot(dice.choice(done + working))
        elif done and (not empty or dice.random() < 0.5):
            self._take_out(dice.choice(done), "pulled")
        elif empty:
            self._plug(dice.choice(empty), "plugged")

    def _may(self, deed: str) -> bool:
        # On a slow machine nearly all are working at any time, and none would come to its end.
        return self.deeds[deed] < _MOST_SPOILT * len(self._used)

    def _take_out(self, slot: str, deed: str) -> None:
        self._pull(slot, deed)
        if self._random.random() < 0.5:
            self._plug(slot, "swapped")

    def _pull(self, slot: str, deed: str) -> None:
        serial = self._jig.inside[slot].serial
        self._go(slot)
        self._jig.pull(slot)
        self._told(deed, f"{serial} is {deed} out of {slot}")

    def _reboot(self, slot: str) -> None:
        self._told(_REBOOTED, f"{self._jig.inside[slot].serial} is rebooted in {slot}")
        self._go(slot)
        self._jig.reboot(slot)
        self.tiles[slot].causes = Counter([*self._down])

    def _go(self, slot: str) -> None:
        """Expect the station to say that the board in `slot` is gone, where it has said that one came."""
        self._read()
        tile = self.tiles[slot]
        tile.unseen += tile.state != "EMPTY"
        tile.state = "EMPTY"

    def _plug(self, slot: str, deed: str) -> None:
        inside = {board.root for board in self._jig.inside.values()}
        idle = [board for board in self._used if board.root not in inside]
        if self._fresh and not (idle and self._random.random() < self._chances.again):
            self._used.append(self._fresh.pop(0))
            self._put(slot, self._used[-1], deed)
        elif idle:
            self._put(slot, self._random.choice(idle), "plugged again")

    def _put(self, slot: str, board: Device, deed: str) -> None:
        self._told(deed, f"{board.serial} is {deed} into {slot}")
        self.tiles[slot].causes = Counter([*self._down])
        self._jig.plug(slot, board)

    def _told(self, deed: str, sentence: str) -> None:
        self.deeds[deed] += 1
        print(f"* {sentence}", flush=True)

    def _killable(self) -> list[Part]:
        down = {*self._down}
        return [part for part in self._parts.values() if part.name not in down and not part.excludes & down]

    def _kill(self, part: Part) -> None:
        self._told(part.name, part.name)
        self._blame([part.name])
        part.kill()
        self._read()
        if part.start:
            self._down[part.name] = time.monotonic() + self._random.uniform(0, part.most_down)
        if part.name == STATION:
            # Another one will know nothing of what this one said, and of what was pulled meanwhile.
            for tile in self.tiles.values():
                tile.state, tile.unseen = "EMPTY", 0
                tile.causes = Counter([*self._down])

    def _blame(self, names: Iterable[str]) -> None:
        for slot in self._jig.inside:
            self.tiles[slot].causes.update(names)

    def _revive(self, name: str) -> None:
        del self._down[name]
        print(f"* {name} is over", flush=True)
        if start := self._parts[name].start:
            start()
        self._blame([name] if name != STATION else [])
