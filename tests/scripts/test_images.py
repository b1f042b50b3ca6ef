"""The Dockerfiles' steps: an image has the requirements it names, and none of the listed files."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import xxhash

from scripts.images.drop_unused import drop, patterns_of
from scripts.images.requirements import requirements
from scripts.images.strip_symbols import libraries, strip
from scripts.source import ROOT

PROJECT = {
    "name": "headcount",
    "dependencies": ["lark>=1.3"],
    "optional-dependencies": {
        "load": ["locust>=2", "lark>=1.3"],
        "analysis": ["pyspark"],
        "cli": ["headcount[load,analysis]", "click"],
    },
}


def test_requirements_of_extras() -> None:
    """Each once, and those of the extras that an extra requires."""
    assert requirements(PROJECT, ["dependencies", "load"]) == ["lark>=1.3", "locust>=2"]
    assert requirements(PROJECT, ["cli"]) == ["click", "lark>=1.3", "locust>=2", "pyspark"]
    with pytest.raises(KeyError, match="nosuch"):
        requirements(PROJECT, ["nosuch"])


def test_a_pattern_drops_files_and_folders(tmp_path: Path) -> None:
    """What matches is removed, the rest stays, and the bytes are counted."""
    (tmp_path / "one" / "tests").mkdir(parents=True)
    (tmp_path / "one" / "tests" / "test_it.py").write_text("12345")
    (tmp_path / "one" / "it.py").write_text("1234567")
    (tmp_path / "two.jar").write_text("123")
    assert drop(tmp_path, ["one/tests", "*.jar"]) == 8
    assert [path.name for path in tmp_path.rglob("*")] == ["one", "it.py"]


def test_a_pattern_that_matches_nothing(tmp_path: Path) -> None:
    """It is an error, for the list is out of date."""
    with pytest.raises(ValueError, match=r"nosuch/\* matches nothing below .*: correct the list"):
        drop(tmp_path, ["nosuch/*"])


def test_patterns_of_a_list() -> None:
    """Comments and empty lines are skipped."""
    assert patterns_of("# why\n\none/*  # too\ntwo\n") == ["one/*", "two"]


@pytest.mark.parametrize("name", ["unused-common.txt", "unused-analysis.txt", "unused-load.txt"])
def test_the_lists_fit_the_locked_packages(name: str) -> None:
    """Each pattern matches something in the packages of this environment, which the lock has."""
    packages = Path(pytest.__file__).parents[1]
    patterns = patterns_of((ROOT / "scripts" / "images" / name).read_text())
    assert [pattern for pattern in patterns if not list(packages.glob(pattern))] == []


def test_a_library_works_without_symbols(tmp_path: Path) -> None:
    """It is smaller, and computes what it did; a second time nothing is left to remove."""
    package = tmp_path / "xxhash"
    shutil.copytree(Path(xxhash.__file__).parent, package)
    (library,) = libraries(package)
    before = library.stat().st_size
    removed = strip(library)
    assert removed > 0
    assert library.stat().st_size == before - removed
    assert strip(library) == 0
    script = "import xxhash; print(xxhash.__file__, xxhash.xxh64_hexdigest(b'headcount'))"
    command = [sys.executable, "-S", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    file, digest = done.stdout.split()
    assert Path(file).is_relative_to(tmp_path)
    assert digest == xxhash.xxh64_hexdigest(b"headcount")


def test_other_files_are_left_as_they_are(tmp_path: Path) -> None:
    """A linker's script with a library's name is no library."""
    script = tmp_path / "libc.so"
    script.write_text("GROUP ( /lib/libc.so.6 )")
    assert strip(script) == 0
    assert script.read_text() == "GROUP ( /lib/libc.so.6 )"
