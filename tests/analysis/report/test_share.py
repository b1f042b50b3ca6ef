"""Shares: how many of the attempts that could have a class have it, in percent and as one in N."""

import pytest
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.report.share import share_of_class

COUNTS = Counts(attempted=1400, acked=1337, delivered=1314, lost=23, absent=63, corrupted=10)


@pytest.mark.parametrize(
    ("counts", "name", "share"),
    [
        (COUNTS, "lost", "1.72 % of acknowledged, 1 in 58"),
        (COUNTS, "absent", "4.5 % of attempted, 1 in 22"),
        (COUNTS, "corrupted", "0.761 % of those in the topic, 1 in 131"),
        (COUNTS, "duplicated", ""),
        (Counts(acked=3, lost=3), "lost", ""),
        (Counts(acked=3, lost=2, delivered=1), "lost", "66.7 % of acknowledged, 1 in 2"),
        (Counts(acked=4, lost=3, delivered=1), "lost", "75 % of acknowledged"),
        (Counts(acked=10**5, lost=10**5 - 1), "lost", "99.9 % of acknowledged"),
        (Counts(acked=10**7, lost=1), "lost", "under 0.0001 % of acknowledged, 1 in 10,000,000"),
    ],
)
def test_the_share_is_of_what_could_have_it(counts: Counts, name: str, share: str) -> None:
    """Neither none nor all has a share; some is never rounded to none, nor most to all."""
    assert share_of_class(counts, name) == share
