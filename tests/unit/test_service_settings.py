# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the settings of a service is told at once, with the file, before anything is served."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.service.errors import ServiceError
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.settings_doubts import doubts
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.settings_sources import load
from tests.support.closed_folder import closed_folder


def test_every_setting_of_a_file_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('rate = "often"\nport = "http"\nnetworks = "10.0.0.0/8"\nspeed = 9\n', encoding="utf-8")
    with pytest.raises(ServiceError) as caught:
        load(file, {}, {})
    told = str(caught.value).splitlines()
    beginnings = (
        "The setting rate ",
        "The setting port ",
        "The setting networks ",
        f"The settings {file} hold 'speed'",
    )
    assert len(told) == len(beginnings)
    assert all(line.startswith(beginning) for line, beginning in zip(told, beginnings, strict=True))
    assert all(str(file) in line for line in told)


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('port = 1\nhost = "127.0.0.1"\nlength = 12\n', encoding="utf-8")
    settings = load(file, {"IOTO_SERVICE_PORT": "2", "IOTO_SERVICE_HOST": "127.0.0.2"}, {"port": 3})
    assert (settings.port, settings.host, settings.length) == (3, "127.0.0.2", 12)


# --- what makes no sense ---


def refusal(**settings: str) -> str:
    """Return what is said to settings of the environment."""
    with pytest.raises(ServiceError) as caught:
        load(None, {f"IOTO_SERVICE_{name.upper()}": text for name, text in settings.items()}, {})
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("rate", text) for text in ("nan", "-nan", "inf", "-inf", "0", "-1", "1e400", "1e-320")),
        *(("batch", text) for text in ("0", "-1", "9" * 30, "9" * 5000, "1.5", "nan")),
        *(("receive_seconds", text) for text in ("0", "1e3", "99999999999")),
        *(("port", text) for text in ("-1", "65536", "nan")),
        *(("path", text) for text in ("/", "//", "/a//b", "/a/../b", "/.", "/a b", "/a%2fb", "/a?b", "/a#b")),
        *(("path", text) for text in ("/a\\b", "/a;b", "/\u00e4", "/a\nb", "/a\0b")),
        *(("path", text) for text in ("/metrics", "/station/x", "/units")),
        *(("host", text) for text in ("a" * 300, "a b", "127.0.0.1:80", "http://a", "\udcff", "a\0b", "*")),
        *(("networks", text) for text in ("", "10.0.0.1/8", "everybody", "10.0.0.0/99")),
        *(("server_names", text) for text in ("http://a", "a:1", "a/b", "-a", "a\0b")),
        *(("ledger", text) for text in ("a\0b", "mysql://a/b", "postgresql:/a", "a\nb")),
        *(("reissue", text) for text in ("never", "0", "-5", "1.5", "nan", "until verified", "9" * 30)),
        *(("token_file", text) for text in ("/tmp", "a\0b", "~nosuch/x", "x" * 300)),
        *(("certificate", text) for text in ("/nowhere", "/dev/zero", "a\0b", "x" * 300)),
        *(("production_orders", text) for text in ("/dev/zero", "/tmp", "a\0b", "x" * 300)),
        *(("unit", text) for text in ("", "a\0b")),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_its_name(name: str, text: str) -> None:
    said = refusal(**{name: text})
    assert name in said.lower()
    assert said.endswith(".") and said.isprintable() and len(said) < 700


@pytest.mark.parametrize("name", ["certificate", "production_orders", "token_file"])
def test_a_file_in_a_folder_that_the_services_user_may_not_enter_is_told_as_such(name: str) -> None:
    others = {"key": "/dev/null"} if name == "certificate" else {}
    with TemporaryDirectory() as folder, closed_folder(Path(folder)) as closed:
        assert f"{name}" in (said := refusal(**{name: str(closed / "file")}, **others))
    assert f"{name} names '" in said and "', which the service may not read; let its user read it" in said


