"""Threshold results: on literal samples, and on parts of a verified run."""

import json
from dataclasses import replace
from typing import Any

import pytest
from headcount_analysis.classes_and_flags import COUNT_KEYS, Counts
from headcount_analysis.compare_runs.change import measured as figure
from headcount_analysis.compare_runs.runs import read_run
from headcount_analysis.judge import Limits
from headcount_analysis.measure.clocks import ClockOffset
from headcount_analysis.measure.histogram import Bucket, Measure
from headcount_analysis.measure.metric_values import measured
from headcount_analysis.measure.threshold_results import ThresholdResult, judged
from headcount_analysis.measure.window_samples import WindowSample, unfilled
from headcount_analysis.messages.timestamps import Unit
from headcount_analysis.reconciliation.attempt_counts import Checkable
from headcount_analysis.reconciliation.order_counts import Order

from headcount.run.manifest import Abort
from headcount.run.verdict import Result, Verdict
from headcount.thresholds.grammar import Window, parse
from headcount.thresholds.metrics import METRICS, Metric, MetricKind, names_of
from tests.analysis.synthetic_run import RunHistory, event_id

MS = 1_000_000
SAMPLE = WindowSample(
    by_event_type={
        "sword": Counts(attempted=8, acked=5, failed=2, indeterminate=1, delivered=5, refused=2),
        "guild": Counts(attempted=2, acked=2, delivered=1, lost=1),
        "(unknown)": Counts(foreign=7),
    },
    buckets=(
        *(Bucket("sword", Measure.HTTP, 1, ms * MS, ms * MS, ms * MS) for ms in (10, 20, 30, 40)),
        Bucket("guild", Measure.HTTP, 4, 500 * MS, 500 * MS, 2000 * MS),
        Bucket("guild", Measure.END_TO_END, 1, 7 * MS, 7 * MS, 7 * MS),
    ),
    seconds=5.0,
    checkable={"sword": Checkable(5, 5, 5), "guild": Checkable(1, 1, 1)},
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("lost == 0", 1),
        ("lost{event_type=sword} == 0", 0),
        ("lost{event_type=nothing} == 0", None),
        ("foreign == 0", 7),
        ("fail_ratio < 1%", 0.3),
        ("fail_ratio{event_type=guild} < 1%", 0),
        ("rps > 1", 2),
        ("rps{event_type=guild} > 1", 0.4),
        ("http.p50 < 1s", 40),
        ("http.max < 1s", 500),
        ("http{event_type=sword}.p50 < 1s", 20),
        ("http{event_type=sword}.min < 1s", 10),
        ("http{event_type=sword}.mean < 1s", 25),
        ("end_to_end.p99.9 < 1s", 7),
        ("from_intended.p50 < 1s", None),
    ],
)
def test_measured_values(text: str, value: float | None) -> None:
    """In total or for one event type; None if there was nothing to measure."""
    measurement = measured(parse(text), SAMPLE)
    assert measurement.value == (None if value is None else pytest.approx(value))
    bounds = (measurement.least, measurement.most)
    assert value is None or bounds == (measurement.value, measurement.value)


def test_what_was_not_measured_is_unproven() -> None:
    """A gate that is never tried is no gate, but nothing is proven against the run either."""
    judged = ThresholdResult(parse("lost{event_type=nothing} == 0"), None)
    assert (judged.holds, judged.result) == (False, Result.UNPROVEN)
    assert str(judged) == "lost{event_type=nothing} == 0: nothing was measured"


def test_every_metric_is_measured() -> None:
    """Every metric of the grammar has a count or a measure."""
    assert set(names_of(MetricKind.COUNT)) == set(COUNT_KEYS)
    assert set(names_of(MetricKind.DURATION)) <= {measure.value for measure in Measure}


