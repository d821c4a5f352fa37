# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real browser with somebody in front of it: headless Chromium, by the Chrome DevTools Protocol over its pipe."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

PATIENCE_SECONDS = 60
_SHELL = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null'
"""The browser's pipe is at descriptors 3 and 4."""
_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--remote-debugging-pipe"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--lang=en-US"),
)

LEAST_CONTRAST = 4.5
"""That of the WCAG's level AA for text of any size."""
CONTRASTS = """(() => {
  const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = (colour) => numbers(colour).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
  };
  const found = {};
  for (const element of document.querySelectorAll("h1, h2, p, li, li *, span, b, button, input, label, th, td, td *")) {
    if (!element.checkVisibility() || !(element.innerText || element.placeholder)) continue;
    const both = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
    found[element.id || element.className || element.tagName] = (both[0] + 0.05) / (both[1] + 0.05);
  }
  return found;
})()"""


def browser_program() -> str:
    """Return the path of the browser; skips the test where there is none."""
    found = map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))
    program = next(filter(None, found), None)
    if program is None:
        pytest.skip("the Debian package chromium-headless-shell is not installed")
    return program


class WentAwayError(RuntimeError):
    """The page went to another one before it answered."""


class Browser:
    """One page: `with Browser(folder) as browser`. `names` (a name, an address) resolve as they say."""

    def __init__(self, folder: Path, **names: str) -> None:
        rules = ", ".join(f"MAP {name} {address}" for name, address in names.items())
        self._command = [browser_program(), *_QUIET, f"--user-data-dir={folder}", f"--host-resolver-rules={rules}"]
        self._log = (folder.parent / f"{folder.name}.log").open("wb")
        self._received = b""
        self._number = 0
        self._session = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _SHELL, "sh", *self._command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()  # with its pipe the browser ends
        self._process.stdout.close()
        try:
            self._process.wait(PATIENCE_SECONDS)
        finally:
            self._process.kill()
            self._log.close()

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Have the browser do something, and return its answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        self._process.stdin.flush()
        while (answer := self._read()).get("id") != self._number:
            pass  # an event
        if "error" in answer:
            raise (WentAwayError if "navigated" in answer["error"]["message"] else RuntimeError)(method, answer)
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, url: str) -> None:
        """Go to `url`, and return when its page is there."""
        failed = self.call("Page.navigate", url=url).get("errorText")
        assert not failed, failed
        self.wait_for("document.readyState === 'complete'")

    def run(self, expression: str) -> Any:
        """Return what a JavaScript expression, or its promise, comes to in the page."""
        done = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Return when the JavaScript `condition` holds in the page, also where it goes to another page meanwhile."""
        look = f"if ({condition}) resolve(true); else if (Date.now() > end) resolve(false); else setTimeout(look, 20);"
        waiting = f"const end = Date.now() + {PATIENCE_SECONDS * 1000}; (function look() {{ {look} }})();"
        while True:
            try:
                holds = self.run(f"new Promise((resolve) => {{ {waiting} }})")
            except WentAwayError:
                continue
            assert holds, f"{condition} did not come to hold; the page says: {self.text()}"
            return

    def text(self, selector: str = "body") -> str:
        """Return what a person reads in an element."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def is_shown(self, selector: str) -> bool:
        """Say whether a person sees an element."""
        return bool(self.run(f"document.querySelector({json.dumps(selector)}).checkVisibility()"))

    def click(self, selector: str) -> None:
        """Click into the middle of an element."""
        found = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        x, y = self.run(f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({found})")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def write(self, selector: str, text: str) -> None:
        """Write `text` into a field in place of what stands there, and press Enter."""
        self.click(selector)
        self.run(f"document.querySelector({json.dumps(selector)}).select()")
        self.call("Input.insertText", text=text)
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
            )

    def prefer(self, scheme: str) -> None:
        """Have whoever looks prefer `light` or `dark`."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def resize(self, width: int, height: int) -> None:
        """Have a window of so many pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def photograph(self, path: Path) -> None:
        """Save what is seen as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def print(self) -> bytes:
        """Return the page as a PDF, as a person saves it with the browser's own dialogue for printing."""
        done = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(done["data"])

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        while b"\0" not in self._received:
            if not select.select([self._process.stdout], [], [], 2 * PATIENCE_SECONDS)[0]:
                raise TimeoutError("the browser does not answer")
            data = os.read(self._process.stdout.fileno(), 65536)
            assert data, "the browser ended; its log says why"
            self._received += data
        message, _mark, self._received = self._received.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer
