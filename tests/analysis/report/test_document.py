"""The document: what every other reader of a verdict is fed from."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.compare.runs import read_run
from analysis.rates import Rates
from analysis.report.document import document, dump
from analysis.report.writing import write
from headcount.run import RunFolder
from tests.analysis.report.literal import a_report


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
