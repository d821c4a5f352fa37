# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.audit`; its documentation is in `plugins/modules/audit.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter import require
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import complete, plain
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.batch_action import BatchAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.audit.options import OF_A_DEVICE
from ansible_collections.ioto.serialization.plugins.plugin_utils.audit.task import AuditedDevices, make_audit
from ansible_collections.ioto.serialization.plugins.plugin_utils.audit.told import refuse_two_ledgers, shown_answer
from ansible_collections.ioto.serialization.plugins.plugin_utils.modes import Mode
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of

_LEFT_ALONE = {Mode.NONE, Mode.FIRMWARE}


class ActionModule(BatchAction):
    """Say what does not agree with a ledger."""

    OPTIONS = options_of("audit")

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Read what there is, and compare."""
        self.refuse_delegation()
        self.refuse_unseen(OF_A_DEVICE)
        if arguments["checkpoints"]:
            require("checkpoints")
        devices = self._devices(arguments) if arguments["devices"] else AuditedDevices()
        return make_audit(arguments, devices, check=self.check_mode)

    def _devices(self, arguments: Mapping[str, Any]) -> AuditedDevices:
        """Return the devices of the play, none of them asked yet."""
        known = {plain(host) for host in self.task_vars["groups"]["all"]}
        batch = [host for host in map(plain, self.task_vars["ansible_play_batch"]) if host in known]
        modes = self.variables(batch, ("ioto_mode", "ioto_ledger"))
        hosts = [host for host in batch if modes[host].get("ioto_mode") not in _LEFT_ALONE]
        refuse_two_ledgers({host: modes[host].get("ioto_ledger") for host in hosts})
        if not hosts:
            return AuditedDevices(left_alone=len(batch))
        return AuditedDevices(hosts, self._answers(hosts, arguments["processes"]), len(batch) - len(hosts))

    def _answers(self, hosts: Sequence[str], processes: int | None) -> Iterator[dict[str, Any]]:
        """Ask each device, many at a time, and yield what it answers as it comes."""
        require("fleet")
        # Not at the top: an audit without devices has no use for the library.
        from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.engine import Engine  # noqa: PLC0415

        for answer in Engine(at_once=self.forks, processes=processes).run(self._jobs(hosts), log=self.log):
            self.tell(shown_answer(answer))
            yield answer

    def _jobs(self, hosts: Sequence[str]) -> Sequence[Any]:
        """Return what the fleet engine has to do; the variables of all hosts, which are many, are let go of here."""
        from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.batch import look_jobs  # noqa: PLC0415

        variables = self.variables(hosts, (*OF_A_DEVICE, *self.ssh_variables()))
        return look_jobs(variables, OF_A_DEVICE, ssh_options=self.ssh_options, complete=complete)
