# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback `progress` on real runs of ansible-playbook: piped, and on a real terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.ansible import WARM
from tests.support.terminal import Terminal, plain

pytestmark = pytest.mark.ansible

ROOT = Path(__file__).parents[2]
ANSIBLE_PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
ACTIONS = ("serialize", "serialize_fleet", "firmware_image", "preflight", "summary")
# A stand-in answers with the arguments of its task; with `wait_for`, once that file is there.
STAND_IN = """\
import os
import time

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = dict(self._task.args)
        wait_for = result.pop("wait_for", None)
        while wait_for and not os.path.exists(wait_for):
            time.sleep(0.01)
        return {"changed": False, **result}
"""


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collections path where the real callback meets stand-ins for our actions, under their real names."""
    path = tmp_path_factory.mktemp("collections")
    collection = path / "ansible_collections/ioto/serialization"
    for kind in ("action", "modules"):
        (collection / "plugins" / kind).mkdir(parents=True)
    for kind in ("callback", "plugin_utils"):
        (collection / "plugins" / kind).symlink_to(ROOT / "plugins" / kind)
    for file in ("galaxy.yml", "meta"):
        (collection / file).symlink_to(ROOT / file)
    for action in ACTIONS:
        (collection / f"plugins/action/{action}.py").write_text(STAND_IN)
        (collection / f"plugins/modules/{action}.py").write_text("")
    return path


class Line:
    """A folder with playbooks, and ansible-playbook run there with the callback."""

    def __init__(self, folder: Path, collections: Path) -> None:
        self.folder = folder
        self._collections = collections

    def command(self, plays: str, hosts: int, arguments: tuple[str, ...]) -> list[str]:
        (self.folder / "play.yml").write_text(plays)
        names = "".join(f"h{number} ansible_connection=local\n" for number in range(1, hosts + 1))
        interpreter = "[all:vars]\nansible_python_interpreter={{ ansible_playbook_python }}\n"
        (self.folder / "hosts.ini").write_text(f"[devices]\n{names}{interpreter}")
        return [str(ANSIBLE_PLAYBOOK), "-i", "hosts.ini", "play.yml", *arguments]

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "COLUMNS")}
        return {
            **kept,
            "ANSIBLE_COLLECTIONS_PATH": str(self._collections),
            "ANSIBLE_STDOUT_CALLBACK": "ioto.serialization.progress",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "TERM": "xterm-256color",
            **extra,
        }

    def run(self, plays: str, *arguments: str, hosts: int = 3, **extra: str) -> subprocess.CompletedProcess[str]:
        result = WARM.run(self.command(plays, hosts, arguments), self.folder, self.environment(extra), apart=True)
        assert "Callback dispatch" not in result.stderr
        assert "Traceback" not in result.stderr
        return result


@pytest.fixture
def line(tmp_path: Path, collections: Path) -> Line:
    return Line(tmp_path, collections)


@pytest.fixture
def on_terminal(line: Line) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(plays: str, *arguments: str, hosts: int = 3, columns: int = 100, **extra: str) -> Terminal:
        command = line.command(plays, hosts, arguments)
        opened.append(Terminal(command, line.folder, line.environment(extra), columns))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


FLOW = """\
- name: manual
  hosts: devices
  gather_facts: false
  tasks:
    - name: Prepare
      ansible.builtin.set_fact: {prepared: true}
    - name: Provision
      ignore_unreachable: true
      block:
        - name: Serialize
          ioto.serialization.serialize:
            changed: "{{ inventory_hostname == 'h1' }}"
            failed: "{{ inventory_hostname == 'h2' }}"
            unreachable: "{{ inventory_hostname == 'h3' }}"
            msg: "The disk of {{ inventory_hostname }} is full; free space and run again."
      rescue:
        - name: Remember
          ansible.builtin.set_fact: {why: "{{ ansible_failed_result.msg }}"}
- name: verdict
  hosts: devices
  gather_facts: false
  tasks:
    - name: Verdict
      ansible.builtin.fail: {msg: "Not serialized: {{ why }}"}
      when: why is defined
