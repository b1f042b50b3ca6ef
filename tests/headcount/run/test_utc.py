"""Times for readers are in UTC."""

from headcount.run.utc import between, clock_text

AT_NS = 1_700_000_000_120_000_000
SECOND_NS = 10**9


def test_a_date_is_in_utc() -> None:
    """Whatever the zone; a text that is not a time is shown unchanged."""
    assert clock_text("2026-11-30T02:16:37.812+01:00") == "2026-11-30 01:16:37 UTC"
    assert clock_text("2023-11-14T22:13:20Z") == "2023-11-14 22:13:20 UTC"
    assert clock_text("<today>") == "<today>"


def test_a_span_names_the_day_only_if_it_ends_on_another() -> None:
    """A span of one moment is that moment."""
    assert between(AT_NS, AT_NS) == "22:13:20.120 UTC"
    assert between(AT_NS, AT_NS + 7 * SECOND_NS) == "22:13:20 to 22:13:27 UTC"
    assert between(AT_NS, AT_NS + SECOND_NS) == "22:13:20.120 to 22:13:21.120 UTC"
    late = between(AT_NS, AT_NS + 7200 * SECOND_NS)
    assert late == "22:13:20 to 2023-11-15 00:13:20 UTC"
