# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Those who are compared: for each the command that takes all devices through the same small job."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.fleet.devices import SSH_OPTIONS

ROOT = Path(__file__).parents[2]
_BIN = Path(sys.executable).parent
_DEVICE = "{id: 'BENCHMARK0', product: '01K9F1EETDEV1CEPR0DVCT0001'}"
_WRITE = f"echo {shlex.quote(_DEVICE)} > etc/ioto/bench.json5 && cat etc/ioto/bench.json5"
_LOOP = """\
seen=$({login} "root@$1" 'cat etc/ioto/device.json5') || exit
test "${{seen#*id: }}" = "$seen" || echo "$1 has an ID"
new={device}
back=$({login} "root@$1" 'umask 077; cat >etc/ioto/.new && sync etc/ioto/.new &&
  mv etc/ioto/.new etc/ioto/bench.json5 && sync etc/ioto && cat etc/ioto/bench.json5' <<END
$new
END
) || exit
test "$back" = "$new"
"""


@dataclass(frozen=True)
class Run:
    """One run of one peer over one fleet."""

    folder: Path
    inventory: Path
    key: Path
    port: int
    addresses: Path
    ledger: Path
    forks: int


@dataclass(frozen=True)
class Peer:
    """`most`: devices above which it takes too long to be of use. `again`: a second run over devices that are done."""

    command: Callable[[Run], list[str]]
    most: int
    what: str
    again: bool = False


def _play(name: str, tasks: str, run: Run, *more: str) -> list[str]:
    path = run.folder / f"{name}.yml"
    path.write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}", encoding="utf-8")
    playbook = str(_BIN / "ansible-playbook")
    return [playbook, "-i", str(run.inventory), str(path), "-f", str(run.forks), *more]


def _serialize(run: Run) -> list[str]:
    options = ("product", "serial", "config_dir", "ledger")
    lines = "".join(f'        {name}: "{{{{ ioto_{name} }}}}"\n' for name in options)
    task = f"    - ioto.serialization.serialize:\n{lines}"
    return _play("serialize", task, run, "-e", f"ioto_ledger={run.ledger}")


def _fleet(run: Run) -> list[str]:
    return _play("fleet", "    - ioto.serialization.serialize_fleet:\n", run, "-e", f"ioto_ledger={run.ledger}")


def _provision(run: Run) -> list[str]:
    command = _play("unused", "", run, "-e", f"ioto_ledger={run.ledger}", "-e", "ioto_engine=fleet")
    command[3] = str(ROOT / "playbooks/provision.yml")
    return command


def _debug(run: Run) -> list[str]:
    return _play("debug", "    - ansible.builtin.debug: {msg: hello}\n      run_once: true\n", run)


def _built_in(run: Run) -> list[str]:
    file = '"{{ ioto_config_dir }}/bench.json5"'
    tasks = f"""\
    - ansible.builtin.slurp: {{src: "{{{{ ioto_config_dir }}}}/device.json5"}}
    - ansible.builtin.copy: {{dest: {file}, content: "{_DEVICE}", mode: "0600"}}
    - ansible.builtin.slurp: {{src: {file}}}
      register: seen
    - ansible.builtin.assert: {{that: "'BENCHMARK0' in (seen.content | b64decode)"}}
"""
    return _play("built_in", tasks, run, "-e", f"ansible_python_interpreter={sys.executable}")


def _raw(run: Run) -> list[str]:
    return _play("raw", f"    - ansible.builtin.raw: |-\n        {_WRITE}\n", run)


def _pyinfra(run: Run) -> list[str]:
    hosts = [
        (address, {"ssh_port": run.port, "ssh_user": "root", "ssh_key": str(run.key)})
        for address in run.addresses.read_text(encoding="utf-8").split()
    ]
    (run.folder / "hosts.py").write_text(f"devices = {hosts!r}\n", encoding="utf-8")
    (run.folder / "device.json5").write_text(_DEVICE, encoding="utf-8")
    deploy = (
        "from pyinfra.operations import files\n"
        f"files.put(src={str(run.folder / 'device.json5')!r}, dest='etc/ioto/bench.json5')\n"
    )
    (run.folder / "deploy.py").write_text(deploy, encoding="utf-8")
    program = str(ROOT / ".venv-pyinfra/bin/pyinfra")
    files = (str(run.folder / "hosts.py"), str(run.folder / "deploy.py"))
    return [program, "-y", "--parallel", str(run.forks), "--data", "ssh_strict_host_key_checking=no", *files]


def _ssh(run: Run) -> list[str]:
    login = ("ssh", "-F", "none", *SSH_OPTIONS, "-i", str(run.key), "-p", str(run.port))
    return ["xargs", "-a", str(run.addresses), "-P", str(run.forks), "-I{}", *login, "root@{}", _WRITE]


def _ssh_transaction(run: Run) -> list[str]:
    """What a shell loop has to do for the same result: look, and when it knows what is there, write and read back."""
    login = shlex.join(("ssh", "-F", "none", *SSH_OPTIONS, "-i", str(run.key), "-p", str(run.port)))
    program = run.folder / "loop.sh"
    program.write_text(_LOOP.format(login=login, device=shlex.quote(_DEVICE)), encoding="utf-8")
    return ["xargs", "-a", str(run.addresses), "-P", str(run.forks), "-I{}", "sh", str(program), "{}"]


def _paramiko(run: Run) -> list[str]:
    program = f"{shlex.quote(sys.executable)} -m tests.benchmark.bare_paramiko"
    arguments = shlex.join((str(run.key), str(run.port), str(run.forks), _WRITE))
    return ["sh", "-c", f"exec {program} {arguments} < {shlex.quote(str(run.addresses))}"]


PEERS: Mapping[str, Peer] = {
    "serialize_fleet": Peer(_fleet, 10_000, "the transaction for all hosts in one task", again=True),
    "provision.yml by fleet": Peer(_provision, 10_000, "the same with the batch check and the summary"),
    "serialize": Peer(_serialize, 1_000, "the transaction, a task for each host", again=True),
    "debug": Peer(_debug, 10_000, "one task, once for all; no device is touched"),
    "raw": Peer(_raw, 100, "one command: write a file, print it"),
    "built-in modules": Peer(_built_in, 100, "slurp, copy, slurp, assert; Python on the device"),
    "pyinfra": Peer(_pyinfra, 1_000, "put one file; nothing read back or recorded"),
    "bare ssh loop": Peer(_ssh, 10_000, "one process for each device: write a file, print it"),
    "ssh loop with read-back": Peer(
        _ssh_transaction, 10_000, "two processes for a device: read; write, sync, read back"
    ),
    "bare paramiko loop": Peer(_paramiko, 10_000, "two channels on one transport, the same command in each"),
}
