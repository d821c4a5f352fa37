# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By whom something is done: who stands at the line, and on which account of which station."""

from __future__ import annotations

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.check_options import check_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.options import OperatorError
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.recording import Recording, account_of
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.run_number import THIS_RUN
from ansible_collections.ioto.serialization.plugins.plugin_utils.option import specs
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of

HERE = Context.here().actor


def test_without_an_operator_it_is_the_account() -> None:
    assert Recording.of({"ledger": None}).context("pump-1") == Context(HERE, "pump-1", run=THIS_RUN)


@pytest.mark.parametrize(
    ("said", "shown"),
    [("Ada", "Ada"), (4711, "4711"), ("a\nb\x1b[2J", "a b [2J"), ("root@evil, root@evil", "root@evil, root@evil")],
)
def test_an_operator_stands_beside_the_account_on_one_line_that_disturbs_no_terminal(said: object, shown: str) -> None:
    context = Recording.of_host({"ioto_operator": said}).context()
    assert (context.operator, context.actor) == (shown, HERE)


def test_an_account_is_told_from_the_operator_who_stood_before_it_in_an_old_ledger() -> None:
    assert account_of(f"root@evil, root@evil, {HERE}") == account_of(HERE) == HERE


@pytest.mark.parametrize("said", ["", "  ", None])
def test_an_operator_of_nothing_is_none(said: object) -> None:
    assert Recording.of_host({"ioto_operator": said}).context().operator is None


def test_an_operator_whose_name_is_too_long_is_told_before_the_first_device() -> None:
    hosts = {"a": {"ioto_mode": "manual", "ioto_operator": "x" * 65}, "b": {"ioto_mode": "auto", "ioto_operator": 7}}
    assert [str(problem) for problem in check_options(hosts, complete)] == [
        "a: ioto_operator has 65 characters and may have 64; give a short name or a number."
    ]


@pytest.mark.parametrize(
    ("said", "kind"), [(["Ada", "Bob"], "a list"), ({"name": "Ada"}, "a dictionary"), (True, "a yes or no")]
)
def test_an_operator_that_is_neither_text_nor_a_number_is_told_before_the_first_device(said: object, kind: str) -> None:
    sentence = f"ioto_operator is {kind}; give a short name, in quotes, or a number."
    hosts = {"a": {"ioto_mode": "manual", "ioto_operator": said}, "b": {"ioto_mode": "auto", "ioto_operator": 4.5}}
    assert [str(problem) for problem in check_options(hosts, complete)] == [f"a: {sentence}"]
    with pytest.raises(OperatorError, match=sentence):
        Recording.of_host({"ioto_operator": said})
    with pytest.raises(OperatorError, match=sentence):
        Recording.of(complete({"operator": said}, specs(options_of("verify"))))