@pytest.mark.e2e
def test_parts_of_a_run(history: RunHistory) -> None:
    """Each threshold covers its own part; a pass with a broken threshold has exit code 4."""
    for seq in range(10):  # one a second; the last five are slow
        took_ms = 5 if seq < 5 else 900
        history.attempt(seq, sent_ms=1000 * seq, took_ms=took_ms)
        history.arrive(event_id(seq), seq, at_ms=1000 * seq + took_ms)
    expected = {
        "attempted == 10": "10",
        "attempted == 5 after 5s": "5",
        "attempted == 3 after 2s for 3s": "3",
        "attempted == 2 for 2s": "2",
        "attempted == 0 after 30s": "nothing was measured: the run ended after 9.9 s, and this "
        "part of it begins after 30 s",
        "rps > 1": "1.0/s",
        "rps > 0.5 after 2s for 10m": "1.0/s; not proven: the run ended after 9.9 s, and "
        "this part of it ends after 602 s",
        "http.max < 10ms for 5s": "5.0 ms",
        "http.p50 < 10ms after 5s": "900.0 ms",
        "http{event_type=purchase_sword}.p99 < 1s": "900.0 ms",
    }
    history.thresholds = tuple(map(parse, expected))

    report = history.verified()

    assert {result.threshold.text: result.shown for result in report.thresholds} == expected
    broken = "http.p50 < 10ms after 5s"
    unproven = ["attempted == 0 after 30s", "rps > 0.5 after 2s for 10m"]
    assert [result.threshold.text for result in report.broken] == [broken]
    assert (report.verdict, report.exit_code) == (Verdict.PASS, 4)
    assert report.reasons == (
        f"threshold broken: {broken}: 900.0 ms",
        *(f"threshold unproven: {text}: {expected[text]}" for text in unproven),
    )
    document = json.loads((history.folder.path / "verdict.json").read_text())
    held = {threshold["text"]: threshold["holds"] for threshold in document["thresholds"]}
    assert {text for text, holds in held.items() if not holds} == {*unproven, broken}
    page = (history.folder.path / "report.html").read_text()
    assert "http.p50 &lt; 10ms after 5s" in page


@pytest.mark.parametrize(
    ("window", "run_s", "is_filled"),
    [
        (Window(), 1.0, True),
        (Window(after_s=20), 25.0, True),
        (Window(after_s=20), 19.0, False),
        (Window(after_s=20, for_s=600), 25.0, False),
        (Window(after_s=20, for_s=600), 580.0, False),
        (Window(after_s=20, for_s=600), 619.8, True),
        (Window(for_s=25), 24.3, True),
        (Window(for_s=0.5), 0.2, False),
    ],
)
def test_a_part_that_the_run_does_not_fill(window: Window, run_s: float, is_filled: bool) -> None:
    """The last request ends a little before the run does; a larger gap leaves the part unfilled."""
    assert (not unfilled(window, run_s)) is is_filled


def result_of(text: str, sample: WindowSample) -> tuple[str, str]:
    """Judge one threshold."""
    threshold = parse(text)
    (result,) = judged([threshold], {threshold.window: sample})
    return result.result.value, result.shown


def test_an_unfilled_window_proves_no_threshold_kept() -> None:
    """A threshold that holds so far may fail later; a broken one stays broken."""
    short = replace(SAMPLE, unfilled="the run ended after 5.0 s")
    assert result_of("rps > 1 for 10m", short) == (
        "unproven",
        "2.0/s; not proven: the run ended after 5.0 s",
    )
    assert result_of("rps > 400 for 10m", short)[0] == "broken"


WAITED = replace(
    SAMPLE,
    buckets=(
        Bucket("guild", Measure.HTTP, 64, 3 * MS, 4 * MS, 200 * MS),
        Bucket("guild", Measure.HTTP, 27, 500 * MS, 501 * MS, 13_500 * MS, unanswered=27),
    ),
)
TIMED_OUT = "27 of 91 had no response; their durations are the time waited"