- name: summary
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Sum up
      ioto.serialization.summary: {lines: ["2 to do again", "Records: /var/ledger \\e[2J"]}
"""


def test_a_flow_tells_failures_at_once_and_once_then_counts_then_the_summary(line: Line) -> None:
    result = line.run(FLOW, hosts=4)
    assert result.returncode == 2
    lines = [re.sub(r" · \S+/(s|min)|took \S+", "", text) for text in result.stdout.splitlines()]
    assert sorted(lines[:2]) == [
        "FAILED h2: The disk of h2 is full; free space and run again.",
        "UNREACHABLE h3: The disk of h3 is full; free space and run again. (ignored)",
    ]
    assert lines[2:] == [
        "manual 4/4 ·  · 1 failed · 1 unreachable",
        "Verdict: 4 hosts · 3 skipped · 1 failed",
        "h2 : ok=2 changed=0 unreachable=0 failed=1 skipped=0 rescued=1 ignored=0",
        lines[5],
        "4 hosts · 1 changed · 1 ok · 1 failed · 1 unreachable · ",
        "2 to do again",
        "Records: /var/ledger ",
    ]
    assert lines[5].startswith("h3 : ")


def test_progress_lines_come_by_time_and_not_by_device(line: Line) -> None:
    plays = (
        "- name: auto\n  hosts: devices\n  gather_facts: false\n  tasks:\n"
        "    - ioto.serialization.serialize: {changed: true}\n"
    )
    patient = line.run(plays, hosts=8).stdout.splitlines()
    assert len(patient) == 2
    eager = line.run(plays, hosts=8, IOTO_PROGRESS_INTERVAL="0").stdout.splitlines()
    assert [text.split(" · ")[0] for text in eager[:-1]] == [f"auto {number}/8" for number in range(1, 9)]


def test_a_flow_in_batches_is_one_flow(line: Line) -> None:
    plays = (
        "- name: factory\n  hosts: devices\n  serial: 2\n  gather_facts: false\n  tasks:\n"
        "    - ioto.serialization.serialize: {changed: true}\n"
    )
    lines = line.run(plays, hosts=5).stdout.splitlines()
    assert [text.split(" · ")[0] for text in lines] == ["factory 5/5", "5 hosts"]


def test_a_device_that_fails_before_its_transaction_is_counted_as_failed(line: Line) -> None:
    plays = (
        "- name: manual\n  hosts: devices\n  gather_facts: false\n  tasks:\n"
        "    - name: Check\n      ansible.builtin.assert: {that: inventory_hostname != 'h1', fail_msg: no serial}\n"
        "    - ioto.serialization.serialize: {changed: true}\n"
    )
    result = line.run(plays)
    assert "FAILED h1 [Check]: no serial" in result.stdout
    assert re.search(r"^manual 3/3 · .* · 1 failed$", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("one_by_one", [True, False])
def test_units_of_the_fleet_are_counted_each(line: Line, one_by_one: bool) -> None:
    units = "[{host: h1, changed: true}, {host: h2, failed: true, msg: The disk is full.}, {host: h3, changed: false}]"
    if one_by_one:
        arguments = (
            "        host: '{{ item.host }}'\n        failed: '{{ item.failed | default(false) }}'\n"
            f"        msg: '{{{{ item.msg | default(omit) }}}}'\n      loop: {units}\n"
        )
    else:
        arguments = f"        failed: true\n        msg: 1 of 3 units failed.\n        results: {units}\n"
    result = line.run(
        "- name: manual\n  hosts: devices\n  gather_facts: false\n  tasks:\n"
        f"    - ioto.serialization.serialize_fleet:\n{arguments}      run_once: true\n",
        IOTO_PROGRESS_INTERVAL="0",
    )
    lines = [text.split(" · ")[0] for text in result.stdout.splitlines()]
    one_by_one_lines = ["manual 1/3", "FAILED h2: The disk is full.", "manual 2/3", "manual 3/3"]
    assert lines[:-2] == (one_by_one_lines if one_by_one else one_by_one_lines[1::2])
    assert lines[-2].startswith("h2 : ")
    assert re.match(r"3 hosts · .*\b1 failed · 0 unreachable", result.stdout.splitlines()[-1])
    assert result.returncode == 2


def test_a_loop_tells_the_reasons_of_its_failed_items(line: Line) -> None:
    plays = (
        "- hosts: h1\n  gather_facts: false\n  tasks:\n"
        "    - name: Try\n      ansible.builtin.fail: {msg: 'no {{ item }}'}\n"
        "      loop: [a, b, c]\n      when: item != 'b'\n"
    )
    assert line.run(plays).stdout.startswith("FAILED h1 [Try]: no a no c\n")


def test_the_batch_check_lists_one_problem_a_line(line: Line) -> None:
    message = (
        "The batch has 2 problems, and no device was touched:\\n- h1: bad ID; correct it.\\n- h2: no serial; add it."
    )
    plays = (
        "- hosts: devices\n  gather_facts: false\n  tasks:\n    - ioto.serialization.preflight:\n"
        f'        {{failed: true, msg: "{message}"}}\n      run_once: true\n'
    )
    assert line.run(plays).stdout.splitlines()[:3] == [
        "FAILED The batch has 2 problems, and no device was touched:",
        "  - h1: bad ID; correct it.",
        "  - h2: no serial; add it.",
    ]


OTHER = """\
- name: other
  hosts: devices
  gather_facts: false
  strategy: {strategy}
  serial: {serial}
  handlers:
    - name: Restart
      ansible.builtin.set_fact: {{x: 1}}
  tasks:
    - name: Loop
      ansible.builtin.command: echo {{{{ item }}}}
      loop: [1, 2]
      changed_when: true
      notify: Restart
    - name: Some fail
      ansible.builtin.fail: {{msg: "no {{{{ inventory_hostname }}}}"}}
      when: inventory_hostname == 'h2'
      ignore_errors: true
    - name: Never
      ansible.builtin.command: "true"
      when: false
    - name: Once
      ansible.builtin.set_fact: {{y: 1}}
      run_once: {once}
    - name: Include
      ansible.builtin.include_tasks: more.yml
    - name: Rescued
      block:
        - name: Break
          ansible.builtin.command: "false"
      rescue:
        - name: Mend
          ansible.builtin.set_fact: {{z: 1}}
