"""Builds the project's wheels for tests."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 300


def build_wheels(folder: Path, *sources: Path) -> list[Path]:
    """Build a wheel of each source folder into a folder; return them in the sources' order."""
    wheels: list[Path] = []
    for number, source in enumerate(sources):
        target = folder / str(number)
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
        build = (*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(target), str(source))
        done = subprocess.run(
            build, capture_output=True, text=True, check=False, timeout=TIMEOUT_S, cwd=folder
        )
        assert done.returncode == 0, f"{done.stderr}\n{done.stdout}"
        wheels += target.glob("*.whl")
    return wheels
