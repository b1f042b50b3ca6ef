"""The distributions `headcount` and `headcount-slim`: what they contain, require and say."""

import configparser
import email
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from tests.wheels import ROOT, TIMEOUT_S, build_wheels

SLIM = ROOT / "scripts" / "slim"
OF_RUN = ("core", "service", "load", "analysis", "cli")
PLACEHOLDERS = (".example", ".invalid", ".test", "example.com", "example.net", "example.org")
"""Host names that RFC 2606 reserves: a link to one leads nowhere."""
SCENARIO = """\
from locust import task

from headcount.plugin import LedgerUser


class Customer(LedgerUser):
    @task
    def order(self) -> None:
        self.client.post("/orders", json={}, event={})
"""


@dataclass(frozen=True, slots=True)
class BuiltWheel:
    """A wheel and what its parts say."""

    path: Path

    @property
    def metadata_text(self) -> str:
        """The file METADATA."""
        return self.text_of("METADATA")

    @property
    def message(self) -> Message:
        """Its fields."""
        return email.message_from_string(self.metadata_text)

    @property
    def modules(self) -> dict[str, int]:
        """The checksums of its Python files."""
        with zipfile.ZipFile(self.path) as archive:
            infos = archive.infolist()
        return {info.filename: info.CRC for info in infos if info.filename.endswith(".py")}

    def text_of(self, name: str) -> str:
        """Read a file of the folder `dist-info`."""
        with zipfile.ZipFile(self.path) as archive:
            (member,) = (file for file in archive.namelist() if file.endswith(f".dist-info/{name}"))
            return archive.read(member).decode()

    def required(self, *extras: str) -> set[str]:
        """Return the requirements, with those of extras."""
        requirements = map(Requirement, self.message.get_all("Requires-Dist", ()))
        return {
            f"{requirement.name}[{','.join(sorted(requirement.extras))}]{requirement.specifier}"
            for requirement in requirements
            if requirement.marker is None
            or any(requirement.marker.evaluate({"extra": name}) for name in extras)
        }


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[BuiltWheel, BuiltWheel]:
    """The wheels of both distributions."""
    full, slim = build_wheels(tmp_path_factory.mktemp("wheels"), ROOT, SLIM)
    return BuiltWheel(full), BuiltWheel(slim)


def test_the_metadata_are_complete(wheels: tuple[BuiltWheel, BuiltWheel]) -> None:
    """They are valid, and have what an index shows, without a placeholder in place of a URL."""
    for wheel in wheels:
        metadata = Metadata.from_email(wheel.metadata_text.encode(), validate=True)
        assert metadata.summary
        assert metadata.description
        assert metadata.description_content_type == "text/markdown"
        assert metadata.keywords
        assert metadata.author
        assert str(metadata.license_expression) == "MIT"
        assert wheel.text_of("licenses/LICENSE") == (ROOT / "LICENSE").read_text()
        hosts = [urlsplit(url).hostname or "" for url in (metadata.project_urls or {}).values()]
        assert [host for host in hosts if host.endswith(PLACEHOLDERS)] == []
        versions = {f"Programming Language :: Python :: 3.{minor}" for minor in range(11, 15)}
        assert versions <= set(metadata.classifiers or ())
        assert str(metadata.requires_python) == ">=3.11"


def test_a_plain_install_has_all_that_a_run_needs(wheels: tuple[BuiltWheel, BuiltWheel]) -> None:
    """`headcount` requires the packages of its own extra `cli`, which has those of every part."""
    full, _ = wheels
    assert full.required() == {"headcount[cli]"}
    parts = {name for extra in OF_RUN for name in full.required(extra)}
    assert full.required("core", "cli") == parts


def test_slim_has_the_same_modules_and_commands(wheels: tuple[BuiltWheel, BuiltWheel]) -> None:
    """The two distributions differ only in what they require."""
    full, slim = wheels
    assert slim.modules == full.modules
    points = [configparser.ConfigParser(delimiters="=") for _ in wheels]
    for point, wheel in zip(points, wheels, strict=True):
        point.read_string(wheel.text_of("entry_points.txt"))
    assert points[0] == points[1]


def test_slim_requires_only_the_extras_that_are_named(
    wheels: tuple[BuiltWheel, BuiltWheel],
) -> None:
    """A generator needs no Spark; with `cli`, slim requires the same as `headcount`."""
    full, slim = wheels
    own = {"headcount[cli]"}
    assert slim.required() == full.required("core") - own
    assert not any(name.startswith("pyspark") for name in slim.required("load"))
    assert any(name.startswith("locust") for name in slim.required("load"))
    assert slim.required("cli") == full.required("core", "cli") - own


@pytest.fixture(scope="module")
def generator(
    wheels: tuple[BuiltWheel, BuiltWheel], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A virtual environment with `headcount-slim[load]`; return its folder of programs."""
    folder = tmp_path_factory.mktemp("generator") / "venv"
    uv("venv", "--python", sys.executable, str(folder))
    uv("pip", "install", "--python", str(folder / "bin" / "python"), f"{wheels[1].path}[load]")
    return folder / "bin"


def uv(*arguments: str) -> None:
    """Run uv; versions are those of the lock."""
    environ = {**os.environ, "UV_CONSTRAINT": str(ROOT / "requirements.lock")}
    command = [sys.executable, "-m", "uv", "--quiet", *arguments]
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr


def ran(program: Path, *arguments: str, folder: Path) -> tuple[int, str]:
    """Run a program of an environment; return its exit code and what it printed."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_a_generator_without_spark(generator: Path, tmp_path: Path) -> None:
    """It loads a scenario; the commands and a scenario that lack a package say so in one line."""
    (tmp_path / "shop.py").write_text(SCENARIO)
    locust = (generator / "locust", "-f", "shop.py", "--list")
    code, text = ran(*locust, folder=tmp_path)
    assert (code, "Available Users:\n    Customer\n" in text) == (0, True), text
    command = ran(generator / "headcount", "verify", "a-run", folder=tmp_path)
    assert command[0] == 5
    missing = "headcount: the package rich is not installed: pip install 'headcount-slim[cli]'\n"
    assert command[1] == missing
    uv("pip", "uninstall", "--python", str(generator / "python"), "ddsketch")
    line = "headcount: the package ddsketch is not installed: pip install 'headcount-slim[load]'\n"
    assert ran(*locust, folder=tmp_path) == (5, line)
    as_module = (generator / "python", "-m", "headcount.locust_main", "-f", "shop.py", "--list")
    assert ran(*as_module, folder=tmp_path) == (5, line)
