"""The run folder: documents survive, and a damaged one gets a one-line error."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from headcount.errors import EvidenceError, UsageError
from headcount.files import write_atomically
from headcount.run.folder import RunFolder
from headcount.run.manifest import End
from tests.manifests import MANIFEST


def a_run(tmp_path: Path) -> RunFolder:
    """Make a run's folder with its manifest."""
    folder = RunFolder(tmp_path / "run-1")
    folder.create()
    folder.write_manifest(MANIFEST)
    return folder


def test_documents_survive(tmp_path: Path) -> None:
    """Manifest and end read back as written."""
    folder = a_run(tmp_path)
    end = End({0: 9}, {0: 0}, "2026-11-23T22:01:00.000+00:00")
    assert folder.read_end() is None
    folder.write_end(end)
    assert (folder.read_manifest(), folder.read_end()) == (MANIFEST, end)
    assert [path.name for path in folder.path.iterdir() if path.name.startswith(".")] == []


def test_a_run_without_a_tag_is_known_by_its_id(tmp_path: Path) -> None:
    """A manifest without a tag is read: its ids begin with the run id."""
    folder = a_run(tmp_path)
    content = json.loads(folder.manifest_path.read_text())
    del content["tag"]
    folder.manifest_path.write_text(json.dumps(content))
    manifest = folder.read_manifest()
    assert (manifest.tag, folder.shared_name(manifest.tag)) == ("run-1", "run-1")


def test_a_manifest_without_leader_epochs_is_read(tmp_path: Path) -> None:
    """The manifest of an earlier Headcount has none: they are unknown."""
    folder = RunFolder(tmp_path / "run-1")
    folder.create()
    folder.write_manifest(replace(MANIFEST, start_epochs={0: 7}))
    assert folder.read_manifest().start_epochs == {0: 7}
    content = json.loads(folder.manifest_path.read_text())
    del content["start_epochs"]
    folder.manifest_path.write_text(json.dumps(content))
    assert folder.read_manifest() == MANIFEST


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("start_epochs", {"0": -1}),
        ("start_epochs", {"0": 2**31}),
        ("settle_s", float("nan")),
        ("settle_s", float("inf")),
        ("watch_for_s", -1.0),
    ],
)
def test_a_manifest_with_an_impossible_value_is_damaged(
    tmp_path: Path, name: str, value: object
) -> None:
    """An epoch that Kafka has not, or a time that never ends, is refused when the file is read."""
    folder = a_run(tmp_path)
    content = json.loads(folder.manifest_path.read_text())
    folder.manifest_path.write_text(json.dumps(content | {name: value}))
    with pytest.raises(EvidenceError, match="damaged"):
        folder.read_manifest()


def test_ledgers_of_one_run_id_are_separate(tmp_path: Path) -> None:
    """Two runs with one run id that keep their ledgers in one place do not share a folder."""
    folder = RunFolder(tmp_path / "run-1")
    places = {folder.ledger_of("s3://bucket/ledgers/", tag) for tag in ("0aaaaaaaaa", "0bbbbbbbbb")}
    assert places == {
        "s3://bucket/ledgers/run-1-0aaaaaaaaa",
        "s3://bucket/ledgers/run-1-0bbbbbbbbb",
    }
    assert folder.ledger_of("", "0aaaaaaaaa") == "ledger"


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    """A run never writes into the folder of another."""
    a_run(tmp_path)
    with pytest.raises(UsageError, match="already exists: choose another --run-id"):
        RunFolder(tmp_path / "run-1").create()


def test_a_run_begins_once(tmp_path: Path) -> None:
    """Not even a Locust with the same --run-id writes its manifest over that of another."""
    folder = RunFolder(tmp_path / "run-1")
    folder.begin(MANIFEST)
    with pytest.raises(UsageError, match="already exists: choose another --run-id"):
        folder.begin(replace(MANIFEST, tag="another"))
    assert folder.read_manifest() == MANIFEST
    assert [path.name for path in folder.path.iterdir()] == ["run.json"]


def test_a_run_begins_once_if_two_processes_begin_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second comes while the first, which saw no other run, has yet to write its manifest."""
    folder = RunFolder(tmp_path / "run-1")

    def write(path: Path, content: bytes) -> None:
        monkeypatch.undo()
        with pytest.raises(UsageError, match="already exists: choose another --run-id"):
            folder.begin(replace(MANIFEST, tag="another"))
        write_atomically(path, content)

    monkeypatch.setattr("headcount.run.folder.write_atomically", write)
    folder.begin(MANIFEST)
    assert folder.read_manifest() == MANIFEST


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    """The message names the folder and the option."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="choose another --reports-dir"):
        RunFolder(tmp_path / "file" / "run-1").create()
    with pytest.raises(UsageError, match="choose another --reports-dir"):
        RunFolder(tmp_path / "file" / "run-1").begin(MANIFEST)


@pytest.mark.parametrize(
    "name", ["run.json", "end.json", "marks.jsonl", "ledger", "broker", "logs/spark.log"]
)
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    """A run's folder from elsewhere cannot lead to a file outside of it."""
    folder = a_run(tmp_path)
    outside = tmp_path / "outside"
    path = folder.path / name
    if path.exists():
        path.rename(outside)
    else:
        outside.mkdir()
    path.symlink_to(outside)
    with pytest.raises(
        EvidenceError, match=f"{name} is a symbolic link that leads out of"
    ) as caught:
        folder.read_manifest()
    assert "\n" not in str(caught.value)


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    """A link to another file of the run does no harm, nor does a link to the run."""
    folder = a_run(tmp_path)
    (folder.path / "latest.log").symlink_to("logs")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "run-1").symlink_to(folder.path)
    assert RunFolder(tmp_path / "elsewhere" / "run-1").read_manifest() == MANIFEST


def test_a_folder_that_is_not_a_run_is_reported(tmp_path: Path) -> None:
    """A folder without a manifest is not a run folder."""
    with pytest.raises(UsageError, match=r"is not a run folder: it has no run\.json"):
        RunFolder(tmp_path).read_manifest()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"format":1', '"format":2', "format 2"),
        ('"topic":"events",', "", "topic"),
        ('"0":5', '"0":"x"', "start_offsets"),
        ('"run-1"', '"run-2"', "not to this run"),
        ('"tag":"run-1"', '"tag":"../run"', "tag"),
        ("{", "", "cannot be read"),
    ],
)
def test_damage_is_reported(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Each kind of damage to a manifest is reported on one line that names it."""
    folder = a_run(tmp_path)
    text = folder.manifest_path.read_text().replace(": ", ":")
    assert old in text
    folder.manifest_path.write_text(text.replace(old, new, 1))
    with pytest.raises(EvidenceError, match=message) as caught:
        folder.read_manifest()
    assert "\n" not in str(caught.value)
