"""Limits on changes: every form is parsed, mistakes are located, and "kept" must be proven."""

from pathlib import Path

import pytest
from headcount_analysis.compare_runs.change import change_of
from headcount_analysis.compare_runs.facts import FACTS
from headcount_analysis.compare_runs.limits import LimitState, judge, parse
from headcount_analysis.compare_runs.runs import Side

from headcount.thresholds.metric_text import MetricError
from headcount.thresholds.metrics import METRICS, Metric, MetricKind
from tests.analysis.compare_runs.sample import a_run, a_side, counts


@pytest.mark.parametrize(
    ("text", "metric", "is_of_rise", "amount", "is_share"),
    [
        ("http.p99 +10%", Metric("http", None, "p99"), True, 0.1, True),
        ("rps -5%", Metric("rps"), False, 0.05, True),
        ("rps -5/s", Metric("rps"), False, 5, False),
        ("lost +0", Metric("lost"), True, 0, False),
        ("end_to_end.p95+20ms", Metric("end_to_end", None, "p95"), True, 20, False),
        ("http.mean + 1.5s", Metric("http", None, "mean"), True, 1500, False),
        ("http.p99.90 +1%", Metric("http", None, "p99.9"), True, 0.01, True),
        ("fail_ratio +0.01", Metric("fail_ratio"), True, 0.01, False),
        ("fail_ratio +50%", Metric("fail_ratio"), True, 0.5, True),
        ("http{event_type=buy}.max +1s", Metric("http", "buy", "max"), True, 1000, False),
    ],
)
def test_a_limit(
    text: str, metric: Metric, *, is_of_rise: bool, amount: float, is_share: bool
) -> None:
    """Metrics are those of thresholds; % is of the base, other amounts are in the metric's unit."""
    limit = parse(text)
    assert (limit.metric, limit.is_of_rise, limit.is_share) == (metric, is_of_rise, is_share)
    assert limit.amount == pytest.approx(amount)


@pytest.mark.parametrize(
    ("text", "message", "at", "length"),
    [
        ("", "expected a metric", 0, 1),
        ("htp.p99 +10%", "there is no metric 'htp'; did you mean http?", 0, 3),
        ("http.p99", "expected + or -, and by how much", 8, 1),
        ("http.p99 < 10ms", "expected + or -, and by how much", 9, 1),
        ("http.p99 10%", "expected + or -, and by how much", 9, 1),
        ("http +10%", "http needs an aggregate, such as http.p99", 0, 4),
        ("http.p97 +10%", "runs are compared by min, mean, p50, p75", 5, 3),
        ("http.p99 +10", "the change of http must be a time such as 20ms or 2s, or in %", 10, 2),
        ("lost +1ms", "the change of lost must be a number without a unit, or in %", 7, 2),
        ("lost.p99 +0", "lost is a single number: leave out the aggregate", 5, 3),
        ("http{type=a}.p99 +3ms", "can be filtered only by event_type", 5, 4),
        ("lost +0 after 3s", "expected a unit", 8, 1),
        ("malformed{event_type=a} +0", "malformed messages have no event type", 10, 10),
        ("garbled{event_type=a} +0", "garbled messages have no event type", 8, 10),
    ],
)
def test_a_mistake_is_located(text: str, message: str, at: int, length: int) -> None:
    """The error says what is wrong, and marks the place below the limit."""
    with pytest.raises(MetricError) as error:
        parse(text)
    first, shown, mark = str(error.value).split("\n")
    assert message in first
    assert (shown, mark) == (f"  {text}", f"  {' ' * at}{'^' * length}")


@pytest.mark.parametrize("percent", range(1, 100))
def test_an_amount_is_exact(percent: int) -> None:
    """An amount in % is the share that is written: 35% are 0.35."""
    assert parse(f"http.p99 +{percent}%").amount == percent / 100


@pytest.mark.parametrize("percent", [7, 14, 29, 35, 57, 83])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("runs", [1, 2])
def test_a_change_of_exactly_the_limit_is_within_it(
    tmp_path: Path, percent: int, sign: int, runs: int
) -> None:
    """A fall from 1000 to 930 is 7%, not more, although logarithms are rounded."""
    base = a_side(tmp_path, "base", *[1000] * runs)
    run = a_side(tmp_path, "run", *[1000 + sign * 10 * percent] * runs)
    direction = "+" if sign > 0 else "-"
    exact, less = f"http.p99 {direction}{percent}%", f"http.p99 {direction}{percent - 1}.999%"
    assert state(exact, base, run, allow_single_run=True) is LimitState.KEPT
    assert state(less, base, run, allow_single_run=True) is LimitState.BROKEN


