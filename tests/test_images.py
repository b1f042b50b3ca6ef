"""Each image runs with only the files that its Dockerfile copies from the repository.

No container engine is needed: the tests lay out the copied files, and build and unpack the wheel,
as the Dockerfile does. Python then runs with only these files and the third-party packages.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tests.test_compose import ROOT, instructions

BUILD, RUNTIME = 0, -1
"""A Dockerfile's first and last stage."""

_NOT_COPIED = shutil.ignore_patterns("__pycache__")


def copied(dockerfile: str, stage: int, folder: Path) -> Path:
    """Copy the repository files that a stage copies; return its working directory."""
    for name, rest in _stages(dockerfile)[stage]:
        *sources, target = rest.split()
        if name == "COPY" and not sources[0].startswith("--from="):
            for source in sources:
                into = folder / target
                if target.endswith("/") or target == "./":
                    into = into / Path(source).name
                copy(ROOT / source, into)
    return folder


def _stages(dockerfile: str) -> list[list[tuple[str, str]]]:
    stages: list[list[tuple[str, str]]] = []
    for instruction in instructions(dockerfile):
        if instruction[0] == "FROM":
            stages.append([])
        if stages:
            stages[-1].append(instruction)
    return stages


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=_NOT_COPIED, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def installed(context: Path) -> Path:
    """Build the context's wheel and unpack it; return the folder with its packages."""
    target = context.with_name("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    done = subprocess.run(build, cwd=context, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = target.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def run(arguments: Sequence[str], *, packages: Path, cwd: Path) -> str:
    """Run Python with these packages and third-party ones, without the editable install."""
    path = os.pathsep.join([str(packages), sysconfig.get_paths()["purelib"]])
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            *arguments,
        ],  # -S ignores .pth files, which put the checkout on the path
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_service_image(tmp_path: Path) -> None:
    """Gunicorn loads its configuration, the application and the migrations from the copy."""
    context = copied("service/Dockerfile", RUNTIME, tmp_path / "app")
    check = ["-m", "gunicorn", "--check-config", "-c", "headcount_service/gunicorn.conf.py"]
    run(check, packages=context, cwd=context)
    run(["-m", "headcount_service.migrations.upgrade"], packages=context, cwd=context)
    assert (context / "game.sqlite3").exists()


def test_load_image(tmp_path: Path) -> None:
    """Locust loads every scenario with the installed wheel and the copied locustfiles."""
    packages = installed(copied("locustfiles/Dockerfile", BUILD, tmp_path / "build"))
    app = copied("locustfiles/Dockerfile", RUNTIME, tmp_path / "app")
    scenarios = sorted((app / "locustfiles").glob("*.py"))
    assert scenarios
    for scenario in scenarios:
        command = ["-m", "locust", "--locustfile", str(scenario.relative_to(app)), "--list"]
        assert "Available Users" in run(command, packages=packages, cwd=app), scenario


def test_analysis_image(tmp_path: Path) -> None:
    """The judge's command, its Spark pipeline and the game's state reader can be imported."""
    packages = installed(copied("analysis/Dockerfile", BUILD, tmp_path / "build"))
    assert "Usage:" in run(["-m", "headcount", "verify", "--help"], packages=packages, cwd=tmp_path)
    modules = (
        "headcount_analysis.pipeline",
        "headcount_service.game.storage.snapshot",
        "headcount.cli.platform",
    )
    script = "\n".join(f"import {name}\nprint({name}.__file__)" for name in modules)
    files = run(["-c", script], packages=packages, cwd=tmp_path).splitlines()
    assert [file for file in files if not file.startswith(str(packages))] == []


def test_the_jars_of_the_analysis_image(tmp_path: Path) -> None:
    """The step that fetches them needs no file but those copied before it: others may change."""
    before: list[str] = []
    for name, rest in instructions("analysis/Dockerfile"):
        if name == "RUN" and "jars_fetch" in rest:
            break
        before += [rest] if name == "COPY" else []
    for rest in before:
        *sources, target = rest.split()
        for source in sources:
            inside = target.endswith("/") and not target.endswith(f"{source}/")
            copy(ROOT / source, tmp_path / target / (Path(source).name if inside else ""))
    fetch = tmp_path / "fetch"
    files = {str(path.relative_to(fetch)) for path in fetch.rglob("*.py")}
    script = """
import headcount.stack.jvm.jars_fetch
from headcount.stack.process import PARENT_DEATH
assert PARENT_DEATH.exists()
"""
    run(["-c", script], packages=fetch, cwd=fetch)
    assert len(files) < 25
    assert not any("cli" in file or "plugin" in file for file in files)
