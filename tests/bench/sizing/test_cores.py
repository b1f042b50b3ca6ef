"""The `cores` benchmark: its sizes, and end to end."""

from pathlib import Path

import pytest
from headcount_analysis.spark.config import suited_to

from bench.sizing import cores
from headcount.stack.jvm.flags import LONG_WORK
from tests.bench.command import bench

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_verdicts_of_both_sizes_are_reached_in_one_way() -> None:
    """A line through two ways of starting Spark would say nothing of either."""
    assert len({suited_to(events) for events in cores.CoresSettings().events}) == 1
    assert suited_to(min(cores.CoresSettings().events)) == LONG_WORK


def test_cores(tmp_path: Path) -> None:
    """Both runs pass, and the parts of the time are told, none below nothing."""
    _, document = bench(tmp_path, "cores", "--rounds", "1", "--events", "2000", "4000")
    assert [each["events"] for each in document["rounds"]] == [2000, 4000]
    names = ("start_s", "shared_s_per_million", "serial_s_per_million")
    assert min(document["figures"][name] for name in names) >= 0
    assert document["figures"]["peak_mib"]["median"] > 0