def test_every_metric_can_be_limited() -> None:
    """Every metric accepts its own unit, and % of the base."""
    amounts = {
        MetricKind.COUNT: "0",
        MetricKind.RATE: "1/s",
        MetricKind.RATIO: "0.1",
        MetricKind.DURATION: "1ms",
    }
    for name, row in METRICS.items():
        metric = f"{name}{'.p99' if row.kind is MetricKind.DURATION else ''}"
        for amount in (amounts[row.kind], "5%"):
            assert parse(f"{metric} +{amount}").metric.name == name


def state(text: str, base: Side, run: Side, *, allow_single_run: bool = False) -> LimitState:
    """Return the result of a limit."""
    limit = parse(text)
    applied = (limit, run.name, change_of(limit.metric, base, run))
    (judged,) = judge([applied], allow_single_run=allow_single_run)
    return judged.state


@pytest.mark.parametrize(
    ("text", "base", "run", "expected"),
    [
        # One run per side proves nothing about speed.
        ("http.p99 +10%", [100], [100], LimitState.UNKNOWN),
        ("http.p99 +10%", [100], [110], LimitState.UNKNOWN),
        ("http.p99 +10%", [100], [500], LimitState.UNKNOWN),
        ("rps -5%", [100], [100], LimitState.UNKNOWN),
        # Several: beyond the limit and beyond noise.
        ("http.p99 +10%", [100, 101, 102], [130, 131, 132], LimitState.BROKEN),
        ("http.p99 +10%", [130, 131, 132], [100, 101, 102], LimitState.KEPT),
        ("http.p99 -10%", [130, 131, 132], [100, 101, 102], LimitState.BROKEN),
        # Beyond the limit, but perhaps by noise.
        ("http.p99 +10%", [100, 150, 200], [140, 190, 260], LimitState.UNKNOWN),
        # Within the limit, and so is the whole interval.
        ("http.p99 +10%", [100, 101, 102], [100, 101, 103], LimitState.KEPT),
        # Within the limit, but the interval is far wider: "kept" is not proven.
        ("http.p99 +10%", [100, 150, 200], [100, 150, 210], LimitState.UNKNOWN),
        # The change is certain, but not that it is within the limit.
        ("http.p99 +10%", [100, 101, 102], [107, 110, 111], LimitState.UNKNOWN),
        # Every run has the same figure, however few they are.
        ("end_to_end.p99 +0%", [2, 2], [2, 2], LimitState.KEPT),
        # One new run against several earlier ones.
        ("http.p99 +10%", [100, 101, 102], [150], LimitState.BROKEN),
        ("http.p99 +10%", [100, 101, 102], [101], LimitState.KEPT),
    ],
)
def test_results(
    tmp_path: Path, text: str, base: list[float], run: list[float], expected: LimitState
) -> None:
    """A limit is broken or kept only if that is proven."""
    result = state(text, a_side(tmp_path, "base", *base), a_side(tmp_path, "run", *run))
    assert result is expected


@pytest.mark.parametrize(
    ("text", "base", "run", "expected"),
    [
        ("http.p99 +10%", 100, 100, LimitState.KEPT),
        ("http.p99 +10%", 100, 110, LimitState.KEPT),
        ("http.p99 +10%", 100, 111, LimitState.BROKEN),
        ("http.p99 +10ms", 100, 109, LimitState.KEPT),
        ("http.p99 +10ms", 100, 111, LimitState.BROKEN),
        ("http.p99 -10%", 100, 89, LimitState.BROKEN),
        ("http.p99 -10%", 100, 500, LimitState.KEPT),
        # Rounding to whole ms can explain 1 ms, but not 2 ms.
        ("end_to_end.p99 +10%", 2, 3, LimitState.UNKNOWN),
        ("end_to_end.p99 +10%", 2, 4, LimitState.BROKEN),
        ("end_to_end.mean +10%", 2, 3, LimitState.BROKEN),
    ],
)
def test_one_run_may_be_allowed_to_decide(
    tmp_path: Path, text: str, base: float, run: float, expected: LimitState
) -> None:
    """Then the estimate alone is compared with the limit."""
    sides = a_side(tmp_path, "base", base), a_side(tmp_path, "run", run)
    assert state(text, *sides, allow_single_run=True) is expected


