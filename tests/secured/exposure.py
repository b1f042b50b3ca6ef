"""Exposure: where secrets turn up that should be seen by nobody."""

import contextlib
import json
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import psutil

SCAN_EVERY_S = 0.2
_UI_PORTS = range(4040, 4060)
_PAGES = ("jobs/", "stages/", "environment/", "executors/", "SQL/", "StreamingQuery/")
_PLANS = "sql?details=true&planDescription=true&length=1000"

Secrets = Callable[[], Iterable[str]]
"""Returns the secrets that exist by now."""


class Exposure:
    """Looks for secrets in the command lines and environments of all processes, and in web pages.

    `exposed` names each place with the secret's number, never the secret. `pages` are the names of
    the web pages that were read.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._over = threading.Event()
        self.exposed: set[str] = set()
        self.pages: set[str] = set()

    def scan_for_ever(self) -> None:
        """Scan until `stop`."""
        while not self._over.wait(SCAN_EVERY_S):
            self._scan()

    def stop(self) -> None:
        """Let the scanning end."""
        self._over.set()

    def check(self, where: str, content: bytes) -> None:
        """Look for the secrets in some content."""
        for number, secret in enumerate(self._secrets()):
            if secret.encode() in content:
                self.exposed.add(f"secret {number} in {where}")

    def check_files(self, folder: Path) -> None:
        """Look for the secrets in all files of a folder; the broker's own data may have them."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.check(str(path), path.read_bytes())

    def _scan(self) -> None:
        for process in psutil.process_iter():
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    content = Path(f"/proc/{process.pid}/{name}").read_bytes()
                    self.check(f"the {name} of {process.pid}", content)
                    if name == "cmdline" and b"SparkSubmit" in content:
                        self._check_spark(process)

    def _check_spark(self, process: psutil.Process) -> None:
        """Read the pages of Spark's web UI, if it has one."""
        with contextlib.suppress(psutil.Error):
            for connection in process.net_connections("inet"):
                is_open = connection.status == psutil.CONN_LISTEN
                if is_open and connection.laddr.port in _UI_PORTS:
                    with contextlib.suppress(OSError, ValueError, HTTPException):
                        self._check_pages(f"http://127.0.0.1:{connection.laddr.port}")

    def _check_pages(self, base: str) -> None:
        """Read Spark's pages, and what its API says of the queries and their plans."""
        (application,) = json.loads(self.check_page(base, "api/v1/applications"))
        api = f"api/v1/applications/{application['id']}"
        self.check_page(base, f"{api}/environment")
        queries = json.loads(self.check_page(base, f"{api}/{_PLANS}"))
        if queries:
            self.check_page(base, f"SQL/execution/?id={queries[-1]['id']}")
        for page in _PAGES:
            self.check_page(base, page)

    def check_page(self, base: str, page: str) -> bytes:
        """Look for the secrets in a web page; return it."""
        with urllib.request.urlopen(f"{base}/{page}", timeout=2) as answer:  # noqa: S310 - loopback
            content: bytes = answer.read()
        self.pages.add(page.partition("?")[0])
        self.check(f"{base}/{page}", content)
        return content


@contextmanager
def watched(secrets: Secrets) -> Iterator[Exposure]:
    """Scan in the background while the block runs."""
    exposure = Exposure(secrets)
    thread = threading.Thread(target=exposure.scan_for_ever, daemon=True)
    thread.start()
    try:
        yield exposure
    finally:
        exposure.stop()
        thread.join()
