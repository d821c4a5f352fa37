# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup `ioto.serialization.batch_hosts`: the hosts of a play, as an earlier play found them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: batch_hosts
short_description: The hosts of a play of a batch
version_added: 0.1.0
author: The ioto.serialization maintainers (@ioto)
description:
  - Returns the hosts that M(ioto.serialization.preflight) named for a play, or those that M(ioto.serialization.summary)
    found not to be done, for the C(hosts) of that play.
  - It takes the first host of the inventory for which the result was registered. A filter over C(hostvars) would make
    Ansible work out the variables of every host for every play.
options:
  _terms:
    description:
      - One name of C(plays), as M(ioto.serialization.preflight) returned them in the registered variable
        C(_ioto_batch).
      - C(not_done) for what M(ioto.serialization.summary) returned in the registered variable C(_ioto_summary).
      - C(not_reported) for the host that fails where the report that was asked for was not written, C(not_signed) for
        that of the checkpoint. It is the controller, since no device has failed; with C(--limit), which leaves the
        controller out, the first host of the batch.
      - C(unscanned), C(checked) or C(not_passed) for the hosts that M(ioto.serialization.verify) said so of in the
        registered variable C(ioto_verdict), and C(nobody_checked) for the host that fails where it said nothing of any.
      - C(nobody) for the controller where no batch was checked, since there are no hosts; a play fails it then.
      - C(all) or C(controller) for the hosts of the first play, which is tagged C(always). Where C(--skip-tags) or
        C(--start-at-task) leaves it out, nothing would be checked, done or told, so that is an error.
      - So is a CSV file that was given as an inventory, unless P(ioto.serialization.manifest#inventory) is enabled for
        such files. The error shows the C(*.manifest.yml) that is needed.
    type: list
    elements: str
    required: true
seealso:
  - module: ioto.serialization.preflight
  - module: ioto.serialization.summary
  - module: ioto.serialization.verify
"""

EXAMPLES = r"""
- name: Manual
  hosts: "{{ query('ioto.serialization.batch_hosts', 'manual') }}"
  tasks:
    - name: Run the manual flow
      ansible.builtin.import_role:
        name: ioto.serialization.manual
"""

RETURN = r"""
_list:
  description: The hosts; the pattern C(!all) without hosts.
  type: list
  elements: str
  sample: [pump-1, pump-2]
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ansible import constants, context
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.production_order.bare_orders import refuse_bare_orders

_NOBODY = ["!all"]
_CONTROLLER = "localhost"
_FIRST = {"all": ["all"], "controller": [_CONTROLLER]}
_ENDS = {"not_reported": ("_ioto_report", "files"), "not_signed": ("_ioto_checkpoint", "checkpoint")}
"""What the plays of the end registered, and what is in it where all went well."""
_NOBODY_CHECKED = "nobody_checked"
_BY_VERDICT = ("unscanned", "checked", "not_passed", _NOBODY_CHECKED)
_ASKS_A_SERVICE = "factory"
_A_TASK_A_DEVICE = ("manual", "auto", _ASKS_A_SERVICE)
_LEFT_OUT = ("always", "all", "tagged")
"""Tags that leave out a play which is tagged `always`."""


class LookupModule(LookupBase):
    """Ansible's entry point."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Return the hosts of the play that the one term names."""
        if len(terms) != 1 or kwargs:
            raise AnsibleLookupError("The lookup batch_hosts takes one term, the name of a play such as manual.")
        variables = variables or {}
        if terms[0] in _FIRST:
            _refuse_left_out(variables)
            _refuse_csv(variables)
            _refuse_nothing(variables)
            return _FIRST[terms[0]]
        if terms[0] in _BY_VERDICT:
            return self._by_verdict(terms[0], variables)
        for facts in _facts(variables):
            if terms[0] == "not_done" and "_ioto_summary" in facts:
                return list(facts["_ioto_summary"].get("not_done", ())) or _NOBODY
            if terms[0] != "not_done" and "_ioto_batch" in facts:
                if terms[0] in _ENDS:
                    return _failed_end(*_ENDS[terms[0]], facts["_ioto_batch"], variables)
                # Without plays, the batch has a problem, and every host has failed.
                hosts = list(facts["_ioto_batch"].get("plays", {}).get(terms[0], _NOBODY))
                if hosts != _NOBODY:
                    _prepare(terms[0], facts["_ioto_batch"])
                return hosts
        return [_CONTROLLER] if terms[0] == "nobody" else _NOBODY

    def _by_verdict(self, play: str, variables: Mapping[str, Any]) -> list[str]:
        """Return the hosts of a play of verify.yml, by what was registered of each."""
        found: dict[str, list[str]] = {name: [] for name in _BY_VERDICT}
        for host, facts in zip(variables["groups"]["all"], _facts(variables), strict=False):
            verdict = facts.get("ioto_verdict")
            if verdict is None:
                continue
            if "skipped" not in verdict:
                found["checked"].append(host)
                if not verdict.get("passed"):
                    found["not_passed"].append(host)
            elif play == "unscanned" and not self._is_left_out(host, variables["hostvars"]):
                found["unscanned"].append(host)
        if play == _NOBODY_CHECKED and not found["checked"]:
            return _FIRST["all"] if "ansible_limit" in variables else [_CONTROLLER]
        return found[play] or _NOBODY

    def _is_left_out(self, host: str, hostvars: Any) -> bool:
        """Whether the host has the mode `none`, which a template may say."""
        # Not at the top: it is for an action to say which packages are missing.
        from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.host_variables import (  # noqa: PLC0415
            HostVariables,
        )

        loader: Any = self._loader  # Ansible gives each lookup one
        return bool(HostVariables(hostvars, host, loader).get("ioto_mode") == "none")


def _prepare(play: str, batch: Mapping[str, Any]) -> None:
    """Load what each worker of the play would load: its hosts are asked for in the main process, before it forks."""
    # Not at the top: it is for an action to say which packages are missing, and the other flows use no client.
    if play in _A_TASK_A_DEVICE and batch.get("uses_filters"):
        from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter import filters  # noqa: PLC0415

        filters.load()
    if play == _ASKS_A_SERVICE:
        from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.factory_service import (  # noqa: PLC0415
            load_client,
        )

        load_client()


def _failed_end(name: str, sign_of_success: str, batch: Mapping[str, Any], variables: Mapping[str, Any]) -> list[str]:
    """Return who fails where what the end of the run was to make is not there; it was registered as `name`."""
    first = batch.get("plays", {}).get("batch", _NOBODY)[0]
    made = variables["hostvars"].raw_get(first).get(name) if [first] != _NOBODY else None
    if made is None or sign_of_success in made or "skipped" in made:
        return _NOBODY
    return [first] if "ansible_limit" in variables else [_CONTROLLER]


def _refuse_left_out(variables: Mapping[str, Any]) -> None:
    if context.CLIARGS.get("start_at_task"):
        raise AnsibleLookupError(
            "--start-at-task leaves out the check of the batch, so that nothing would be done, and nothing said where "
            "no task has that name; run without it, since a run does again only what is not done"
        )
    for tag in _LEFT_OUT:
        if tag in variables.get("ansible_skip_tags", ()):
            raise AnsibleLookupError(
                f"--skip-tags {tag} leaves out the check of the batch and its summary, so that nothing would be done "
                "and nothing said; run without it"
            )


def _refuse_csv(variables: Mapping[str, Any]) -> None:
    try:
        refuse_bare_orders(
            map(str, variables.get("ansible_inventory_sources") or ()),
            enabled=constants.config.get_config_value("INVENTORY_ENABLED"),
            ignored_ends=constants.config.get_config_value("INVENTORY_IGNORE_EXTS"),
        )
    except IotoError as error:
        raise AnsibleLookupError(str(error)) from None


def _refuse_nothing(variables: Mapping[str, Any]) -> None:
    # Without --limit, a play fails the controller then, which --limit leaves out.
    if "ansible_limit" in variables and not variables["groups"]["all"]:
        raise AnsibleLookupError(
            "There is nothing to do: --limit has no hosts to choose from; where a warning above says that the "
            "inventory cannot be read, correct it, or give one that has some with -i"
        )


def _facts(variables: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the variables of each host as they are, without making values of their templates."""
    hostvars = variables.get("hostvars")
    if hostvars is not None:
        for host in variables["groups"]["all"]:
            yield hostvars.raw_get(host)
