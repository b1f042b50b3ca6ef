"""Exposure: where secrets turn up that should be seen by nobody."""

import contextlib
import re
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import psutil

SCAN_EVERY_S = 0.2
_UI_PORTS = range(4040, 4060)
_PAGES = ("jobs/", "stages/", "environment/", "executors/", "SQL/", "StreamingQuery/")


class Exposure:
    """Looks for secrets in the command lines and environments of all processes, and in web pages.

    `exposed` names each place with the secret's number, never the secret.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = [secret.encode() for secret in secrets]
        self._over = threading.Event()
        self.exposed: set[str] = set()
        self.pages = 0

    def scan_for_ever(self) -> None:
        """Scan until `stop`."""
        while not self._over.wait(SCAN_EVERY_S):
            self._scan()

    def stop(self) -> None:
        """Let the scanning end."""
        self._over.set()

    def check(self, where: str, content: bytes) -> None:
        """Look for the secrets in some content."""
        for number, secret in enumerate(self._secrets):
            if secret in content:
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
                    for page in _PAGES:
                        self._check_page(f"http://127.0.0.1:{connection.laddr.port}/{page}")

    def _check_page(self, url: str) -> None:
        with (
            contextlib.suppress(OSError, ValueError, HTTPException),
            urllib.request.urlopen(url, timeout=0.5) as page,  # noqa: S310 - loopback
        ):
            content = page.read()
            if re.search(rb"spark", content, re.IGNORECASE):
                self.pages += 1
                self.check(url, content)


@contextmanager
def watched(secrets: Iterable[str]) -> Iterator[Exposure]:
    """Scan in the background while the block runs."""
    exposure = Exposure(secrets)
    thread = threading.Thread(target=exposure.scan_for_ever, daemon=True)
    thread.start()
    try:
        yield exposure
    finally:
        exposure.stop()
        thread.join()
