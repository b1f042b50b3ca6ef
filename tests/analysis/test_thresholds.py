"""Thresholds judged: on literal samples, and on parts of a run that is verified."""

import json

import pytest

from analysis.classes import COUNT_KEYS, Counts
from analysis.evidence import Checkable
from analysis.latency import Bucket, Measure
from analysis.measurement import measured
from analysis.samples import Sample
from analysis.thresholds import Judged, judged
from headcount.metrics import DURATIONS, METRICS, Kind
from headcount.run import Abort
from headcount.thresholds import Window, parse
from headcount.verdict import Result, Verdict
from tests.analysis.history import History, event_id

MS = 1_000_000
SAMPLE = Sample(
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
def test_what_is_measured(text: str, value: float | None) -> None:
    """In all, or of one event type; nothing where there was nothing to measure."""
    found = measured(parse(text), SAMPLE)
    assert found.value == (None if value is None else pytest.approx(value))
    assert value is None or (found.least, found.most) == (found.value, found.value)


def test_what_was_not_measured_is_unproven() -> None:
    """A gate that is never tried is no gate, and nothing is proven against the run either."""
    judged = Judged(parse("lost{event_type=nothing} == 0"), None)
    assert (judged.holds, judged.result) == (False, Result.UNPROVEN)
    assert str(judged) == "lost{event_type=nothing} == 0: nothing was measured"


def test_every_metric_is_one_that_is_measured() -> None:
    """What can be asked for is there to be looked at."""
    counts = {name for name, kind in METRICS.items() if kind is Kind.COUNT}
    assert counts == set(COUNT_KEYS)
    assert set(DURATIONS) <= {measure.value for measure in Measure}


@pytest.mark.e2e
def test_parts_of_a_run(history: History) -> None:
    """Each threshold looks at its own part; a pass with a broken one ends in exit code 4."""
    for seq in range(10):  # one a second; the last five are slow
        took_ms = 5 if seq < 5 else 900
        history.attempt(seq, sent_ms=1000 * seq, took_ms=took_ms)
        history.arrive(event_id(seq), seq, at_ms=1000 * seq + took_ms)
    expected = {
        "attempted == 10": "10",
        "attempted == 5 after 5s": "5",
        "attempted == 3 after 2s for 3s": "3",
        "attempted == 2 for 2s": "2",
        "attempted == 0 after 30s": "nothing was measured: the run was over after 9.9 s, and this "
        "part of it begins after 30 s",
        "rps > 1": "1.0/s",
        "rps > 0.5 after 2s for 10m": "1.0/s; not proven, for the run was over after 9.9 s, and "
        "this part of it ends after 602 s",
        "http.max < 10ms for 5s": "5.0ms",
        "http.p50 < 10ms after 5s": "900.0ms",
        "http{event_type=purchase_sword}.p99 < 1s": "900.0ms",
    }
    history.thresholds = tuple(map(parse, expected))

    report = history.verified()

    assert {each.threshold.text: each.shown for each in report.thresholds} == expected
    broken, unproven = "http.p50 < 10ms after 5s", "attempted == 0 after 30s"
    assert [each.threshold.text for each in report.broken] == [broken]
    assert (report.verdict, report.exit_code) == (Verdict.PASS, 4)
    assert report.reasons == (
        f"threshold broken: {broken}: 900.0ms",
        f"threshold unproven: {unproven}: nothing was measured",
    )
    document = json.loads((history.folder.path / "verdict.json").read_text())
    told = {each["text"]: each["holds"] for each in document["thresholds"]}
    assert [text for text, holds in told.items() if not holds] == [unproven, broken]
    page = (history.folder.path / "report.html").read_text()
    assert "http.p50 &lt; 10ms after 5s" in page


def test_one_that_has_stopped_the_test_is_broken() -> None:
    """Whatever the rest of the run has brought, and no other is."""
    whole = Sample({"a": Counts(attempted=10, acked=10)}, (), 5.0)
    stopped = parse("fail_ratio < 5% abort")
    abort = Abort(stopped.text, "7%", "2026-11-25T00:00:00")
    told, other = judged([stopped, parse("lost == 0 abort")], {Window(): whole}, abort)
    assert (told.holds, told.shown) == (False, "7%, and the test was stopped")
    assert other.holds
    assert judged([stopped], {Window(): whole})[0].holds
