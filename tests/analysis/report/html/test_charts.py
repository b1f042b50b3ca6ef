"""The charts: any name and any clock can be drawn, and quickly."""

import subprocess
import sys
from typing import Any

import pandas as pd
import pytest
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.report.html import svg
from headcount_analysis.report.html.charts import classes
from headcount_analysis.report.html.svg import MAX_LETTERS

DRAWN = """
import sys
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.report.html.charts import classes

print(classes({f"a{chr(int(sys.argv[1]))}b": Counts(attempted=1, acked=1, lost=1)}))
"""


@pytest.mark.parametrize("character", [0x00, 0x1B, 0xFFFE])
def test_characters_that_xml_does_not_allow_are_drawn(character: int) -> None:
    """If they are not replaced, drawing crashes the process before the verdict is written."""
    command = [sys.executable, "-c", DRAWN, str(character)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "a\ufffdb" in done.stdout


def test_a_long_name_is_truncated() -> None:
    """Ten thousand letters would take 15 s to draw, and more would take forever."""
    name = "x" * 100_000
    drawn = classes({name: Counts(attempted=1, acked=1, lost=1)})
    assert drawn is not None
    assert len(drawn) < len(name)
    assert "x" * (MAX_LETTERS // 2) in drawn


@pytest.mark.parametrize("days", [0.001, 2, 20_000])
def test_time_has_few_ticks(days: float) -> None:
    """There are few ticks, however far apart the generators' clocks are."""
    drawn: Any = svg.elapsed(pd.Series([0.0, days * 86_400])).to_dict()
    assert 2 <= len(drawn["axis"]["values"]) <= 8
