"""The jars: the broker's, the Spark connector's and the object store's, checked before each use.

`jars.lock` names every jar with its SHA-256. A set is fetched once, by the Ivy that pyspark ships,
into a folder aside, and appears under its own name only when all its jars are the locked ones. That
name holds a digest of the set's lock, so that another version of Headcount never meets it.

Run as `python -m headcount.stack.jvm.jars lock`, this writes the lock anew from the roots below.
"""

import contextlib
import functools
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from headcount.console import Console, Step
from headcount.errors import PartError, UsageError
from headcount.stack.cache import cache_folder, locked, made_folder
from headcount.stack.jvm.flags import QUICK_START
from headcount.stack.jvm.java import Java, find_java, java_environ
from headcount.stack.jvm.proxy_settings import proxy_options
from headcount.stack.jvm.truststore import trust_options
from headcount.stack.process import Process

POLL_S = 0.1
LOCK_FILE = Path(__file__).with_name("jars.lock")
BROKER, CONNECTOR, OBJECT_STORE = "broker", "connector", "object-store"

# What the lock is made from. The binding gives the broker's log, slf4j 1, a place to go. The object
# store's Hadoop is the one that pyspark ships, and the parts of Amazon's SDK are those that this
# Hadoop was built with.
ROOTS: Mapping[str, tuple[str, ...]] = {
    BROKER: (
        "org.apache.kafka:kafka_2.13:4.4.0",
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5",
    ),
    CONNECTOR: ("org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0",),
    OBJECT_STORE: (
        "org.apache.hadoop:hadoop-aws:3.5.0",
        "software.amazon.awssdk:s3:2.35.4",
        "software.amazon.awssdk:s3-transfer-manager:2.35.4",
        "software.amazon.awssdk:sts:2.35.4",
    ),
}

# What these need and pyspark ships: a second copy on Spark's class path could only differ.
SHIPPED_BY_PYSPARK = (
    "at.yawk.lz4:lz4-java",
    "com.google.code.findbugs:jsr305",
    "commons-codec:commons-codec",
    "io.netty:netty-buffer",
    "io.netty:netty-codec",
    "io.netty:netty-codec-http",
    "io.netty:netty-codec-http2",
    "io.netty:netty-common",
    "io.netty:netty-handler",
    "io.netty:netty-resolver",
    "io.netty:netty-transport",
    "io.netty:netty-transport-classes-epoll",
    "io.netty:netty-transport-native-unix-common",
    "org.apache.hadoop:hadoop-client-api",
    "org.apache.hadoop:hadoop-client-runtime",
    "org.apache.httpcomponents:httpclient",
    "org.apache.httpcomponents:httpcore",
    "org.apache.spark:spark-tags_2.13",
    "org.scala-lang.modules:scala-parallel-collections_2.13",
    "org.scala-lang:scala-library",
    "org.slf4j:slf4j-api",
    "org.xerial.snappy:snappy-java",
)

# What an object store is reached without: the whole of Amazon's SDK in one jar of 690 MB, of which
# the roots name the parts that are used; OpenSSL in the place of Java's own TLS; and logging that
# pyspark's jcl-over-slf4j stands in for.
LEFT_OUT = (
    "commons-logging:commons-logging",
    "org.wildfly.openssl:wildfly-openssl",
    "software.amazon.awssdk:bundle",
)

_LOCK_HEADER = """\
# The jars of the local stack: set, coordinates, SHA-256. Written by `make lock`; do not edit.
"""


@dataclass(frozen=True, slots=True, order=True)
class Jar:
    """One locked jar: the set it belongs to, its Maven coordinates, its SHA-256 in hexadecimal."""

    set_name: str
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of its file in the cache."""
        return f"{self.artifact}-{self.version}.jar"


@dataclass(frozen=True, slots=True)
class Fetcher:
    """What is needed to fetch: Java for Ivy, the cache, the environment's trust and proxy."""

    java: Java
    cache: Path
    environ: Mapping[str, str]
    console: Console


# ---- using


def broker_jars(fetcher: Fetcher) -> list[Path]:
    """The broker's class path, fetched if need be.

    Raises:
        PartError: A jar cannot be fetched, or is not the locked one.
    """
    return fetched(fetcher, BROKER)


def connector_jars(fetcher: Fetcher) -> list[Path]:
    """What Spark's class path needs in addition to read Kafka, fetched if need be.

    Raises:
        PartError: A jar cannot be fetched, or is not the locked one.
    """
    return fetched(fetcher, CONNECTOR)


def object_store_jars(fetcher: Fetcher) -> list[Path]:
    """What Spark's class path needs to read and write an object store, fetched if need be.

    Raises:
        PartError: A jar cannot be fetched, or is not the locked one.
    """
    return fetched(fetcher, OBJECT_STORE)


def fetched(fetcher: Fetcher, *sets: str) -> list[Path]:
    """The verified jars of `sets`, the missing ones of which are fetched in one go."""
    if os.pathsep in str(fetcher.cache):
        raise PartError(
            f"Java cannot load jars from {fetcher.cache}, for its path has a {os.pathsep!r}: set "
            "HEADCOUNT_CACHE to another folder"
        )
    lock = read_lock()
    wanted = {name: [jar for jar in lock if jar.set_name == name] for name in sets}
    folders = {name: _folder(fetcher.cache, jars) for name, jars in wanted.items()}
    missing = [name for name, folder in folders.items() if not folder.exists()]
    if missing:
        with locked(fetcher.cache / "jars" / ".lock"):
            # Whoever held the lock may have fetched them.
            missing = [name for name in missing if not folders[name].exists()]
            if missing:
                _fetch(fetcher, {folders[name]: wanted[name] for name in missing})
    for name in sets:
        verify(folders[name], wanted[name])
    return [folders[name] / jar.file_name for name in sets for jar in wanted[name]]


def are_cached(cache: Path) -> bool:
    """Tell whether a run would fetch nothing. PartError if what is there is not as locked."""
    lock = read_lock()
    sets = [[jar for jar in lock if jar.set_name == name] for name in (BROKER, CONNECTOR)]
    there = [(_folder(cache, jars), jars) for jars in sets if _folder(cache, jars).exists()]
    for folder, jars in there:
        verify(folder, jars)
    return len(there) == len(sets)


def verify(folder: Path, jars: Iterable[Jar]) -> None:
    """Refuse `folder` unless it holds exactly `jars`, each with its locked content.

    Raises:
        PartError: Names the first jar that is wrong, missing or not in the lock, and the remedy.
    """
    expected = {jar.file_name: jar for jar in jars}
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for name, jar in sorted(expected.items()):
        if name not in present:
            raise _refused(folder, name, "is missing")
        if (digest := sha256(folder / name)) != jar.sha256:
            raise _refused(folder, name, f"has SHA-256 {digest}, locked is {jar.sha256}")
    for name in sorted(present - expected.keys()):
        raise _refused(folder, name, "is not in the lock")


def _refused(folder: Path, name: str, why: str) -> PartError:
    return PartError(f"refused the jar {name}: it {why}; remove {folder} to have it fetched anew")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_lock(path: Path = LOCK_FILE) -> list[Jar]:
    """The locked jars, sorted.

    Raises:
        PartError: A line is damaged.
    """
    jars = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line and not line.startswith("#"):
            try:
                set_name, coordinates, digest = line.split()
                group, artifact, version = coordinates.split(":")
            except ValueError as error:
                raise PartError(
                    f"{path}:{number} is not `set coordinates sha256`: restore the file"
                ) from error
            jars.append(Jar(set_name, group, artifact, version, digest))
    return sorted(jars)


def _folder(cache: Path, jars: Iterable[Jar]) -> Path:
    """The folder of one set, named after what its lock says."""
    lines = [_lock_line(jar) for jar in jars]
    name = lines[0].split()[0]
    return cache / "jars" / f"{name}-{hashlib.sha256(''.join(lines).encode()).hexdigest()[:12]}"


# ---- fetching


def _fetch(fetcher: Fetcher, sets: Mapping[Path, list[Jar]]) -> None:
    """Fetch each set into a folder aside, verify it, and give it its name. The lock is held."""
    jars = [jar for wanted in sets.values() for jar in wanted]
    names = " and ".join(sorted({jar.set_name for jar in jars}))
    with (
        fetcher.console.step(f"Fetching the jars: {names}") as step,
        _aside(fetcher.cache / "jars") as aside,
    ):
        ivy = Ivy(fetcher, aside)
        ivy.retrieve(
            _ivy_file(_exact(jars)), sets=len(sets), poms=False, progress=(step, len(jars))
        )
        for folder, wanted in sets.items():
            made = ivy.retrieved / wanted[0].set_name
            try:
                verify(made, wanted)
            except PartError as error:
                # What the network gave is not what was locked: there is no folder to remove.
                reason = str(error).partition(";")[0]
                raise PartError(
                    f"{reason}; nothing was kept: try again, and if it stays so, ask whoever runs "
                    "the proxy or mirror between"
                ) from None
            made.rename(folder)


