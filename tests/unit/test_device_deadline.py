# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a device may take, and what is said of one that takes longer or cannot be talked to."""

from __future__ import annotations

import re
import socket
import time

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.device import connection
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.connection import (
    DEVICE_SECONDS,
    Deadline,
    TimeLimitError,
    UnreachableError,
    first_words,
    last_words,
    not_in_time,
    parse_seconds,
    seconds_for,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import (
    Answer,
    DeviceError,
    FileKind,
    RemoteFile,
    WriteFailure,
    WriteStep,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.scripts import probe, sweep
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.ssh_complaints import understand
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.verified_write import write_error

CLAIM_ID = "7K3M9QX2TB"


@pytest.mark.parametrize("value", [0, -1, "soon", "nan", "inf", True, 1e9, "5\x1b[2J"])
def test_what_nobody_can_wait_is_refused(value: object) -> None:
    with pytest.raises(TimeLimitError, match=r"ioto_device_timeout is .*give seconds above 0") as error:
        parse_seconds(value)
    assert str(error.value).isprintable()


def test_without_a_value_a_flow_that_waits_has_so_much_more() -> None:
    assert seconds_for(None) == DEVICE_SECONDS
    assert seconds_for(None, 30) == DEVICE_SECONDS + 30
    assert seconds_for("2.5", 30) == 2.5


def test_only_the_time_counts_in_which_a_device_is_waited_for() -> None:
    deadline = Deadline(0.02)
    time.sleep(0.03)  # it is the time itself that is tested
    assert deadline.left == pytest.approx(0.02 * 0.98)
    with deadline.running():
        while not deadline.has_passed:
            time.sleep(0.001)
    assert deadline.left == 0.0
    with deadline.running():
        assert deadline.has_passed


def test_the_end_of_a_connection_is_part_of_the_time_of_its_device() -> None:
    assert Deadline(10).left == pytest.approx(9.8)
    assert Deadline(60).left == 59.75
    assert not Deadline(0.001).has_passed


def test_the_last_words_of_a_device_are_cut_and_disturb_no_terminal() -> None:
    words = last_words(b"\x1b[2J" + b"x" * 10_000 + b"\r\nout of \x07order")
    assert words.isprintable()
    assert words.endswith("x out of order")
    assert len(words) <= 200
    assert "it said: out of order. See" in str(not_in_time("bench-1", Deadline(5), b"out of order\n"))


def test_a_claim_id_that_a_device_says_is_masked_wherever_its_words_are_shown() -> None:
    said = f"id: {CLAIM_ID} is in use" + " " * 180
    shown = [
        str(not_in_time("bench-1", Deadline(5), said.encode())),
        str(understand(f"channel 0: open failed: {CLAIM_ID}", name="b", where="w", user="u")),
        str(understand(f"Received disconnect from 192.0.2.1: {CLAIM_ID}", name="b", where="w", user="u")),
        str(understand(f"ssh: Could not resolve hostname {CLAIM_ID}: not known", name="b", where="w", user="u")),
        str(write_error(_Quoting(), RemoteFile("f", FileKind.REGULAR), WriteFailure(WriteStep.WRITE, said))),
    ]
    with pytest.raises(DeviceError, match="it said: id: ") as error:
        probe(_Quoting(), "/etc/ioto")
    assert [text for text in (*shown, str(error.value)) if CLAIM_ID in text] == []


class _Quoting:
    """A device whose shell quotes what it holds."""

    name = "bench-1"
    host_key = None

    def run(self, script: str) -> Answer:
        return Answer(255, b"", f"id: {CLAIM_ID} is in use".encode())


def test_a_key_that_changed_is_removed_under_the_name_that_known_hosts_has() -> None:
    for where, name in {
        "192.0.2.1:22": "192.0.2.1",
        "192.0.2.1:2222": "'[192.0.2.1]:2222'",
        "[fe80::1]:22": "fe80::1",
        "[fe80::1]:2222": "'[fe80::1]:2222'",
        "[fe80::1]": "fe80::1",
        "bench": "bench",
    }.items():
        assert f"(ssh-keygen -R {name})" in str(connection.not_trusted("bench-1", where, "its host key differs"))


_COMPLAINTS = {
    "ssh: connect to host 192.0.2.1 port 22: Connection timed out": (
        "bench-1 cannot be reached at 192.0.2.1:22 (no answer in time)"
    ),
    "ssh: connect to host 192.0.2.1 port 22: Connection refused\r\n": (
        "cannot be reached at 192.0.2.1:22 (Connection refused)"
    ),
    "welcome\nroot@192.0.2.1: Permission denied (publickey,password).": (
        "at 192.0.2.1:22 does not let root in (it wants publickey,password)"
    ),
    "No ED25519 host key is known for [a]:1 and you have requested strict checking.\nHost key verification failed.": (
        "The host at 192.0.2.1:22 for bench-1 is not trusted: its host key is not known; see that it is the right one, "
        "then have keys of new hosts taken (ansible_ssh_common_args: -o StrictHostKeyChecking=accept-new), or remove "
        "one that has changed (ssh-keygen -R 192.0.2.1)."
    ),
    "no such identity: /home/me/key: No such file or directory\nroot@192.0.2.1: Permission denied (publickey).": (
        "does not let root in (it wants publickey, and the key /home/me/key cannot be used: No such file or directory)"
    ),
    'Load key "/home/me/key": bad permissions\r\nroot@192.0.2.1: Permission denied (publickey).': (
        "does not let root in (it wants publickey, and the key /home/me/key cannot be used: bad permissions)"
    ),
    "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.": (
        "its host key differs from the known one"
    ),
    "exec request failed on channel 0": "lets us in and runs no command (it refuses the request)",
    "channel 0: open failed: administratively prohibited: \x1b[2J": (
        "runs no command (administratively prohibited: [2J)"
    ),
    "Unable to negotiate with 192.0.2.1 port 22: no matching host key type found. Their offer: ssh-rsa": (
        "no matching host key type found. Their offer: ssh-rsa)"
    ),
    "kex_exchange_identification: Connection closed by remote host": "cannot be reached at 192.0.2.1:22 (it hung up)",
    "Connection to 192.0.2.1 closed by remote host.": "The connection to bench-1 was lost",
    "Connection reset by 192.0.2.1 port 22": "cannot be reached at 192.0.2.1:22 (it hung up)",
    'Authenticated to 192.0.2.1 ([192.0.2.1]:22) using "publickey".\nConnection reset by 192.0.2.1 port 22': (
        "The connection to bench-1 was lost (it hung up)"
    ),
    'Authenticated to 192.0.2.1 ([192.0.2.1]:22) using "publickey".\n'
    "channel 0: open failed: administratively prohibited: \nConnection reset by 192.0.2.1 port 22": (
        "runs no command (administratively prohibited)"
    ),
}


@pytest.mark.parametrize("complaint", _COMPLAINTS)
def test_what_ssh_says_has_the_words_of_the_other_engine(complaint: str) -> None:
    error = understand(complaint, name="bench-1", where="192.0.2.1:22", user="root")
    assert isinstance(error, UnreachableError)
    assert _COMPLAINTS[complaint] in str(error)
    assert str(error).isprintable()


def test_what_a_device_says_is_nothing_of_sshs() -> None:
    said = "The account is locked: see /etc/issue, ssh: connect to nobody\nsh: no such thing"
    assert understand(said, name="bench-1", where="192.0.2.1:22", user="root") is None


@pytest.mark.parametrize("said", [b"no 7K3M\x1b[31m9QX2\x1b[0mTB", b"no 7k3m-\x1b[1m9qx2-tb", "no 7K3M 9QX2 TB"])
def test_an_id_that_a_device_says_in_any_form_is_masked(said: bytes | str) -> None:
    for words in (first_words(said), last_words(said)):
        assert "9QX2" not in words.upper()
        assert words.upper().endswith("TB")


def test_an_address_of_a_kind_that_this_machine_lacks_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        # As for a name with addresses of both kinds, where the kernel has no IPv6.
        lacking = (0xFFFF, socket.SOCK_STREAM, 0, "", ("::1", 22))
        there = (socket.AF_INET, socket.SOCK_STREAM, 0, "", server.getsockname())
        monkeypatch.setattr(connection, "addresses", lambda *_asked: [lacking, there])
        connection.connect("bench-1.example", 22, 10).close()

        monkeypatch.setattr(connection, "addresses", lambda *_asked: [lacking])
        with pytest.raises(OSError, match="not supported"):
            connection.connect("bench-1.example", 22, 10)


class _Garbling:
    """A device that ends our scripts as they want it, with garbage in place of a record between them."""

    name = "bench-1"
    host_key = None

    def __init__(self, record: bytes) -> None:
        self._record = record

    def run(self, script: str) -> Answer:
        nonce = re.findall(r"^ioto_nonce=(\w+)$", script, re.MULTILINE)[0].encode()
        return Answer(0, b"ioto-begin %b base64\n%b\nioto-end %b\n" % (nonce, self._record, nonce))


@pytest.mark.parametrize("record", [b"data device.json5\n!!!\n.", b"text", b"text device.json5 much", b"failed"])
def test_an_answer_that_makes_no_sense_is_one_for_every_script(record: bytes) -> None:
    for ask in (
        lambda device: probe(device, "/etc/ioto"),
        lambda device: sweep(device, "/etc/ioto/device.json5"),
    ):
        with pytest.raises(DeviceError, match=r"bench-1 gave an answer that makes no sense; run again\."):
            ask(_Garbling(record))
