# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated devices behave as devices do, both kinds, and nothing of them is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import json5
import pytest

from plugins.plugin_utils import claim_ids
from tests.fleet import (
    Device,
    DeviceSpec,
    FactoryEndpoint,
    Fleet,
    FleetError,
    contents,
    crowd,
    dropbear,
    processes,
    readiness,
)

REPOSITORY = processes.REPOSITORY
AWK_READER = REPOSITORY / "tests/fleet/json5.awk"
DEVICE_FILE = "/etc/ioto/device.json5"

needs_dropbear = pytest.mark.skipif(
    not dropbear.available(), reason="needs root and the packages dropbear-bin and busybox"
)
KINDS = [pytest.param("dropbear", marks=needs_dropbear), "python-ssh"]


def eventually(condition: Callable[[], bool], patience: float = 20.0) -> bool:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def start_agent(device: Device) -> None:
    done = device.ssh(f"{device.agent_service} restart")
    assert done.returncode == 0, done.stderr


def command_line(*arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = (*prefix, sys.executable, "-m", "tests.fleet", *arguments)
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def factory() -> Iterator[FactoryEndpoint]:
    with FactoryEndpoint("idempotent", failures=["503", "drop"]) as endpoint:
        yield endpoint


@pytest.fixture(scope="module", params=KINDS)
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    odd_files = {"ioto.json5": None, "provision.json5": "{}"}
    specs = [
        DeviceSpec(name="plain"),
        DeviceSpec(name="odd", serial=False, mac=False, linked=True, files=odd_files),
        DeviceSpec(name="password", password=True),
        DeviceSpec(name="named", claim_id="S9S9D443TP", serialize="auto"),
    ]
    with Fleet.start(tmp_path_factory.mktemp("fleet") / "state", specs=specs, kind=request.param) as fleet:
        yield fleet


@pytest.fixture(scope="module", params=KINDS)
def agents(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, factory: FactoryEndpoint
) -> Iterator[Fleet]:
    override = f"{{services: {{serialize: 'factory'}}, api: {{serialize: '{factory.url}?key=1'}}}} // by hand"
    nobody = "{services: {serialize: 'factory'}, api: {serialize: 'http://127.0.0.1:9/'}}"
    profile = (
        "{profile: 'line', services: {serialize: 'auto'},"
        " conditional: {profile: {line: {services: {serialize: 'none'}}}}}"
    )
    specs = [
        DeviceSpec(group="auto", name="saving", serialize="auto", linked=True),
        DeviceSpec(group="auto", name="forgetful", serialize="auto", agent="3.0.0"),
        DeviceSpec(group="auto", name="older", serialize="auto", configuration="config.json5"),
        DeviceSpec(group="auto", name="slow", serialize="auto", agent_delay=0.8),
        DeviceSpec(group="auto", name="named", serialize="auto", claim_id="S9S9D443TP"),
        DeviceSpec(group="auto", name="off", serialize="none"),
        DeviceSpec(group="auto", name="profile", files={"ioto.json5": profile}),
        DeviceSpec(group="factory", name="asking", files={"local.json5": override}),
        DeviceSpec(group="factory", name="alone", files={"local.json5": nobody}),
    ]
    with Fleet.start(tmp_path_factory.mktemp("agents") / "state", specs=specs, kind=request.param) as fleet:
        for device in fleet.devices:
            start_agent(device)
        yield fleet


# What a device is


def test_a_device_runs_a_long_script_from_stdin(fleet: Fleet) -> None:
    device = fleet["plain"]
    done = device.ssh("/bin/sh -s", stdin=f"# {'x' * 100_000}\ncat {device.config_dir}/device.json5\nexit 3\n")
    assert done.returncode == 3
    assert done.stdout.encode() == device.read(DEVICE_FILE)


def test_a_device_gives_back_all_that_a_command_prints(fleet: Fleet) -> None:
    for _ in range(10):
        assert len(fleet["plain"].ssh("seq 20000").stdout.split()) == 20000


def test_a_device_has_the_shell_of_busybox_and_no_python(fleet: Fleet) -> None:
    script = "for p in python3 python sftp-server scp busybox; do command -v $p; done"
    done = fleet["plain"].ssh("/bin/sh -s", stdin=script)
    assert [Path(line).name for line in done.stdout.splitlines()] == ["busybox"]
    assert "built-in commands" in fleet["plain"].ssh("/bin/sh -c help").stdout.lower()


@needs_dropbear
def test_a_chroot_has_no_file_of_python_or_sftp(tmp_path: Path) -> None:
    with Fleet.start(tmp_path / "state", groups={"manual": 1}, kind="dropbear") as fleet:
        names = [path.name for path in fleet.devices[0].root.rglob("*")]
    assert "busybox" in names
    assert [name for name in names if "python" in name or name in ("scp", "sftp-server")] == []


def test_devices_differ_in_address_serial_and_mac(fleet: Fleet) -> None:
    first, second = fleet["plain"], fleet["password"]
    assert first.read("/proc/device-tree/serial-number") == f"{first.serial}\0".encode()
    assert first.read("/sys/class/net/eth0/address") == f"{first.mac}\n".encode()
    assert all(getattr(first, name) != getattr(second, name) for name in ("address", "serial", "mac", "root"))


def test_a_device_is_born_as_its_spec_says(fleet: Fleet) -> None:
    plain, odd = fleet["plain"], fleet["odd"]
    assert plain.document()["product"] == claim_ids.parse_product(contents.PRODUCT)
    assert plain.claim_id() is None
    assert plain.mode(DEVICE_FILE) == 0o600
    assert fleet["named"].claim_id() == "S9S9D443TP"
    assert odd.listdir("/etc/ioto") == ["device.json5", "provision.json5"]
    assert odd.path(DEVICE_FILE) == odd.root / "persist/ioto/device.json5"
    assert odd.ssh(f"cat {odd.config_dir}/device.json5").stdout.encode() == odd.read(DEVICE_FILE)
    assert not odd.exists("/proc/device-tree/serial-number")
    assert not odd.exists("/sys/class/net/eth0/address")


def test_a_link_out_of_a_device_is_followed_inside_it(fleet: Fleet) -> None:
    device = fleet["plain"]
    (device.root / "etc/outside").symlink_to("../../../../../../../etc/passwd")
    assert device.path("/etc/outside") == device.root / "etc/passwd"


def test_ansible_logs_in_with_the_inventory(fleet: Fleet, tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible"), "-i", fleet.inventory, "all", "-m", "raw", "-a", "echo I am here"],
        env=os.environ | {"ANSIBLE_SSH_ARGS": "-o ControlMaster=no", "ANSIBLE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.count("I am here") == len(fleet.devices), done.stdout + done.stderr


def test_a_restart_ends_what_ran_and_keeps_the_files(fleet: Fleet) -> None:
    device = fleet["plain"]
    device.write("/persist/note", "kept")
    device.ssh("sleep 1000 >/dev/null 2>&1 &")
    running = set(processes.members(device.root))
    device.stop()
    assert running
    assert processes.members(device.root) == []
    assert device.ssh("true").returncode == 255
    device.restart()
    assert device.ssh("true").returncode == 0
    assert device.read("/persist/note") == b"kept"


@needs_dropbear
def test_an_operator_becomes_root_with_the_password_alone(tmp_path: Path) -> None:
    with Fleet.start(tmp_path / "state", specs=[DeviceSpec(user="operator", tty=True)], kind="dropbear") as fleet:
        device = fleet.devices[0]
        assert "Permission denied" in device.ssh(f"cat {DEVICE_FILE}").stderr
        done = device.ssh(f"su root -c 'cat {DEVICE_FILE}'", stdin=f"{fleet.password}\n")
        assert done.stdout.encode() == device.read(DEVICE_FILE)
        assert device.ssh("su root -c id", stdin="wrong\n").returncode == 1


@pytest.mark.skipif(not crowd.available(), reason="needs root and the packages openssh-server and dash")
def test_a_crowd_that_was_left_has_logged_how_each_session_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if readiness.answers("127.0.0.1", crowd.Crowd.port):
        pytest.skip(f"another crowd has port {crowd.Crowd.port} of this machine")
    with Fleet.start(tmp_path / "state", groups={"manual": 1}, kind="crowd") as fleet:
        device = fleet.devices[0]
        assert isinstance(device.kind, crowd.Crowd)
        with socket.create_connection((device.address, device.port)) as client:
            assert client.recv(4) == b"SSH-"
            ours = "by {} port {}\n".format(*client.getsockname())  # closed or reset
            with monkeypatch.context() as patch, pytest.raises(FleetError, match="do not end"):
                patch.setattr(crowd, "_PATIENCE", 0.1)
                device.kind.wait_until_left()
        device.kind.wait_until_left()
        assert ours in (tmp_path / "state/log/sshd.log").read_text(encoding="utf-8")


@needs_dropbear
def test_a_full_and_a_read_only_storage_refuse_until_they_are_normal(tmp_path: Path) -> None:
    specs = [DeviceSpec(storage="full"), DeviceSpec(storage="readonly")]
    with Fleet.start(tmp_path / "state", specs=specs, kind="dropbear") as fleet:
        for device, complaint in zip(fleet.devices, ("No space left", "Read-only file system"), strict=True):
            assert complaint in device.ssh("echo new >/etc/ioto/new").stderr
            device.set_storage("normal")
            assert device.ssh("echo new >/etc/ioto/new").returncode == 0


def test_a_device_without_a_chroot_refuses_what_needs_one(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="needs --kind dropbear"):
        Fleet.start(tmp_path / "state", specs=[DeviceSpec(user="operator")], kind="python-ssh")
    assert not (tmp_path / "state").exists()


# The agent stand-in


def test_the_older_agents_save_their_id_and_lose_the_comments(agents: Fleet) -> None:
    for name in ("saving", "older"):
        device = agents[name]
        assert eventually(lambda device=device: device.claim_id() is not None)
        assert claim_ids.is_valid(device.claim_id())
        assert f"Device Claim ID: {device.claim_id()}" in device.log()
        assert device.document() | {"id": None} == json5.loads(
            contents.render(contents.DEVICE, product=device.product)
        ) | {"id": None}
        assert b"/*" not in device.read(DEVICE_FILE)
        assert device.mode(DEVICE_FILE) == 0o600
    # The link that was there is none any more, and what it led to has no ID.
    assert not (agents["saving"].root / "etc/ioto/device.json5").is_symlink()
    assert "id" not in json5.loads(agents["saving"].read("/persist/ioto/device.json5").decode())


def test_the_newer_agents_make_another_id_at_each_start_and_save_none(agents: Fleet) -> None:
    device = agents["forgetful"]
    before = device.read(DEVICE_FILE)
    assert eventually(lambda: device.log().count("Device Claim ID: ") == 1)
    start_agent(device)
    assert eventually(lambda: device.log().count("Device Claim ID: ") == 2)
    assert len({line for line in device.log().splitlines() if "Claim ID" in line}) == 2
    assert device.read(DEVICE_FILE) == before


def test_an_agent_leaves_a_device_alone_that_has_an_id_or_is_told_to(agents: Fleet) -> None:
    for name, words in (("named", "S9S9D443TP"), ("off", "Not serialized"), ("profile", "Not serialized")):
        device = agents[name]
        before = device.read(DEVICE_FILE)
        assert eventually(lambda device=device, words=words: words in device.log()), name
        assert device.read(DEVICE_FILE) == before


def test_a_slow_agent_has_to_be_waited_for(agents: Fleet) -> None:
    device = agents["slow"]
    # The agent that came up with the device may still be about to save its ID over what is written here.
    assert eventually(lambda: device.claim_id() is not None)
    device.write(DEVICE_FILE, contents.render(contents.DEVICE, product=device.product))
    started = time.monotonic()
    start_agent(device)
    assert eventually(lambda: device.claim_id() is not None)
    assert time.monotonic() - started > 0.8


def test_an_agent_asks_the_factory_again_until_it_gets_an_id(agents: Fleet, factory: FactoryEndpoint) -> None:
    device = agents["asking"]
    assert eventually(lambda: device.claim_id() is not None)
    given = next(request for request in factory.requests if request.claim_id == device.claim_id())
    assert given.path == "/ioto/serialize?key=1"
    assert given.content_type == "application/json"
    assert given.body == json5.loads(contents.render(contents.DEVICE, product=device.product))
    assert [request.failure for request in factory.requests[:2]] == ["503", "drop"]


def test_a_restarted_agent_does_not_go_on_asking_twice(agents: Fleet) -> None:
    device = agents["alone"]
    assert eventually(lambda: "asking again" in device.log())
    start_agent(device)
    start_agent(device)
    assert agent_count(device) == 1
    assert device.claim_id() is None


def agent_count(device: Device) -> int:
    # Each agent leads a process group, in which it may have a request under way.
    pids = processes.members(device.root)
    groups = set()
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it may end while we look
            if b"/usr/bin/ioto" in Path(f"/proc/{pid}/cmdline").read_bytes():
                groups.add(os.getpgid(pid))
    return len(groups)


@pytest.mark.parametrize("awk", [["/usr/bin/busybox", "awk"], ["awk"]], ids=" ".join)
@pytest.mark.parametrize(
    "text",
    [
        contents.render(contents.DEVICE, product=contents.PRODUCT),
        contents.render(contents.IOTO, serialize="auto"),
        contents.render(contents.CONFIG, serialize="auto"),
        '{"a":[1,-2.5e3,true,null,[]],\'b\': "\\"\\\\\\u0041\\t", c_1:\'"\', o: {}, p: {q: {}}, /**/ d: "é" // end',
    ],
)
def test_the_stand_in_reads_json5_as_an_independent_reader_does(awk: list[str], text: str, tmp_path: Path) -> None:
    if not shutil.which(awk[0]):
        pytest.skip(f"{awk[0]} is not installed")
    text += "" if text.rstrip().endswith("}") else "\n}"
    read = read_by_stand_in(awk, text, tmp_path)
    assert read.returncode == 0
    found, expected = json.loads(read.stdout, strict=False), json5.loads(text)
    if "conditional" in expected:
        # It is gone once it was blended, for the profile dev.
        assert found.pop("log") == expected.pop("conditional")["profile"]["dev"]["log"]
    assert found == expected


@pytest.mark.parametrize("text", ["{a: 1", "{a 1}", "{a: 'x}", "{/* }", "[1 2]", "{} x"])
def test_the_stand_in_refuses_malformed_json5(text: str, tmp_path: Path) -> None:
    assert read_by_stand_in(["awk"], text, tmp_path).returncode == 1


def read_by_stand_in(awk: list[str], text: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Load a device.json5, and print what the stand-in would send to a service."""
    (folder / "device.json5").write_text(text)
    script = f'held=$({shlex.join(awk)} -f {AWK_READER} device.json5 device) && eval "$held" && printf %s "$body"'
    return subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, check=False)


# The factory endpoint


def post(url: str, body: bytes, context: ssl.SSLContext | None = None, timeout: float = 5) -> tuple[str, str]:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout, context=context) as reply:
        return reply.headers["Content-Type"], reply.read().decode()


def test_the_endpoint_answers_as_the_sample_service_does() -> None:
    with FactoryEndpoint() as endpoint:
        answers = [post(endpoint.url, b'{"serial":"SN-1"}') for _ in range(2)]
    assert answers[0][0] == "application-json"
    ids = [json5.loads(answer)["id"] for _, answer in answers]
    assert answers[0][1] == f'{{id:"{ids[0]}"}}'
    assert all(map(claim_ids.is_valid, ids))
    assert ids[0] != ids[1]
    assert [request.claim_id for request in endpoint.requests] == ids


def test_an_idempotent_endpoint_knows_a_unit_by_serial_then_by_mac() -> None:
    with FactoryEndpoint("idempotent") as endpoint:
        serial, again, mac, mac_again, nameless, nameless_again = (
            post(endpoint.url, body)[1]
            for body in (
                b'{"serial":"SN-1","mac":"02:00:00:00:00:01"}',
                b'{"serial":"SN-1","mac":"02:00:00:00:00:02"}',
                b'{"mac":"02:00:00:00:00:03"}',
                b'{"mac":"02:00:00:00:00:03"}',
                b"{}",
                b"{}",
            )
        )
    assert serial == again
    assert mac == mac_again
    assert len({serial, mac, nameless, nameless_again}) == 4


def test_the_endpoint_fails_as_told_and_then_works() -> None:
    with FactoryEndpoint(failures=["503", "drop", "stall"]) as endpoint:
        with pytest.raises(urllib.error.HTTPError, match="503"):
            post(endpoint.url, b"{}")
        with pytest.raises(ConnectionError):
            post(endpoint.url, b"{}")
        with pytest.raises(TimeoutError):
            post(endpoint.url, b"{}", timeout=0.3)
        assert post(endpoint.url, b"{}")[1].startswith("{id:")


def test_the_endpoint_speaks_tls_with_the_given_certificate(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        capture_output=True,
        check=True,
    )
    with FactoryEndpoint(tls=(certificate, key)) as endpoint:
        assert post(endpoint.url, b"{}", ssl.create_default_context(cafile=certificate))[1].startswith("{id:")
        with pytest.raises(urllib.error.URLError, match="self-signed"):
            post(endpoint.url, b"{}", ssl.create_default_context())


# The end of a fleet


def assert_nothing_is_left(state_dir: Path) -> None:
    assert not state_dir.exists()
    assert processes.members(state_dir) == []
    assert processes.mount_points(state_dir) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_fleet_that_is_down_leaves_no_process_no_mount_and_no_file(tmp_path: Path, kind: str) -> None:
    mounted = DeviceSpec(storage="full", tty=True) if kind == "dropbear" else DeviceSpec()
    with Fleet.start(tmp_path / "state", specs=[mounted, DeviceSpec()], kind=kind, factory=True) as fleet:
        start_agent(fleet.devices[0])
        assert len(processes.members(fleet.state_dir)) >= 3
        assert len(processes.mount_points(fleet.state_dir)) == (2 if kind == "dropbear" else 0)
    assert_nothing_is_left(tmp_path / "state")


@pytest.mark.parametrize("kind", KINDS)
def test_a_fleet_goes_down_with_its_owner_also_by_kill_9(tmp_path: Path, kind: str) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom tests.fleet import Fleet\n"
        "with Fleet.start(Path(sys.argv[1]), groups={'manual': 2}, kind=sys.argv[2]) as fleet:\n"
        "    print('up', flush=True)\n    time.sleep(1000)\n"
    )
    state_dir = tmp_path / "state"
    command = [sys.executable, "-c", script, str(state_dir), kind]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == "up\n"
        assert processes.members(state_dir)
        owner.send_signal(signal.SIGKILL)
    assert eventually(lambda: not state_dir.exists())
    assert_nothing_is_left(state_dir)


def test_a_fleet_that_fails_to_start_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "DEVICE", None)
    with pytest.raises(AttributeError):
        Fleet.start(tmp_path / "state", groups={"manual": 2}, kind="python-ssh")
    assert_nothing_is_left(tmp_path / "state")


def test_a_fleet_keeps_away_from_a_folder_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    with pytest.raises(FleetError, match="somebody else"):
        Fleet.start(tmp_path, groups={"manual": 1}, kind="python-ssh")
    assert command_line("down", "--state", str(tmp_path)).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_line_starts_shows_and_ends_a_fleet(tmp_path: Path, kind: str) -> None:
    state_dir = tmp_path / "state"
    try:
        up = command_line(
            "up", "--state", str(state_dir), "--kind", kind, "--factory", "--group=manual=1", "--group=factory=1"
        )
        assert up.stdout.startswith("2 devices"), up.stderr
        again = command_line("up", "--state", str(state_dir))
        assert (again.returncode, "already has a fleet" in again.stderr) == (1, True)

        fleet = Fleet.open(state_dir)
        assert fleet.inventory.stat().st_mode & 0o777 == 0o600
        assert (state_dir / "key").stat().st_mode & 0o777 == 0o600
        assert fleet.service_url
        assert fleet.service_url in fleet.inventory.read_text()
        unit = b'{"product": "01K9F1EETDEV1CEPR0DVCT0001", "serial": "SN-1"}'
        assert '{"id": ' in post(fleet.service_url, unit)[1]
        fleet["manual-1"].write(DEVICE_FILE, "{id: 'S9S9D443TP'}")
        fleet["factory-1"].stop()
        rows = command_line("show", "--state", str(state_dir)).stdout.splitlines()
        assert rows[1].split()[2:] == ["up", "********TP"]
        assert rows[2].split()[2:] == ["off", "-"]
        fleet["factory-1"].restart()
        assert fleet["factory-1"].ssh("true").returncode == 0
        (state_dir / "ledger.db").write_text("of somebody else")
    finally:
        down = command_line("down", "--state", str(state_dir))
    assert down.returncode == 0
    assert [path.name for path in state_dir.iterdir()] == ["ledger.db"]
    (state_dir / "ledger.db").unlink()
    state_dir.rmdir()
    assert_nothing_is_left(state_dir)


def test_an_ordinary_user_gets_devices_too() -> None:
    prefix: tuple[str, ...] = ()
    state_dir = Path(tempfile.mkdtemp(prefix="fleet-"))
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("setpriv (util-linux) is not installed")
        os.chown(state_dir, 65534, 65534)
        # Nobody, but allowed to read this checkout and its Python wherever they lie.
        capability = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
        prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *capability)
    try:
        up = command_line("up", "--state", str(state_dir), "--count", "2", prefix=prefix)
        assert "(python-ssh)" in up.stdout, up.stderr
        device = Fleet.open(state_dir).devices[0]
        assert all(Path(f"/proc/{pid}").stat().st_uid != 0 for pid in processes.members(state_dir)) or not prefix
        key = state_dir / "key"
        assert key.stat().st_uid == state_dir.stat().st_uid
        assert device.ssh("id -u").stdout.strip() == str(state_dir.stat().st_uid)
    finally:
        assert command_line("down", "--state", str(state_dir), prefix=prefix).returncode == 0
    assert processes.members(state_dir) == []
    assert not state_dir.exists() or not any(state_dir.iterdir())
    shutil.rmtree(state_dir, ignore_errors=True)


def test_a_process_is_found_while_it_becomes_another_program(tmp_path: Path) -> None:
    again = tmp_path / "again.sh"
    again.write_text('[ "$1" -eq 0 ] || exec sh "$0" $(($1 - 1))\n: >"$0.ended"\n', encoding="utf-8")
    runner = processes.spawn("sh", str(again), "700", folder=tmp_path, log=tmp_path / "log")
    looks = 0
    while processes.members(tmp_path) == [runner.pid]:
        looks += 1
    assert (tmp_path / "again.sh.ended").exists()
    assert runner.wait() == 0 and looks > 20