@contextlib.contextmanager
def _aside(parent: Path) -> Iterator[Path]:
    """A folder for work under way. The lock is held, so those that are there were left: remove."""
    for stale in parent.glob("aside-*"):
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        prefix="aside-", dir=made_folder(parent), ignore_cleanup_errors=True
    ) as path:
        yield Path(path)


class Ivy:
    """One use of Apache Ivy, which pyspark ships, in a folder that is removed afterwards."""

    def __init__(self, fetcher: Fetcher, folder: Path) -> None:
        self._fetcher = fetcher
        self._folder = folder
        self.retrieved = folder / "retrieved"

    def retrieve(
        self,
        ivy_file: str,
        *,
        sets: int,
        poms: bool,
        progress: tuple[Step, int] | None = None,
        pattern: str = "[conf]/[artifact]-[revision].[ext]",
    ) -> None:
        """Resolve `ivy_file` and put its jars into `retrieved`, in a folder for each set."""
        log_path = self._fetcher.cache / "jars" / "ivy.log"
        (self._folder / "ivy.xml").write_text(ivy_file, encoding="utf-8")
        (self._folder / "ivysettings.xml").write_text(_settings(poms=poms), encoding="utf-8")
        # A file, since a proxy's password must not be seen in the list of processes.
        options = self._folder / "java.options"
        options.touch(mode=0o600)
        options.write_text("".join(f"{_argument(each)}\n" for each in self._options()))
        command = [str(self._fetcher.java.executable), f"@{options}", "org.apache.ivy.Main"]
        command += ["-settings", str(self._own_settings() or self._folder / "ivysettings.xml")]
        command += ["-cache", str(self._folder / "cache"), "-ivy", str(self._folder / "ivy.xml")]
        command += ["-types", "jar", "bundle", "-retrieve", f"{self.retrieved}/{pattern}"]
        code, said = self._run(command, log_path, progress)
        if code != 0 or len(list(self.retrieved.glob("*"))) != sets:
            raise PartError(f"the jars cannot be fetched: {diagnosis(said)} (log: {log_path})")

    def _options(self) -> list[str]:
        """The JVM's options: trust, proxy, and no folder of Ivy's own in the user's home."""
        return [
            *QUICK_START,
            "-XX:+UseSerialGC",
            "-Djava.net.useSystemProxies=false",
            f"-Divy.default.ivy.user.dir={self._folder}",
            *trust_options(self._fetcher.environ, self._fetcher.cache),
            *proxy_options(self._fetcher.environ),
            "-cp",
            str(_ivy_jar()),
        ]

    def _own_settings(self) -> str | None:
        """The user's settings, for a site where a mirror stands between."""
        return self._fetcher.environ.get("HEADCOUNT_IVY_SETTINGS") or None

    def _run(
        self, command: list[str], log_path: Path, progress: tuple[Step, int] | None
    ) -> tuple[int, str]:
        """Run Ivy, and count the jars that its log says have arrived."""
        log_path.unlink(missing_ok=True)
        environ = java_environ(self._fetcher.environ)
        with Process("Ivy", command, log_path=log_path, environ=environ) as ivy:
            while (code := ivy.returncode) is None:
                if progress is not None:
                    step, total = progress
                    arrived = _text(log_path).count("[SUCCESSFUL ]")
                    step.update(f"{arrived} of {total} jars")
                time.sleep(POLL_S)
        return code, _text(log_path)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


@functools.cache
def _pyspark_jars() -> Path:
    """The folder of jars that pyspark ships, found without the second that importing it takes."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise PartError("the package pyspark is not installed: install headcount[cli]")
    return Path(spec.origin).parent / "jars"


def _ivy_jar() -> Path:
    found = sorted(_pyspark_jars().glob("ivy-*.jar"))
    if not found:
        raise PartError(f"there is no Ivy in {_pyspark_jars()}: install pyspark anew")
    return found[-1]


def _argument(option: str) -> str:
    """`option` as a line of the java launcher's argument files."""
    escaped = option.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _settings(*, poms: bool) -> str:
    """Ivy's settings. The resolver knows its host; the checksums that count are in the lock."""
    return f"""\
<ivysettings>
  <property name="ivy.checksums" value=""/>
  <settings defaultResolver="public"/>
  <resolvers>
    <ibiblio name="public" m2compatible="true" usepoms="{str(poms).lower()}"/>
  </resolvers>
</ivysettings>
"""


def _ivy_file(dependencies: Iterable[str]) -> str:
    return f"""\
<ivy-module version="2.0">
  <info organisation="headcount" module="stack"/>
  <configurations>{"".join(f'<conf name="{name}"/>' for name in ROOTS)}</configurations>
  <dependencies>
{"".join(dependencies)}\
  </dependencies>
</ivy-module>
"""


