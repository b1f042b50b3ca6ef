"""CDS archives: written at the second start, used from the third on, and never incomplete."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headcount.stack.jvm import cds_archive
from headcount.stack.jvm.cds_archive import ClassData, Use
from headcount.stack.jvm.java import Java


def some_data(folder: Path, java_home: Path | None = None) -> ClassData:
    """Name an archive in a folder; by default its Java has a base archive."""
    return ClassData(folder / "some.jsa", folder / "java.base", java_home or common_java(folder))


def common_java(folder: Path) -> Path:
    """Create, if possible, the home of a Java that comes with a base archive."""
    home = folder / "common-java"
    with contextlib.suppress(OSError):
        add_base_archive(home)
    return home


def add_base_archive(home: Path) -> None:
    """Create a base archive where Java's own is."""
    (home / "lib" / "server").mkdir(parents=True, exist_ok=True)
    (home / "lib" / "server" / "classes.jsa").touch()


def writing(folder: Path) -> Use:
    """Return the use of a JVM that writes an archive."""
    data = some_data(folder)
    assert data.begin().temp_path is None
    return data.begin()


def test_the_first_start_on_a_machine_writes_nothing(tmp_path: Path) -> None:
    """Only a second start shows that the cache lasts."""
    data = some_data(tmp_path / "new")

    assert data.begin().options == ()
    assert any("ArchiveClassesAtExit" in option for option in data.begin().options)


def test_a_complete_archive_is_used(tmp_path: Path) -> None:
    """The JVM that wrote it has exited with 0."""
    use = writing(tmp_path)
    assert use.temp_path is not None
    use.temp_path.touch()

    use.finish(0)

    assert not use.temp_path.exists()
    assert f"-XX:SharedArchiveFile={tmp_path}/some.jsa" in some_data(tmp_path).begin().options


@pytest.mark.parametrize("exit_code", [1, -9, None])
def test_the_archive_of_a_failed_jvm_is_not_used(tmp_path: Path, exit_code: int | None) -> None:
    """It may be incomplete."""
    use = writing(tmp_path)
    assert use.temp_path is not None
    use.temp_path.touch()

    use.finish(exit_code)

    assert not use.temp_path.exists()
    assert some_data(tmp_path).begin().temp_path is not None


def java_that(folder: Path, does: str) -> Path:
    """Create the home of a Java that runs `does` on its last argument."""
    java = folder / "home" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f'#!/bin/sh\nfile="${{2#*=}}"\n{does}\n')
    java.chmod(0o755)
    return folder / "home"


def test_java_without_a_base_archive_gets_one(tmp_path: Path) -> None:
    """Without it a JVM cannot archive Spark's classes; the second start writes both."""
    data = some_data(tmp_path, java_that(tmp_path, 'echo "$1" > "$file"'))
    assert data.begin().options == ()
    assert not data.base.exists()

    use = data.begin()

    assert data.base.read_text() == "-Xshare:dump\n"
    assert f"-XX:SharedArchiveFile={data.base}" in use.options
    assert use.temp_path is not None
    assert use.archive == data.archive != data.path
    data.path.touch()
    assert data.begin().temp_path is not None
    data.archive.touch()
    assert f"-XX:SharedArchiveFile={data.base}:{data.archive}" in data.begin().options


def test_java_with_a_useless_base_archive_gets_another(tmp_path: Path) -> None:
    """Only a failure with the new one counts, not one of another command in the meantime."""
    home = java_that(tmp_path, 'touch "$file"')
    add_base_archive(home)
    data = some_data(tmp_path, home)
    data.begin()
    early, late = data.begin(), data.begin()
    early.finish(0)
    late.finish(0)
    use = data.begin()
    assert use.temp_path is not None

    use.finish(0)

    assert data.begin().temp_path is None


@pytest.mark.parametrize("does", ["exit 1", "exit 0", 'touch "$file"; exit 1'])
def test_java_that_cannot_write_an_archive_does_not_try_again(tmp_path: Path, does: str) -> None:
    """Spark starts without it."""
    data = some_data(tmp_path, java_that(tmp_path, does))
    data.begin()

    assert data.begin() == Use(data)

    data.begin().finish(0)
    assert data.begin() == Use(data)
    assert not list(tmp_path.glob(".*.tmp"))


