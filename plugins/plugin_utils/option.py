# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One option of a module, or variable of a flow: all that there is to say of it, said once.

The rows stand beside their feature (`flows/options.py` and its like) and are joined in `option_table.py`. Argument
specs, the batch check, what a task leaves out, and every page that names an option follow from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

MANUAL, AUTO, FACTORY, AGENT_FACTORY = "manual", "auto", "factory", "factory with an agent"
FIRMWARE, LABEL, VERIFY, REPORT, AUDIT = "firmware", "label", "verify", "report", "audit"
FLEET = "fleet"
"""Not a flow of its own: any flow under the fleet engine."""
SERVICE, LINE, PLAYBOOKS, LEDGER, REWORK = "service", "line", "playbooks", "ledger", "rework"
"""Nor these: the roles that set up the service and a line, what the playbooks read themselves, the ledger's, and what
is done with single units."""

FLOW_MODULES = frozenset({"serialize", "agent_config", "firmware_image", "verify"})
"""The modules that the flows are made of: what their tasks leave out, the variables say."""

_FALLS_BACK_EVERYWHERE = frozenset({"ledger", "config_dir"})


@dataclass(frozen=True, slots=True)
class Option:
    """One option. Sentences are in Ansible's markup and call other options by their own names, as `O(claim_id)`."""

    name: str
    says: str
    """What it is, for modules and roles alike."""
    default: Any = None
    type: str = ""
    """Without it, that of the default, else a string."""
    variable: str | None = None
    """The variable of the inventory that says it. Without it, where a flow takes it, `ioto_` and its name."""
    without: str = ""
    """What holds without it, as the end of a sentence, where that is not a default."""
    more: tuple[str, ...] = ()
    """What a module's page also says, a paragraph each."""
    choices: tuple[str, ...] = ()
    elements: str | None = None
    required: bool = False
    no_log: bool | None = None
    modules: tuple[str, ...] = ()
    """The modules that take it."""
    flows: tuple[str, ...] = ()
    """The flows that take the variable."""
    is_deliberate: bool = False
    """It replaces something: a task has to say it, its variable alone does not."""
    only: tuple[str, ...] = ()
    """Options, or options with a value (`source=agent`), of a task without any of which the variable does not count."""
    unless: tuple[str, ...] = ()
    """Those with any of which it does not count."""
    least: float | None = None
    """The smallest number that it may be, where it is one."""
    most: float | None = None
    """The greatest."""
    convert: Callable[[Any], Any] | None = None
    """What makes the option's value of the variable's, where the two differ."""

    def __post_init__(self) -> None:
        """Find what is not said."""
        if not self.type:
            object.__setattr__(self, "type", "str" if self.default is None else type(self.default).__name__)
        if self.variable is None and self.flows:
            object.__setattr__(self, "variable", f"ioto_{self.name}")

    @property
    def spec(self) -> dict[str, Any]:
        """The option as Ansible's argument specs write it."""
        facets = {
            "choices": list(self.choices),
            "elements": self.elements,
            "default": self.default,
            "required": self.required,
        }
        found: dict[str, Any] = {"type": self.type}
        found |= {name: value for name, value in facets.items() if value or (name == "default" and value is not None)}
        return found if self.no_log is None else {**found, "no_log": self.no_log}

    @property
    def is_number(self) -> bool:
        """Whether it is a number, whole or not."""
        return self.type in {"int", "float"}

    def wanted(self) -> str:
        """Return which number it has to be, as the end of a sentence."""
        kind = "a whole number" if self.type == "int" else "a number"
        if self.least is None:
            return kind
        return f"{kind}, {self.least} or more" if self.most is None else f"{kind} from {self.least} to {self.most}"

    def is_in_range(self, value: float | None) -> bool:
        """Whether `value`, of its type, is neither too small nor too great; None is neither."""
        if value is None or not self.is_number:
            return True
        # Written so that what is not a number (nan) is in no range.
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def falls_back(self, module: str) -> bool:
        """Whether a task of `module` that leaves it out takes the value of its variable."""
        if self.variable is None or self.is_deliberate:
            return False
        return module in FLOW_MODULES or self.name in _FALLS_BACK_EVERYWHERE

    def counts_beside(self, given: Mapping[str, Any]) -> bool:
        """Whether the variable counts for a task that gives the options `given`."""
        if self.only and not any(_is_met(condition, given) for condition in self.only):
            return False
        return not any(_is_met(condition, given) for condition in self.unless)


def stays(spec: Mapping[str, Any], value: object) -> bool:
    """Whether Ansible's check by `spec` makes nothing else of `value`: a text, or a path that holds no variable."""
    if "choices" in spec:
        return False
    if spec.get("type") == "list":
        is_list_of_texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return is_list_of_texts and spec.get("elements") == "str"
    is_plain = spec.get("type") == "str" or (spec.get("type") == "path" and not set(str(value)) & set("~$"))
    return is_plain and isinstance(value, str)


def rows(*options: Option, variable: str = "", **common: Any) -> tuple[Option, ...]:
    """Return `options` with what they have in common; a `{}` in `variable` is the name of each."""
    return tuple(
        replace(option, variable=option.variable or variable.format(option.name) or None, **common)
        for option in options
    )


def _is_met(condition: str, given: Mapping[str, Any]) -> bool:
    name, _equals, value = condition.partition("=")
    return name in given and value in {"", given[name]}


def of_module(options: Iterable[Option], module: str) -> dict[str, Option]:
    """Return those of `options` that `module` takes, by name."""
    return {option.name: option for option in options if module in option.modules}


def of_flow(options: Iterable[Option], flow: str) -> dict[str, Option]:
    """Return those of `options` whose variables `flow` takes, by variable."""
    return {option.variable: option for option in options if option.variable and flow in option.flows}


def specs(options: Mapping[str, Option]) -> dict[str, dict[str, Any]]:
    """Return the argument spec of `options`, by the names that they have there."""
    return {name: option.spec for name, option in options.items()}


def given_by(options: Mapping[str, Option], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that `variables` say; `options` are by variable."""
    return {
        option.name: option.convert(variables[name]) if option.convert else variables[name]
        for name, option in options.items()
        if name in variables
    }


def names_of(options: Sequence[Option]) -> tuple[str, ...]:
    """Return the variables of `options`, each once."""
    return tuple(dict.fromkeys(option.variable for option in options if option.variable))
