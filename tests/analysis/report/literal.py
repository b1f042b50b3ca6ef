"""A literal report, with everything that a page can show."""

from dataclasses import replace

import pandas as pd
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.judge import Limits, judge
from headcount_analysis.measure.generator_health import generators
from headcount_analysis.measure.histogram import WHOLE, Bucket
from headcount_analysis.measure.latency_over_time import LatencySlice, Percentiles
from headcount_analysis.measure.over_time import LoadSlice, OverTime
from headcount_analysis.measure.rates import Rates
from headcount_analysis.report.exceptions_csv import COLUMNS
from headcount_analysis.report.model import Report
from headcount_analysis.report.shown_exceptions import Exceptions

from headcount.ledger.generator_health import Health, Sample
from tests.analysis.judge.test_judge import SANE, with_counts
from tests.manifests import MANIFEST

HOSTILE = "<script>alert(1)</script>"
MS = 1_000_000
START_NS = 1_700_000_000_000 * MS


def a_health(cpu_percent: float) -> Health:
    """Create the health of a generator with one request per second."""
    return Health(
        tuple(
            Sample(START_NS + at * 10**9, cpu_percent, 2.0, 1, at, users=3) for at in range(1, 31)
        )
    )


def a_report(cpu_percent: float = 20.0, **manifest: object) -> Report:
    """Create the report of a run of 30 s; one event is lost."""
    options = {"seed": 7, "db_password": "hush", "processes": 2, "tags": None}
    described = replace(
        MANIFEST,
        options=options,
        promise="acks=all",
        **manifest,  # type: ignore[arg-type]
    )
    evidence = replace(
        with_counts(attempted=1, acked=1, lost=1),
        manifest=described,
        by_generator={0: Counts(attempted=11, acked=11, delivered=10, lost=1)},
        by_answer={"200": Counts(attempted=11), HOSTILE: Counts(attempted=1)},
        generators=generators({0: a_health(cpu_percent)}, [0], options),
    )
    return Report(
        described,
        SANE.end,
        Limits(),
        judge(evidence, Limits()),
        evidence,
        buckets=tuple(
            Bucket("default", measure, 11, 5 * MS, 5 * MS, 55.0 * MS) for measure in WHOLE
        ),
        over_time=OverTime(
            1.0,
            START_NS,
            tuple(a_slice(at) for at in range(30)),
            {measure: tuple(a_latency_slice(at) for at in (0, 10)) for measure in WHOLE},
        ),
        rates=Rates(target_per_s=10.0, achieved_per_s=9.5),
        versions={"headcount": "1", "locust": HOSTILE},
    )


def a_slice(at_s: int) -> LoadSlice:
    """Create a slice of 1 s; the third has a loss."""
    return LoadSlice(float(at_s), 10.0, 10, 10, 9, 9, 9, 10, lost=int(at_s == 2))


def a_latency_slice(at_s: int) -> LatencySlice:
    """Create the latencies of 100 requests in 10 s."""
    return LatencySlice(float(at_s), 10.0, 100, Percentiles(5.0, 6.0, 7.0, 500.0))


def some_exceptions(**counts: int) -> Exceptions:
    """Create this many exceptions of each class, all of them shown."""
    rows = [
        dict.fromkeys(COLUMNS, "") | {"id": f"run-1.0.{kind}-{number}", "class": kind}
        for kind, count in counts.items()
        for number in range(count)
    ]
    return Exceptions(counts, pd.DataFrame(rows, columns=list(COLUMNS), dtype=object))
