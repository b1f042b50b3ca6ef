"""The index: what is read again and what is not, whatever stands in it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from headcount_analysis.history import index, run_store
from headcount_analysis.history.index import PastRuns, read_runs
from headcount_analysis.history.run_store import INDEX, store_at

from headcount.errors import UsageError
from tests.analysis.compare_runs.sample import written


@pytest.fixture(params=[str, Path.as_uri], ids=["folder", "url"])
def runs(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], PastRuns]:
    """Three runs, in a folder or behind a URL; the function reads them."""
    for name in ("one", "two", "three"):
        written(tmp_path, name)
    location: str = request.param(tmp_path)
    return lambda: read_runs(store_at(location))


def names(past: PastRuns) -> set[str]:
    """Return the ids of the runs with an entry."""
    return {entry.run_id for entry in past.entries}


def change(path: Path, old: str, new: str) -> None:
    """Change a file, and its time, by replacing it."""
    content = path.read_text("utf-8")
    assert old in content
    aside = path.with_name("aside")
    aside.write_text(content.replace(old, new), "utf-8")
    aside.replace(path)
    os.utime(path, ns=(1, 1))


def test_no_verdict_is_read_twice(tmp_path: Path, runs: Callable[[], PastRuns]) -> None:
    """The first reading writes the index, and the next one reads nothing else."""
    first, second = runs(), runs()
    assert (first.read, second.read) == (3, 0)
    assert names(second) == {"one", "two", "three"}
    assert sorted(first.entries, key=str) == sorted(second.entries, key=str)
    assert (tmp_path / INDEX).is_file()


def test_a_verdict_that_was_written_again_is_read_again(
    tmp_path: Path, runs: Callable[[], PastRuns]
) -> None:
    """And only that one; a run that is gone leaves the index."""
    runs()
    change(tmp_path / "two" / "verdict.json", '"verdict": "pass"', '"verdict": "fail"')
    (tmp_path / "one" / "verdict.json").unlink()
    past = runs()
    assert (past.read, past.not_judged) == (1, ("one",))
    assert {entry.run_id: entry.label.words for entry in past.entries} == {
        "two": "fail",
        "three": "pass",
    }
    assert b'"one"' not in (tmp_path / INDEX).read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json\n",
        b'{"headcount_history":1}\n{"stamp":[1,2,3]}\n',
        index.dump([]) + b'{"stamp": [1, 2, 3], "entry": {"run_id": "one"}}\n[]\n\xff\n',
    ],
    ids=["empty", "no index", "another format", "damaged lines"],
)
def test_a_damaged_index_is_made_anew(
    tmp_path: Path, runs: Callable[[], PastRuns], content: bytes
) -> None:
    """Only whole lines of this format are used."""
    (tmp_path / INDEX).write_bytes(content)
    assert names(runs()) == {"one", "two", "three"}
    assert runs().read == 0


def test_a_line_of_another_verdict_is_not_believed(
    tmp_path: Path, runs: Callable[[], PastRuns]
) -> None:
    """An index that was copied along with other runs says nothing of these."""
    runs()
    lines = (tmp_path / INDEX).read_text("utf-8").splitlines()
    forged = [json.loads(line) for line in lines[1:]]
    for line in forged:
        line["stamp"][1] += 1
        line["entry"]["label"] = "FAIL"
    texts = [lines[0], *(json.dumps(line) for line in forged)]
    (tmp_path / INDEX).write_text("\n".join(texts), "utf-8")
    assert {entry.label.words for entry in runs().entries} == {"pass"}


def test_damaged_verdicts_are_named(tmp_path: Path, runs: Callable[[], PastRuns]) -> None:
    """They are left out, and the others are read."""
    (tmp_path / "one" / "verdict.json").write_bytes(b'{"format": 1, "run_id": "one"}')
    (tmp_path / "two" / "verdict.json").write_bytes(b"\xff\xfe")
    past = runs()
    assert names(past) == {"three"}
    assert set(past.unreadable) == {"one", "two"}
    assert "is damaged" in past.unreadable["one"]


def test_a_verdict_beyond_the_bound_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is made to exhaust memory, or damaged."""
    written(tmp_path, "one")
    monkeypatch.setattr(run_store, "MOST_BYTES", 1000)
    assert "more than 1,000 bytes" in read_runs(store_at(str(tmp_path))).unreadable["one"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Neither of a verdict, nor of a folder, nor of the index, which is replaced."""
    reports, outside = tmp_path / "reports", tmp_path / "outside"
    written(reports, "one")
    written(outside, "linked")
    written(outside, "two")
    (reports / "linked").symlink_to(outside / "linked", target_is_directory=True)
    written(reports, "two")
    (reports / "two" / "verdict.json").unlink()
    (reports / "two" / "verdict.json").symlink_to(outside / "two" / "verdict.json")
    secret = outside / "secret"
    secret.write_bytes(index.dump([]))
    (reports / INDEX).symlink_to(secret)
    past = read_runs(store_at(str(reports)))
    assert (names(past), past.not_judged, past.unreadable) == ({"one"}, ("two",), {})
    assert not (reports / INDEX).is_symlink()
    assert secret.read_bytes() == index.dump([])


def test_runs_are_read_without_an_index_that_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is only readable has a history, too, and the reader learns why it is slow."""
    written(tmp_path, "one")

    def refuse(_path: Path, _content: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(run_store, "write_atomically", refuse)
    past = read_runs(store_at(str(tmp_path)))
    assert (names(past), past.why_no_index) == ({"one"}, "Permission denied")


def test_other_folders_are_no_runs(tmp_path: Path, runs: Callable[[], PastRuns]) -> None:
    """A run is a folder with a verdict, a manifest and a valid name, at the top level."""
    (tmp_path / "bench").mkdir()
    (tmp_path / "README.md").write_text("verdict.json")
    written(tmp_path, "deep").path.rename(tmp_path / "bench" / "deep")
    written(tmp_path, "lower").path.rename(tmp_path / "UPPER")
    past = runs()
    assert (names(past), past.not_judged) == ({"one", "two", "three"}, ())


def test_a_location_without_a_folder(tmp_path: Path) -> None:
    """The error names it and the remedy."""
    with pytest.raises(UsageError, match=r"there is no folder .*nowhere: make a run first"):
        store_at(str(tmp_path / "nowhere"))
