"""Drives Chromium over a pipe: page load times, screenshots and PDFs.

The protocol is Chrome DevTools (chromedevtools.github.io/devtools-protocol): JSON messages, each
terminated by a zero byte, over the file descriptors 3 and 4. It needs neither a network nor a
package.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headcount.errors import UsageError

TIMEOUT_S = 60.0
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--remote-debugging-pipe", "--disable-dev-shm-usage"),
)
_PHONE_PX = 600
_TIMES = """
(() => { const timing = performance.getEntriesByType("navigation")[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return JSON.stringify({load_ms: timing.loadEventEnd, paint_ms: paint ? paint.startTime : 0,
    nodes: document.getElementsByTagName("*").length}); })()
"""


@dataclass(frozen=True, slots=True)
class PageTiming:
    """Times from navigation to first paint and to the load event, in ms by the page's clock.

    `nodes` is the number of its elements.
    """

    paint_ms: float
    load_ms: float
    nodes: int


@dataclass(slots=True)
class Chromium:
    """A running browser."""

    to: int
    back: int
    number: int = 0
    unread: bytes = b""
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result. Raises RuntimeError if it fails."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def open(self, url: str) -> PageTiming:
        """Open a page, and wait until it has loaded."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            times = json.loads(self.evaluate(_TIMES))
            if times["load_ms"] and (times["paint_ms"] or not times["nodes"] > 3):  # noqa: PLR2004
                return PageTiming(**times)
            time.sleep(0.02)
        raise RuntimeError(f"{url} did not load within {TIMEOUT_S:g} s")

    def evaluate(self, expression: str) -> Any:
        """Evaluate a JavaScript expression in the page."""
        return self.call("Runtime.evaluate", expression=expression)["result"].get("value")

    def show_as(self, width: int, *, scheme: str = "light", media: str = "screen") -> None:
        """Set the page's width, colour scheme and medium."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """Save a screenshot as PNG: the whole page, or the visible part."""
        taken = self.call(
            "Page.captureScreenshot", captureBeyondViewport=whole, **self._clip(whole)
        )
        path.write_bytes(base64.b64decode(taken["data"]))

    def _clip(self, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {**size, "scale": 1}}

    def pdf(self, path: Path) -> None:
        """Save the page as PDF."""
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF")["data"]))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.back], [], [], TIMEOUT_S)
            chunk = os.read(self.back, 1 << 20) if ready else b""
            if not chunk:
                raise RuntimeError(f"chromium sent nothing for {TIMEOUT_S:g} s, or exited")
            self.unread += chunk
        message, _, self.unread = self.unread.partition(b"\0")
        decoded: dict[str, Any] = json.loads(message)
        return decoded


@contextlib.contextmanager
def chromium() -> Iterator[Chromium]:
    """Run a browser with its own profile for the block. Raises UsageError if there is none."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise UsageError("no chromium on PATH; install it (Debian: apt install chromium)")
    (its_in, to), (back, its_out) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # The browser reads descriptor 3 and writes descriptor 4; sh has none above 9.
        script = f'exec "$0" "$@" 3<&{its_in} 4>&{its_out}'
        command = ["bash", "-c", script, program, *_OPTIONS, f"--user-data-dir={profile}"]
        process = subprocess.Popen(
            command, pass_fds=(its_in, its_out), stderr=subprocess.DEVNULL, env=dict(os.environ)
        )
        os.close(its_in)
        os.close(its_out)
        try:
            yield _attached(Chromium(to, back))
        finally:
            os.close(to)
            process.terminate()
            process.wait(TIMEOUT_S)
            os.close(back)


def _attached(browser: Chromium) -> Chromium:
    """Open a tab and attach to it."""
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
    browser.session = attached["sessionId"]
    browser.call("Page.enable")
    return browser