@pytest.mark.parametrize(
    ("text", "result", "shown"),
    [
        ("http.p99 < 100ms", "broken", f"501.0 ms ({TIMED_OUT})"),
        ("http.p99 < 1s", "unproven", f"501.0 ms; not proven: {TIMED_OUT}"),
        ("http.p99 > 400ms", "kept", f"501.0 ms ({TIMED_OUT})"),
        ("http.p50 < 100ms", "kept", f"4.0 ms ({TIMED_OUT})"),
        ("http.p50 < 3ms", "broken", f"4.0 ms ({TIMED_OUT})"),
        ("http.max < 1s", "unproven", f"501.0 ms; not proven: {TIMED_OUT}"),
        ("http.mean < 1s", "unproven", f"150.5 ms; not proven: {TIMED_OUT}"),
        ("http.min < 100ms", "kept", f"3.0 ms ({TIMED_OUT})"),
    ],
)
def test_requests_without_an_answer(text: str, result: str, shown: str) -> None:
    """They took at least the time waited; how much longer is unknown."""
    assert result_of(text, WAITED) == (result, shown)


def test_requests_that_are_refused_immediately_prove_nothing() -> None:
    """A connection refused after 0.1 ms is not a fast answer."""
    refused = Bucket("guild", Measure.HTTP, 95, MS // 10, MS // 10, 9 * MS, unanswered=95)
    slow = Bucket("guild", Measure.HTTP, 5, 900 * MS, 900 * MS, 4500 * MS)
    sample = replace(SAMPLE, buckets=(refused, slow))
    assert result_of("http.p50 < 100ms", sample)[0] == "unproven"
    assert result_of("http.p99 < 1s", sample)[0] == "unproven"
    assert result_of("http.min < 100ms", sample)[0] == "unproven"


def test_content_that_is_not_compared_decides_nothing() -> None:
    """No event of a format without fields is ever corrupted; other classes are not affected."""
    raw = replace(SAMPLE, compares_content=False)
    assert result_of("corrupted == 0", raw) == (
        "unproven",
        "0; not proven: 0 of 6 events have content that is compared",
    )
    assert result_of("corrupted == 0", SAMPLE)[0] == "kept"
    assert result_of("lost < 2", raw)[0] == "kept"


def end_to_end(*ms: float, **of_run: Any) -> WindowSample:
    """Create a sample of events that took `ms`."""
    values = [round(duration_ms * MS) for duration_ms in ms]
    buckets = tuple(Bucket("a", Measure.END_TO_END, 1, value, value, value) for value in values)
    count = len(ms)
    whole = WindowSample({"a": Counts(attempted=count, acked=count, delivered=count)}, buckets, 1.0)
    return replace(whole, **{"checkable": {"a": Checkable(count, count, count)}, **of_run})


NEGATIVE = "events seem to enter the topic before they were requested: the clocks differ"


def test_a_negative_time_decides_nothing() -> None:
    """No event enters the topic before it is requested."""
    behind = end_to_end(-486.0, -487.0)
    assert result_of("end_to_end.p99 < 300ms", behind) == (
        "unproven",
        f"-486.0 ms; not proven: {NEGATIVE}",
    )
    assert result_of("end_to_end.p99 > 300ms", behind)[0] == "unproven"


@pytest.mark.parametrize(
    ("clock", "kept", "unproven", "broken"),
    [
        (ClockOffset(0, 349 * MS, 351 * MS, events=99), 500, 200, 50),
        (ClockOffset(0, 90 * MS, 10 * MS, events=99, has_moved=True), 500, 150, 15),
        (ClockOffset(0, 900 * MS, -9 * MS, events=99, published_later=90), None, 500, 50),
        (ClockOffset(0, -9 * MS, -8 * MS, events=99), 101, None, 50),
        (ClockOffset(0, 900 * MS, 9 * MS, events=99, published_later=90), 101, None, 50),
    ],
)
def test_clocks_that_disagree(
    clock: ClockOffset, kept: int | None, unproven: int | None, broken: int
) -> None:
    """A limit is decided if every possible clock offset gives the same result."""
    sample = end_to_end(90.0, 100.0, clocks=(clock,))
    for limit, result in ((kept, "kept"), (unproven, "unproven"), (broken, "broken")):
        if limit is not None:
            assert result_of(f"end_to_end.p99 < {limit}ms", sample)[0] == result, (limit, clock)


def test_unusable_timestamps() -> None:
    """If all are unusable, nothing is measured; one in a thousand spoils only the maximum."""
    unit = {Unit.MICROSECONDS: 8}
    nothing = end_to_end(checkable={"a": Checkable(8, 0, 8)}, unusable=unit)
    nothing = replace(nothing, by_event_type={"a": Counts(attempted=8, acked=8)})
    doubt = "0 of 8 events have a usable timestamp: 8 have timestamps that look like microseconds"
    unproven = ("unproven", f"nothing was measured: {doubt}")
    assert result_of("end_to_end.p99 < 300ms", nothing) == unproven
    most = end_to_end(
        *[5.0] * 999,
        checkable={"a": Checkable(1000, 999, 1000)},
        unusable={Unit.SECONDS: 1},
    )
    doubt = "999 of 1,000 events have a usable timestamp: 1 has a timestamp that looks like seconds"
    assert result_of("end_to_end.p99 < 300ms", most) == ("kept", f"5.0 ms ({doubt})")
    assert result_of("end_to_end.max < 300ms", most) == (
        "unproven",
        f"5.0 ms; not proven: {doubt}",
    )


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("lost{event_type=a} == 0", "0 of 9 attempts were acknowledged"),
        ("duplicated{event_type=a} == 0", "0 of 0 events were seen"),
        ("late == 0", "0 of 5 events have a usable timestamp"),
        ("misplaced == 0", "0 of 5 events have a partition and offset in their response"),
        ("reordered == 0", "0 of 5 events could be checked for order"),
    ],
)
def test_a_count_without_anything_to_check(text: str, doubt: str) -> None:
    """No check could have failed, so the threshold is not kept."""
    counts = {"a": Counts(attempted=9, failed=9, refused=9), "b": Counts(attempted=5, acked=5)}
    sample = WindowSample(counts, (), 1.0, checkable={"b": Checkable(seen=5)}, order=Order(0, 5, 5))
    assert result_of(text, sample) == ("unproven", f"0; not proven: {doubt}")


