"""Past runs: runs are listed, whatever else is in the folder."""

import json
from pathlib import Path

from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest
from headcount.run.past_runs import past_runs
from headcount.run.verdict import Verdict


def a_run(reports: Path, run_id: str, began: str, **verdict: object) -> Path:
    """Create a run's folder, with a verdict if there is one."""
    folder = RunFolder(reports / run_id)
    folder.path.mkdir(parents=True)
    folder.write_manifest(
        Manifest(run_id, began, "0.1.0", "mixed.py", "", "", "", "events", None, "delete", {0: 0})
    )
    if verdict:
        document = {"run_id": run_id, **verdict}
        (folder.path / "verdict.json").write_text(json.dumps(document))
        (folder.path / "report.html").write_text("<h1>")
    return folder.path


def test_the_latest_comes_first(tmp_path: Path) -> None:
    """Each has its verdict, counts and files, as far as they exist."""
    thresholds = [{"text": "lost == 0", "holds": False, "shown": "3", "value": 3}]
    a_run(
        tmp_path,
        "old",
        "2026-01-01T00:00:00",
        verdict="fail",
        counts={"lost": 3},
        thresholds=thresholds,
        more="is left out",
    )
    a_run(tmp_path, "new", "2026-02-01T00:00:00")
    new, old = past_runs(tmp_path)
    assert (new.run_id, new.verdict, new.count("lost"), new.broken, new.files) == (
        *("new", None, None, 0, ()),
    )
    assert old.verdict is not None
    assert (old.verdict.verdict, old.count("lost"), old.broken) == (Verdict.FAIL, 3, 1)
    assert old.files == ("report.html", "verdict.json")


def test_only_runs_are_listed(tmp_path: Path) -> None:
    """Nor is a folder with another run's manifest; an invalid verdict counts as none."""
    assert past_runs(tmp_path / "nowhere") == []
    (tmp_path / "up-1").mkdir()
    (tmp_path / "a file").write_text("")
    a_run(tmp_path, "damaged", "").joinpath("run.json").write_text("{")
    a_run(tmp_path, "odd", "", verdict="splendid")
    (a_run(tmp_path, "first", "")).rename(tmp_path / "second")
    assert [(run.run_id, run.verdict) for run in past_runs(tmp_path)] == [("odd", None)]
