"""The document: what every other reader of a verdict is fed from."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from headcount_analysis.compare.runs import read_run
from headcount_analysis.measure.generator_health import FleetHealth, GeneratorHealth
from headcount_analysis.measure.rates import Rates
from headcount_analysis.report.document import document, dump
from headcount_analysis.report.writer import write

from headcount.ledger.generator_health import Sample
from headcount.run.folder import RunFolder
from tests.analysis.report.literal import a_report

BUSY = "generator 0 used 90 % or more of a core in 30 of 30 samples under load (median 99 %)"


def told_of(generators: FleetHealth) -> dict[str, Any]:
    """Read what the document of a run with these generators tells of them."""
    report = a_report()
    assert report.evidence is not None
    evidence = replace(report.evidence, generators=generators)
    told = json.loads(dump(replace(report, evidence=evidence)))
    found: dict[str, Any] = told["generator"]
    return found


def test_a_busy_generator_is_saturated_and_the_evidence_says_why() -> None:
    """Beside the figures that it was read from, and how many workers never began."""
    told = json.loads(dump(a_report(cpu_percent=99.0)))
    assert told["generator"] == {
        "saturated": True,
        "evidence": [BUSY],
        "missing_workers": 1,
        "generators": [
            {
                "generator": 0,
                "cpu_percent_median": 99.0,
                "cpu_percent_max": 99.0,
                "schedule_lag_p99_ms": 2.0,
                "dropped": 0,
            }
        ],
    }
    assert told["notes"][0].startswith(f"generator: saturated: {BUSY}: ")


def test_a_generator_that_has_time_is_not() -> None:
    """There is no evidence then, and no note of it."""
    told = json.loads(dump(a_report(cpu_percent=20.0)))
    found = told["generator"]
    assert (found["saturated"], found["evidence"]) == (False, [])
    assert not any("saturated" in note for note in told["notes"])


def test_each_generator_is_told_of_by_itself() -> None:
    """One that is late and drops is evidence twice; of one that left nothing, nothing is known."""
    samples = (Sample(1, 20.0, 150.0, 1, 1), Sample(2, 40.0, 1.0, 1, 2, dropped=7))
    told = told_of(FleetHealth((GeneratorHealth(0), GeneratorHealth(3, samples)), missing=None))
    assert (told["saturated"], told["missing_workers"]) == (True, None)
    dropped, late = told["evidence"]
    assert dropped == "generator 3 dropped 7 arrivals that it could not start in time"
    assert late.startswith("generator 3 was 100 ms or more late with what was due in 1 of 2 ")
    assert told["generators"] == [
        {
            "generator": 0,
            "cpu_percent_median": None,
            "cpu_percent_max": None,
            "schedule_lag_p99_ms": None,
            "dropped": None,
        },
        {
            "generator": 3,
            "cpu_percent_median": 30.0,
            "cpu_percent_max": 40.0,
            "schedule_lag_p99_ms": 150.0,
            "dropped": 7,
        },
    ]


@pytest.mark.parametrize(("target", "achieved"), [(500.0, 498.25), (None, 62.0), (None, None)])
def test_both_rates_stand_beside_every_percentile(
    target: float | None, achieved: float | None
) -> None:
    """Null where there was none."""
    report = replace(a_report(), rates=Rates(target, achieved))
    entries = json.loads(dump(report))["latency_ms"]
    assert len(entries) == 6
    for each in entries:
        assert each["percentiles"]["0.99"] == 5
        assert (each["target_per_s"], each["achieved_per_s"]) == (target, achieved)


def test_what_compares_runs_reads_it_as_before(tmp_path: Path) -> None:
    """The rates beside the percentiles are no damage, in no file."""
    report, folder = a_report(), RunFolder(tmp_path / "run-1")
    folder.create()
    folder.write_manifest(report.manifest)
    write(report, folder)
    run = read_run(folder)
    assert len(run.document.latency_ms) == len(document(report)["latency_ms"]) == 6
    assert run.document.latency_ms[0].percentiles["0.99"] == 5
    assert run.quantiles
    assert {each.ms for each in run.quantiles} == {5}
