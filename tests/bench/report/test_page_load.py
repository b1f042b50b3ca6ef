"""The `report` benchmark, end to end."""

import shutil
from pathlib import Path

import pytest

from tests.bench.command import bench

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not on PATH")
def test_report(tmp_path: Path) -> None:
    """The report of a run with all kinds of faults opens, with more elements than an empty page."""
    size = ("--rounds", "1", "--minutes", "0.2", "--rate", "100", "--faults", "30")
    _, document = bench(tmp_path, "report", *size, "--keep", str(tmp_path / "kept"))
    pages = {one_round["variant"]: one_round["opened"] for one_round in document["rounds"]}
    assert pages["report.html"]["nodes"] > 100 > pages["an empty page"]["nodes"]
    assert document["figures"]["report_bytes"] == (tmp_path / "kept/report.html").stat().st_size
    page = (tmp_path / "kept/report.html").read_text(encoding="utf-8")
    for fault in ("lost", "duplicated", "corrupted"):
        assert f'href="#exceptions?class={fault}"' in page
    assert {path.suffix for path in (tmp_path / "kept").iterdir()} == {".html", ".png", ".pdf"}
