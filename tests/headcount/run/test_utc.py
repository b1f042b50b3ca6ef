"""Times for readers are in UTC."""

from headcount.run.utc import clock_text


def test_a_date_is_in_utc() -> None:
    """Whatever the zone; what is no time is shown as it is."""
    assert clock_text("2026-11-30T02:16:37.812+01:00") == "2026-11-30 01:16:37 UTC"
    assert clock_text("2023-11-14T22:13:20Z") == "2023-11-14 22:13:20 UTC"
    assert clock_text("<today>") == "<today>"
