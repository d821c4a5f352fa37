# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of a factory service: any Ioto-compatible endpoint, also a bad one, over real HTTP."""

from __future__ import annotations

import http.server
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import is_valid
from ansible_collections.ioto.serialization.plugins.plugin_utils.display_text import url_origin
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources import service_client
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.factory_service import (
    FactoryService,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.source import SourceError
from tests.fleet.factory import FactoryEndpoint
from tests.services.reserved_port import refusing_port

UNIT = {"serial": "SN-1", "product": "01K9F1EETDEV1CEPR0DVCT0001"}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_client, "_BACKOFF_SECONDS", 0.01)


@contextmanager
def endpoint(answer: Callable[[http.server.BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server that gives each POST and PUT `answer`; yields its URL, which holds a secret."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer(self)

        do_PUT = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/s3cret?key=s3cret"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reply(status: int, body: bytes, **headers: str) -> Callable[[http.server.BaseHTTPRequestHandler], None]:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_the_agents_own_sample_service_is_understood() -> None:
    with FactoryEndpoint(mode="sample") as factory:
        claim_id = FactoryService(factory.url).claim_id(UNIT)
        (request,) = factory.requests

    assert claim_id == request.claim_id
    assert request.body == UNIT
    assert request.content_type == "application/json"


@pytest.mark.parametrize("failure", ["503", "drop"])
def test_a_service_that_fails_for_a_while_is_asked_again(failure: str) -> None:
    with FactoryEndpoint(failures=[failure, failure]) as factory:
        assert is_valid(FactoryService(factory.url).claim_id(UNIT))
        assert [request.failure for request in factory.requests] == [failure, failure, None]


def test_a_service_that_answers_nothing_in_time_is_asked_again() -> None:
    with FactoryEndpoint(failures=["stall"]) as factory:
        assert is_valid(FactoryService(factory.url, timeout=0.3, retries=10).claim_id(UNIT))


@pytest.mark.parametrize("begins", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{"])
def test_a_service_that_drips_bytes_ends_at_the_deadline(begins: bytes) -> None:
    """Each read is soon over, and all of them would never be."""
    with dripping(begins, b"x") as port:
        began = time.monotonic()
        with pytest.raises(SourceError, match="could not be asked"):
            FactoryService(f"http://127.0.0.1:{port}/", timeout=0.5, retries=0).claim_id(UNIT)
    assert 0.4 < time.monotonic() - began < 60


def test_a_handshake_that_drips_bytes_ends_at_the_deadline() -> None:
    # A record of TLS that says it is 4096 bytes long.
    with dripping(b"\x16\x03\x03\x10\x00\x02\x00\x0f\xfc", b"\x00") as port:
        began = time.monotonic()
        with pytest.raises(SourceError, match=r"no answer in time, 2 tries;"):
            FactoryService(f"https://127.0.0.1:{port}/", timeout=0.5, retries=1).claim_id(UNIT)
    assert 0.9 < time.monotonic() - began < 60


def test_a_service_that_ends_in_the_handshake_is_asked_again() -> None:
    """It may be one that is just started again; its certificate has nothing to do with it."""
    tries = []
    with (
        hanging_up(b"", tries) as port,
        pytest.raises(SourceError, match=r"in the handshake of TLS, 2 tries;"),
    ):
        FactoryService(f"https://127.0.0.1:{port}/", timeout=60, retries=1).claim_id(UNIT)
    assert len(tries) == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad", "it speaks no TLS on this port"),
        (b"SSH-2.0-dropbear_2022.83\r\n", "it speaks no TLS on this port"),
        (b"\x15\x03\x01\x00\x02\x02\x28", r"no TLS could be agreed with it \(.*alert handshake failure\)"),
    ],
    ids=["HTTP", "SSH", "an alert"],
)
def test_a_service_without_tls_is_not_called_one_with_a_wrong_certificate(answer: bytes, reason: str) -> None:
    tries = []
    with hanging_up(answer, tries) as port, pytest.raises(SourceError, match=reason):
        FactoryService(f"https://127.0.0.1:{port}/", timeout=60, retries=1).claim_id(UNIT)
    assert len(tries) == 1


@contextmanager
def hanging_up(answer: bytes, tries: list[bytes]) -> Iterator[int]:
    """A server that reads the beginning of a handshake into `tries`, answers and hangs up; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _address = listener.accept()
                    with connection:
                        tries.append(connection.recv(4096))
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def dripping(begins: bytes, drop: bytes) -> Iterator[int]:
    """A server that takes connections and sends `begins`, then `drop` now and then; yields its port."""
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(begins)
            while not over.wait(0.05):
                connection.sendall(drop)

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while not over.is_set():
                threading.Thread(target=drip, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        over.set()
        listener.shutdown(socket.SHUT_RDWR)


def test_a_service_that_stays_away_is_one_sentence_without_the_secret_of_its_url() -> None:
    with refusing_port() as port, pytest.raises(SourceError) as caught:
        FactoryService(f"http://127.0.0.1:{port}/s3cret?key=s3cret", retries=1).claim_id(UNIT)

    assert "s3cret" not in str(caught.value) + repr(FactoryService("http://host/s3cret"))
    assert f"http://127.0.0.1:{port}" in str(caught.value)
    assert "Connection refused, 2 tries; see whether it runs" in str(caught.value)


def test_a_service_that_cannot_use_its_ledger_is_told_in_its_own_words_after_all_tries() -> None:
    asked = []

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        # What it says of the pause may be an hour, and is a proxy's where the service is not there.
        reply(503, b'{"error": "The ledger cannot be used now; ask again."}', Retry_After="3600")(handler)

    with endpoint(answer) as url, pytest.raises(SourceError) as caught:
        FactoryService(url, retries=2).claim_id(UNIT)

    assert len(asked) == 3
    assert str(caught.value) == (
        f"The service at {url.partition('/s3cret')[0]} gave no ID (status 503, 3 tries at most): The ledger "
        "cannot be used now; ask again. See its log and whether its ledger works, then run again."
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_is_final_and_its_reason_is_shown(status: int) -> None:
    asked = []

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        reply(status, b'{"error": "SN-1 is not on the list\x1b[31m"}')(handler)

    with endpoint(answer) as url, pytest.raises(SourceError) as caught:
        FactoryService(url).claim_id(UNIT)

    assert len(asked) == 1
    assert str(status) in str(caught.value) and "SN-1 is not on the list" in str(caught.value)
    assert "\x1b" not in str(caught.value) and "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"[1]",
        b"<html>",
        b"\xff\xfe",
        b'{"id": 1234567890}',
        b'{"id": "short"}',
        b'{"id": "jt08ffqxwq"}',
        b'{"id": "JT08FFQXWQ"',
        b"[" * 50_000,
        b'{"id": "' + b"A" * 200_000 + b'"}',
    ],
)
def test_an_answer_without_a_valid_id_is_refused(body: bytes) -> None:
    with endpoint(reply(200, body)) as url, pytest.raises(SourceError, match="without a valid claim ID"):
        FactoryService(url).claim_id(UNIT)


def test_a_redirect_is_not_followed_with_the_token() -> None:
    with (
        endpoint(reply(200, b'{"id": "JT08FFQXWQ"}')) as other,
        endpoint(reply(307, b"", Location=other)) as url,
        pytest.raises(SourceError, match="307"),
    ):
        FactoryService(url, token="t0ken").claim_id(UNIT)


def test_a_token_is_sent_as_a_bearer() -> None:
    seen = []

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers["Authorization"])
        reply(200, b'{"id": "JT08FFQXWQ"}')(handler)

    with endpoint(answer) as url:
        assert FactoryService(url, token="t0ken").claim_id(UNIT) == "JT08FFQXWQ"
    assert seen == ["Bearer t0ken"]
    assert "t0ken" not in repr(FactoryService(url, token="t0ken"))


CLAIM_ID, OTHER_ID = "JT08FFQXWQ", "KT08FFQXWQ"
CONFIRMED = {**UNIT, "id": CLAIM_ID}


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "********WQ", "serial": "SN-1", "state": "verified"}',  # as ours
        b'{"id": "********WQ", "serial": "SN-1", "state": "labelled"}',
        b'{"id": "JT08FFQXWQ"}',
        b"{id:'JT08FFQXWQ',state:'written'}",
    ],
)
def test_an_answer_that_says_so_of_this_id_is_a_confirmation(body: bytes) -> None:
    with endpoint(reply(200, body)) as url:
        assert FactoryService(url).confirm(CONFIRMED) is None


def test_a_unit_is_confirmed_in_whatever_notation_the_service_writes_its_mac() -> None:
    body = b'{"id": "********WQ", "serial": "001B.21AA.0001", "state": "verified"}'
    with endpoint(reply(200, body)) as url:
        unit = {"product": UNIT["product"], "mac": "00:1b:21:aa:00:01", "id": CLAIM_ID}
        assert FactoryService(url).confirm(unit) is None


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, f'{{"id": "{OTHER_ID}"}}'.encode(), r"names another claim ID \(\*{8}WQ\) than the unit has \(\*{8}WQ\)"),
        (
            200,
            b'{"id": "********XX", "serial": "SN-1", "state": "verified"}',
            r"names another claim ID than the unit has",
        ),
        (200, b'{"id": "********WQ", "serial": "SN-2", "state": "verified"}', "names the serial 'SN-2', not 'SN-1'"),
        (200, b'{"id": "********WQ"}', "does not say for which serial"),
        (200, b'{"id": "JT08FFQXWQ", "serial": "SN-1", "state": "retired"}', "has the claim ID as 'retired'"),
        (200, b'{"id": "JT08FFQXWQ", "serial": "SN-1", "state": ["verified"]}', "has the claim ID as"),
        *((status, b"", "does not say for which claim ID") for status in (200, 202, 204)),
        *((200, body, "does not say for which claim ID") for body in (b"{}", b"[]", b"null", b"OK", b'{"id": 7}')),
        (200, b"<!DOCTYPE html><title>Sign in</title><p>JT08FFQXWQ", "does not say for which claim ID"),
    ],
)
def test_an_answer_that_does_not_say_so_of_this_id_is_no_confirmation_however_often(
    status: int, body: bytes, reason: str
) -> None:
    with endpoint(reply(status, body)) as url:
        for _ in range(2):
            with pytest.raises(SourceError, match=reason) as caught:
                FactoryService(url).confirm(CONFIRMED)
            said = str(caught.value)
            assert f"status {status}" in said and "ioto_service_url" in said
            assert "ioto_service_confirms: false" in said
            assert not any(hidden in said for hidden in (CLAIM_ID, OTHER_ID, "s3cret"))


@pytest.mark.parametrize(
    ("status", "remedy", "is_one_that_cannot"),
    [
        *((status, "ioto_service_url", False) for status in (400, 413, 418, 422)),
        *((status, "ioto_service_token", False) for status in (401, 403)),
        *((status, "api.serialize", True) for status in (404, 410)),
        *((status, "takes no confirmation", True) for status in (405, 501)),
        (409, "does not accept", False),
        (302, "ioto_service_url", False),
    ],
)
def test_a_service_that_refuses_a_confirmation_fails_the_unit(
    status: int, remedy: str, is_one_that_cannot: bool
) -> None:
    echo = f'{{"error": "no {CLAIM_ID} at /s3cret?key=s3cret for t0ken-1234"}}'.encode()
    with endpoint(reply(status, echo)) as url:
        for _ in range(2):
            with pytest.raises(SourceError, match=remedy) as caught:
                FactoryService(url, token="t0ken-1234").confirm(CONFIRMED)
            said = str(caught.value)
            assert f"status {status}" in said and url_origin(url) in said
            assert ("ioto_service_confirms: false" in said) is is_one_that_cannot
            assert not any(hidden in said for hidden in (CLAIM_ID, "s3cret", "t0ken"))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 507])
def test_a_service_that_is_busy_or_broken_says_neither(status: int) -> None:
    with endpoint(reply(status, b"try later")) as url:
        note = FactoryService(url, retries=1).confirm(CONFIRMED)
    assert note is not None and f"status {status}: try later." in note


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    if not shutil.which("openssl"):
        pytest.skip("the Debian package openssl is not installed")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", key, "-out", certificate, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def test_a_certificate_is_verified(certificate: tuple[Path, Path]) -> None:
    with FactoryEndpoint(tls=certificate) as factory:
        with pytest.raises(SourceError, match="certificate is not accepted") as caught:
            FactoryService(factory.url).claim_id(UNIT)
        assert "tries" not in str(caught.value)
        assert factory.requests == []

        assert is_valid(FactoryService(factory.url, ca_file=str(certificate[0])).claim_id(UNIT))


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file or directory"), ("empty", "it holds none")])
def test_a_ca_file_that_cannot_be_read_is_one_sentence_with_its_name(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(SourceError) as caught:
        FactoryService("https://127.0.0.1:1/", ca_file=str(tmp_path / name)).claim_id(UNIT)
    assert f"could not be asked: the certificates in {tmp_path / name} cannot be read ({reason});" in str(caught.value)


@pytest.mark.parametrize("url", ["http://", "http://[::1", "https://host:port/", "ftp://host/"])
def test_a_url_that_is_none_is_one_sentence(url: str) -> None:
    with pytest.raises(SourceError, match="could not be asked"):
        FactoryService(url, retries=0).claim_id(UNIT)


def test_what_json_cannot_hold_is_never_sent() -> None:
    with pytest.raises(SourceError, match="JSON"):
        FactoryService("http://127.0.0.1:1/").claim_id({"rate": float("inf")})