BUCKETED = replace(
    SAMPLE,
    buckets=(
        Bucket("sword", Measure.HTTP, 10, MS, MS, 10 * MS),
        Bucket("sword", Measure.HTTP, 100, 99_970_000, 100_030_000, 10_000 * MS),
        Bucket("sword", Measure.END_TO_END, 9, 100 * MS, 101 * MS, 900 * MS),
    ),
)
BETWEEN = "it is between 99.97 ms and 100.03 ms"


@pytest.mark.parametrize(
    ("text", "result", "shown"),
    [
        ("http.p50 < 100ms", "unproven", f"100.0 ms; not proven: {BETWEEN}"),
        ("http.p50 >= 100ms", "unproven", f"100.0 ms; not proven: {BETWEEN}"),
        ("http.p50 == 100ms", "unproven", f"100.0 ms; not proven: {BETWEEN}"),
        ("http.p50 < 99.97ms", "broken", "100.0 ms"),
        ("http.p50 <= 100.03ms", "kept", "100.0 ms"),
        ("http.max < 100ms", "broken", "100.0 ms"),
        ("http.p99.9 < 100ms", "broken", "100.0 ms"),
        ("http.p10 < 100ms", "unproven", f"100.0 ms; not proven: {BETWEEN}"),
        ("http.p9 < 100ms", "kept", "1.0 ms"),
        (
            "end_to_end.p50 < 100.5ms",
            "unproven",
            "101.0 ms; not proven: it is between 100 ms and 101 ms",
        ),
    ],
)
def test_a_percentile_within_a_bucket(text: str, result: str, shown: str) -> None:
    """A bucket has up to 0.1 % of error; only its first and last value are known exactly."""
    assert result_of(text, BUCKETED) == (result, shown)


ROWLESS = Counts(attempted=4000, indeterminate=4000, absent=3990, recovered=10)
KILLED = WindowSample(
    {
        "a": Counts(attempted=300, acked=297, failed=3, delivered=297, refused=3),
        "(unknown)": ROWLESS,
    },
    (),
    10.0,
    rowless=ROWLESS,
)
WITHOUT_ROWS = "4000 reserved ids have no row, so it is unknown whether they were used"


@pytest.mark.parametrize(
    ("text", "result", "value"),
    [
        ("rps > 100", "unproven", "30.0/s"),
        ("rps > 20", "kept", "30.0/s"),
        ("rps > 500", "broken", "30.0/s"),
        ("rps < 100", "unproven", "30.0/s"),
        ("rps{event_type=a} > 100", "unproven", "30.0/s"),
        ("attempted >= 1000", "unproven", "300"),
        ("attempted >= 300", "kept", "300"),
        ("attempted > 9000", "broken", "300"),
        ("attempted{event_type=a} == 300", "unproven", "300"),
        ("indeterminate == 0", "unproven", "0"),
        ("absent == 0", "unproven", "0"),
        ("recovered == 10", "kept", "10"),
        ("recovered{event_type=a} == 0", "unproven", "0"),
        ("acked == 297", "kept", "297"),
        ("fail_ratio < 2%", "unproven", "1%"),
        ("fail_ratio < 95%", "kept", "1%"),
        ("fail_ratio < 1%", "broken", "1%"),
        ("fail_ratio{event_type=a} < 2%", "unproven", "1%"),
        ("rps > 100 after 1s", "unproven", "30.0/s"),
    ],
)
def test_ids_that_a_killed_generator_reserved(text: str, result: str, value: str) -> None:
    """Whether they were used is unknown: figures come from rows, and must hold either way."""
    sample = KILLED
    if not parse(text).window.is_whole:
        sample = replace(KILLED, by_event_type={"a": KILLED.by_event_type["a"]})
    doubt = "; not proven: " if result == "unproven" else " ("
    measured = result_of(text, sample)
    assert measured[0] == result
    assert measured[1] in {value, f"{value}{doubt}{WITHOUT_ROWS}", f"{value} ({WITHOUT_ROWS})"}


KEYED = WindowSample(
    {name: Counts(attempted=50, acked=50, delivered=50) for name in ("keyless", "keyed")},
    (),
    10.0,
    checkable={name: Checkable(50, 50, 0) for name in ("keyless", "keyed")},
    order=Order(events=50, keyed=50),
    ordered={"keyed": 49},
)


@pytest.mark.parametrize(
    ("text", "result", "shown"),
    [
        ("reordered == 0", "kept", "0 (50 of 100 events could be checked for order)"),
        (
            "reordered{event_type=keyless} == 0",
            "unproven",
            "0; not proven: 0 of 50 events could be checked for order",
        ),
        (
            "reordered{event_type=keyed} == 0",
            "kept",
            "0 (49 of 50 events could be checked for order)",
        ),
        ("reordered == 0 after 1s", "kept", "0 (49 of 100 events could be checked for order)"),
    ],
)
def test_the_order_of_an_event_type_needs_its_own_events(
    text: str, result: str, shown: str
) -> None:
    """Keys of one event type say nothing about the order of another, nor of a part of the run."""
    assert result_of(text, KEYED) == (result, shown)
    unknown = replace(KEYED, order=None, ordered={})
    assert result_of(text, unknown)[0] == "unproven"


