"""The import contract: a test breaks each rule once, and the tree keeps all of them."""

from pathlib import Path

import pytest

from scripts import imports
from scripts.source import ROOT, read_modules
from tests.scripts.tree import modules


def test_this_tree() -> None:
    """The contract holds."""
    assert imports.violations(read_modules(ROOT)) == []


@pytest.mark.parametrize(
    ("path", "statement", "rule"),
    [
        ("headcount/run/ids", "import flask", "headcount.run must not reach flask"),
        (
            "headcount/run/ids",
            "def f():\n    import kafka",
            "headcount.run must not reach kafka",
        ),
        (
            "headcount/ledger/writer",
            "from pyspark.sql import Row",
            "headcount.ledger must not reach pyspark",
        ),
        (
            "headcount/kafka/topic",
            "from headcount.plugin import hooks",
            "headcount.kafka must not import headcount.plugin",
        ),
        (
            "headcount/stack/broker",
            "from headcount.plugin import user",
            "headcount.stack must not import headcount.plugin",
        ),
        (
            "headcount/stack/broker",
            "from headcount import cli",
            "headcount.stack must not import headcount.cli",
        ),
        (
            "headcount/stack/broker",
            "import headcount_analysis",
            "headcount.stack must not import headcount_analysis",
        ),
        (
            "headcount/plugin/hooks",
            "import headcount_analysis.judge",
            "headcount must not import headcount_analysis",
        ),
        (
            "service/headcount_service/app",
            "from headcount.run import ids",
            "headcount_service must not import headcount",
        ),
        (
            "locustfiles/mixed",
            "from headcount_analysis import judge",
            "locustfiles must not import headcount_analysis",
        ),
        (
            "analysis/headcount_analysis/judge/notes",
            "from bench import figures",
            "headcount_analysis must not import bench",
        ),
        (
            "analysis/headcount_analysis/messages/ids",
            "from headcount_analysis.report.html import page",
            "headcount_analysis.messages must not import headcount_analysis.report",
        ),
        (
            "headcount/attic/box",
            "import headcount.run",
            "headcount.attic is in no layer of scripts/imports.py",
        ),
    ],
)
def test_a_violation(tmp_path: Path, path: str, statement: str, rule: str) -> None:
    """The line names the place and the rule."""
    lines = imports.violations(modules(tmp_path, {path: statement}))
    place = f"{path}.py:{1 + statement.count(chr(10))}"
    assert f"{place}: {rule}" in lines


def test_purity_reaches_through_other_modules(tmp_path: Path) -> None:
    """Imports through another module, or through its package, violate purity as well."""
    tree = modules(
        tmp_path,
        {
            "headcount/ledger/writer": "from headcount.open_model.rate import Rate",
            "headcount/open_model/__init__": "import gevent",
            "headcount/open_model/rate": "import locust",
        },
    )
    rules = [line.partition(": ")[2] for line in imports.violations(tree)]
    assert rules == [f"headcount.ledger must not reach {name}" for name in ("gevent", "locust")]


def test_what_is_allowed(tmp_path: Path) -> None:
    """The commands and bench may import all parts, and pure folders their libraries."""
    tree = modules(
        tmp_path,
        {
            "headcount/cli/main": "import headcount_analysis\nfrom headcount_service import errors",
            "bench/service": "import headcount_service, headcount_analysis, headcount",
            "headcount/run/verdict": "import json, pydantic, pyarrow, xxhash",
            "analysis/headcount_analysis/judge/notes": "from headcount.run import ids",
        },
    )
    assert imports.violations(tree) == []
