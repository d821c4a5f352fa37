# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the checks of this repository and count them: `tools/checks.py [GROUP...]`, all groups when none is named.

Static checks and the molecule scenarios run two at a time, each with its output in one piece, for they use one core;
then the tests, one suite after the other, each of which uses all cores. The unit tests begin beside the last check.
The last line counts every check as one, and every test of pytest as one. Exit status 1 when anything failed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
GROUPS = ("lint", "types", "docs", "sanity", "molecule", "unit", "integration", "guides")
SERIES = ("2.19", "2.21")  # of ansible-core: the oldest and the newest that we support
SCENARIOS = ROOT / "extensions" / "molecule"
REPORTS = ROOT / ".cache" / "reports"


@dataclass(frozen=True)
class Suite:
    """Tests of pytest in a folder of `tests`: which of them run, by their marks, and how they are handed out."""

    folder: str
    distribution: str
    marks: str = ""
    marks_again: str | None = ""
    """Those that run once more on another ansible-core than the first; None for no tests."""


_SUITES = {
    "unit": Suite("unit", "loadfile"),
    # The rest of them would repeat with the same core what the first series has shown.
    "integration": Suite("integration", "worksteal", "not guides", "ansible and not guides and not one_series"),
    "guides": Suite("integration", "worksteal", "guides", None),
}


@dataclass(frozen=True)
class Check:
    """One command in one environment. `report` is the JUnit file it writes, when it is a suite of tests."""

    group: str
    name: str
    environment: Path
    command: list[str]
    report: Path | None = None


@dataclass
class CheckOutcome:
    """What came of a check: how many passed and failed, and the names of those skipped, with reasons."""

    name: str
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    skipped: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", metavar="GROUP", nargs="*", help=", ".join(GROUPS))
    parser.add_argument(
        "--again", action="store_true", help="of the tests, those that every ansible-core repeats alone"
    )
    parser.add_argument("--workers", type=int, default=3, help="tests of one suite that run at once (default: 3)")
    options = parser.parse_args()
    groups = options.groups or list(GROUPS)
    if unknown := set(groups) - set(GROUPS):
        parser.error(f"no such group: {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")

    environments = dict(_environments())
    checks = [check for check in _checks(environments) if check.group in groups]
    suites = list(_tests(groups, environments, options.workers, again=options.again))
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = [pool.submit(_run_quietly, check) for check in checks]
        last = set(running)
        while len(last) > 1:
            last = wait(last, return_when=FIRST_COMPLETED).not_done
        # The last of them has one core, and the unit tests, which it comes before, have the other.
        beside = {suite.name: _run(suite, nice=bool(last)) for suite in suites if suite.group == "unit"}
    outcomes = [future.result() for future in running]
    # The others measure how long something takes, so nothing runs beside them.
    outcomes += [beside.get(suite.name) or _run(suite) for suite in suites]
    outcomes += _not_run(groups, environments)
    return _close(outcomes)


def _environments() -> Iterator[tuple[str, Path]]:
    """Yield the series of ansible-core and the folder of each environment that tools/setup has made."""
    for folder in (ROOT / ".venv", ROOT / ".venv-2.21"):
        if (folder / "bin" / "python").exists():
            ask = "from ansible.release import __version__; print(*__version__.split('.')[:2], sep='.')"
            command = [str(folder / "bin" / "python"), "-c", ask]
            yield subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip(), folder


