"""The notification: what is posted, and that a webhook that fails is one line without its URL."""

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import rich.console

from headcount.cli.notification import VARIABLE, notify, webhook_url
from headcount.console import Console
from headcount.errors import UsageError
from headcount.run.folder import RunFolder
from headcount.stack.ports import LOOPBACK, free_port
from tests.headcount.telemetry.sample import COUNTS, verdict_document

SECRET = "services/T0/very-secret"  # noqa: S105 - not a real secret
REASON = "2 acknowledged events are lost"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run that is judged."""
    document = verdict_document(reasons=[REASON], scenario="shop.py")
    (tmp_path / "verdict.json").write_text(json.dumps(document))
    (tmp_path / "summary.md").write_text("## FAIL\n")
    return RunFolder(tmp_path)


@contextmanager
def webhook(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Receive posts until the block ends; yield the URL and what was posted."""
    posted: list[dict[str, Any]] = []

    class WebhookHandler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer((LOOPBACK, 0), WebhookHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_address[1]}/{SECRET}", posted
        finally:
            server.shutdown()
            thread.join()


def errors_of(url: str, folder: RunFolder) -> str:
    """Post the verdict, and return what was printed."""
    printed = io.StringIO()
    console = Console(err=rich.console.Console(file=printed, width=200), quiet=True)
    notify(url, folder, 1, console)
    return printed.getvalue()


def test_the_verdict_is_posted(folder: RunFolder) -> None:
    """With the reasons as a text, the counts, and the summary."""
    with webhook() as (url, posted):
        assert errors_of(url, folder) == ""
    (message,) = posted
    assert message["text"] == f"✗ FAIL: run run-1\n{REASON}"
    assert (message["verdict"], message["exit_code"], message["counts"]) == ("fail", 1, COUNTS)
    assert (message["scenario"], message["summary"]) == ("shop.py", "## FAIL\n")


def test_a_webhook_that_fails_is_one_line(folder: RunFolder) -> None:
    """Whether it refuses or is gone; the line names its host, and not its URL."""
    with webhook(status=404) as (url, _):
        refused = errors_of(url, folder)
    gone = errors_of(f"http://{LOOPBACK}:{free_port()}/{SECRET}", folder)
    start = f"the verdict cannot be posted to the webhook at {LOOPBACK}: "
    for text, reason in ((refused, "Not Found"), (gone, "refused")):
        assert text.startswith(start)
        assert text.count("\n") == 1
        assert reason in text
        assert SECRET not in text


def test_without_a_url_or_a_verdict_nothing_is_posted(folder: RunFolder, tmp_path: Path) -> None:
    """And nothing is printed."""
    assert errors_of("", folder) == ""
    with webhook() as (url, posted):
        assert errors_of(url, RunFolder(tmp_path / "none")) == ""
    assert posted == []


@pytest.mark.parametrize("text", ["very-secret", "file:///very-secret", "http://[very-secret"])
def test_a_mistaken_url_is_not_repeated(text: str) -> None:
    """It may be a secret all the same."""
    with pytest.raises(UsageError, match="must be http://") as error:
        webhook_url({VARIABLE: text})
    assert "very-secret" not in str(error.value)
    assert webhook_url({}) == ""
