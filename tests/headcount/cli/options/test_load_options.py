"""The load's options: how long a load takes, as far as they say."""

import pytest

from headcount.cli.options.load_options import LoadOptions


@pytest.mark.parametrize(
    ("run_time", "rate", "shape", "length_s"),
    [
        (None, "", None, 30),
        ("1m30s", "", None, 90),
        ("45", "", None, 45),
        (None, "0/s..5/s:10s,5/s:20s", None, 30),
        ("15s", "5/s:20s", None, 15),
        (None, "5/s", None, 30),
        (None, "", "Spike", None),
        ("20s", "", "Spike", 20),
    ],
)
def test_how_long_a_load_takes(
    run_time: str | None, rate: str, shape: str | None, length_s: float | None
) -> None:
    """By its run time, the end of its rate, or the default; a load shape decides it itself."""
    options = LoadOptions(None, None, run_time, rate, None, None, None, "", None, ())
    assert options.length_s(shape) == length_s