def _impossible_scenarios() -> dict[str, str]:
    """Return the molecule scenarios that cannot run here, each with the reason: the last line of its own `needs`."""
    reasons = {}
    for needs in sorted(SCENARIOS.glob("*/needs")):
        done = subprocess.run(
            [needs], cwd=ROOT, env=_environ(ROOT / ".venv"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        )  # fmt: skip
        if done.returncode:
            *_others, reasons[needs.parent.name] = done.stdout.strip().splitlines() or ["it does not say why"]
    return reasons


def _checks(environments: dict[str, Path]) -> Iterator[Check]:
    main = ROOT / ".venv"
    # The longest first, so that both workers are busy to the end.
    if any(SCENARIOS.glob("*/molecule.yml")):
        command = ["molecule", "test", "--all", "--command-borders", "--report"]
        yield Check("molecule", "molecule scenarios", main, command)
    for series, folder in environments.items():
        sanity = [str(main / "bin" / "python"), "tools/sanity.py", folder.name]
        yield Check("sanity", f"ansible-test sanity ({series})", folder, sanity)
    # Not in ansible.cfg, where ansible-galaxy would take the clone for the folder to install into.
    lint = ["env", f"ANSIBLE_COLLECTIONS_PATH={ROOT}/playbooks/collections", "ansible-lint", "--profile", "production"]
    yield Check("lint", "ansible-lint", main, [*lint, "--offline"])
    plugins = "ansible_collections.ioto.serialization.plugins"
    yield Check("types", "mypy (plugins)", main, ["mypy", "-p", plugins])
    # A cache of its own, since the two may run at the same time.
    tools = ["mypy", "--cache-dir", ".mypy_cache/tools", "tools", "tests/fleet"]
    yield Check("types", "mypy (tools, simulated devices)", main, tools)
    yield Check("lint", "ruff check", main, ["ruff", "check", "."])
    yield Check("lint", "ruff format", main, ["ruff", "format", "--check", "."])
    yield Check("lint", "requirements files", main, ["python", "tools/requirements.py", "--check"])
    yield Check("lint", "execution environment", main, ["python", "tools/execution_environment.py"])
    yield Check("lint", "options", main, ["python", "tools/options.py", "--check"])
    yield Check("lint", "reference pages", main, ["python", "tools/reference.py", "--check"])
    yield Check("lint", "phrases", main, ["python", "tools/phrases.py"])
    yield Check("lint", "shellcheck", main, ["shellcheck", *_shell_scripts()])
    yield Check("lint", "antsibull-changelog", main, ["antsibull-changelog", "lint"])
    yield Check("lint", "antsibull-docs", main, ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "."])
    yield Check("docs", "documentation", main, ["tools/docs"])


def _tests(groups: list[str], environments: dict[str, Path], workers: int, *, again: bool) -> Iterator[Check]:
    """Yield the suites of tests: no test shares a port, a folder or a server with another, so all cores run them."""
    for group, suite in _suites(groups).items():
        if not _has_tests(suite):
            continue
        for series, folder in environments.items():
            marks = suite.marks_again if again or folder != ROOT / ".venv" else suite.marks
            if marks is None:
                continue
            report = REPORTS / f"{group}-{series}.xml"
            command = ["python", "-m", "pytest", f"tests/{suite.folder}", f"--junitxml={report}"]
            # One worker more than there are cores, where tests wait for deadlines and devices.
            command += ["-n", str(workers), "--dist", suite.distribution, *(["-m", marks] if marks else [])]
            name = f"{group} tests ({series}{f': {marks}' if marks else ''})"
            yield Check(group, name, folder, command, report=report)


def _suites(groups: list[str]) -> dict[str, Suite]:
    """Return the suites of these groups: the guides among the integration tests, so that both have one slow end."""
    suites = {group: suite for group, suite in _SUITES.items() if group in groups}
    if {"integration", "guides"} <= suites.keys():
        del suites["guides"]
        suites["integration"] = replace(suites["integration"], marks="")
    return suites


def _has_tests(suite: Suite) -> bool:
    return any((ROOT / "tests" / suite.folder).rglob("test_*.py"))


def _shell_scripts() -> list[str]:
    """Return every shell script of ours, told by its ending or its first line."""
    folders = (".ci", "docs", "extensions", "plugins", "roles", "tests", "tools")
    paths = (path for folder in folders for path in sorted((ROOT / folder).rglob("*")))
    return [str(path.relative_to(ROOT)) for path in paths if _is_shell_script(path)]


def _is_shell_script(path: Path) -> bool:
    if not path.is_file() or path.suffix not in {"", ".sh"}:
        return False
    if path.suffix == ".sh":
        return True  # the parts of the scripts that run on a device have no first line of their own
    with path.open("rb") as file:
        return file.readline().strip() in {b"#!/bin/sh", b"#!/usr/bin/env bash", b"#!/bin/bash"}


