"""The notification by apprise: what is sent, and that no message has a URL."""

import importlib
import io
import sys
from collections.abc import Mapping

import pytest
import rich.console

from headcount.cli import apprise_notification
from headcount.cli.apprise_notification import VARIABLE, notify_receivers, receivers_of
from headcount.console import Console
from headcount.errors import UsageError
from headcount.run.folder import RunFolder
from headcount.stack.ports import LOOPBACK, free_port
from tests.headcount.cli.test_notification import REASON, SECRET, folder, webhook
from tests.headcount.telemetry.export.receivers import hanging_receiver

__all__ = ["folder"]

# apprise loads all its services at once, some of which use what Python 3.13 has removed.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def errors_of(environ: Mapping[str, str], folder: RunFolder) -> str:
    """Send the verdict, and return what was printed."""
    printed = io.StringIO()
    console = Console(err=rich.console.Console(file=printed, width=200), quiet=True)
    notify_receivers(receivers_of(environ), folder, console)
    return printed.getvalue()


def as_json(url: str) -> str:
    """Return apprise's URL of a service that takes its messages as JSON."""
    return url.replace("http://", "json://")


def test_the_verdict_is_sent_to_all(folder: RunFolder) -> None:
    """With the reasons and the summary, and how bad it is."""
    with webhook() as (first, posted), webhook() as (second, more):
        urls = f"{as_json(first)}\n{as_json(second)}"
        (folder.path / "summary.md").write_text("## FAIL\n\n2 of 9 lost\n")
        assert errors_of({VARIABLE: urls}, folder) == ""
    (message,) = posted
    assert (message["title"], message["type"]) == ("✗ FAIL: run run-1", "failure")
    assert message["message"] == f"- {REASON}\n\n\n2 of 9 lost"
    assert more == posted


def test_a_receiver_that_fails_is_one_line(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it refuses, is gone or hangs; it names the service, and nothing of its URL."""
    monkeypatch.setattr(apprise_notification, "TIMEOUT_S", 1.0)
    with webhook(status=404) as (refusing, _), hanging_receiver() as hanging:
        gone = f"http://{LOOPBACK}:{free_port()}/{SECRET}"
        for url in (refusing, gone, f"{hanging.address}/{SECRET}"):
            text = errors_of({VARIABLE: as_json(url)}, folder)
            assert text.startswith("the verdict cannot be sent to JSON: ")
            assert text.count("\n") == 1
            assert SECRET not in text
    assert caplog.text == ""


def test_nothing_is_sent_without_urls(folder: RunFolder) -> None:
    """Nor is apprise needed then."""
    assert receivers_of({}) is None
    assert errors_of({VARIABLE: " "}, folder) == ""


def test_a_mistaken_url_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    """It may be a secret all the same; its number says which."""
    environ = {VARIABLE: f"json://{LOOPBACK} very-secret"}
    with pytest.raises(UsageError, match="URL 2 of 2 is not a URL that apprise knows") as error:
        receivers_of(environ)
    assert "very-secret" not in f"{error.value}{caplog.text}"


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    importlib.invalidate_caches()
    with pytest.raises(UsageError, match=r"needs the package apprise: pip install 'headcount\["):
        receivers_of({VARIABLE: "json://x"})
