"""Ivy, which pyspark ships: fetches jars from Maven repositories, and explains why it could not."""

import contextlib
import functools
import importlib.util
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from headcount.console import Console, Step
from headcount.errors import PartError
from headcount.stack.cache import made_folder
from headcount.stack.jvm.flags import QUICK_START
from headcount.stack.jvm.java import Java, java_environ
from headcount.stack.jvm.proxy_settings import proxy_options
from headcount.stack.jvm.truststore import trust_options
from headcount.stack.process import Process

POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Fetcher:
    """What is needed to fetch: Java for Ivy, the cache, the environment's trust and proxy."""

    java: Java
    cache: Path
    environ: Mapping[str, str]
    console: Console


@contextlib.contextmanager
def aside(parent: Path) -> Iterator[Path]:
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
