"""The history page: made by `headcount history`, one process at a time, with a time limit.

The page is made when a reader opens it, by POST, so that other sites cannot start the process. A
GET shows it as it was last made.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Response, abort, redirect, render_template
from gevent.lock import BoundedSemaphore

from headcount.plugin.missing_verifier import why_not_verifiable

UPDATE = "/history/update"
"""The route that makes the page."""

TIMEOUT_S = 60.0

_LINKS = "./runs"  # where the page's links to reports lead


def views(
    reports: Path, sandboxed: Callable[[Response], Response]
) -> dict[str, Callable[..., Any]]:
    """Return the views by route; `sandboxed` keeps a page from accessing this site."""
    made = HistoryPage(reports)

    def update() -> Response:
        return Response(*made.update(), mimetype="text/plain")

    def page() -> Response:
        return sandboxed(Response(made.content)) if made.content else abort(HTTPStatus.NOT_FOUND)

    return {
        "/history": lambda: render_template("headcount/history.html"),
        UPDATE: update,
        "/history.html": page,
        # A report links to ../history.html, as if the page were a file beside the runs.
        "/runs/history.html": lambda: redirect("../history"),
    }


@dataclass(slots=True)
class HistoryPage:
    """The page of a reports folder, as it was last made; empty until then."""

    reports: Path
    content: str = ""
    _lock: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(1))

    def update(self, timeout_s: float = TIMEOUT_S) -> tuple[str, HTTPStatus]:
        """Rebuild the page; return the reason if that failed (else empty), and the HTTP status."""
        if why_not := why_not_verifiable("history"):
            return why_not, HTTPStatus.CONFLICT
        if not self._lock.acquire(blocking=False):
            return (
                "the page is already being made for another request: try again soon",
                HTTPStatus.TOO_MANY_REQUESTS,
            )
        try:
            return self._made(timeout_s)
        finally:
            self._lock.release()

    def _made(self, timeout_s: float) -> tuple[str, HTTPStatus]:
        place = ["--reports-dir", str(self.reports)]
        command = [sys.executable, "-m", "headcount", "history", *place, "--links", _LINKS]
        try:
            done = subprocess.run(
                [*command, "--html", "-"],
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired:
            by_hand = f"headcount history {' '.join(place)} --html FILE"
            why = f"it took longer than {timeout_s:g} s: run {by_hand}, which has no time limit"
            return why, HTTPStatus.GATEWAY_TIMEOUT
        if done.returncode:
            return done.stderr, HTTPStatus.CONFLICT
        self.content = done.stdout
        return "", HTTPStatus.OK
