# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels through a real CUPS: a server of the test's own, a raw queue, and a printer behind it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.printers import open_printer
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.errors import PrintError
from tests.services.label_printer import LabelPrinter

PATH = f"{os.environ['PATH']}:/usr/sbin"

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or not shutil.which("cupsd", path=PATH) or not shutil.which("lpadmin", path=PATH),
    reason="needs root and the Debian packages cups-daemon and cups-client",
)


def answers() -> bool:
    """Whether the server answers; `lpstat -r` says it in words alone, its exit status is 0 either way."""
    english = {**os.environ, "LC_ALL": "C"}
    asked = subprocess.run(["lpstat", "-r"], capture_output=True, text=True, check=False, env=english)
    return asked.stdout.strip() == "scheduler is running"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A CUPS server with everything in a folder of its own; the tools find it by its socket."""
    with tempfile.TemporaryDirectory(prefix="cups-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        socket = folder / "sock"
        (folder / "cupsd.conf").write_text(
            f"Listen {socket}\nBrowsing Off\nLogLevel warn\nDefaultAuthType None\n"
            "<Location />\nOrder deny,allow\n</Location>\n"
            "<Policy default>\n<Limit All>\nOrder deny,allow\n</Limit>\n</Policy>\n"
        )
        places = {"CacheDir": "cache", "StateDir": "state", "RequestRoot": "spool", "ServerRoot": "."}
        logs = {f"{kind}Log": f"{kind.lower()}.log" for kind in ("Access", "Error", "Page")}
        lines = [f"{option} {folder / place}" for option, place in (places | logs).items()]
        (folder / "cups-files.conf").write_text("\n".join(lines) + "\n")
        for place in ("cache", "state", "spool"):
            (folder / place).mkdir()
        process = subprocess.Popen(
            ["cupsd", "-f", "-c", folder / "cupsd.conf", "-s", folder / "cups-files.conf"],
            env={**os.environ, "PATH": PATH},
            stdin=subprocess.DEVNULL,
        )
        monkeypatch.setenv("CUPS_SERVER", str(socket))
        monkeypatch.setenv("PATH", PATH)
        try:
            deadline = time.monotonic() + 120
            while not answers():
                assert process.poll() is None and time.monotonic() < deadline, (folder / "error.log").read_text()
                time.sleep(0.05)
            yield str(socket)
        finally:
            process.terminate()
            process.wait(60)


def test_labels_reach_the_printer_behind_a_queue_whole_and_in_order(tmp_path: Path, server: str) -> None:
    with LabelPrinter(tmp_path / "paper") as paper:
        subprocess.run(["lpadmin", "-p", "labels", "-E", "-v", paper.address, "-m", "raw"], check=True)
        labels = [b"^XA^FDlabel %d^FS^XZ\n" % number for number in range(3)]
        for label in labels:
            open_printer("cups:labels").send(label, "label of '-d x; $(id)")
        paper.wait_for(3)
        assert paper.labels() == labels


def test_a_queue_that_is_not_there_or_takes_nothing_is_an_error(tmp_path: Path, server: str) -> None:
    with pytest.raises(PrintError, match=r"The queue nowhere did not take the label.*does not exist"):
        open_printer("cups:nowhere").send(b"^XA^XZ", "label")
    subprocess.run(["lpadmin", "-p", "shut", "-E", "-v", "socket://127.0.0.1:9", "-m", "raw"], check=True)
    subprocess.run(["cupsreject", "shut"], check=True)
    with pytest.raises(PrintError, match="The queue shut did not take the label"):
        open_printer("cups:shut").send(b"^XA^XZ", "label")
