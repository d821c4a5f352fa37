# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: station
type: notification
version_added: 0.1.0
short_description: Shows the slots of a line on the page of the factory service
author:
  - The ioto.serialization maintainers (@ioto)
description:
  - Tells the factory service how the boards in the slots of a line stand while a playbook works on them, so that its
    page C(/line) shows WORKING with the step, PASS, FAIL with the reason and what to do, or NO LABEL, a tile for each.
  - It is a notification, so that any stdout callback can be used beside it. The station of a line sets it up for the
    runs that it starts. Without O(arrivals), or without O(url) and O(pipe), it does nothing, and in check mode, too.
  - A board is PASS once M(ioto.serialization.summary) has it done, or, in a playbook without that, at its end. It is
    FAIL at once, and once.
  - A board that was swapped meanwhile has another number, and what this run tells of the one before is not shown.
  - A service that is gone or does not answer costs a run 0.3 seconds at its end, at most, and a warning.
  - Texts from devices go without control characters and without whole claim IDs.
requirements:
  - enabled with C(ANSIBLE_CALLBACKS_ENABLED), or C(callbacks_enabled) in C(ansible.cfg)
options:
  arrivals:
    description:
      - >-
        The slots of the run, a JSON object, such as V({"slot-1": 1732600000000}). The number of each grows with every
        board that comes into it.
      - A slot is the host of this name in the inventory.
    type: str
    env:
      - name: IOTO_STATION_ARRIVALS
  url:
    description: The URL of the factory service, such as V(http://127.0.0.1:1234).
    type: str
    env:
      - name: IOTO_STATION_URL
    ini:
      - section: ioto_station
        key: url
  pipe:
    description: The number of an open pipe that is told as well, a JSON object a line. The station of a line opens it.
    type: int
    env:
      - name: IOTO_STATION_FD
  station:
    description: The name of the station, as the page shows it.
    type: str
    default: line
    env:
      - name: IOTO_STATION_NAME
    ini:
      - section: ioto_station
        key: name
  token_file:
    description:
      - A file that holds the token of the station and that only its user can read. Its hash is in C(station_tokens) of
        the service.
    type: path
    env:
      - name: IOTO_STATION_TOKEN_FILE
    ini:
      - section: ioto_station
        key: token_file
  ca_file:
    description: File with the certificates that the service's own is verified against. Without it, the system's.
    type: path
    env:
      - name: IOTO_STATION_CA_FILE
    ini:
      - section: ioto_station
        key: ca_file
"""

EXAMPLES = r"""
# What the station does for each of its runs:
# IOTO_STATION_ARRIVALS='{"slot-1": 1732600000000, "slot-3": 1732600000001}'
# IOTO_STATION_URL=http://127.0.0.1:1234 IOTO_STATION_TOKEN_FILE=/etc/ioto-line/token
# ANSIBLE_CALLBACKS_ENABLED=ioto.serialization.station
# ansible-playbook -i slots.yml --limit slot-1,slot-3 ioto.serialization.provision
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible import context
from ansible.plugins.callback import CallbackBase

from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.action_names import SERIALIZE_FLEET, short_name
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.report_pipe import ReportPipe, to_all
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.run_watch import RunWatch
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.telling import Teller, service_address

if TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.playbook import Playbook
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task

    from ansible_collections.ioto.serialization.plugins.plugin_utils.line.telling import ServiceAddress
    from ansible_collections.ioto.serialization.plugins.plugin_utils.service.slot_message import SlotReport


class CallbackModule(CallbackBase):
    """Translates the events of Ansible for the watch of the run, and tells the service what comes out of it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "ioto.serialization.station"
    CALLBACK_NEEDS_ENABLED = True

    _watch: RunWatch  # where it is not disabled
    _teller: Teller | None = None
    _play: Play | None = None

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        # Behind super(), mypy sees no name that it could leave out.
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)  # type: ignore[no-untyped-call]
        self.disabled = True
        has_listener = self.get_option("url") or self.get_option("pipe") is not None
        if not self.get_option("arrivals") or not has_listener or context.CLIARGS.get("check"):
            return
        tells: list[Callable[[SlotReport], None]] = []
        try:
            arrivals = _arrivals(self.get_option("arrivals"))
            if self.get_option("pipe") is not None:
                tells.append(ReportPipe(self.get_option("pipe")).tell)
            if self.get_option("url"):
                self._teller = Teller(self._address(), self.get_option("station"))
                tells.append(self._teller.tell)
        except IotoError as error:
            self._display.warning(f"The page of the line is not told of this run: {error}")
            return
        self._watch = RunWatch(arrivals, to_all(*tells))
        self.disabled = False

    def _address(self) -> ServiceAddress:
        file = self.get_option("token_file")
        return service_address(self.get_option("url"), Path(file) if file else None, self.get_option("ca_file"))

    # --- the run ------------------------------------------------------------------------------------------------

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        self._watch.start()

    def v2_playbook_on_play_start(self, play: Play) -> None:
        self._play = play

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        if self._play is not None:
            inventory = self._play.get_variable_manager()._inventory
            self._watch.start_task(_action(task), [str(host) for host in inventory.get_hosts(self._play.hosts)])

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        counts = {host: stats.summarize(host) for host in stats.processed}
        failed = [host for host, count in counts.items() if count["failures"] or count["unreachable"]]
        self._watch.end(failed, counts)
        if self._teller and (untold := self._teller.close()):
            self._display.warning(f"The page of the line was not told all of this run: {untold}")

    # --- results ------------------------------------------------------------------------------------------------

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        self._watch.end_task(_action(result.task), result.host.get_name(), result.result)

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            self._watch.fail_task(_action(result.task), result.host.get_name(), result.result)

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        # A play that ignores it goes on with the others: the board is not done all the same.
        self._watch.fail_task(_action(result.task), result.host.get_name(), {**result.result, "unreachable": True})

    def v2_runner_item_on_ok(self, result: CallbackTaskResult) -> None:
        self._end_item(result)

    def v2_runner_item_on_failed(self, result: CallbackTaskResult) -> None:
        self._end_item(result)

    def _end_item(self, result: CallbackTaskResult) -> None:
        # The fleet engine tells of each device while its one task goes on.
        if (action := _action(result.task)) == SERIALIZE_FLEET and "host" in result.result:
            self._watch.end_task(action, result.host.get_name(), {"results": [result.result]})


def _action(task: Task) -> str:
    """Return the name of an action of ours, without that of the collection; empty of another's."""
    return short_name(str(task.resolved_action or task.action))


def _arrivals(text: str) -> dict[str, int]:
    """Return the number of the board in each slot. Raises `IotoError`."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or not all(
        isinstance(number, int) and not isinstance(number, bool) for number in said.values()
    ):
        raise IotoError(
            'IOTO_STATION_ARRIVALS is not a JSON object of whole numbers; write one such as {"slot-1": 17}.'
        )
    return said
