"""Send bins: each count belongs to the second in which its request was sent."""

from collections.abc import Iterable

import pytest

from headcount.monitor.progress import Progress
from headcount.monitor.send_bins import MOST_BINS, SendBin, SendBins
from headcount.monitor.seq_bitmap import pages_of

S = 1_000_000_000
BEGIN_NS = 1_000 * S + S // 3


def sent(
    bins: SendBins,
    starts: dict[int, int],
    begun: int,
    acked: Iterable[int] = (),
    *,
    generator: int = 0,
    late_s: float = 0,
) -> None:
    """Receive a report of a generator whose first request was sent some time after BEGIN_NS."""
    first_ns = BEGIN_NS + int(late_s * S)
    end_ns = first_ns + (max(starts, default=0) + 1) * S
    report = Progress(
        *(generator, {"sword": begun}, (), (), pages_of(acked)),
        *(end_ns / S, first_ns, end_ns - S // 4, starts),
    )
    bins.receive(report)


def counts(bins: SendBins, until_s: float | None = None) -> list[tuple[int, int, int]]:
    """Return the attempted, acknowledged and arrived events of each bin."""
    return [
        (send_bin.attempted, send_bin.acked, send_bin.arrived)
        for send_bin in bins.bins({}, until_s)[1]
    ]


def test_late_reports_draw_no_ramp() -> None:
    """Whatever arrives in one lump is spread over the seconds in which it was sent."""
    bins = SendBins()
    sent(bins, {0: 0, 1: 66, 2: 132}, 198, range(190))
    bins.add_arrived(0, pages_of(range(132)))
    assert counts(bins) == [(66, 66, 66), (66, 66, 66), (66, 58, 0)]
    sent(bins, {}, 198, range(190, 198))
    bins.add_arrived(0, pages_of(range(132, 198)))
    assert counts(bins) == [(66, 66, 66)] * 3


def test_events_that_arrive_before_their_report() -> None:
    """They count once their generator has reported them, so that none is above its attempts."""
    bins = SendBins()
    bins.add_arrived(0, pages_of(range(5)))
    assert counts(bins) == []
    sent(bins, {0: 0}, 3)
    assert counts(bins) == [(3, 0, 3)]
    sent(bins, {1: 4}, 5)
    assert counts(bins) == [(4, 0, 4), (1, 0, 1)]


def test_seconds_without_requests() -> None:
    """They are bins of their own, with nothing in them."""
    bins = SendBins()
    sent(bins, {0: 0, 3: 10}, 12, (9, 10))
    assert counts(bins) == [(10, 1, 0), (0, 0, 0), (0, 0, 0), (2, 1, 0)]


def test_pages_of_many_numbers() -> None:
    """A page of a bitmap may have many seconds, and a second many pages."""
    bins = SendBins()
    sent(bins, {0: 0, 1: 10_000, 2: 10_001}, 30_000, range(0, 30_000, 2))
    assert counts(bins) == [(10_000, 5_000, 0), (1, 1, 0), (19_999, 9_999, 0)]


def test_generators_are_added_up() -> None:
    """A generator that begins later is added from then on, by its own clock."""
    bins = SendBins()
    sent(bins, {0: 0, 1: 5, 2: 10}, 15)
    sent(bins, {0: 0, 1: 7}, 9, generator=1, late_s=1.1)
    bins.add_arrived(1, pages_of((0, 8)))
    assert counts(bins) == [(5, 0, 0), (12, 0, 1), (7, 0, 1)]


def test_missing_events_have_their_second() -> None:
    """That of their request."""
    bins = SendBins()
    sent(bins, {0: 0, 1: 5}, 10)
    _, shown = bins.bins({0: pages_of((4, 5, 6))})
    assert [send_bin.missing for send_bin in shown] == [1, 2]


def test_seconds_that_are_not_over_are_left_out() -> None:
    """Until a given time; a second without requests is shown all the same."""
    bins = SendBins()
    sent(bins, {0: 0, 1: 5}, 10)
    assert counts(bins, 1.9) == [(5, 0, 0)]
    assert counts(bins, 3.0) == [(5, 0, 0), (5, 0, 0), (0, 0, 0)]
    assert counts(bins, -1.0) == []


def test_when_the_last_request_was_sent() -> None:
    """The last second may not be whole, and its rate is of less than a second."""
    bins = SendBins()
    sent(bins, {0: 0, 1: 5}, 10)
    assert bins.reported_s == pytest.approx(2)
    assert bins.sent_s == pytest.approx(1.75)


def test_a_long_run_has_wider_bins() -> None:
    """At most MOST_BINS, which hold all attempts."""
    bins, seconds = SendBins(), 3 * MOST_BINS - 1
    sent(bins, {second: 2 * second for second in range(seconds)}, 2 * seconds)
    width_s, shown = bins.bins({})
    assert (width_s, len(shown)) == (3, MOST_BINS)
    assert shown[0] == SendBin(0, 6, 0, 0, 0)
    assert sum(send_bin.attempted for send_bin in shown) == 2 * seconds


def test_the_rate_is_of_whole_seconds() -> None:
    """Of the last ones, or of all if there are fewer; of none there is no rate."""
    bins = SendBins()
    sent(bins, {0: 0, 1: 10, 2: 30}, 31)
    assert bins.rate(10, bins.reported_s - 1) == 15
    assert bins.rate(1, 2.9) == 20
    assert bins.rate(10, 0.9) is None
