"""The jars: a JVM gets exactly the locked ones."""

import hashlib
import importlib.util
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from headcount.console import Console
from headcount.errors import PartError
from headcount.stack.jvm import jars, jars_lock
from headcount.stack.jvm.ivy import Fetcher, diagnosis
from headcount.stack.jvm.ivy_file import LEFT_OUT, ROOTS, SHIPPED_BY_PYSPARK
from headcount.stack.jvm.jars import connector_jars, fetched, verify
from headcount.stack.jvm.jars_lock import Jar, read_lock, sha256
from headcount.stack.jvm.java import Java
from headcount.stack.process import wait_until

CONTENT = {"one": b"the first jar", "two": b"the second jar"}

# Acts as Ivy does with `-retrieve`, for the two jars above; `{extra}` adds other behaviour.
FAKE_IVY = """\
#!/bin/sh
for each; do [ "$previous" = -retrieve ] && pattern=$each; previous=$each; done
folder=${{pattern%%/\\[conf\\]*}}/broker
mkdir -p "$folder"
printf '%s' 'the first jar' > "$folder/one-1.0.jar"
printf '%s' 'the second jar' > "$folder/two-1.0.jar"
echo '[SUCCESSFUL ] one'
{extra}
"""


def jar(name: str, content: bytes) -> Jar:
    """A locked jar with this content."""
    return Jar("broker", "org.test", name, "1.0", hashlib.sha256(content).hexdigest())


JARS = [jar(name, content) for name, content in CONTENT.items()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds exactly the locked jars."""
    for known in JARS:
        (tmp_path / known.file_name).write_bytes(CONTENT[known.artifact])
    return tmp_path


@pytest.fixture
def small_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock of two small jars instead of the real one."""
    path = tmp_path / "jars.lock"
    path.write_text("".join(jars_lock.lock_line(known) for known in JARS))
    monkeypatch.setattr(jars, "read_lock", lambda: read_lock(path))


def fetcher_with(tmp_path: Path, extra: str = "") -> Fetcher:
    """A fetcher whose Java is a script that imitates Ivy."""
    program = tmp_path / "home" / "bin" / "java"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(FAKE_IVY.format(extra=extra))
    program.chmod(0o755)
    return fetcher_in(tmp_path)


def fetcher_in(tmp_path: Path) -> Fetcher:
    """A fetcher with the Java in the test's folder."""
    java = Java(tmp_path / "home", 17, "test")
    return Fetcher(java, tmp_path / "cache", {"PATH": "/usr/bin:/bin"}, Console(quiet=True))


def command(tmp_path: Path) -> list[str]:
    """A command that fetches the two jars in a new process, with the Java in the test's folder."""
    program = (
        "from pathlib import Path\n"
        "import tests.headcount.stack.jvm.test_jars as t\n"
        "from headcount.stack.jvm import jars\n"
        "jars.read_lock = lambda: t.JARS\n"
        f"jars.fetched(t.fetcher_in(Path({str(tmp_path)!r})), 'broker')\n"
    )
    return [sys.executable, "-c", program]


def left_in_cache(fetcher: Fetcher) -> set[str]:
    """The names in the cache's folder of jars, without the lock file and Ivy's log."""
    names = {path.name for path in (fetcher.cache / "jars").iterdir()}
    return names - {".lock", "ivy.log"}


def test_exactly_the_locked_jars_are_accepted(folder: Path) -> None:
    """A folder with all the locked jars and no other passes."""
    verify(folder, JARS)


def test_a_wrong_jar_is_refused_by_name(folder: Path) -> None:
    """One changed bit is enough, and the message names the jar and the remedy."""
    (folder / "two-1.0.jar").write_bytes(b"the second jaR")
    with pytest.raises(PartError, match=r"the jar two-1.0.jar cannot be used: .*; remove .* again"):
        verify(folder, JARS)


def test_a_missing_jar_is_refused_by_name(folder: Path) -> None:
    """The message names a jar that was removed."""
    (folder / "one-1.0.jar").unlink()
    with pytest.raises(PartError, match=r"the jar one-1.0.jar cannot be used: it is missing"):
        verify(folder, JARS)


def test_a_surplus_jar_is_refused_by_name(folder: Path) -> None:
    """A jar that is not in the lock could shadow a locked one, so it is refused."""
    (folder / "aaa-1.0.jar").write_bytes(b"surprise")
    refusal = r"the jar aaa-1.0.jar cannot be used: it is not in the lock"
    with pytest.raises(PartError, match=refusal):
        verify(folder, JARS)


@pytest.mark.usefixtures("small_lock")
def test_fetched_jars_are_used_again_and_checked_again(tmp_path: Path) -> None:
    """A set is fetched once; each later use needs no Ivy, and still refuses a changed jar."""
    paths = fetched(fetcher_with(tmp_path), "broker")
    assert [path.read_bytes() for path in paths] == list(CONTENT.values())
    offline = fetcher_with(tmp_path, extra="exit 1")
    assert fetched(offline, "broker") == paths
    assert len(left_in_cache(offline)) == 1
    paths[0].write_bytes(b"tampered")
    with pytest.raises(PartError, match=r"the jar one-1.0.jar cannot be used"):
        fetched(offline, "broker")


@pytest.mark.usefixtures("small_lock")
@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (
            'echo x > "$folder/one-1.0.jar"',
            r"the jar one-1\.0\.jar cannot be used: .*nothing was kept",
        ),
        (
            'rm "$folder/two-1.0.jar"',
            r"the jar two-1\.0\.jar cannot be used: it is missing; nothing",
        ),
        (
            'echo x > "$folder/new.jar"',
            r"the jar new\.jar cannot be used: it is not in the lock; nothing",
        ),
        ("echo 'java.net.UnknownHostException: x'; exit 1", r"name cannot be resolved.*ivy\.log"),
        ("kill -9 $$", r"the jars cannot be fetched: .*ivy\.log"),
    ],
)
def test_jars_that_differ_from_the_lock_are_not_cached(
    tmp_path: Path, extra: str, message: str
) -> None:
    """Whatever goes wrong while fetching, the cache stays as it was."""
    fetcher = fetcher_with(tmp_path, extra)
    with pytest.raises(PartError, match=message):
        fetched(fetcher, "broker")
    assert left_in_cache(fetcher) == set()
    assert len(fetched(fetcher_with(tmp_path), "broker")) == 2


