"""Thresholds: every form parses, and errors point at mistakes."""

import pytest

from headcount.thresholds.grammar import Window, parse, parse_all, read_file, split
from headcount.thresholds.metric_text import MetricError
from headcount.thresholds.metrics import METRICS, MetricKind


@pytest.mark.parametrize(
    ("text", "metric", "comparison", "limit"),
    [
        ("lost == 0", "lost", "==", 0),
        ("delivered >= 1000", "delivered", ">=", 1000),
        ("rps > 400", "rps", ">", 400),
        ("rps > 400.5/s", "rps", ">", 400.5),
        ("fail_ratio < 1%", "fail_ratio", "<", 0.01),
        ("fail_ratio != 0.5", "fail_ratio", "!=", 0.5),
        ("http.p99 < 300ms", "http", "<", 300),
        ("end_to_end.max <= 2s", "end_to_end", "<=", 2000),
        ("from_intended.mean<1.5s", "from_intended", "<", 1500),
        ("  http.p99.9 < 300ms  ", "http", "<", 300),
    ],
)
def test_a_metric_and_its_limit(text: str, metric: str, comparison: str, limit: float) -> None:
    """Counts, rates, ratios and durations, each in its units."""
    threshold = parse(text)
    assert (threshold.metric, threshold.comparison, threshold.limit) == (metric, comparison, limit)
    assert (threshold.text, threshold.event_type, threshold.window) == (
        text.strip(),
        None,
        Window(),
    )


def test_an_aggregate() -> None:
    """Any percentile, the minimum, the mean and the maximum."""
    assert [
        parse(f"http.{aggregate} < 1ms").quantile for aggregate in ("p50", "p99.9", "p5", "mean")
    ] == [
        *(0.5, 0.9990000000000001, 0.05, None),
    ]
    assert parse("http.min < 1ms").aggregate == "min"


def test_an_event_type() -> None:
    """For a duration and for a count."""
    assert parse("http{event_type=purchase_sword}.p99 < 300ms").event_type == "purchase_sword"
    assert parse("lost{event_type=join_guild} == 0").event_type == "join_guild"


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("lost == 0 after 20s", Window(20)),
        ("lost == 0 for 30s", Window(0, 30)),
        ("lost == 0 after 500ms for 1.5m", Window(0.5, 90)),
        ("http.p99 < 2s after 1h", Window(3600)),
    ],
)
def test_a_part_of_the_run(text: str, window: Window) -> None:
    """Its beginning and its length."""
    assert parse(text).window == window


@pytest.mark.parametrize(
    ("text", "message", "at", "length"),
    [
        ("", "expected a metric", 0, 1),
        ("Lost == 0", "expected a metric", 0, 1),
        ("lst == 0", "there is no metric 'lst'; did you mean lost?", 0, 3),
        ("xyz == 0", "there is no metric 'xyz'; the metrics are attempted, acked", 0, 3),
        ("lost", "expected one of < <= == != >= >", 4, 1),
        ("lost = 0", "expected one of < <= == != >= >", 5, 1),
        ("lost ==", "expected a number", 7, 1),
        ("lost == -1", "expected a number", 8, 1),
        ("lost == 0 or so", "expected a unit (ms, s, %, /s) or after or for", 10, 1),
        ("http.p99 < 1h", "expected a unit (ms, s, %, /s) or after or for", 12, 1),
        ("lost == 0 for 3s x", "expected abort", 17, 1),
        ("lost == 0 after", "expected a time such as 20s", 15, 1),
        ("lost == 0%", "the limit of lost must be a number without a unit", 9, 1),
        ("lost.p99 == 0", "lost is a single number: leave out the aggregate", 5, 3),
        ("http < 3ms", "http needs an aggregate, such as http.p99", 0, 4),
        ("http.p99 < 3", "the limit of http must be a time such as 300ms or 2s", 11, 1),
        ("http.p200 < 3ms", "an aggregate is min, mean, max or a percentile", 5, 4),
        ("http{type=a}.p99 < 3ms", "can be filtered only by event_type", 5, 4),
        ("fail_ratio < 1ms", "the limit of fail_ratio must be a share", 14, 2),
        ("garbled == 0 after 3s", "garbled counts messages", 19, 2),
        ("phantom == 0 for 3s", "phantom counts messages", 17, 2),
        (
            "malformed{event_type=a} == 0",
            "malformed messages have no event type, so none would ever count: leave out event_type",
            10,
            10,
        ),
        ("garbled{event_type=(unknown)} == 0", "garbled messages have no event type", 8, 10),
        ("end_to_end.p95 < 2s abort", "end_to_end is known only when the run is over", 20, 5),
        (
            "first_byte.p99 < 2s after 20s",
            "first_byte is counted only for the whole run: leave out after and for",
            26,
            3,
        ),
        (
            "lost == 0 after 3s abort",
            "lost is known only for the whole run and all event types",
            19,
            5,
        ),
        (
            "lost{event_type=a} == 0 abort",
            "leave out abort, or leave out event_type, after and for",
            24,
            5,
        ),
        ("acked >= 100 abort", "abort needs an upper limit", 6, 2),
        ("http.p99 > 3ms abort", "abort needs an upper limit", 9, 1),
        ("rps == 100 abort", "abort needs a lower or an upper limit", 4, 2),
        ("rps != 100 abort", "abort needs a lower or an upper limit", 4, 2),
    ],
)
def test_a_mistake_is_pointed_at(text: str, message: str, at: int, length: int) -> None:
    """The message says what is wrong, and marks the place below the threshold."""
    with pytest.raises(MetricError) as error:
        parse(text)
    first, shown, mark = str(error.value).split("\n")
    assert message in first
    assert shown == f"  {text}"
    assert mark == f"  {' ' * at}{'^' * length}"


