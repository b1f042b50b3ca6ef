"""The plugin needs no more than its own extra, `load`, which is all that a worker's image has."""

import importlib.metadata
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e

WITHOUT = """
import sys

sys.modules.update(dict.fromkeys({absent!r}))  # such a module cannot be imported
import locust
import headcount.plugin
from headcount.plugin.shutdown.verification import cannot_judge
print(cannot_judge())
"""


def names_of(*extras: str) -> set[str]:
    """The distributions that headcount's extras name, by their packages."""
    found = set()
    for line in importlib.metadata.requires("headcount") or ():
        name, marker = re.split(r"[ <>=;\\[!]", line)[0], line.partition(";")[2]
        if any(re.search(rf"extra == ['\"]{extra}['\"]", marker) for extra in extras):
            found.add(name)
    found.discard("headcount")  # an extra may name others of ours
    packages = importlib.metadata.packages_distributions()
    return {package for package, names in packages.items() if found & set(names)}


def test_it_is_imported_without_the_rest() -> None:
    """No command line, no Spark and no charts; and it says that nothing can be judged there."""
    absent = names_of("cli", "analysis", "service") - names_of("load")
    absent -= {"flask", "jinja2", "click", "certifi", "markupsafe", "werkzeug"}  # Locust has them
    assert {"rich", "pyspark", "pandas", "altair", "vl_convert"} <= absent
    source = WITHOUT.format(absent=absent)
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "no run can be judged here without rich and pyspark" in done.stdout
