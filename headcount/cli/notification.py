"""The notification: the verdict of a run, posted to a webhook.

The URL comes from the environment alone. Whoever knows it can post, so no command line, option file
or message contains it.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from headcount.console import Console
from headcount.errors import UsageError
from headcount.http_url import is_http_url
from headcount.run.folder import RunFolder
from headcount.run.verdict import StoredVerdict, read_verdict

VARIABLE = "HEADCOUNT_WEBHOOK_URL"
TIMEOUT_S = 5.0


def webhook_url(environ: Mapping[str, str]) -> str:
    """Return the URL; empty if none is set. UsageError, without the URL, if it is invalid."""
    url = environ.get(VARIABLE, "").strip()
    if url and not is_http_url(url):
        raise UsageError(f"{VARIABLE} must be http://… or https://…")
    return url


def title_of(verdict: StoredVerdict) -> str:
    """Return one line with the label and the run."""
    return f"{verdict.label.mark} {verdict.label.value}: run {verdict.run_id}"


def message_of(verdict: StoredVerdict, exit_code: int, summary: str) -> dict[str, Any]:
    """Return what is posted; `text` is what Slack, Mattermost and Teams show."""
    return {
        "text": "\n".join((title_of(verdict), *verdict.reasons)),
        "run_id": verdict.run_id,
        "scenario": verdict.scenario,
        "verdict": verdict.label.words,
        "exit_code": exit_code,
        "reasons": list(verdict.reasons),
        "counts": verdict.counts,
        "summary": summary,
    }


def notify(url: str, folder: RunFolder, exit_code: int, console: Console) -> None:
    """Post a run's verdict, if there is a URL; a webhook that fails only adds a line of output."""
    verdict = read_verdict(folder.path) if url else None
    if verdict is None:
        return
    try:
        summary = (folder.path / "summary.md").read_text("utf-8")
        body = json.dumps(message_of(verdict, exit_code, summary)).encode()
        _post(url, body)
    except urllib.error.URLError as error:
        _report(url, error.reason, console)
    except (OSError, http.client.HTTPException) as error:
        _report(url, error, console)


def _post(url: str, body: bytes) -> None:
    """Post JSON. Raises OSError, of which URLError is one, and HTTPException."""
    request = urllib.request.Request(  # noqa: S310 - `webhook_url` checks the scheme
        url, body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310 - as above
        pass


def _report(url: str, reason: object, console: Console) -> None:
    host = urlsplit(url).hostname
    console.error(f"the verdict cannot be posted to the webhook at {host}: {reason}")