@pytest.mark.parametrize("name", sorted(FACTS))
def test_one_run_decides_facts(tmp_path: Path, name: str) -> None:
    """Counts are not samples, so they need no repetition."""
    none, some = (
        Side(side, (a_run(tmp_path, side, counts=counts(**{name: count})),))
        for side, count in (("base", 0), ("run", 23))
    )
    assert state(f"{name} +0", none, some) is LimitState.BROKEN
    assert state(f"{name} +23", none, some) is LimitState.KEPT
    assert state(f"{name} +0", some, none) is LimitState.KEPT
    assert state(f"{name} +0", none, none) is LimitState.KEPT


def test_many_limits_break_no_more_often_by_chance_than_one(tmp_path: Path) -> None:
    """A change that breaks a single limit may not be enough among ten."""
    base = a_side(tmp_path, "base", 100, 104, 108)
    run = a_side(tmp_path, "run", 112, 115, 121)
    wide = parse("http.p99 +5%")
    applied = (wide, "run", change_of(wide.metric, base, run))
    (alone,) = judge([applied])
    assert alone.state is LimitState.BROKEN
    equal = [parse("http.p50 +5%")] * 9
    same_base, same_run = a_side(tmp_path, "x", 100, 120, 140), a_side(tmp_path, "y", 101, 121, 139)
    others = [(limit, "run", change_of(limit.metric, same_base, same_run)) for limit in equal]
    among_ten, *_ = judge([applied, *others])
    assert among_ten.state is LimitState.UNKNOWN


@pytest.mark.parametrize(
    ("text", "lost", "expected"),
    [
        ("lost +0", [0, 0], LimitState.KEPT),
        ("lost +0", [1, 1], LimitState.BROKEN),
        ("lost +0", [0, 1], LimitState.BROKEN),
        ("lost +10%", [1, 1], LimitState.BROKEN),
        ("lost +1", [1, 1], LimitState.KEPT),
        ("rps -5%", [0, 0], LimitState.KEPT),
    ],
)
def test_counts(tmp_path: Path, text: str, lost: list[int], expected: LimitState) -> None:
    """A rise from 0 exceeds any share of 0."""
    base = a_side(tmp_path, "base", 100, 100)
    runs = (
        a_run(tmp_path, f"run-{place}", counts=counts(lost=lost_count))
        for place, lost_count in enumerate(lost)
    )
    assert state(text, base, Side("run", tuple(runs))) is expected


@pytest.mark.parametrize("text", ["http{event_type=none}.p99 +10%", "lost{event_type=none} +9"])
def test_a_limit_without_data_is_broken(tmp_path: Path, text: str) -> None:
    """A gate that is never tried is no gate."""
    assert state(text, a_side(tmp_path, "base", 1), a_side(tmp_path, "run", 1)) is LimitState.BROKEN


def test_a_limit_is_broken_if_one_run_lacks_the_metric(tmp_path: Path) -> None:
    """An older verdict lacks the span of its requests."""
    base = a_side(tmp_path, "base", 100, 100)
    runs = (a_run(tmp_path, "run-1"), a_run(tmp_path, "run-2", span_s=None))
    assert state("rps -5%", base, Side("run", runs)) is LimitState.BROKEN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rps -5%", LimitState.UNKNOWN),
        ("rps{event_type=default} -5%", LimitState.UNKNOWN),
        ("fail_ratio +0.5", LimitState.UNKNOWN),
        ("lost +0", LimitState.KEPT),
        ("http.p99 +10%", LimitState.KEPT),
    ],
)
def test_ids_that_a_killed_generator_reserved(
    tmp_path: Path, text: str, expected: LimitState
) -> None:
    """Whether they were used is unknown, so no limit on a rate or a ratio is decided."""
    base, run = (
        a_side(
            tmp_path,
            name,
            100,
            100,
            counts=counts(1000 + unused, indeterminate=unused),
            ledger={"generators": [{"without_row": unused}]},
        )
        for name, unused in (("base", 0), ("run", 4000))
    )
    assert state(text, base, run) is expected


@pytest.mark.parametrize("metric", ["phantom", "foreign"])
def test_messages_of_an_unknown_event_type(tmp_path: Path, metric: str) -> None:
    """They may be of any event type, so the limit of one is not decided."""
    types = {"default": counts(), "(unknown)": counts(0, **{metric: 3})}
    base = a_side(tmp_path, "base", 100, 100)
    run = a_side(tmp_path, "run", 100, 100, by_event_type=types)
    assert state(f"{metric}{{event_type=default}} +0", base, run) is LimitState.UNKNOWN
    assert state(f"{metric}{{event_type=default}} +0", base, base) is LimitState.KEPT
