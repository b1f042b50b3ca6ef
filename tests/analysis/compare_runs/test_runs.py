"""Reading runs: missing, damaged or hostile files give a one-line error."""

import json
from pathlib import Path

import pytest
from headcount_analysis.compare_runs import runs
from headcount_analysis.compare_runs.runs import read_run

from headcount.errors import EvidenceError, HeadcountError, UsageError
from headcount.run.folder import RunFolder
from tests.analysis.compare_runs.sample import verdict, written

OVER_TIME = (
    "elapsed_s,width_s,target,acked,http_p50_ms,http_p99_ms,end_to_end_p99_ms\n0,1,,5,1.5,2,\n"
)
PERCENTILES = "event_type,measure,quantile,ms,count\ntotal,http,0.5,3.5,10\ndefault,http,0.5,4,5\n"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Return a run's folder."""
    return written(tmp_path, "a")


def test_a_run_without_tables(folder: RunFolder) -> None:
    """Such a run can be compared nevertheless."""
    run = read_run(folder)
    assert (run.run_id, run.slices, run.quantiles) == ("a", None, None)
    assert run.document.latency_ms[0].percentiles["0.99"] == 100


def test_the_tables(folder: RunFolder) -> None:
    """Cells may be empty, and there may be other columns."""
    (folder.path / "over_time.csv").write_text(OVER_TIME)
    (folder.path / "percentiles.csv").write_text(PERCENTILES)
    run = read_run(folder)
    assert run.slices is not None
    assert (run.slices[0].acked, run.slices[0].end_to_end_p99_ms) == (5, None)
    assert run.quantiles is not None
    assert [quantile.ms for quantile in run.quantiles] == [3.5]


def test_a_run_that_is_not_verified(folder: RunFolder) -> None:
    """The error names the remedy."""
    (folder.path / "verdict.json").unlink()
    with pytest.raises(UsageError, match=f"is not verified yet: headcount verify {folder.path}"):
        read_run(folder)


def changed(**changes: object) -> str:
    """Return a verdict with changed keys."""
    return json.dumps({**verdict("a"), **changes})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("verdict.json", "", "is damaged: all of it: "),
        ("verdict.json", "[]", "is damaged: all of it: "),
        ("verdict.json", "{}", "has format None, and only 1 can be read"),
        ("verdict.json", changed(format=2), "has format 2, and only 1 can be read"),
        ("verdict.json", changed(run_id="b"), "belongs to run 'b', not to this run"),
        ("verdict.json", changed(verdict="splendid"), "is damaged: verdict: "),
        ("verdict.json", changed(counts={"lost": -1}), "is damaged: counts.lost: "),
        ("verdict.json", changed(scenario="x" * 2000), "is damaged: scenario: "),
        ("verdict.json", changed(span_s=float("inf")), "is damaged"),
        ("verdict.json", changed(span_s=1e300), "is damaged: span_s: "),
        ("verdict.json", changed().replace('"0.99"', '"most"'), "is damaged: latency_ms.0: "),
        ("verdict.json", b"\xff\xfe", "cannot be read: "),
        ("over_time.csv", "elapsed_s\n1\n", "is damaged: 0.width_s: "),
        ("over_time.csv", "elapsed_s,width_s,acked\n1,1,many\n", "is damaged: 0.acked: "),
        ("over_time.csv", "elapsed_s,width_s,acked\n1,1,nan\n", "is damaged: 0.acked: "),
        ("percentiles.csv", PERCENTILES.replace("0.5", "1.5"), "is damaged: 0.quantile: "),
    ],
)
def test_a_damaged_file(folder: RunFolder, name: str, content: str | bytes, message: str) -> None:
    """The error names the file and the place, in one line."""
    raw = content if isinstance(content, bytes) else content.encode()
    (folder.path / name).write_bytes(raw)
    with pytest.raises(EvidenceError) as error:
        read_run(folder)
    assert str(error.value).startswith(f"{folder.path / name} {message}")
    assert "\n" not in str(error.value)


def test_a_file_that_is_too_large(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not parsed at all."""
    monkeypatch.setattr(runs, "MOST_BYTES", 100)
    with pytest.raises(HeadcountError, match="has more than 100 bytes"):
        read_run(folder)


def test_a_link_is_not_followed(folder: RunFolder) -> None:
    """Even a link to a file in the same folder is an error, and its target is not read."""
    path = folder.path / "verdict.json"
    path.rename(folder.path / "elsewhere.json")
    path.symlink_to("elsewhere.json")
    with pytest.raises(HeadcountError, match="it is a symbolic link, which is not followed"):
        read_run(folder)
