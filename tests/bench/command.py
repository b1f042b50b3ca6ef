"""Runs a benchmark at a size too small to measure anything."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def bench(output: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run one benchmark, and read its JSON document."""
    command = [sys.executable, "-m", "bench", "--quiet", "--output", str(output), *arguments]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads((output / f"{arguments[0]}.json").read_text())
    return done, document
