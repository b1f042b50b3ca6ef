"""The session: starts quietly, and leaves no process, folder or setting behind."""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from headcount_analysis.spark.config import LOOPBACK, SessionConfig, settings
from headcount_analysis.spark.jvm import begun_jvm
from headcount_analysis.spark.session import open_session

from headcount.errors import PartError
from headcount.stack.jvm.java import Java
from headcount.stack.process import wait_until
from tests.processes import is_alive

SCRIPT = """
import sys, time
from pathlib import Path
from headcount_analysis.spark.config import SessionConfig
from headcount_analysis.spark.session import open_session, sql
from headcount.stack.jvm.compilation_flags import QUICK_START
home, folder = map(Path, sys.argv[1:])
config = SessionConfig(home, (), folder / "spark.log", heap="512m", scratch=folder,
                       java_options=QUICK_START)
try:
    with open_session(config) as spark:
        print(spark._jvm.ProcessHandle.current().pid(), flush=True)
        sql(spark).range(1 << 50).selectExpr("sum(id % 7)").collect()
except KeyboardInterrupt:
    sys.exit(130)
"""


NAMELESS = """
import headcount_analysis.spark.config
headcount_analysis.spark.config._localhost_resolves = lambda: False
"""


def config(java_home: Path, folder: Path, master: str = "local[*]") -> SessionConfig:
    """Make a session's configuration."""
    return SessionConfig(
        java_home, (folder / "a.jar", folder / "b.jar"), folder / "log", "1g", master
    )


def test_local_session_stays_on_loopback(tmp_path: Path) -> None:
    """Nothing listens beyond this machine, and no jar is fetched or sent."""
    chosen = settings(config(tmp_path, tmp_path), tmp_path, tmp_path)

    assert chosen["spark.driver.host"] == chosen["spark.driver.bindAddress"] == LOOPBACK
    assert chosen["spark.driver.extraClassPath"] == f"{tmp_path}/a.jar:{tmp_path}/b.jar"
    assert "spark.jars" not in chosen
    assert "spark.jars.packages" not in chosen


def test_cluster_gets_the_jars(tmp_path: Path) -> None:
    """Executors on other hosts receive the connector, and can reach the driver."""
    cluster = config(tmp_path, tmp_path, "spark://host:7077")
    chosen = settings(cluster, tmp_path, tmp_path, ["-XX:SharedArchiveFile=/a b"])

    assert '"-XX:SharedArchiveFile=/a b"' in chosen["spark.driver.extraJavaOptions"]
    assert "SharedArchiveFile" not in chosen.get("spark.executor.extraJavaOptions", "")
    assert chosen["spark.jars"] == f"{tmp_path}/a.jar,{tmp_path}/b.jar"
    assert "spark.driver.host" not in chosen


def test_options_of_a_path_with_quotes_stay_one(tmp_path: Path) -> None:
    """Spark's launcher would end an option at a quote or a backslash."""
    folder = tmp_path / 'a "b" \\c'
    options = settings(config(tmp_path, folder), folder, folder)["spark.driver.extraJavaOptions"]

    assert f"-Dheadcount.log={folder}/log" in shlex.split(options)


@pytest.mark.e2e
def test_scratch_is_one_folder(tmp_path: Path, java: Java, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark splits a path at commas, which the path of the temporary folder may contain."""
    crowded = tmp_path / "a, b"
    crowded.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(crowded))

    with begun_jvm(SessionConfig(java.home, (), tmp_path / "log", heap="256m")):
        assert list(crowded.iterdir()) == []


def test_session_that_cannot_start_names_its_log(tmp_path: Path) -> None:
    """A wrong Java causes one line, with the cause and the log's path."""
    before = dict(os.environ)

    with (
        pytest.raises(PartError, match=rf"no-java/bin/java.*; its log is {tmp_path}/log"),
        open_session(config(tmp_path / "no-java", tmp_path)),
    ):
        pass

    assert dict(os.environ) == before


@pytest.mark.e2e
def test_wrong_heap_is_reported(tmp_path: Path, java: Java) -> None:
    """The user sees the JVM's own message about its settings."""
    wrong = replace(config(java.home, tmp_path), heap="1x")

    with pytest.raises(PartError, match="1x"), open_session(wrong):
        pass


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left(tmp_path: Path, java: Java, number: signal.Signals) -> None:
    """However the process ends, its JVM ends; Ctrl-C prints no stack traces."""
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, java.home, tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        jvm = psutil.Process(int(process.stdout.readline()))
        time.sleep(1)  # into the query
        process.send_signal(number)
        said = process.stderr.read()
        process.wait(120)

    wait_until(lambda: not is_alive(jvm), 120, "the JVM has ended")
    if number is signal.SIGINT:
        assert process.returncode == 130
        assert said == ""
        assert {path.name for path in tmp_path.iterdir()} == {"spark.log"}


@pytest.mark.e2e
def test_long_scratch_path_without_localhost(tmp_path: Path, java: Java) -> None:
    """If localhost does not resolve, Spark uses Unix sockets, however long its folder's path."""
    folder = tmp_path / ("long-" * 20)
    folder.mkdir()
    query = SCRIPT.replace('sql(spark).range(1 << 50).selectExpr("sum(id % 7)").collect()', "pass")
    done = subprocess.run(
        [sys.executable, "-c", NAMELESS + query, java.home, folder],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in folder.iterdir()} == {"spark.log"}
