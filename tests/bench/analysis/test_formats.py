"""The `formats` benchmark: every sample is in its format."""

from pathlib import Path

import pytest
from headcount_analysis.formats.catalogue import OWN

from bench.analysis.format_samples import COMPARED, ID_FIELD, format_samples
from tests.bench.command import bench


def test_samples_are_the_same_events_in_all_formats() -> None:
    """A bare decoder of any format finds the id and what was asked for."""
    samples = format_samples(2, 1, 1)
    assert {sample.name for sample in samples} == OWN.keys() - {"raw"}
    for sample in samples:
        content: object = sample.bare(sample.values[1][len(sample.frame) :])
        shown = str(content)
        assert ID_FIELD in shown, sample.title
        assert all(name in shown for name in COMPARED), sample.title


@pytest.mark.e2e
@pytest.mark.heavy
def test_formats(tmp_path: Path) -> None:
    """Each format has a rate, and the target is shown."""
    _, document = bench(tmp_path, "formats", "--rounds", "2", "--messages", "200")
    rates = document["figures"]["repeated"]
    assert {title.partition(",")[0] for title in rates} == OWN.keys() - {"raw"}
    assert all(rate["median"] > 0 for rate in rates.values())
