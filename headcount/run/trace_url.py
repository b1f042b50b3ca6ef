"""The trace URL: where a request's trace is shown, by the trace-id that is its id. Pure."""

import re

from headcount.errors import UsageError
from headcount.run.id_form import IdForm

PLACEHOLDER = "{trace_id}"
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_RULE = f"--trace-url must be a URL that contains {PLACEHOLDER}"


def parse_trace_url(text: str) -> str:
    """Return a URL with a place for the trace-id, or an empty text. UsageError if it has none."""
    if text and not _is_valid(text):
        raise UsageError(f"{_RULE}, such as https://traces.test/trace/{PLACEHOLDER}, got {text!r}")
    return text


def _is_valid(text: str) -> bool:
    return text.startswith(("http://", "https://")) and PLACEHOLDER in text


def check_trace_url(text: str, form: IdForm) -> None:
    """Raise UsageError if the URL is not valid, or if ids are not trace-ids."""
    if parse_trace_url(text) and form is not IdForm.TRACE:
        raise UsageError("--trace-url needs --id-form trace: add that, or leave --trace-url out")


def trace_link(url: str, event_id: str) -> str:
    """Return the URL of a request's trace; empty without a valid URL and a trace-id.

    The URL in a run's manifest and the ids in messages may have been written by anyone.
    """
    is_known = _is_valid(url) and _TRACE_ID.fullmatch(event_id)
    return url.replace(PLACEHOLDER, event_id) if is_known else ""
