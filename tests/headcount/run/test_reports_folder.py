"""A folder of runs that cannot be written to is noticed before a run starts."""

import os
from pathlib import Path

import pytest

from headcount.compose import COMPOSE
from headcount.run.reports_folder import why_not_writable


def test_a_folder_that_can_be_written(tmp_path: Path) -> None:
    """A folder of this user's is fine, and so is one that does not exist yet."""
    assert why_not_writable(tmp_path, {}) == ""
    assert why_not_writable(tmp_path / "new" / "newer", {}) == ""


@pytest.mark.parametrize("name", ["reports", "reports/not-yet"])
def test_a_folder_of_another_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The reason names the existing folder, whose it is, who asks, and what to do."""
    (tmp_path / "reports").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    reason = why_not_writable(tmp_path / name, {COMPOSE: "docker compose"})
    user = f"{os.geteuid()}:{os.getegid()}"
    assert reason.startswith(f"reports belongs to {user}, and user {user} cannot write to it: ")
    assert reason.endswith("start again with docker compose up --build")


def test_a_file(tmp_path: Path) -> None:
    """A file in the folder's place is named as one."""
    (tmp_path / "reports").touch()
    assert "is not a folder" in why_not_writable(tmp_path / "reports", {})
