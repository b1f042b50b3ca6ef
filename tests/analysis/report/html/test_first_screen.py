"""The first screen: what broke in its own words and numbers, how much, when, and what is slow."""

from dataclasses import replace

import pytest
from headcount_analysis.causes.exception_patterns import Pattern
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.judge import Limits, judge
from headcount_analysis.measure.histogram import Bucket, Measure
from headcount_analysis.measure.rates import Rates
from headcount_analysis.measure.threshold_results import ThresholdResult
from headcount_analysis.reconciliation.class_times import ClassTimes
from headcount_analysis.report.html.first_screen import (
    bar_parts,
    broken_checks,
    facts,
    threshold_text,
    tiles,
)
from headcount_analysis.report.model import Report

from headcount.thresholds.grammar import parse
from tests.analysis.judge.test_judge import with_counts
from tests.analysis.report.literal import MS, START_NS, a_report

SECOND_NS = 10**9


def buckets(event_type: str, ms: float, count: int = 200) -> list[Bucket]:
    """Create the durations of an event type: all of them `ms`."""
    ns = round(ms * MS)
    return [
        Bucket(event_type, measure, count, ns, ns, float(ns) * count)
        for measure in (Measure.HTTP, Measure.END_TO_END)
    ]


def a_lossy_report(**counts: int) -> Report:
    """Create the report of a run that lost some of its events over seven seconds."""
    evidence = with_counts(**counts)
    times = {"lost": ClassTimes(START_NS, START_NS + 7 * SECOND_NS)}
    judgement = judge(evidence, Limits())
    return replace(a_report(), evidence=evidence, judgement=judgement, class_times=times)


def tile_values(report: Report) -> dict[str, tuple[str, str, str]]:
    """Return value, note and class of each tile by its name."""
    return {tile.name: (tile.value, tile.note, tile.kind) for tile in tiles(report)}


def test_the_facts_say_what_the_run_was() -> None:
    """The start with its moment, and the rest in a few words; what is not known is left out."""
    options = {"num_users": 20, "processes": 2}
    report = replace(a_report(), span_s=754.0)
    report = replace(report, manifest=replace(report.manifest, options=options))
    shown = {fact.name: fact.text for fact in facts(report)}
    assert shown["started"] == "2026-11-23 22:15:30 UTC"
    assert shown["duration"] == "12 min 34 s"
    assert shown["load"] == "20 users, 2 processes"
    assert (shown["topic"], shown["version"]) == ("topic events", "Headcount 0")
    (at,) = (fact.at for fact in facts(report) if fact.at)
    assert at == "2026-11-23T22:15:30Z"
    paced = replace(report.manifest, options={"num_users": 20, "rate": "100/s"})
    assert {fact.name: fact.text for fact in facts(replace(report, manifest=paced))}[
        "load"
    ] == "rate 100/s"


def test_a_loss_is_a_count_and_a_rate_and_has_times() -> None:
    """The sentence leads to the rows that it is about."""
    (broken, *_) = broken_checks(a_lossy_report(attempted=3, acked=3, lost=3))
    assert broken.text == "3 lost"
    assert broken.details == (
        "acknowledged, but not in the topic",
        "23.1 % of acknowledged, 1 in 4",
        "sent 22:13:20 to 22:13:27 UTC",
    )
    assert broken.href == "#exceptions?class=lost"


def test_a_loss_says_what_the_lost_events_have_in_common() -> None:
    """It names where, with links; the time is there anyway, and other classes have no such line."""
    patterns = (
        Pattern("lost", 3, 3, "event type sword", {"type": "sword"}),
        Pattern("ghost", 3, 3, "event type guild", {"type": "guild"}),
        Pattern("lost", 3, 3, "22 % of the run", {"from": "a", "to": "b"}),
        Pattern("lost", 2, 3, "in partition 1", {"partition": "1"}),
    )
    lossy = replace(a_lossy_report(attempted=3, acked=3, lost=3), patterns=patterns)
    (broken, *_) = broken_checks(lossy)
    assert broken.patterns == (
        '<a href="#exceptions?class=lost&amp;type=sword">all 3 lost</a>: event type sword',
        '<a href="#exceptions?class=lost&amp;partition=1">2 of 3 lost</a>: in partition 1',
    )


