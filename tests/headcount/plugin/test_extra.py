"""The plugin needs only its own extra, `load`, which is all that a worker's image installs."""

import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Mapping

import pytest

pytestmark = pytest.mark.e2e

WITHOUT = """
import sys

sys.modules.update(dict.fromkeys({absent!r}))  # these modules cannot be imported
import locust
import headcount.plugin
from headcount.plugin.missing_verifier import why_not_verifiable
print(why_not_verifiable())
"""


def names_of(*extras: str) -> set[str]:
    """The packages of the distributions that headcount's extras require."""
    distributions = set()
    for line in importlib.metadata.requires("headcount") or ():
        name, marker = re.split(r"[ <>=;\\[!]", line)[0], line.partition(";")[2]
        if any(re.search(rf"extra == ['\"]{extra}['\"]", marker) for extra in extras):
            distributions.add(name)
    distributions.discard("headcount")  # an extra may require other extras
    packages = importlib.metadata.packages_distributions()
    return {package for package, names in packages.items() if distributions & set(names)}


def test_it_is_imported_without_the_rest() -> None:
    """Without the command line, Spark and charts, it imports and says what to do instead."""
    absent = names_of("cli", "analysis", "service") - names_of("core", "load")
    absent -= {"flask", "jinja2", "click", "certifi", "markupsafe", "werkzeug"}  # Locust has them
    assert {"rich", "pyspark", "pandas"} <= absent
    source = WITHOUT.format(absent=absent)
    assert "verifying a run needs rich and pyspark" in _printed(source, {})
    compose = _printed(source, {"HEADCOUNT_COMPOSE": "docker compose"})
    command = "docker compose run --rm analysis headcount verify RUN"
    assert compose == f"this container cannot verify runs: {command}\n"


def _printed(source: str, environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", source],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
