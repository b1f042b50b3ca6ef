"""`headcount mark`: writes a mark to the run's folder, and reports a mistake on one line."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from headcount.cli.commands.mark import mark
from headcount.errors import UsageError
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest
from headcount.run.marks import Mark, read_marks


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run that has begun."""
    folder = RunFolder(tmp_path / "run-1")
    folder.create()
    manifest = Manifest(
        "run-1", "", "1", "a.py", "http://h", "b:1", "c", "t", "i", "delete", {0: 0}
    )
    folder.write_manifest(manifest)
    return folder


def test_a_mark_is_written(folder: RunFolder) -> None:
    """It has the time of `--at`."""
    done = CliRunner().invoke(
        mark, [str(folder.path), "broker killed", "--at", "2026-11-23T22:16:02.5+00:00"]
    )
    assert done.exit_code == 0, done.output
    assert read_marks(folder.marks_path) == (Mark(1_795_472_162_500_000_000, "broker killed"),)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a\nb"], "TEXT must be one line"),
        (["x" * 201], "1 to 200 characters"),
        (["x", "--at", "noon"], "must be a time such as 2026"),
    ],
)
def test_a_mistake_is_reported(folder: RunFolder, arguments: list[str], message: str) -> None:
    """It writes nothing."""
    done = CliRunner().invoke(mark, [str(folder.path), *arguments])
    assert message in (
        str(done.exception) if isinstance(done.exception, UsageError) else done.output
    )
    assert done.exit_code != 0
    assert not folder.marks_path.exists()
