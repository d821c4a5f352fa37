# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a ledger is, and what of that may be shown."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger, warm_up
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.location import (
    Location,
    address,
    is_same_place,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import LedgerError


def test_the_default_is_in_the_users_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert Location.parse(None).path == Path("/home/ann/.local/share/ioto/ledger.db")
    assert Location.parse("").path == Path("/home/ann/.local/share/ioto/ledger.db")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert Location.parse().path == Path("/data/ioto/ledger.db")
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")  # to be ignored, says the XDG specification
    assert Location.parse().path == Path("/home/ann/.local/share/ioto/ledger.db")


def test_a_user_without_a_home_is_told_to_name_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user has a number alone."""
    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    monkeypatch.setattr(os, "getuid", lambda: next(number for number in range(60_000, 65_000) if number not in taken))
    with pytest.raises(LedgerError, match=r"^The ledger's usual place .* name a file \(ioto_ledger\), or set HOME\.$"):
        Location.parse(None)


def test_a_path_or_a_url_names_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.chdir(tmp_path)
    assert Location.parse("~/line.db").path == Path("/home/ann/line.db")
    assert Location.parse("line.db").path == tmp_path / "line.db"
    assert Location.parse(Path("/srv/line.db")).path == Path("/srv/line.db")
    assert Location.parse("sqlite:////srv/line.db").path == Path("/srv/line.db")


def test_a_link_is_followed_so_that_it_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
    with Ledger(tmp_path / "link.db") as ledger:
        assert ledger.location == str(tmp_path / "real.db")
    assert (tmp_path / "link.db").is_symlink()
    assert (tmp_path / "real.db").is_file()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_password_is_never_shown(scheme: str) -> None:
    location = Location.parse(f"{scheme}://ann:s3cret%40@db:5432/line?password=s3cret&sslkey=s3cret")
    assert str(location) == "postgresql://ann:***@db:5432/line"
    assert location.url is not None
    assert location.url.drivername == "postgresql+psycopg"
    assert "s3cret" not in repr(location)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://line@/claims?host=a:5433,b:5434", "postgresql://line@a:5433,b:5434/claims"),
        ("postgresql://line@/claims?host=a:5433&host=b:5434", "postgresql://line@a:5433,b:5434/claims"),
        ("postgresql://line@/claims?host=a,b&port=5433,5434", "postgresql://line@a:5433,b:5434/claims"),
        ("postgresql://line@/claims?host=a,b&port=5433", "postgresql://line@a:5433,b:5433/claims"),
        ("postgresql://line:s3c%2Cret@a:5433,b/claims?password=s3cret", "postgresql://line:***@a:5433,b/claims"),
        ("postgres://line:s3c,ret@a,b/claims", "postgresql://line:***@a,b/claims"),
        ("postgresql://a,b,c/claims", "postgresql://a,b,c/claims"),
        ("postgresql://line@[::1]:5433,[fe80::2]/claims", "postgresql://line@[::1]:5433,[fe80::2]/claims"),
        ("postgresql://line@/claims?host=::1,fe80::2", "postgresql://line@[::1],[fe80::2]/claims"),
        ("postgresql://line@%2Frun%2Fa,%2Frun%2Fb/claims", "postgresql://line@%2Frun%2Fa,%2Frun%2Fb/claims"),
    ],
)
def test_several_hosts_in_any_form_are_one_place_and_shown_without_the_password(text: str, shown: str) -> None:
    location = Location.parse(text)
    assert str(location) == shown
    typed = Location.parse(address(location))
    assert is_same_place(typed, location)
    assert str(typed).replace("line@", "line:***@") == shown.replace("line@", "line:***@")
    assert "s3c" not in address(location)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("u@a,b/claims", "u@b:5432,a/claims?target_session_attrs=read-write", True),
        ("u@a,b/claims?sslmode=require", "other@B/claims", True),
        ("u@a,b/claims", "u@/claims?host=a", True),
        ("u@a,b/claims", "u@a:5433,c/claims", False),
        ("u@a,b/claims", "u@a,b/others", False),
        ("u@a/claims", "u@b/claims", False),
        ("u@a,b/claims", "u@a,b/claims?options=-csearch_path%3Dother", False),
    ],
)
def test_a_ledger_is_the_same_whichever_of_its_hosts_was_named(one: str, other: str, same: bool) -> None:
    one, other = f"postgresql://{one}", f"postgresql://{other}"
    assert is_same_place(Location.parse(one), Location.parse(other)) is same
    assert is_same_place(Location.parse(other), Location.parse(one)) is same


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("postgresql://ann:s3cret,db/claims", "port that is not the number"),
        ("postgresql://a:0,b/claims", "port that is not the number"),
        ("postgresql://a:65536,b/claims", "port that is not the number"),
        pytest.param(f"postgresql://a:{'1' * 5000},b/claims", "port that is not the number", id="a very long port"),
        ("postgresql://a,/claims", "host that is not the name"),
        ("postgresql://a,b;password=s3cret/claims", "host that is not the name"),
        ("postgresql://a,b,a:/claims", "one of its hosts twice"),
        ("postgresql://a,b/claims?host=c", "hosts in two places"),
        ("postgresql://a/claims?host=b,c", "hosts in two places"),
        ("postgresql://a,b/claims?port=5433", "hosts in two places"),
        ("postgresql:///claims?host=a:1,b&port=1,2", "ports in two places"),
        ("postgresql:///claims?host=a,b&port=1,2,3", "as many ports as hosts"),
        ("postgresql:///claims?host=a,b&hostaddr=10.0.0.1", "as many addresses"),
        ("postgresql://a,b/claims?target_session_attrs=readwrite", "write target_session_attrs=read-write"),
        ("postgresql://a/claims?target_session_attrs=prefer-standby", "write target_session_attrs=read-write"),
    ],
)
def test_hosts_that_are_none_are_told_in_a_sentence(text: str, problem: str) -> None:
    with pytest.raises(LedgerError, match=f"^The ledger's URL .*{problem}") as caught:
        Location.parse(text)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("mysql://ann:s3cret@db/line", "or a path"),
        ("POSTGRESQL://ann:s3cret@db/line", "write postgresql://"),
        ("postgresql:/ann:s3cret@db/line", "write postgresql://"),
        ("postgresql:ann:s3cret@db/line", "write postgresql://"),
        ("Postgres:/ann:s3cret@db/line", "write postgresql://"),
        ("postgres:\\\\ann:s3cret@db", "write postgresql://"),
        ("jdbc:postgresql://db/line?user=ann&password=s3cret", "write postgresql://"),
        ("mysql:ann:s3cret@db", "write postgresql://"),
        ("//ann:s3cret@db/line", "write postgresql://"),
        ("ann:s3cret@db/line", "write postgresql://"),
        ("db:5432/s3cret", "write postgresql://"),
        ("host=db dbname=line password=s3cret", "write postgresql://"),
        ("password = s3cret", "write postgresql://"),
        ("postgresql//ann:s3cret@db/line", "write postgresql://"),
        ("postgresql;//ann:s3cret@db/line", "write postgresql://"),
        ("a:s3cret@db/line", "write postgresql://"),
        ("ann@s3cret:5432/db", "write postgresql://"),
        ("ledger password: s3cret", "write postgresql://"),
        ("my Password s3cret", "write postgresql://"),
        ("my ledger: s3cret", "write postgresql://"),
        ("postgresql ://ann:s3cret@db/line", "URL cannot be read"),
        ("postgresql://ann/s3cret@db/line", "options after a question mark"),
        ("sqlite:///ann:s3cret@db/line", "write postgresql://"),
        ("line password='s3cret' host=db", r"\./ before the name of a file"),
        ("sqlite:/srv/line.db", "sqlite:////PATH, or a path"),
        ("SQLite:///srv/line.db", "sqlite:////PATH, or a path"),
        ("file:/srv/line.db", "or a path"),
        ("postgresql://ann:x@db/line&password=s3cret", "options after a question mark"),
        ("postgresql://ann:x@db/line;password=s3cret", "options after a question mark"),
        ("postgresql://ann;password=s3cret@db/line", "options after a question mark"),
        ("postgresql://ann:s3cret@db:port/line", "write postgresql://"),
        ("://s3cret", "write postgresql://"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite://host/line.db", "names no file"),
        ("/srv/\0", "absolute path"),
    ],
)
def test_a_location_that_is_none_says_how_to_write_one_and_repeats_no_password(text: str, remedy: str) -> None:
    with pytest.raises(LedgerError, match=remedy) as caught:
        Location.parse(text)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("name", ["host=x", "postgresql:", "a://b.db", "user:password@db", "12:30.db"])
def test_a_file_may_have_a_name_like_an_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    assert Location.parse(f"./{name}") == Location.parse(str(path)) == Location.parse(path) == Location(path=path)
    assert Location.parse("ledger 2=3.db").path == tmp_path / "ledger 2=3.db"


def test_a_server_that_does_not_answer_is_one_sentence() -> None:
    with pytest.raises(LedgerError, match=r"/line cannot be reached: .*; check that the server runs") as caught:
        Ledger("postgresql://ann:s3cret@127.0.0.1:1/line")
    assert str(caught.value).startswith("The ledger postgresql://ann:***@127.0.0.1:1/line ")
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("query", ["foo=bar", "connect_timeout=soon", "sslmode=some"])
def test_options_that_a_server_does_not_know_are_one_sentence_without_the_password(query: str) -> None:
    with pytest.raises(LedgerError, match="cannot be reached: ") as caught:
        Ledger(f"postgresql://ann@127.0.0.1:1/line?password=s3cret&{query}")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("timeout", ["soon", "0", "nan", "inf", "1e300"])
def test_a_time_for_several_hosts_that_is_none_is_one_sentence(timeout: str) -> None:
    with pytest.raises(LedgerError, match=r"has a connect_timeout that is not a number of seconds; correct its URL\.$"):
        Ledger(f"postgresql://127.0.0.1:1,127.0.0.1:2/line?connect_timeout={timeout}")


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerError, match=r"lacks psycopg, needed for a ledger on PostgreSQL; .*pip install -r"):
        Ledger("postgresql://ann@127.0.0.1:1/line")


def test_warming_up_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    warm_up()
    assert list(tmp_path.iterdir()) == []
