"""Compose, built from its Go module: Debian has no recent Compose."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from headcount.stack.cache import cache_folder, locked
from tests.needs import lacking

MODULE, VERSION = "github.com/docker/compose/v2", "v2.33.1"
"""The last version that builds images by itself; later ones need buildx, too."""
_VERSION_FLAG = f"-X {MODULE}/internal.Version={VERSION}"
DEADLINE_S = 3_600.0


def compose_program() -> Path:
    """Return the program; build it once, which takes minutes. Skips the test without Go."""
    folder = cache_folder(dict(os.environ)) / "tests"
    program = folder / f"docker-compose-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock"):
        if not program.exists():
            if shutil.which("go") is None:
                lacking("Compose is built with Go: install it")
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                _build(Path(scratch)).rename(program)
    return program


def _build(scratch: Path) -> Path:
    """Build the module in a copy: `go install` refuses modules that exclude versions of others."""
    _go(scratch, "mod", "init", "headcount.test/compose")
    module = json.loads(_go(scratch, "mod", "download", "-json", f"{MODULE}@{VERSION}"))
    source = scratch / "source"
    shutil.copytree(module["Dir"], source, copy_function=shutil.copyfile)  # writable, unlike it
    target = scratch / "docker-compose"
    _go(source, "build", "-ldflags", _VERSION_FLAG, "-o", str(target), "./cmd")
    return target


def _go(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [shutil.which("go") or "go", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    if done.returncode != 0:
        lacking(f"Compose cannot be built: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout
