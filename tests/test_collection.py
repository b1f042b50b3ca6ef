"""Collection: which fixtures tests have, whatever paths are named."""

import subprocess
import sys

INTERLEAVED = (
    "tests/headcount/plugin/test_unready_start.py",
    "tests/headcount/test_palette.py",
    "tests/headcount/plugin/test_ids_in_locust.py",
)
"""Two files of a folder with fixtures, and between them one of its parent folder."""


def test_a_folder_that_is_named_again_keeps_its_fixtures() -> None:
    """Also if a file of its parent folder was named in between."""
    options = ("-n", "0", "-p", "no:cacheprovider", "--setup-plan")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *INTERLEAVED],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "SETUP    F bench" in done.stdout
