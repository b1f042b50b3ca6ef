"""The locustfile of a command: whatever Locust takes is taken, and what is none is named."""

from pathlib import Path

import pytest

from headcount.cli.locustfile import check_locustfiles, last_word
from headcount.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two locustfiles, and one that Locust leaves out."""
    (tmp_path / "nested").mkdir()
    (tmp_path / "shop.py").write_text("import locust\n")
    (tmp_path / "nested" / "refunds.py").write_text("import locust\n")
    (tmp_path / "_draft.py").write_text("class\n")
    return tmp_path


def test_files_folders_and_urls_are_taken(folder: Path) -> None:
    """One or several, with commas between them."""
    check_locustfiles(str(folder / "shop.py"))
    check_locustfiles(f"{folder / 'shop.py'}, {folder / 'nested'}")
    check_locustfiles(str(folder))
    check_locustfiles("https://example.test/shop.py")


def test_what_is_none_is_named(folder: Path) -> None:
    """Each of several files is looked at, and those in a folder too."""
    with pytest.raises(UsageError, match=r"cannot read the locustfile none\.py"):
        check_locustfiles(f"{folder / 'shop.py'},none.py")
    (folder / "nested" / "refunds.py").write_text("import locust\nclass\n")
    with pytest.raises(UsageError, match=r"refunds\.py is no Python, line 2"):
        check_locustfiles(str(folder))
    (folder / "empty").mkdir()
    with pytest.raises(UsageError, match="has no locustfile"):
        check_locustfiles(str(folder / "empty"))


def test_the_last_word_of_the_plugin_is_found(tmp_path: Path) -> None:
    """As it stands on stderr, and in a line of Locust's log; other lines are no word of it."""
    log = tmp_path / "locust.log"
    assert last_word(log) is None
    log.write_text("headcounts: 3\n[2026-11-29] host/INFO/headcount.plugin: headcount: begun\n")
    assert last_word(log) is None
    log.write_text("headcount: first\nx\nheadcount: no topic\nTraceback\n")
    assert last_word(log) == "no topic"
    line = "[2026-11-29 14:00:00,1] host/ERROR/headcount.plugin.lifecycle: headcount: it is bad"
    log.write_text(f"{line}\n[2026-11-29 14:00:01,1] host/INFO/locust.main: Shutting down\n")
    assert last_word(log) == "it is bad"