def test_a_password_in_a_bad_ledger_is_not_repeated() -> None:
    assert "s3cret" not in refusal(ledger="postgresql://a:s3cret\0@host/line") + refusal(ledger="mysql://a:s3cret@h/b")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"rate = nan\n", "rate is 0.001 to"),
        (b"rate = inf\n", "rate is 0.001 to"),
        (b"batch = " + b"9" * 5000 + b"\n", "are not TOML"),
        (b"networks = " + b"[" * 100_000 + b"\n", "nest too deeply"),
        (b"a." * 60_000 + b"b = 1\n", "nest too deeply"),
        (b"[" + b"'a' . " * 60_000 + b"b]\n", "nest too deeply"),
        pytest.param(b"a" * 1_000_000, "are not TOML", id="a long word"),
        pytest.param(b"a . " * 19 + b"a" * 500_000 + b" " * 500_000, "are not TOML", id="a long word behind dots"),
        (b"networks = " + b"{a=" * 5_000 + b"\n", "nest too deeply"),
        (b'path = "/a\\u0000b"\n', "path holds a character that cannot be printed"),
        (b'networks = ["127.0.0.0/8\\n"]\n', "networks holds a character"),
        (b"rate = true\n", "rate"),
        (b"reissue = true\n", "reissue"),
        (b"reissue = 0\n", "reissue is always, until_verified, or a number of seconds"),
        (b"\xff\xfe", "are not TOML"),
        (b"# " + b"x" * 2_000_000, "longer than"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(content)
    with pytest.raises(ServiceError, match=said):
        load(file, {}, {})


@pytest.mark.parametrize("path", ["/dev/zero", "/tmp", "/nowhere", "a\0b", "x" * 5000])
def test_settings_that_are_no_file_are_refused_at_once(path: str) -> None:
    with pytest.raises(ServiceError, match=r"correct (the path|it)\.$"):
        load(Path(path), {}, {})


def test_settings_in_a_pipe_nobody_writes_to_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ServiceError, match="are not a file"):
        load(tmp_path / "pipe", {}, {})


@pytest.mark.parametrize(("written", "kept"), [('"until_verified"', "until_verified"), ("3600", "3600")])
def test_how_long_agents_get_an_id_is_a_word_or_seconds(tmp_path: Path, written: str, kept: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f"reissue = {written}\n", encoding="utf-8")
    assert load(file, {}, {}).reissue == kept
    assert load(None, {"IOTO_SERVICE_REISSUE": "", "IOTO_SERVICE_HOST": ""}, {}) == load(None, {}, {})


# --- the certificate and its key ---


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Return a folder with `CN.pem` and `key` for some common names."""
    if shutil.which("openssl") is None:
        pytest.skip("the Debian package openssl is not installed")
    made = subprocess.run(
        ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"], check=True, capture_output=True
    )
    (tmp_path / "key").write_bytes(made.stdout)
    (tmp_path / "key").chmod(0o600)
    return tmp_path


def certificate(pair: Path, subject: str, *more: str) -> dict[str, str]:
    """Return the settings of a certificate of the pair's key."""
    subprocess.run(
        ["openssl", "req", "-x509", "-key", pair / "key", "-subj", subject, "-out", pair / "pem", *more],
        check=True,
        capture_output=True,
    )
    return {"IOTO_SERVICE_CERTIFICATE": str(pair / "pem"), "IOTO_SERVICE_KEY": str(pair / "key")}


YEAR = ("-days", "365")


