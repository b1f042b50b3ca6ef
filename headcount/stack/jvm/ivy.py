"""Ivy, which pyspark ships: fetches jars from Maven repositories, and explains failures."""

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
from headcount.installation import COMMAND, remedy
from headcount.stack.cache import made_folder
from headcount.stack.jvm.compilation_flags import QUICK_START
from headcount.stack.jvm.java import Java, java_environ
from headcount.stack.jvm.proxy_settings import proxy_options
from headcount.stack.jvm.truststore import trust_options
from headcount.stack.process import Process

POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Fetcher:
    """What a fetch needs: Java for Ivy, the cache, and the environment (proxy, certificates)."""

    java: Java
    cache: Path
    environ: Mapping[str, str]
    console: Console


@contextlib.contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Create a temporary folder in `parent`, and remove old ones. The caller holds the lock."""
    for stale in parent.glob("aside-*"):
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        prefix="aside-", dir=made_folder(parent), ignore_cleanup_errors=True
    ) as path:
        yield Path(path)


class Ivy:
    """A single run of Apache Ivy in a temporary folder."""

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
        """Resolve `ivy_file`, and put its jars into `retrieved`, one folder per set.

        Raises:
            PartError: Ivy failed, or retrieved another number of sets.
        """
        log_path = self._fetcher.cache / "jars" / "ivy.log"
        (self._folder / "ivy.xml").write_text(ivy_file, encoding="utf-8")
        (self._folder / "ivysettings.xml").write_text(_settings(poms=poms), encoding="utf-8")
        # A file, so that the process list does not show a proxy's password.
        options_file = self._folder / "java.options"
        options_file.touch(mode=0o600)
        options_file.write_text("".join(f"{_argument(option)}\n" for option in self._options()))
        command = [str(self._fetcher.java.executable), f"@{options_file}", "org.apache.ivy.Main"]
        command += ["-settings", str(self._user_settings() or self._folder / "ivysettings.xml")]
        command += ["-cache", str(self._folder / "cache"), "-ivy", str(self._folder / "ivy.xml")]
        command += ["-types", "jar", "bundle", "-retrieve", f"{self.retrieved}/{pattern}"]
        code, output = self._run(command, log_path, progress)
        if code != 0 or len(list(self.retrieved.glob("*"))) != sets:
            raise PartError(f"the jars cannot be fetched: {diagnosis(output)} (log: {log_path})")

    def _options(self) -> list[str]:
        """JVM options: trust store, proxy, and an Ivy folder outside the user's home."""
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

    def _user_settings(self) -> str | None:
        """The user's own Ivy settings, for example to fetch from a mirror."""
        return self._fetcher.environ.get("HEADCOUNT_IVY_SETTINGS") or None

    def _run(
        self, command: list[str], log_path: Path, progress: tuple[Step, int] | None
    ) -> tuple[int, str]:
        """Run Ivy, showing how many jars its log reports as fetched; return exit code and log."""
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
    """The folder of jars that pyspark ships. Importing pyspark to find it would take a second."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise PartError(f"the package pyspark is not installed: {remedy(COMMAND)}")
    return Path(spec.origin).parent / "jars"


def _ivy_jar() -> Path:
    ivy_jars = sorted(_pyspark_jars().glob("ivy-*.jar"))
    if not ivy_jars:
        raise PartError(f"{_pyspark_jars()} has no Ivy jar: reinstall pyspark")
    return ivy_jars[-1]


def _argument(option: str) -> str:
    """Quote `option` for an argument file of the java launcher."""
    escaped = option.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _settings(*, poms: bool) -> str:
    """Ivy's settings. `ibiblio` means Maven Central; the lock has the checksums to verify."""
    return f"""\
<ivysettings>
  <property name="ivy.checksums" value=""/>
  <settings defaultResolver="public"/>
  <resolvers>
    <ibiblio name="public" m2compatible="true" usepoms="{str(poms).lower()}"/>
  </resolvers>
</ivysettings>
"""


# Causes come before their consequences: the first match in Ivy's log explains the others.
_CAUSES = {
    "PKIX path": "Java does not trust the server's certificate; set SSL_CERT_FILE to a bundle "
    "that includes your proxy's certificate authority",
    "trustAnchors": "Java cannot read its trust store; remove the folder `trust` in the cache",
    "407": "the proxy requires a user and password; put them into HTTPS_PROXY",
    "UnknownHostException": "the server's name cannot be resolved; check the network, or set "
    "HTTPS_PROXY if there is a proxy",
    "No space left": "the disk is full; free some space, or set HEADCOUNT_CACHE to another disk",
    "onnection refused": "the connection was refused; check HTTPS_PROXY",
    "etwork is unreachable": "the network is unreachable; check the connection, or set "
    "HTTPS_PROXY if there is a proxy",
    "onnect timed out": "the server does not answer; set HTTPS_PROXY if a proxy is needed",
    "imed out": "the server did not answer in time; try again",
}


def diagnosis(output: str) -> str:
    """Sum up Ivy's output about a failure in one line."""
    for pattern, cause in _CAUSES.items():
        if pattern in output:
            return cause
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "not found" in line or "FAILED" in line or "rror" in line]
    return (errors or lines or ["Ivy printed nothing"])[0].strip(":- ")
