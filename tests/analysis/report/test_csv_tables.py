"""The tables for programs: their columns are a contract."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest
from headcount_analysis.measure.http_phases import phase_buckets
from headcount_analysis.measure.over_time import OverTime
from headcount_analysis.measure.rates import Rates
from headcount_analysis.report import csv_tables
from headcount_analysis.report.model import Report

from headcount.ledger.http_phases import HttpPhases, Phase, durations_of
from tests.analysis.report.literal import a_report, a_slice

MEASURES = ("http", "from_intended", "end_to_end")


def test_over_time_has_rates_and_percentiles() -> None:
    """Rates are per second; a target that was not set and a missing percentile are empty."""
    course = replace(
        a_report().over_time, width_s=2.0, slices=(a_slice(0), replace(a_slice(29), target=None))
    )
    lines = csv_tables.csv(csv_tables.over_time(replace(a_report(), over_time=course))).splitlines()
    percentiles = [
        f"{measure}_{name}_ms" for measure in MEASURES for name in ("p50", "p95", "p99", "max")
    ]
    assert lines[0].split(",") == [
        *("elapsed_s", "width_s", "target", "due", "started", "answered", "acked", "arrived"),
        *("ended", "failed", "indeterminate", "lost", "corrupted", "duplicated", "ghost"),
        "latency_width_s",
        *percentiles,
    ]
    assert lines[1].split(",") == [
        *("0.0", "2.0", "10.0", "5.0", "5.0", "4.5", "4.5", "4.5", "5.0", *["0.0"] * 6, "10.0"),
        *(["5.0", "6.0", "7.0", "500.0"] * 3),
    ]
    assert lines[2].split(",")[:4] == ["29.0", "2.0", "", "5.0"]
    assert lines[2].split(",")[15:16] == ["10.0"]
    assert lines[2].split(",")[16:] == [""] * 12


def test_percentiles_have_every_type_and_the_total() -> None:
    """The curve goes from 0 to 1, with the count of durations up to each point."""
    frame = csv_tables.percentiles(a_report())
    assert list(frame.columns) == [
        *("event_type", "measure", "quantile", "ms", "count", "target_per_s", "achieved_per_s")
    ]
    assert list(dict.fromkeys(frame["event_type"])) == ["default", "total"]
    assert list(dict.fromkeys(frame["measure"])) == list(MEASURES)
    ends = frame.groupby(["event_type", "measure"])["quantile"].agg(["min", "max"])
    assert (ends["min"] == 0).all()
    assert (ends["max"] == 1).all()
    assert set(frame["count"]) == {11}


def test_latency_has_every_type_and_the_total() -> None:
    """There is a row per measure; new columns come last, so older readers still work."""
    frame = csv_tables.latency(a_report())
    assert list(frame.columns) == [
        *("event_type", "measure", "count", "negative", "min_ms", "mean_ms"),
        *("p50_ms", "p75_ms", "p90_ms", "p95_ms", "p99_ms", "p99.9_ms", "max_ms"),
        *("target_per_s", "achieved_per_s", "unanswered"),
    ]
    assert list(frame["event_type"]) == ["default"] * 3 + ["total"] * 3
    assert list(frame["measure"]) == [*MEASURES] * 2


def test_phases_are_further_measures() -> None:
    """After those of whole requests; over time, the columns stay the same."""
    opened = {Phase.FIRST_BYTE: durations_of([0.002] * 9), Phase.CONNECT: durations_of([0.0005])}
    report = a_report()
    buckets = (*report.buckets, *phase_buckets([HttpPhases({"default": opened})], ("default",)))
    with_phases = replace(report, buckets=buckets)
    rows = csv_tables.latency(with_phases)[["event_type", "measure", "count", "max_ms"]]
    assert rows[rows["event_type"] == "total"].to_numpy().tolist()[3:] == [
        ["total", "first_byte", 9, 2.0],
        ["total", "connect", 1, 0.5],
    ]
    assert csv_tables.over_time(with_phases).equals(csv_tables.over_time(report))


@pytest.mark.parametrize("table", [csv_tables.latency, csv_tables.percentiles])
@pytest.mark.parametrize(
    ("rates", "cells"),
    [
        (Rates(500, 498.25), "500.0,498.25"),
        (Rates(10 / 3600, 9 / 3600), "0.002778,0.0025"),
        (Rates(None, 62.0), ",62.0"),
        (Rates(), ","),
    ],
)
def test_both_rates_stand_beside_every_percentile(
    table: Callable[[Report], pd.DataFrame], rates: Rates, cells: str
) -> None:
    """Each row has them; the target is empty if none was set."""
    frame = table(replace(a_report(), rates=rates))[list(csv_tables.RATES)]
    rows = csv_tables.csv(frame).splitlines()[1:]
    assert len(rows) >= 6
    assert set(rows) == {cells}


def test_an_empty_run_has_the_headers() -> None:
    """So programs that read the tables need no special case."""
    nothing = replace(a_report(), buckets=(), over_time=OverTime())
    assert len(csv_tables.csv(csv_tables.latency(nothing)).splitlines()) == 1
    assert len(csv_tables.csv(csv_tables.percentiles(nothing)).splitlines()) == 1
    assert len(csv_tables.csv(csv_tables.over_time(nothing)).splitlines()) == 1
