"""Spans of time: read as they are written elsewhere, refused by name."""

import pytest

from headcount.errors import UsageError
from headcount.time_span import seconds_of, span_text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("500ms", 0.5), ("10s", 10), ("2m", 120), ("1h30m", 5400), ("1m30s", 90)),
        *(("0", 0), ("0s", 0), ("2.5s", 2.5), (" 8 ", 8)),
    ],
)
def test_a_span_is_read(text: str, seconds: float) -> None:
    """In any unit, in several, or in seconds without one."""
    assert seconds_of("--settle", text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "10 s", "ten", "10d", "1e3", "inf", "nan"])
def test_what_is_no_span_is_refused(text: str) -> None:
    """By the option's name, with what it may be."""
    with pytest.raises(UsageError, match="--settle must be a time such as 500ms, 10s or 2m"):
        seconds_of("--settle", text)


def test_a_span_is_written_for_readers() -> None:
    """To a tenth of a second, and what is shorter in ms."""
    assert [span_text(seconds) for seconds in (0, 0.04, 0.64, 10, 3600)] == [
        *("0 s", "40 ms", "0.6 s", "10 s", "3,600 s"),
    ]
