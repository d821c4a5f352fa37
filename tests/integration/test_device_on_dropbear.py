# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts behind a real SSH server: whose board it is, who writes, and what it has mounted."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import (
    Answer,
    Lasting,
    WriteFailure,
    WriteStep,
    Written,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.scripts import (
    OtherBoardError,
    probe,
    replace,
    same_board,
)
from tests.fleet import dropbear
from tests.fleet.devices import Device
from tests.fleet.fleet import Fleet

pytestmark = pytest.mark.skipif(not dropbear.available(), reason="real devices need root, dropbear and busybox")


@dataclass(frozen=True)
class OverSsh:
    """A device as a controller has it. `simulated` may be another one than before."""

    simulated: Device
    host_key: str | None = None

    @property
    def name(self) -> str:
        return self.simulated.name

    def run(self, script: str) -> Answer:
        done = self.simulated.ssh("/bin/sh -s", script)
        return Answer(done.returncode, done.stdout.encode(), done.stderr.encode())


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet.start(tmp_path_factory.mktemp("fleet") / "state", groups={"manual": 2}, kind="dropbear") as fleet:
        yield fleet


def test_what_a_board_has_mounted_outlives_a_power_cut(fleet: Fleet) -> None:
    storage = probe(OverSsh(fleet.devices[0]), "/etc/ioto").storage

    assert (storage.lasting, storage.type) == (Lasting.YES, "ext4")


def test_a_board_that_came_to_the_address_of_another_is_not_touched(fleet: Fleet) -> None:
    first, second = fleet.devices
    observation = probe(OverSsh(first), "/etc/ioto")
    before = second.read("/etc/ioto/device.json5")

    with pytest.raises(OtherBoardError):
        replace(same_board(OverSsh(second), observation), observation.device_file, b"{}")

    assert second.read("/etc/ioto/device.json5") == before
    assert isinstance(replace(same_board(OverSsh(first), observation), observation.device_file, before), Written)


def test_of_controllers_at_once_exactly_one_succeeds(fleet: Fleet) -> None:
    device = OverSsh(fleet.devices[0])
    for number in range(10):
        before = probe(device, "/etc/ioto").device_file
        texts = [f"{{ round: {number}, by: {controller} }}\n".encode() for controller in range(4)]
        with ThreadPoolExecutor(len(texts)) as controllers:
            results = list(controllers.map(lambda text, before=before: replace(device, before, text), texts))

        (won,) = [result.file.data for result in results if isinstance(result, Written)]
        steps = {result.step for result in results if isinstance(result, WriteFailure)}
        assert steps <= {WriteStep.LOCKED, WriteStep.CHANGED}
        assert fleet.devices[0].read("/etc/ioto/device.json5") == won
        assert [name for name in fleet.devices[0].listdir("/etc/ioto") if ".ioto-" in name] == []


def test_a_look_and_a_write_leave_nothing_on_the_device(fleet: Fleet) -> None:
    device, folder = OverSsh(fleet.devices[1]), fleet.devices[1].path("/")
    before = probe(device, "/etc/ioto").device_file  # dropbear makes its key for the first login
    names = {path.relative_to(folder) for path in folder.rglob("*")}

    probe(device, "/etc/ioto")
    assert isinstance(replace(device, before, b"{ a: 1 }\n"), Written)

    assert {path.relative_to(folder) for path in folder.rglob("*")} == names
