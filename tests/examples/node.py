"""Programs for Node.js, run from a copy, so that no packages are installed in the repository."""

import functools
import shutil
import subprocess
from pathlib import Path

from tests.needs import lacking

TIMEOUT_S = 240.0


@functools.cache
def installed(program: str, folder: Path) -> Path:
    """Copy a program into a folder, and install its locked packages there; return its path.

    Skips the test if Node.js or the packages cannot be had.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        lacking("Node.js or npm is not installed")
    folder.mkdir(exist_ok=True)
    for name in (Path(program).name, "package.json", "package-lock.json"):
        shutil.copy(Path(program).parent / name, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        lacking(f"npm cannot install the packages of {program}: {done.stderr.strip()[-300:]}")
    return folder / Path(program).name