@pytest.mark.usefixtures("small_lock")
def test_a_cache_with_a_colon_in_its_path_is_refused(tmp_path: Path) -> None:
    """A class path is separated by colons: the message names the folder and the variable."""
    fetcher = replace(fetcher_in(tmp_path), cache=tmp_path / "a:b")
    with pytest.raises(PartError, match=r"a:b, because the path contains ':': set HEADCOUNT_CACHE"):
        fetched(fetcher, "broker")
    assert not fetcher.cache.exists()


@pytest.mark.usefixtures("small_lock")
def test_two_commands_fetch_once(tmp_path: Path) -> None:
    """Of two commands that start together, one fetches; the other waits and uses its jars."""
    fetcher_with(tmp_path, f'sleep 0.3; echo "$$" >> {tmp_path}/fetches')
    both = [subprocess.Popen(command(tmp_path)) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    assert len((tmp_path / "fetches").read_text().split()) == 1
    assert len(fetched(fetcher_with(tmp_path, "exit 1"), "broker")) == 2


@pytest.mark.usefixtures("small_lock")
def test_what_a_killed_command_left_is_removed(tmp_path: Path) -> None:
    """A temporary folder that no command uses any more is removed."""
    stale = tmp_path / "cache" / "jars" / "aside-stale"
    stale.mkdir(parents=True)
    (stale / "half.jar").write_bytes(b"half")
    fetcher = fetcher_with(tmp_path)
    fetched(fetcher, "broker")
    assert len(left_in_cache(fetcher)) == 1
    assert not stale.exists()


def test_a_damaged_lock_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    """A line of the lock that cannot be parsed is not skipped."""
    path = tmp_path / "jars.lock"
    path.write_text("# remark\nbroker org.test:one 12\n")
    with pytest.raises(PartError, match=r"jars.lock:2 is not"):
        read_lock(path)


def test_the_lock_has_the_roots_and_nothing_that_pyspark_ships() -> None:
    """The lock has the roots, and no second copy of a jar that Spark has on its class path."""
    lock = read_lock()
    locked_ids = {
        (locked.set_name, f"{locked.group}:{locked.artifact}:{locked.version}") for locked in lock
    }
    assert {(name, root) for name, roots in ROOTS.items() for root in roots} <= locked_ids
    assert all(re.fullmatch("[0-9a-f]{64}", locked.sha256) for locked in lock)
    for_spark = {
        f"{locked.group}:{locked.artifact}" for locked in lock if locked.set_name != "broker"
    }
    assert for_spark.isdisjoint((*SHIPPED_BY_PYSPARK, *LEFT_OUT))
    for locked in lock:
        if locked.group == "org.apache.spark":
            assert locked.version == __import__("importlib.metadata").metadata.version("pyspark")


def shipped(pattern: str) -> list[Path]:
    """The jars in pyspark's folder that match a pattern."""
    spec = importlib.util.find_spec("pyspark")
    assert spec is not None
    assert spec.origin is not None
    return list((Path(spec.origin).parent / "jars").glob(pattern))


@pytest.mark.parametrize("coordinates", SHIPPED_BY_PYSPARK)
def test_excluded_jars_are_shipped_by_pyspark(coordinates: str) -> None:
    """Each jar that Spark's sets need but do not fetch is in pyspark's folder."""
    assert shipped(f"{coordinates.partition(':')[2]}-[0-9]*.jar")


def test_the_object_store_has_pyspark_s_hadoop_version() -> None:
    """Another version's classes would be incompatible."""
    (version,) = {locked.version for locked in read_lock() if locked.artifact == "hadoop-aws"}
    assert shipped(f"hadoop-client-api-{version}.jar")


def test_the_real_connector_matches_the_lock(fetcher: Fetcher) -> None:
    """The connector's jars in the cache have the SHA-256 of the lock."""
    wanted = {
        locked.file_name: locked.sha256 for locked in read_lock() if locked.set_name == "connector"
    }
    assert {path.name: sha256(path) for path in connector_jars(fetcher)} == wanted


def test_no_network_is_one_clear_line(tmp_path: Path, fetcher: Fetcher) -> None:
    """Without a network, the real Ivy's long output becomes one line and a log."""
    environ = {**fetcher.environ, "HTTPS_PROXY": "http://ann:secret@127.0.0.1:9", "NO_PROXY": ""}
    offline = replace(fetcher, cache=tmp_path, environ=environ)
    with pytest.raises(PartError, match=r"cannot be fetched: the connection was refused.*ivy.log"):
        fetched(offline, "connector")
    assert "secret" not in (tmp_path / "jars" / "ivy.log").read_text()
    assert left_in_cache(offline) == set()


@pytest.mark.parametrize(
    ("output", "summary"),
    [
        ("x\njavax.net.ssl: PKIX path building failed\n", "SSL_CERT_FILE"),
        ("UNRESOLVED: a#b;1: not found\n", "a#b;1: not found"),
        ("Error: could not find or load main class\n", "Error: could not find"),
        ("", "Ivy printed nothing"),
    ],
)
def test_a_failure_is_condensed(output: str, summary: str) -> None:
    """A known cause comes with its remedy; otherwise the first error line is quoted."""
    assert summary in diagnosis(output)


@pytest.mark.usefixtures("small_lock")
def test_an_interrupted_fetch_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C while Ivy runs ends Ivy and removes its files; the next command fetches."""
    log = tmp_path / "cache" / "jars" / "ivy.log"
    fetcher_with(tmp_path, "exec sleep 600")
    with subprocess.Popen(command(tmp_path), stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: log.exists() and "SUCCESSFUL" in log.read_text(), 120, "Ivy runs")
        started_s = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(120)
    assert time.monotonic() - started_s < 100
    fetcher = fetcher_with(tmp_path)
    assert left_in_cache(fetcher) == set()
    assert len(fetched(fetcher, "broker")) == 2
