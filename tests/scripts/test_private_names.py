"""Private names of other packages: each rule is broken once, and the tree keeps all of them."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.private_names import PrivateName, missing_guards, missing_names, violations
from tests.scripts.tree import modules

ROW = PrivateName("kafka:KafkaAdminClient", "_offsets", "headcount/kafka/topic.py", "a::test_b")
USE = "from kafka import KafkaAdminClient\n\nKafkaAdminClient._offsets()\n"


def test_this_tree() -> None:
    """The table is complete; its tests, and its names in the installed packages, exist."""
    # In a process of its own: it imports Locust, which patches the standard library.
    command = [sys.executable, "-m", "scripts.private_names"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize(
    ("texts", "table", "expected"),
    [
        ({"headcount/kafka/topic": USE}, [ROW], ""),
        (
            {"headcount/kafka/topic": USE},
            [],
            "headcount/kafka/topic.py: the private name _offsets is not in the table",
        ),
        (
            {"headcount/kafka/topic": "from locust.x import _basic\n"},
            [],
            "headcount/kafka/topic.py: the private name _basic is not in the table",
        ),
        (
            {"headcount/kafka/topic": USE, "headcount/plugin/hooks": USE},
            [ROW],
            "headcount/plugin/hooks.py: uses _offsets, which headcount/kafka/topic.py uses already",
        ),
        (
            {"headcount/kafka/topic": "import kafka\n"},
            [ROW],
            "headcount/kafka/topic.py: does not use _offsets, which the table lists",
        ),
        (
            {"headcount/a": "class A:\n    def f(self, other):\n        self._x = other._x\n"},
            [],
            "",
        ),
    ],
)
def test_a_rule(
    tmp_path: Path, texts: dict[str, str], table: list[PrivateName], expected: str
) -> None:
    """A name is listed, used where the table says, and nowhere else; the project's own are free."""
    assert "\n".join(violations(modules(tmp_path, texts), table)) == expected


def test_a_guard_that_is_no_test(tmp_path: Path) -> None:
    """The file and the function must exist."""
    assert list(missing_guards(tmp_path, [ROW])) == ["a::test_b: no such test"]
    (tmp_path / "a").write_text("def test_b() -> None: ...\n")
    assert list(missing_guards(tmp_path, [ROW])) == []


def test_a_name_that_the_package_lost() -> None:
    """A private name may go in any release: it is missed before a test run trips over it."""
    row = PrivateName("json:JSONDecoder", "_scan", "headcount/a.py", "a::test_b")
    assert list(missing_names([row])) == [
        "json:JSONDecoder has no _scan, which headcount/a.py uses"
    ]
