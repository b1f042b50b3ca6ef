"""The document: verdict.json, which all other readers of a verdict use."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from headcount_analysis.compare_runs.runs import read_run
from headcount_analysis.measure.generator_health import FleetHealth, GeneratorHealth
from headcount_analysis.measure.rates import Rates
from headcount_analysis.report.verdict_document import document, dump
from headcount_analysis.report.writer import write

from headcount.ledger.generator_health import Sample
from headcount.run.folder import RunFolder
from tests.analysis.report.literal import a_report

CAUSE = "the scenario needs more than one core"
BUSY = "generator 0 used 90 % or more of a core in 30 of 30 samples under load (median 99 %)"


def generator_section(generators: FleetHealth) -> dict[str, Any]:
    """Return the `generator` key of the document of a run with these generators."""
    report = a_report()
    assert report.evidence is not None
    evidence = replace(report.evidence, generators=generators)
    content = json.loads(dump(replace(report, evidence=evidence)))
    section: dict[str, Any] = content["generator"]
    return section


def test_a_busy_generator_is_saturated_and_the_evidence_says_why() -> None:
    """The document also has the figures behind it, and how many workers never started."""
    content = json.loads(dump(a_report(cpu_percent=99.0)))
    assert content["generator"] == {
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
    overloaded = f"the load generator was overloaded because {CAUSE}: {BUSY}; "
    assert content["notes"][0].startswith(overloaded)


def test_a_generator_with_spare_time_is_not_saturated() -> None:
    """There is neither evidence nor a note."""
    content = json.loads(dump(a_report(cpu_percent=20.0)))
    section = content["generator"]
    assert (section["saturated"], section["evidence"]) == (False, [])
    assert not any("overloaded" in note for note in content["notes"])


def test_each_generator_has_its_own_entry() -> None:
    """A generator that is late and drops is evidence twice; one without samples is unknown."""
    samples = (Sample(1, 20.0, 150.0, 1, 1), Sample(2, 40.0, 1.0, 1, 2, dropped=7))
    fleet = FleetHealth((GeneratorHealth(0), GeneratorHealth(3, samples)), missing=None)
    section = generator_section(fleet)
    assert (section["saturated"], section["missing_workers"]) == (True, None)
    dropped, late = section["evidence"]
    assert dropped == "generator 3 dropped 7 arrivals that it could not start in time"
    assert late.startswith("generator 3 was 100 ms or more behind schedule in 1 of 2 ")
    assert section["generators"] == [
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
    """A missing rate is null."""
    report = replace(a_report(), rates=Rates(target, achieved))
    entries = json.loads(dump(report))["latency_ms"]
    assert len(entries) == 6
    for entry in entries:
        assert entry["percentiles"]["0.99"] == 5
        assert (entry["target_per_s"], entry["achieved_per_s"]) == (target, achieved)


def test_the_comparison_can_read_a_written_run(tmp_path: Path) -> None:
    """The rates beside the percentiles do not count as damage in any file."""
    report, folder = a_report(), RunFolder(tmp_path / "run-1")
    folder.create()
    folder.write_manifest(report.manifest)
    write(report, folder)
    run = read_run(folder)
    assert len(run.document.latency_ms) == len(document(report)["latency_ms"]) == 6
    assert run.document.latency_ms[0].percentiles["0.99"] == 5
    assert run.quantiles
    assert {quantile.ms for quantile in run.quantiles} == {5}