"""


@pytest.mark.parametrize(
    ("strategy", "serial", "once"), [("linear", 10, "true"), ("linear", 2, "true"), ("free", 10, "false")]
)
def test_any_other_playbook_has_a_line_for_each_task(line: Line, strategy: str, serial: int, once: str) -> None:
    (line.folder / "more.yml").write_text("- name: Included\n  ansible.builtin.set_fact: {w: 1}\n")
    result = line.run(OTHER.format(strategy=strategy, serial=serial, once=once))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "FAILED h2 [Some fail]: no h2 (ignored)" in result.stdout
    hosts = {}
    for name, count in re.findall(r"^(\w[\w ]*): (\d+) hosts?", result.stdout, re.MULTILINE):
        hosts[name] = hosts.get(name, 0) + int(count)
    batches = 2 if serial == 2 else 1
    some_fail = 2 if serial == 2 else 3  # a batch in which all hosts skip a task has no line for it
    run_once = batches if once == "true" else 3
    assert hosts == {
        "Loop": 3,
        "Some fail": some_fail,
        "Once": run_once,
        "Included": 3,
        "Break": 3,
        "Mend": 3,
        "handler Restart": 3,
    }
    assert result.stdout.splitlines()[-1].startswith("3 hosts · 3 changed · 0 failed · 0 unreachable")


def test_results_are_never_dumped_and_verbose_runs_tell_of_each_host(line: Line) -> None:
    plays = (
        "- name: manual\n  hosts: devices\n  gather_facts: false\n  tasks:\n"
        "    - name: Serialize\n      ioto.serialization.serialize:\n"
        "        {changed: true, msg: written, claim_id: '********WQ', state: verified}\n"
    )
    quiet, verbose = line.run(plays), line.run(plays, "-v")
    assert "written" not in quiet.stdout
    assert "changed h1 [Serialize]: written\n" in verbose.stdout
    for output in (quiet.stdout, verbose.stdout):
        assert "verified" not in output
        assert "{" not in output


def test_differences_are_shown_on_demand_and_debug_always(line: Line) -> None:
    plays = (
        "- hosts: h1\n  gather_facts: false\n  tasks:\n"
        "    - ioto.serialization.serialize:\n        changed: true\n"
        '        diff: {before: "a\\n", after: "b\\e[2J\\n", before_header: /etc/ioto/device.json5}\n'
        "    - ansible.builtin.debug: {msg: [one, two]}\n    - ansible.builtin.debug: {var: inventory_hostname}\n"
        "    - {run_once: true, ansible.builtin.debug: {msg: 3 units}}\n"
    )
    assert "device.json5" not in line.run(plays).stdout
    output = line.run(plays, "--diff").stdout
    assert "--- before: /etc/ioto/device.json5" in output
    assert "\n-a\n+b\n" in output
    assert "h1: one\nh1: two\n" in output
    assert "h1: inventory_hostname = h1\n" in output
    assert "\n3 units\n" in output


def test_hostile_text_does_not_reach_the_terminal(on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(
        '- name: "[bold]manual\\e[5m"\n  hosts: h1\n  gather_facts: false\n  tasks:\n'
        "    - ioto.serialization.serialize:\n"
        '        {failed: true, msg: "\\e]0;owned\\a[link=x]bad[/link]\\e[2J\\x9b31m and\\rmore"}\n'
    )
    assert terminal.finish() == 2
    assert "owned" not in terminal.written
    assert "\x1b[2J" not in terminal.written
    assert "\x1b[5m" not in terminal.written
    assert "FAILED h1: [link=x]bad[/link] andmore" in terminal.screen()
    assert any(text.startswith("[bold]manual 1/1") for text in terminal.screen())


def slow(folder: Path) -> str:
    return (
        "- name: manual\n  hosts: devices\n  gather_facts: false\n  tasks:\n    - ioto.serialization.serialize:\n"
        "        changed: true\n        failed: \"{{ inventory_hostname == 'h2' }}\"\n        msg: The disk is full.\n"
        f"        wait_for: \"{{{{ '{folder}/go' if inventory_hostname == 'h3' else '/' }}}}\"\n"
    )


def test_the_live_line_moves_while_a_device_takes_its_time_and_leaves_nothing_behind(
    line: Line, on_terminal: Callable[..., Terminal]
) -> None:
    terminal = on_terminal(slow(line.folder))
    terminal.wait_for("FAILED h2: The disk is full.")
    terminal.wait_for("2/3 · ")
    drawn = plain(terminal.written).count("2/3 · ")
    terminal.read_until(lambda: plain(terminal.written).count("2/3 · ") > drawn + 1)
    assert terminal.screen()[-1].startswith("manual ━━━━━━━━━━━━━─────── 2/3 · ")
    assert terminal.screen()[-1].endswith(" · 1 failed")
    (line.folder / "go").touch()
    assert terminal.finish() == 2
    shown = terminal.screen()
    assert shown[0] == "FAILED h2: The disk is full."
    assert re.fullmatch(r"manual 3/3 · \S+ · took 0:\d\d · 1 failed", shown[1])
    assert shown[2].startswith("h2 : ok=0 changed=0")
    assert len(shown) == 4
    assert "━" not in "".join(shown)


def test_ctrl_c_restores_the_terminal_and_tells_how_far_it_came(
    line: Line, on_terminal: Callable[..., Terminal]
) -> None:
    terminal = on_terminal(slow(line.folder))
    terminal.wait_for("2/3 · ")
    terminal.type(b"\x03")
    assert terminal.finish() == 99
    shown = terminal.screen()
    assert re.fullmatch(r"manual 2/3 · took 0:\d\d · 1 not finished: run again · 1 failed", shown[-1])
    assert any("User interrupted execution" in text for text in shown)
    assert "━" not in "".join(shown)
    assert terminal.settings_now() == terminal.settings
    assert "\x1b[?25l" not in terminal.written


def test_a_fatal_error_in_a_later_play_leaves_no_live_line(line: Line, on_terminal: Callable[..., Terminal]) -> None:
    (line.folder / "go").touch()
    terminal = on_terminal(
        slow(line.folder) + "- name: broken\n  hosts: devices\n  serial: '{{ nowhere }}'\n  tasks: []\n"
    )
    assert terminal.finish() not in (0, 2)
    assert "━" not in "".join(terminal.screen())
    assert any(text.startswith("manual 3/3") for text in terminal.screen())


def test_the_summary_is_shown_also_when_the_run_breaks_off_after_it(line: Line) -> None:
    plays = (
        "- hosts: h1\n  gather_facts: false\n  tasks: [ioto.serialization.summary: {lines: [all is recorded]}]\n"
        "- hosts: devices\n  serial: '{{ nowhere }}'\n  tasks: []\n"
    )
    result = line.run(plays)
    assert result.returncode not in (0, 2)
    assert result.stdout == "all is recorded\n"


def test_a_terminal_that_becomes_narrower_is_not_overrun(line: Line, on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(slow(line.folder), columns=100)
    terminal.wait_for("2/3 · ")
    terminal.resize(30)
    before = len(terminal.written)
    terminal.read_until(lambda: plain(terminal.written[before:]).count("manual ") > 2)
    assert all(len(text) < 30 for text in plain(terminal.written[before:]).split("\r")[1:-1])
    (line.folder / "go").touch()
    assert terminal.finish() == 2


def test_a_line_that_is_wider_than_the_terminal_is_written_whole(
    line: Line, on_terminal: Callable[..., Terminal]
) -> None:
    # A command in it is copied as it stands then, however the terminal shows it; a line end in it would run its half.
    terminal = on_terminal(slow(line.folder), columns=20)
    (line.folder / "go").touch()
    assert terminal.finish() == 2
    told = "FAILED h2: The disk is full."
    assert plain(terminal.written).count(told) == 1, terminal.written


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"ANSIBLE_NOCOLOR": "1"}])
def test_without_colour_there_is_none(
    line: Line, on_terminal: Callable[..., Terminal], environment: dict[str, str]
) -> None:
    (line.folder / "go").touch()
    terminal = on_terminal(slow(line.folder), **environment)
    terminal.finish()
    colours = set(re.findall(r"\x1b\[([0-9;]*)m", terminal.written))
    assert not [code for code in colours if re.search(r"(^|;)[349]\d", code)]


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"CI": "true"}, {"IOTO_PROGRESS_MODE": "plain"}])
def test_a_terminal_that_wants_plain_lines_gets_them(
    line: Line, on_terminal: Callable[..., Terminal], environment: dict[str, str]
) -> None:
    (line.folder / "go").touch()
    terminal = on_terminal(slow(line.folder), **environment, ANSIBLE_NOCOLOR="1")
    assert terminal.finish() == 2
    assert "\x1b" not in terminal.written
    assert re.search(r"^manual 3/3 · ", terminal.written, re.MULTILINE)


def test_without_rich_the_lines_are_plain(line: Line, on_terminal: Callable[..., Terminal]) -> None:
    (line.folder / "go").touch()
    (line.folder / "rich.py").write_text("raise ImportError('not here')\n")
    terminal = on_terminal(slow(line.folder), PYTHONPATH=str(line.folder), ANSIBLE_NOCOLOR="1")
    assert terminal.finish() == 2
    assert "\x1b" not in terminal.written
    assert re.search(r"^manual 3/3 · ", terminal.written, re.MULTILINE)


def test_a_pause_is_not_overdrawn(on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(
        "- name: other\n  hosts: h1\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.pause: {prompt: Load the fixture}\n"
    )
    terminal.wait_for("Load the fixture")
    assert "Load the fixture" in terminal.screen()[-1]
    # What is typed before Ansible listens it throws away, so press again, as anybody would.
    assert terminal.finish(pressing=b"\r") == 0
