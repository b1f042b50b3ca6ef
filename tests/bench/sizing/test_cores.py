"""The `cores` benchmark: its sizes, and end to end."""

from pathlib import Path

import pytest
from headcount_analysis.spark.config import suited_to

from bench.sizing import cores
from headcount.stack.jvm.compilation_flags import LONG_WORK
from tests.bench.command import bench

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


def test_spark_starts_the_same_way_for_both_sizes() -> None:
    """A fit across two ways of starting Spark would describe neither."""
    assert len({suited_to(events) for events in cores.CoresSettings().events}) == 1
    assert suited_to(min(cores.CoresSettings().events)) == LONG_WORK


def test_cores(tmp_path: Path) -> None:
    """Both runs pass, and no part of the time is negative."""
    _, document = bench(tmp_path, "cores", "--rounds", "1", "--events", "2000", "4000")
    assert [one_round["events"] for one_round in document["rounds"]] == [2000, 4000]
    names = ("start_s", "shared_s_per_million", "serial_s_per_million")
    assert min(document["figures"][name] for name in names) >= 0
    assert document["figures"]["peak_mib"]["median"] > 0
