"""Earlier runs: those of the same scenario before this one, whatever else lies there."""

import json
import os
from dataclasses import replace
from pathlib import Path

from headcount_analysis.report.earlier_run import MOST_LOOKED_AT, EarlierRun, earlier_runs

from headcount.run.folder import RunFolder
from tests.manifests import MANIFEST

NOW = "2026-11-23T22:00:00+00:00"
CURRENT = replace(MANIFEST, run_id="now", created_at=NOW, scenario="shop.py")


def a_run(reports: Path, name: str, hour: int, scenario: str = "shop.py") -> Path:
    """Create the folder of a verified run that began at an hour."""
    folder = reports / name
    folder.mkdir(parents=True)
    created_at = f"2026-11-23T{hour:02}:00:00+00:00"
    (folder / "run.json").write_text("{}")
    os.utime(folder / "run.json", (hour, hour))
    document = {
        "run_id": name,
        "verdict": "pass",
        "scenario": scenario,
        "created_at": created_at,
        "counts": {"lost": 3},
        "host": CURRENT.host,
        "topic": CURRENT.topic,
        "options": {"num_users": 20, "seed": 1},
    }
    (folder / "verdict.json").write_text(json.dumps(document))
    return folder


def before(reports: Path) -> EarlierRun | None:
    """Look for the run previous to the current one."""
    return next(iter(earlier_runs(RunFolder(reports / "now"), CURRENT)), None)


def test_it_is_the_last_of_the_same_scenario_before_this_one(tmp_path: Path) -> None:
    """Later runs and those of other scenarios do not count; the link leads to its report."""
    a_run(tmp_path, "now", 22)
    a_run(tmp_path, "old", 9)
    last = a_run(tmp_path, "last", 10)
    a_run(tmp_path, "later", 23)
    a_run(tmp_path, "other", 11, "bank.py")
    last_before = before(tmp_path)
    assert last_before is not None
    assert (last_before.document.run_id, last_before.href) == ("last", "")
    (last / "report.html").write_text("")
    assert (before(tmp_path) or last_before).href == "../last/report.html"


def test_they_come_latest_first(tmp_path: Path) -> None:
    """However old their folders are."""
    for name, hour in (("first", 8), ("third", 10), ("second", 9)):
        a_run(tmp_path, name, hour)
    os.utime(tmp_path / "first" / "run.json", (99, 99))
    runs = earlier_runs(RunFolder(tmp_path / "now"), CURRENT)
    assert [run.document.run_id for run in runs] == ["third", "second", "first"]


def test_what_is_no_run_is_skipped(tmp_path: Path) -> None:
    """Files, folders without a verdict, damaged ones, links, and one under another's name."""
    a_run(tmp_path, "now", 22)
    elsewhere = a_run(tmp_path / "elsewhere", "linked", 12)
    (tmp_path / "linked").symlink_to(elsewhere)
    (a_run(tmp_path, "damaged", 13) / "verdict.json").write_text('{"run_id": 1')
    (a_run(tmp_path, "unverified", 14) / "verdict.json").unlink()
    a_run(tmp_path, "copied", 15).rename(tmp_path / "copy")
    (tmp_path / "file").write_text("")
    assert before(tmp_path) is None
    assert earlier_runs(RunFolder(tmp_path / "nowhere" / "now"), CURRENT) == ()


def test_only_the_latest_are_read(tmp_path: Path) -> None:
    """So that a folder of thousands of runs does not slow a report down."""
    a_run(tmp_path, "now", 22)
    a_run(tmp_path, "old", 1)
    for number in range(MOST_LOOKED_AT):
        a_run(tmp_path, f"other-{number}", 2, "bank.py")
    assert before(tmp_path) is None


def test_differing_options_of_the_load_are_named(tmp_path: Path) -> None:
    """The seed does not count."""
    a_run(tmp_path, "now", 22)
    a_run(tmp_path, "last", 10)
    last_before = before(tmp_path)
    assert last_before is not None
    assert last_before.other_options({"num_users": 20, "seed": 2}) == ()
    assert last_before.other_options({"num_users": 21, "rate": "5/s"}) == ("num_users", "rate")


def test_the_same_load_has_the_same_target_and_options(tmp_path: Path) -> None:
    """The seed does not count, nor does a port that the system chose on the same machine."""
    a_run(tmp_path, "last", 10)
    last = before(tmp_path)
    assert last is not None
    same = replace(CURRENT, options={"num_users": 20, "seed": 2})
    assert last.has_same_load(same)
    assert not last.has_same_load(replace(same, options={"num_users": 21}))
    assert not last.has_same_load(replace(same, host="http://staging.test"))
    assert not last.has_same_load(replace(same, topic="another"))