def test_an_unusable_path_is_not_an_error(tmp_path: Path) -> None:
    """Spark starts without an archive if its path is blocked, or the JVM would misread it."""
    (tmp_path / "file").touch()
    assert some_data(tmp_path / "file").begin().options == ()
    for special in ("a:b", 'a"b', "a\\b"):
        data = some_data(tmp_path / special)
        assert [data.begin(), data.begin()] == [Use(data), Use(data)]
        assert data.options == ()


def test_other_jars_and_another_java_have_another_archive(tmp_path: Path) -> None:
    """A JVM would reject the existing one, and never write its own."""
    jar = tmp_path / "some.jar"
    jar.write_bytes(b"one")

    def named(home: str = "one") -> Path:
        return ClassData.of(tmp_path, tmp_path / home, [jar]).path

    before = named()
    assert named() == before != named("other")
    jar.write_bytes(b"another")
    assert named() != before


def test_none_is_written_if_the_disk_is_almost_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quicker start is not worth a full disk."""
    monkeypatch.setattr(cds_archive, "_MIN_FREE_BYTES", 1 << 62)
    data = some_data(tmp_path)

    assert [data.begin().temp_path, data.begin().temp_path] == [None, None]


def test_what_a_killed_command_left_is_removed(tmp_path: Path) -> None:
    """Even if the archive may be complete; one that another JVM is writing stays."""
    left, written = tmp_path / ".some.jsa.1.tmp", tmp_path / ".some.jsa.2.tmp"
    for path in (left, written):
        path.touch()
    an_hour_ago = time.time() - 3601
    os.utime(left, (an_hour_ago, an_hour_ago))

    writing(tmp_path).finish(None)

    assert not left.exists()
    assert written.exists()


def test_an_archive_unused_for_long_is_removed(tmp_path: Path) -> None:
    """Each takes more than 60 MB; every use updates the modification time."""
    old = tmp_path / "old.jsa"
    used = ClassData(tmp_path / "used.jsa", tmp_path / "java.base", tmp_path)
    for path in (old, used.path):
        path.touch()
        os.utime(path, (0, 0))
    used.begin()
    use = writing(tmp_path)
    assert use.temp_path is not None
    use.temp_path.touch()

    use.finish(0)

    assert not old.exists()
    assert used.path.exists()


SESSION = """
import contextlib, sys
from pathlib import Path
from headcount.stack.jvm.cds_archive import ClassData
from headcount.stack.jvm.compilation_flags import QUICK_START
from headcount_analysis.spark.config import SessionConfig
from headcount_analysis.spark.jvm import class_path_files
from headcount_analysis.spark.session import open_session
home, folder, what = sys.argv[1:]

@contextlib.contextmanager
def step(text):
    print(text)
    yield

data = ClassData.of(Path(folder), Path(home), class_path_files(), step)
config = SessionConfig(Path(home), (), Path(folder) / "log", heap="512m",
                       java_options=QUICK_START, class_data=data)
with open_session(config) as spark:
    assert spark.parallelize([1, 2]).map(str).collect() == ["1", "2"]
    pid = spark._jvm.ProcessHandle.current().pid()
    print("used" if str(data.archive) in Path(f"/proc/{pid}/maps").read_text() else "not used")
    if what == "break off":
        raise KeyboardInterrupt
"""


@pytest.mark.heavy
@pytest.mark.e2e
def test_a_session_starts_from_another_s_archive(tmp_path: Path, java: Java) -> None:
    """The JVM maps the archive into memory; an interrupted session leaves none.

    The console shows that an archive is being written.
    """

    def session_output(what: str = "work") -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", SESSION, java.home, tmp_path, what],
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )
        assert (done.returncode == 0) == (what == "work"), done.stderr
        return done.stdout.splitlines()

    assert session_output() == ["not used"]
    assert session_output("break off") == ["not used"]
    assert session_output() == ["not used", "Archiving Java's loaded classes for faster starts"]
    assert session_output() == ["used"]
    assert not list(tmp_path.glob(".*.tmp"))
