"""Shell completion, by the protocol that its scripts speak."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("headcount")


def completed(folder: Path | None = None, **environ: str) -> str:
    """Request what a shell requests, in a folder."""
    asking = {**os.environ, **environ}
    done = subprocess.run(
        [PROGRAM], cwd=folder, env=asking, capture_output=True, text=True, timeout=300, check=True
    )
    return done.stdout


def words_for(line: str, folder: Path) -> list[str]:
    """Return what is offered for the last word of a command line, in a folder."""
    words = line.split(" ")
    place = str(len(words) - 1)
    text = completed(folder, _HEADCOUNT_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=place)
    return [item.partition(",")[2] for item in text.split()]


def test_the_script() -> None:
    """Each shell gets a script that calls the command."""
    for shell in ("bash", "zsh", "fish"):
        assert "_HEADCOUNT_COMPLETE" in completed(_HEADCOUNT_COMPLETE=f"{shell}_source")


def test_commands_and_options(tmp_path: Path) -> None:
    """Words with the prefix are offered."""
    assert words_for("headcount ve", tmp_path) == ["verify"]
    options = words_for("headcount run --thresh", tmp_path)
    assert set(options) == {"--threshold", "--thresholds"}


def test_run_ids(tmp_path: Path) -> None:
    """The runs in the folder of all runs are offered, the latest first; after commas, too."""
    runs = ("20261129-120000-aaaa", "20261130-120000-bbbb")
    for name in runs:
        (tmp_path / "reports" / name).mkdir(parents=True)
        (tmp_path / "reports" / name / "run.json").touch()
    (tmp_path / "reports" / "up-20261130-120000-cccc").mkdir()
    latest_first = list(reversed(runs))
    assert words_for("headcount verify 2026", tmp_path) == latest_first
    assert words_for(f"headcount report {runs[1][:8]}", tmp_path) == [runs[1]]
    assert words_for(f"headcount compare {runs[0]},2026", tmp_path) == [
        f"{runs[0]},{name}" for name in latest_first
    ]
    assert words_for("headcount compare base 20261130", tmp_path) == [runs[1]]


def test_run_ids_of_another_folder(tmp_path: Path) -> None:
    """The folder is that of the command line, or else of headcount.toml."""
    for folder in ("elsewhere", "kept"):
        (tmp_path / folder / f"of-{folder}").mkdir(parents=True)
        (tmp_path / folder / f"of-{folder}" / "run.json").touch()
    (tmp_path / "headcount.toml").write_text('reports-dir = "kept"\n')
    assert words_for("headcount report o", tmp_path) == ["of-kept"]
    assert words_for("headcount report --reports-dir elsewhere o", tmp_path) == ["of-elsewhere"]
    (tmp_path / "headcount.toml").write_text("not TOML")
    assert words_for("headcount report o", tmp_path) == []
