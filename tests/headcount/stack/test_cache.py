"""The cache: its location, and its lock between commands."""

import subprocess
import sys
from pathlib import Path

import pytest

from headcount.errors import PartError
from headcount.stack.cache import cache_folder, locked, made_folder


def test_the_most_specific_setting_wins() -> None:
    """HEADCOUNT_CACHE takes precedence over XDG_CACHE_HOME, and that over the home folder."""
    assert cache_folder({"HEADCOUNT_CACHE": "/a", "XDG_CACHE_HOME": "/b"}) == Path("/a")
    assert cache_folder({"XDG_CACHE_HOME": "/b"}) == Path("/b/headcount")
    home = Path.home() / ".cache" / "headcount"
    assert cache_folder({}) == cache_folder({"XDG_CACHE_HOME": "relative"}) == home


def test_a_cache_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    """The message names the folder and the setting that changes it."""
    (tmp_path / "file").touch()
    with pytest.raises(PartError, match=r"file/sub.*HEADCOUNT_CACHE"):
        made_folder(tmp_path / "file" / "sub")


def test_the_lock_ends_with_its_holder(tmp_path: Path) -> None:
    """A command that is killed while it holds the lock does not block the next one."""
    program = (
        "import sys, pathlib, time\n"
        "from headcount.stack.cache import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    path = tmp_path / "sub" / ".lock"
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
    with locked(path):
        assert path.exists()