@pytest.mark.parametrize("metric", ["phantom", "foreign"])
def test_a_message_without_an_event_type_may_be_of_any(metric: str) -> None:
    """If a message may be of any type, the limit of no type is proven kept."""
    counts = {"a": Counts(attempted=5, acked=5), "(unknown)": Counts(**{metric: 2})}
    sample = WindowSample(counts, (), 1.0)
    text = f"{metric}{{event_type=a}} == 0"
    doubt = f"2 {metric} messages have an unknown event type"
    assert result_of(text, sample) == ("unproven", f"0; not proven: {doubt}")
    assert result_of(f"{metric}{{event_type=a}} <= 2", sample) == ("kept", f"0 ({doubt})")
    assert result_of(f"{metric} == 0", sample) == ("broken", "2")
    assert result_of(f"{metric}{{event_type=a}} == 1", sample)[0] == "unproven"
    assert result_of(f"{metric}{{event_type=a}} != 1", sample)[0] == "unproven"
    assert result_of(f"{metric}{{event_type=a}} == 3", sample)[0] == "broken"
    none = replace(sample, by_event_type={"a": counts["a"]})
    assert result_of(text, none) == ("kept", "0")


@pytest.mark.parametrize("metric", sorted(n for n, row in METRICS.items() if row.has_event_types))
def test_no_threshold_on_an_event_type_that_never_occurred_is_kept(metric: str) -> None:
    """This holds for every comparison: a gate that is never tried is no gate."""
    is_duration = METRICS[metric].kind is MetricKind.DURATION
    aggregate = ".p99" if is_duration else ""
    for comparison in ("<", ">=", "!="):
        text = f"{metric}{{event_type=nothing}}{aggregate} {comparison} 0"
        if is_duration:
            text += "ms"
        result, shown = result_of(text, SAMPLE)
        assert result == "unproven", text
        assert shown.startswith("nothing was measured: no "), shown


def test_the_threshold_that_stopped_the_test_is_broken() -> None:
    """It is broken whatever followed, and no other threshold is."""
    whole = WindowSample({"a": Counts(attempted=10, acked=10)}, (), 5.0)
    stopped = parse("fail_ratio < 5% abort")
    abort = Abort(stopped.text, "7%", "2026-11-25T00:00:00")
    aborting, other = judged([stopped, parse("lost == 0 abort")], {Window(): whole}, abort)
    assert (aborting.holds, aborting.shown) == (False, "7%, and the test was stopped")
    assert other.holds
    assert judged([stopped], {Window(): whole})[0].holds


@pytest.mark.e2e
def test_the_order_of_a_part_of_a_run(history: RunHistory) -> None:
    """Guilds have no keys, swords do in the first second only: no other part has an order."""
    for seq in range(4):
        history.attempt(seq, sent_ms=200 * seq)
        history.arrive(event_id(seq), seq, at_ms=200 * seq + 3, key="player")
    for seq in range(4, 8):
        guild = {"event_type": "join_guild"}
        history.attempt(seq, sent_ms=500 * seq, event=guild)
        history.arrive(event_id(seq), seq, at_ms=500 * seq + 3, event=guild)
    expected = {
        "reordered == 0": "0 (4 of 8 events could be checked for order)",
        "reordered{event_type=purchase_sword} == 0": (
            "0 (3 of 4 events could be checked for order)"
        ),
        "reordered{event_type=join_guild} == 0": (
            "0; not proven: 0 of 4 events could be checked for order"
        ),
        "reordered == 0 after 1s": "0; not proven: 0 of 4 events could be checked for order",
        "misplaced{event_type=join_guild} == 0": (
            "0; not proven: 0 of 4 events have a partition and offset in their response"
        ),
    }
    history.thresholds = tuple(map(parse, expected))
    report = history.verified()
    assert {result.threshold.text: result.shown for result in report.thresholds} == expected