def test_a_key_that_all_may_read_is_refused_and_one_for_its_group_is_warned_of(pair: Path) -> None:
    settings = certificate(pair, "/CN=station.example", *YEAR)
    for mode in (0o604, 0o644, 0o602):
        (pair / "key").chmod(mode)
        with pytest.raises(ServiceError, match=r"every user of this machine; type: chmod o-rwx"):
            load(None, settings, {})
    (pair / "key").chmod(0o640)
    (doubt,) = doubts(load(None, settings, {}))
    assert "can be read or written by the group" in doubt
    (pair / "key").chmod(0o600)
    assert doubts(load(None, settings, {})) == []
    with (pair / "pem").open("ab") as chain:
        chain.write((pair / "key").read_bytes())
    with pytest.raises(ServiceError, match=r"certificate '.*/pem' holds a private key"):
        load(None, settings, {})


@pytest.mark.parametrize("subject", ["/O=Factory", "/CN=192.0.2.1", "/CN=Our station"])
def test_a_certificate_that_no_agent_accepts_is_told(pair: Path, subject: str) -> None:
    (doubt,) = doubts(load(None, certificate(pair, subject, "-addext", "subjectAltName=DNS:a.example", *YEAR), {}))
    assert "names no host as its common name (CN), and agents accept no other" in doubt


def test_a_certificate_that_expires_soon_is_told(pair: Path) -> None:
    (doubt,) = doubts(load(None, certificate(pair, "/CN=station.example", "-days", "3"), {}))
    assert "expires in 2 days" in doubt


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(pair: Path) -> None:
    settings = certificate(pair, "/CN=station.example", *YEAR)
    locked = ["openssl", "ec", "-in", "key", "-aes256", "-passout", "pass:1234", "-out", "locked"]
    subprocess.run(locked, cwd=pair, check=True, capture_output=True)
    (pair / "locked").chmod(0o600)
    with pytest.raises(ServiceError, match="locked with a passphrase"):
        load(None, {**settings, "IOTO_SERVICE_KEY": str(pair / "locked")}, {})


def test_files_that_are_no_certificate_and_key_are_refused(pair: Path) -> None:
    settings = certificate(pair, "/CN=station.example", *YEAR)
    for certificate_file, key in (("key", "key"), ("pem", "pem")):
        swapped = {"IOTO_SERVICE_CERTIFICATE": str(pair / certificate_file), "IOTO_SERVICE_KEY": str(pair / key)}
        (pair / "pem").chmod(0o600)
        with pytest.raises(ServiceError, match="cannot be used for TLS"):
            load(None, {**settings, **swapped}, {})
    client = certificate(pair, "/CN=station.example", "-addext", "extendedKeyUsage=clientAuth", *YEAR)
    with pytest.raises(ServiceError, match=r"cannot be used for TLS \(un.*purpose\)"):
        load(None, client, {})


# --- a database on another machine ---


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://a@db.example/line", "prefer"),
        ("postgresql://a@db.example/line?sslmode=require", "require"),
        ("postgresql://a@/line?host=192.0.2.9", "prefer"),
        ("postgresql://a@/line?host=/run/postgresql,192.0.2.9", "prefer"),
        ("postgresql://a@localhost/line?hostaddr=192.0.2.9", "prefer"),
        ("postgresql:///line?hostaddr=192.0.2.9", "prefer"),
        ("postgresql://a@db.example/line?sslmode=verify-full", None),
        ("postgresql://a@127.0.0.1:5433,db.example:5433/line", "prefer"),
        ("postgresql://a@/line?host=localhost:5433,localhost:5434", None),
        ("postgresql://a@127.0.0.1/line", None),
        ("postgresql://a@localhost/line", None),
        ("postgresql://a@/line?host=/run/postgresql", None),
        ("postgresql:///line", None),
    ],
)
def test_a_remote_database_without_verified_tls_is_told(
    monkeypatch: pytest.MonkeyPatch, url: str, mode: str | None
) -> None:
    for name in ("PGHOST", "PGSSLMODE"):
        monkeypatch.delenv(name, raising=False)
    told = doubts(load(None, {"IOTO_SERVICE_LEDGER": url}, {}))
    assert len(told) == (mode is not None)
    if mode:
        assert f"sslmode is {mode}" in told[0] and "sslmode=verify-full" in told[0]