def _run_quietly(check: Check) -> CheckOutcome:
    """Run a check and print its output in one piece when it has ended."""
    started = time.monotonic()
    # Asked here, since a scenario that needs a Debian root makes it for that: the other checks go on meanwhile.
    impossible = _impossible_scenarios() if check.group == "molecule" else {}
    command = [*check.command, *(f"--exclude={scenario}" for scenario in impossible)]
    done = subprocess.run(
        command, cwd=ROOT, env=_environ(check.environment), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )  # fmt: skip
    print(f"\n==> {check.name}\n{done.stdout.strip()}", flush=True)
    outcome = _outcome(check, done.returncode, time.monotonic() - started)
    outcome.skipped += (f"molecule scenario {name}: {reason}" for name, reason in impossible.items())
    return outcome


def _run(check: Check, *, nice: bool = False) -> CheckOutcome:
    print(f"\n==> {check.name}", flush=True)
    if check.report:
        check.report.unlink(missing_ok=True)  # so that no earlier run speaks for this one
    started = time.monotonic()
    command = ["nice", *check.command] if nice else check.command
    done = subprocess.run(command, cwd=ROOT, env=_environ(check.environment), stdin=subprocess.DEVNULL, check=False)
    return _outcome(check, done.returncode, time.monotonic() - started)


def _environ(environment: Path) -> dict[str, str]:
    return os.environ | {"PATH": f"{environment / 'bin'}:{os.environ['PATH']}", "NO_COLOR": "1"}


def _outcome(check: Check, status: int, seconds: float) -> CheckOutcome:
    outcome = CheckOutcome(check.name, seconds)
    if check.report and check.report.exists():
        _count_tests(check.report, outcome)
    if not check.report or not check.report.exists():
        outcome.passed, outcome.failed = (1, 0) if status == 0 else (0, 1)
    elif status and not outcome.failed:
        outcome.failed = 1  # it ended badly beside its tests, or ran none of them
    return outcome


def _count_tests(report: Path, outcome: CheckOutcome) -> None:
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - pytest has just written it
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            outcome.failed += 1
        elif skipped is not None:
            outcome.skipped.append(f"{case.get('classname')}::{case.get('name')}: {skipped.get('message')}")
        else:
            outcome.passed += 1


def _not_run(groups: list[str], environments: dict[str, Path]) -> Iterator[CheckOutcome]:
    """Yield a skipped outcome for everything that was asked for and that this machine or clone cannot run."""
    why = {"2.19": "no Python 3.11 on this machine", "2.21": "no Python 3.12 to 3.14 on this machine"}
    for group in groups:
        if group in _SUITES and not _has_tests(_SUITES[group]):
            folder = f"tests/{_SUITES[group].folder}"
            yield CheckOutcome(f"{group} tests", skipped=[f"{group} tests: there are none in {folder}"])
        elif group in {"sanity", "unit", "integration"}:
            for series in SERIES:
                if series not in environments:
                    yield CheckOutcome(group, skipped=[f"{group} on ansible-core {series}: {why[series]}"])
        elif group == "molecule" and not any(SCENARIOS.glob("*/molecule.yml")):
            yield CheckOutcome("molecule", skipped=["molecule: there is no scenario in extensions/molecule"])


def _close(outcomes: list[CheckOutcome]) -> int:
    print("\n==> Summary")
    for outcome in outcomes:
        counts = f"{outcome.passed} passed, {outcome.failed} failed, {len(outcome.skipped)} skipped"
        print(f"{'FAILED' if outcome.failed else 'ok':<6}  {outcome.seconds:6.1f} s  {outcome.name}: {counts}")
    for outcome in outcomes:
        for line in outcome.skipped:
            print(f"skipped: {line}")
    passed, failed = sum(o.passed for o in outcomes), sum(o.failed for o in outcomes)
    print(f"total: {passed} passed, {failed} failed, {sum(len(o.skipped) for o in outcomes)} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
