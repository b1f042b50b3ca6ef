"""The header `traceparent`: whose span it names, and which spans stand for requests."""

import pytest

from headcount.run.trace_context import SpanIds, parent_span, span_id_of

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_the_span_of_the_caller() -> None:
    """Its trace and its own id; a later version of the format may add to them."""
    for header in (f"00-{TRACE_ID}-{SPAN_ID}-01", f"01-{TRACE_ID}-{SPAN_ID}-01-more"):
        assert parent_span(header) == SpanIds(TRACE_ID, SPAN_ID)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "on",
        f"00-{TRACE_ID}-{SPAN_ID}",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
    ],
)
def test_an_invalid_header_names_none(header: str) -> None:
    """Nor does one whose ids are all zeros, which stand for none."""
    assert parent_span(header) is None


def test_the_span_of_a_request_is_valid() -> None:
    """It is the end of the trace-id, unless that is all zeros."""
    assert span_id_of(TRACE_ID) == TRACE_ID[16:]
    assert span_id_of("1" * 16 + "0" * 16) == "0" * 15 + "1"
