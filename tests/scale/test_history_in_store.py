"""The history of runs in an object store, by the same command as in a folder."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.compare_runs.sample import written
from tests.scale.object_store import BUCKET, object_store, opened

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_the_history_of_an_object_store(tmp_path: Path) -> None:
    """The same document as of a folder; the index stands beside the runs and is used."""
    reports = tmp_path / "reports"
    for name in ("one", "two", "three"):
        written(reports, name)
    (reports / "three" / "verdict.json").unlink()
    with object_store(tmp_path, os.environ) as variables:
        store = opened(variables)
        for path in (path for path in reports.rglob("*.json") if path.is_file()):
            place = f"{BUCKET}/reports/{path.relative_to(reports).as_posix()}"
            with store.open_output_stream(place) as stream:
                stream.write(path.read_bytes())
        environ = {**os.environ, **variables}
        expected = document(str(reports), environ)
        assert [document(f"s3://{BUCKET}/reports", environ) for _ in range(2)] == [expected] * 2
        with store.open_input_stream(f"{BUCKET}/reports/.history.jsonl") as stream:
            assert b'"two"' in stream.read()
    assert expected["not_judged"] == ["three"]


def document(location: str, environ: dict[str, str]) -> dict[str, Any]:
    """Run the command, and read its document."""
    command = [sys.executable, "-m", "headcount", "history", "--json", "--reports-dir", location]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env=environ
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))