@pytest.mark.e2e
def test_rates_come_from_rows(history: RunHistory) -> None:
    """A killed generator made one request, and reserved 4096 ids."""
    history.deliver(100)
    history.attempt(0, generator=1, sent_ms=5)
    history.arrive(event_id(0, 1), len(history.messages), at_ms=8)
    history.reserved, history.unsealed, history.limits = {1: 4096}, {1}, Limits(unsealed=1)
    doubt = WITHOUT_ROWS.replace("4000", "4095")
    clocks = "the generators' clocks may differ by 0.006 s"
    expected = {
        "rps > 1000": f"101.5/s; not proven: {doubt}; {clocks}",
        "rps > 1000 after 0.1s": f"100.6/s; not proven: {doubt}; {clocks}",
        "fail_ratio < 1%": f"0%; not proven: {doubt}",
        "attempted < 200": f"101; not proven: {doubt}",
        "rps > 90": f"101.5/s ({doubt})",
    }
    history.thresholds = tuple(map(parse, expected))
    report = history.verified()
    assert {result.threshold.text: result.shown for result in report.thresholds} == expected
    assert report.rates.achieved_per_s == pytest.approx(101.5, abs=0.1)
    history.folder.write_manifest(history.manifest)
    stored = read_run(history.folder).document
    assert figure(Metric("rps"), stored) == pytest.approx(101.5, abs=0.1)


FIRST_BYTES = tuple(
    Bucket("sword", Measure.FIRST_BYTE, 10, ms * MS, ms * MS, 10.0 * ms * MS) for ms in range(1, 11)
)


def of_first_bytes(attempted: int, buckets: tuple[Bucket, ...] = FIRST_BYTES) -> WindowSample:
    """Return 100 first bytes, after 1 to 10 ms, of so many requests."""
    counts = Counts(attempted=attempted, acked=attempted)
    return WindowSample({"sword": counts}, buckets, 5.0)


@pytest.mark.parametrize(
    ("text", "attempted", "result"),
    [
        ("first_byte.p95 <= 10ms", 100, Result.KEPT),
        ("first_byte{event_type=sword}.p50 < 6ms", 100, Result.KEPT),
        ("first_byte.max < 10ms", 100, Result.BROKEN),
        # Five of 105 may have come at any time, or never.
        ("first_byte.p90 <= 10ms", 105, Result.KEPT),
        ("first_byte.p99 <= 10ms", 105, Result.UNPROVEN),
        ("first_byte.max <= 10ms", 105, Result.UNPROVEN),
        ("first_byte.p90 < 8ms", 105, Result.BROKEN),
        ("first_byte.mean < 5ms", 105, Result.BROKEN),
        ("first_byte.min > 0.5ms", 105, Result.UNPROVEN),
        ("first_byte{event_type=guild}.p50 < 6ms", 100, Result.UNPROVEN),
    ],
)
def test_first_bytes(text: str, attempted: int, result: Result) -> None:
    """A request whose first byte is unknown may have waited for any time."""
    threshold = parse(text)
    (first_byte,) = judged([threshold], {threshold.window: of_first_bytes(attempted)})
    assert first_byte.result is result, first_byte.shown


def test_a_first_byte_within_the_bucket_of_the_limit_decides_nothing() -> None:
    """A bucket of the generators' counts is 2 % wide."""
    bucket = Bucket("sword", Measure.FIRST_BYTE, 100, 100 * MS, 102 * MS, 10_100.0 * MS)
    for limit, result in (("99ms", Result.BROKEN), ("101ms", None), ("103ms", Result.KEPT)):
        threshold = parse(f"first_byte.p50 < {limit}")
        sample = of_first_bytes(100, (bucket,))
        (first_byte,) = judged([threshold], {threshold.window: sample})
        expected = (Result.BROKEN, Result.UNPROVEN) if result is None else (result,)
        assert first_byte.result in expected
        assert (first_byte.doubt != "") == (result is None)


def test_without_first_bytes_the_reason_is_named() -> None:
    """An older headcount did not measure them."""
    threshold = parse("first_byte.p50 < 1s")
    (first_byte,) = judged([threshold], {threshold.window: of_first_bytes(7, ())})
    assert first_byte.shown == "nothing was measured: 0 of 7 requests have a measured first byte"