def test_a_threshold_that_stops_the_test() -> None:
    """It ends in `abort`."""
    assert parse("http.p99 < 300ms after 5s for 9s abort").abort
    assert parse("rps > 100 abort").abort
    assert not parse("lost == 0").abort


def test_several_in_a_line() -> None:
    """Separated by semicolons; a mistake is marked in its own threshold."""
    assert [threshold.text for threshold in split(" lost == 0 abort;rps > 4 ;; ")] == [
        *("lost == 0 abort", "rps > 4"),
    ]
    with pytest.raises(MetricError) as error:
        split("rps > 4; lst == 0")
    assert error.value.marked == "there is no metric 'lst'; did you mean lost?: »lst« == 0"


def test_a_file() -> None:
    """One threshold per line, with comments and empty lines."""
    content = "# the release's\nlost == 0\n\nrps > 4  # at least\n"
    assert [threshold.text for threshold in read_file(content)] == ["lost == 0", "rps > 4"]
    with pytest.raises(MetricError, match="did you mean lost"):
        read_file("rps > 4\nlst == 0\n")


@pytest.mark.parametrize(
    ("text", "value", "holds", "shown"),
    [
        ("lost == 0", 0, True, "0"),
        ("lost == 0", 1234, False, "1,234"),
        ("fail_ratio < 1%", 0.01, False, "1%"),
        ("fail_ratio <= 1%", 0.01, True, "1%"),
        ("rps > 400", 400.04, True, "400.0/s"),
        ("http.p99 < 300ms", 299.94, True, "299.9ms"),
        ("http.p99 >= 1s", 999.9, False, "999.9ms"),
        ("delivered != 3", 3, False, "3"),
    ],
)
def test_whether_a_threshold_holds(text: str, value: float, *, holds: bool, shown: str) -> None:
    """By the comparison; a value is formatted in the unit of its limit."""
    threshold = parse(text)
    assert (threshold.holds(value), threshold.show(value)) == (holds, shown)


@pytest.mark.parametrize("percent", range(1, 100))
def test_a_limit_in_percent_is_exact(percent: int) -> None:
    """35 of 100 are 35%, not less: 35 * 0.01 is 0.35000000000000003 in binary."""
    assert not parse(f"fail_ratio < {percent}%").holds(percent / 100)
    assert parse(f"fail_ratio <= {percent}%").holds(percent / 100)
    assert parse(f"fail_ratio == 0.{percent:02}").holds(percent / 100)


@pytest.mark.parametrize("hundredths", range(1, 400))
def test_a_limit_in_seconds_is_exact(hundredths: int) -> None:
    """4.35s are 4350ms: no unit adds a rounding error."""
    limit = parse(f"http.p99 < {hundredths // 100}.{hundredths % 100:02}s").limit
    assert limit == hundredths * 10


def test_every_metric_can_have_a_threshold() -> None:
    """Each takes a limit of its kind."""
    limits = {
        MetricKind.COUNT: "0",
        MetricKind.RATE: "1/s",
        MetricKind.RATIO: "1%",
        MetricKind.DURATION: "1ms",
    }
    texts = [
        f"{metric}{'.p99' if row.kind is MetricKind.DURATION else ''} < {limits[row.kind]}"
        for metric, row in METRICS.items()
    ]
    assert [threshold.metric for threshold in parse_all(texts)] == list(METRICS)