def test_what_is_no_class_leads_to_the_checks() -> None:
    """Its evidence is its text, as a sentence."""
    report = replace(
        a_report(), judgement=judge(replace(with_counts(), problems=("it crashed",)), Limits())
    )
    (broken, *_) = broken_checks(report)
    assert ("It crashed" in broken.text, broken.details, broken.href) == (True, (), "#checks")


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("http.p99 < 20ms", 569.8, "http.p99 569.8 ms, limit 20 ms"),
        ("rps > 400", 66.8, "rps 66.8/s, minimum 400/s"),
        ("lost == 0", 3, "lost 3, must be 0"),
        ("lost != 3", 3, "lost 3, must not be 3"),
        ("http.p99 < 20ms after 20s for 30s", 30.0, "limit 20 ms, after 20 s for 30 s"),
        ("http.p99 < 20ms", None, "http.p99 nothing was measured, limit 20 ms (unproven)"),
    ],
)
def test_a_broken_threshold_says_value_and_limit(
    text: str, value: float | None, shown: str
) -> None:
    """In the units of the limit, with the part of the run that it covers."""
    assert shown in threshold_text(ThresholdResult(parse(text), value))


def test_the_parts_of_the_bar_lead_to_their_rows() -> None:
    """Delivered and refused events have none."""
    counts = Counts(attempted=9, delivered=4, lost=3, refused=2)
    parts = [(bar_part.name, bar_part.value, bar_part.href) for bar_part in bar_parts(counts)]
    assert parts == [
        ("delivered", "4", ""),
        ("lost", "3", "#exceptions?class=lost"),
        ("refused", "2", ""),
    ]


def test_a_tile_is_coloured_above_zero() -> None:
    """Losses and duplicates are always there; other classes only if they occur."""
    lossy = tile_values(a_lossy_report(attempted=4, acked=4, lost=3, duplicated=1, phantom=2))
    assert lossy["lost"] == ("3", "21.4 % of acknowledged, 1 in 5", "lost")
    assert lossy["first and last loss"] == (
        *("22:13:20 to 22:13:27 UTC", "by send time, over 7 s", "lost"),
    )
    assert (lossy["duplicated"][0], lossy["phantom"]) == ("1", ("2", "", "phantom"))
    sane = tile_values(replace(a_lossy_report(), class_times={}))
    assert (sane["lost"], sane["duplicated"]) == (("0", "of 10 acknowledged", ""), ("0", "", ""))
    assert {"phantom", "ghost", "first and last loss"}.isdisjoint(sane)


def test_what_says_nothing_is_not_there() -> None:
    """No target without a rate, no slowest of one event type, no percentile of few requests."""
    report = replace(a_report(), buckets=tuple(buckets("a", 5.0, 99)), rates=Rates(None, 9.5))
    shown = tile_values(report)
    assert shown["achieved"] == ("9.5/s", "", "")
    assert "slowest event type" not in shown
    assert shown["HTTP p95"] == ("5.0 ms", "p50 5.0 ms", "")
    assert "HTTP p99" not in shown


def test_the_slowest_event_type_is_named() -> None:
    """By the highest percentile for which every type has enough requests."""
    slow = (*buckets("a", 5.0), *buckets("b", 50.0))
    shown = tile_values(replace(a_report(), buckets=slow))
    assert shown["slowest event type"] == ("b", "HTTP p99 50.0 ms", "")
    few = (*buckets("a", 5.0, 30), *buckets("b", 50.0), *buckets("single", 99.0, 1))
    shown = tile_values(replace(a_report(), buckets=few))
    assert shown["slowest event type"] == ("b", "HTTP p95 50.0 ms", "")