def _exact(jars: Iterable[Jar]) -> Iterator[str]:
    """Each locked jar by itself: nothing is resolved, and no POM is asked for."""
    for jar in jars:
        yield (
            f"    <dependency org={quoteattr(jar.group)} name={quoteattr(jar.artifact)} "
            f'rev={quoteattr(jar.version)} transitive="false" conf="{jar.set_name}->default">'
            f'<artifact name={quoteattr(jar.artifact)} type="jar"/></dependency>\n'
        )


def _roots() -> Iterator[str]:
    """The roots with all they need, but for what pyspark ships."""
    for set_name, roots in ROOTS.items():
        for root in roots:
            group, artifact, version = root.split(":")
            yield (
                f'    <dependency org="{group}" name="{artifact}" rev="{version}" '
                f'conf="{set_name}->default"/>\n'
            )
    for each in (*SHIPPED_BY_PYSPARK, *LEFT_OUT):
        group, artifact = each.split(":")
        conf = f"{CONNECTOR},{OBJECT_STORE}"
        yield f'    <exclude org="{group}" module="{artifact}" conf="{conf}"/>\n'


# In the order of what they explain: the first that is found in Ivy's log is the cause of the rest.
_CAUSES = {
    "PKIX path": "Java does not trust the server's certificate; let SSL_CERT_FILE name a bundle "
    "that holds your proxy's authority",
    "trustAnchors": "Java cannot read its trust store; remove the folder `trust` in the cache",
    "407": "the proxy wants a user and password; put them into HTTPS_PROXY",
    "UnknownHostException": "the server's name is not known; is there a network, or a proxy?",
    "No space left": "the disk is full; free some, or set HEADCOUNT_CACHE to another",
    "onnection refused": "the connection is refused; is HTTPS_PROXY right?",
    "etwork is unreachable": "the network cannot be reached",
    "onnect timed out": "the server does not answer; is a proxy needed?",
    "imed out": "the server does not answer in time; try again",
}


def diagnosis(said: str) -> str:
    """One line for all that Ivy said of a failure."""
    for sign, cause in _CAUSES.items():
        if sign in said:
            return cause
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    named = [line for line in lines if "not found" in line or "FAILED" in line or "rror" in line]
    return (named or lines or ["Ivy said nothing"])[0].strip(":- ")


# ---- locking


def write_lock(fetcher: Fetcher, path: Path = LOCK_FILE) -> list[Jar]:
    """Resolve the roots, and write what they need with its present content into the lock."""
    parent = fetcher.cache / "jars"
    with (
        fetcher.console.step("Resolving the jars"),
        locked(parent / ".lock"),
        _aside(parent) as aside,
    ):
        ivy = Ivy(fetcher, aside)
        pattern = "[conf]/[organisation]/[module]/[artifact]/[revision].[ext]"
        ivy.retrieve(_ivy_file(_roots()), sets=len(ROOTS), poms=True, pattern=pattern)
        jars = sorted(
            Jar(*_coordinates(found.relative_to(ivy.retrieved)), sha256(found))
            for found in ivy.retrieved.rglob("*.jar")
        )
        aside_lock = aside / LOCK_FILE.name
        aside_lock.write_text(_LOCK_HEADER + "".join(map(_lock_line, jars)), encoding="utf-8")
        shutil.move(aside_lock, path)
    return jars


def _coordinates(path: Path) -> tuple[str, str, str, str]:
    """Set, group, artifact and version of a jar retrieved by the pattern of `write_lock`."""
    set_name, group, module, artifact, file_name = path.parts
    if module != artifact:
        raise UsageError(f"{path}: an artifact that is not named like its module cannot be locked")
    return set_name, group, artifact, file_name.removesuffix(".jar")


def _lock_line(jar: Jar) -> str:
    return f"{jar.set_name} {jar.group}:{jar.artifact}:{jar.version} {jar.sha256}\n"


def main(arguments: list[str]) -> int:
    """`lock` writes the lock anew."""
    console = Console()
    if arguments != ["lock"]:
        console.error("usage: python -m headcount.stack.jvm.jars lock")
        return UsageError.exit_code
    environ = dict(os.environ)
    cache = cache_folder(environ)
    try:
        java = find_java(environ, cache, console.remark)
        jars = write_lock(Fetcher(java, cache, environ, console))
    except PartError as error:
        console.error(str(error))
        return error.exit_code
    console.result(f"{LOCK_FILE}: {len(jars)} jars")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
