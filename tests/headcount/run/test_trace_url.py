"""The trace URL: what is accepted, and which ids become links."""

import pytest

from headcount.errors import UsageError
from headcount.run.id_form import IdForm
from headcount.run.trace_url import check_trace_url, parse_trace_url, trace_link

URL = "https://traces.test/trace/{trace_id}?limit=1"
TRACE_ID = "0123456789abcdef0123456789abcdef"


def test_a_trace_has_a_link() -> None:
    """The id stands where the placeholder was."""
    assert trace_link(URL, TRACE_ID) == f"https://traces.test/trace/{TRACE_ID}?limit=1"


@pytest.mark.parametrize("event_id", ["", "tag.0.1", f"{TRACE_ID}/../x", TRACE_ID.upper()])
def test_no_other_id_has_one(event_id: str) -> None:
    """An id from a message may be any text, and so may the URL in a folder from elsewhere."""
    assert trace_link(URL, event_id) == ""
    assert trace_link("", TRACE_ID) == ""
    assert trace_link("javascript:alert('{trace_id}')", TRACE_ID) == ""


@pytest.mark.parametrize(
    "text", ["https://traces.test/", "{trace_id}", "javascript:alert('{trace_id}')"]
)
def test_a_mistaken_url_is_named(text: str) -> None:
    """With the rule and an example."""
    with pytest.raises(UsageError, match=r"must be a URL that contains \{trace_id\}"):
        parse_trace_url(text)


def test_it_needs_trace_ids() -> None:
    """Other ids lead to no trace."""
    check_trace_url(URL, IdForm.TRACE)
    check_trace_url("", IdForm.PLAIN)
    with pytest.raises(UsageError, match="--trace-url needs --id-form trace"):
        check_trace_url(URL, IdForm.UUID)
