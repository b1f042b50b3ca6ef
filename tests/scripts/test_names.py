"""Duplicate class names and meaningless names are reported."""

from pathlib import Path

import pytest

from scripts import names
from tests.scripts.tree import modules


def test_a_duplicate_class_name(tmp_path: Path) -> None:
    """A leading underscore makes no difference; a class in a function does not count."""
    tree = modules(
        tmp_path,
        {
            "headcount/a": "class Span: ...\nclass Alone: ...",
            "bench/b": "class _Span: ...\ndef f():\n    class Alone: ...",
        },
    )
    assert names.duplicate_classes(tree) == {"Span": [Path("bench/b.py"), Path("headcount/a.py")]}
    assert names.violations(tree) == {"duplicate class Span": "bench/b.py, headcount/a.py"}


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("class Told: ...", "class", "Told"),
        ("def _told(): ...", "function", "_told"),
        ("async def tell(): ...", "function", "tell"),
        ("def f(given): ...", "parameter", "given"),
        ("def f(*, mine=1): ...", "parameter", "mine"),
        ("def f(*thing): ...", "parameter", "thing"),
        ("def f(each): ...", "parameter", "each"),
        ("class A:\n    each: int", "field", "each"),
        ("found = 1", "variable", "found"),
        ("a, found = 1, 2", "variable", "found"),
        ("if (found := 1): ...", "variable", "found"),
        ("[found for found in ()]", "variable", "found"),
        ("[each for each in ()]", "variable", "each"),
        ("sorted((), key=lambda each: each)", "variable", "each"),
        ("for thing in (): ...", "variable", "thing"),
        ("with open('') as mine: ...", "variable", "mine"),
        ("import json as told", "variable", "told"),
        ("try: ...\nexcept OSError as told: ...", "variable", "told"),
        ("match 1:\n    case found: ...", "variable", "found"),
        ("lambda found: 1", "variable", "found"),
    ],
)
def test_a_banned_name(tmp_path: Path, text: str, kind: str, name: str) -> None:
    """Every kind of binding is reported."""
    tree = modules(tmp_path, {"headcount/a": text})
    assert f"headcount/a.py {kind} {name}" in names.violations(tree)


def test_a_banned_module(tmp_path: Path) -> None:
    """The name of a file counts."""
    assert names.violations(modules(tmp_path, {"headcount/told": ""})) == {
        "headcount/told.py module told": "headcount/told.py:1"
    }


@pytest.mark.parametrize(
    "text",
    [
        "class FoundMessages: ...",
        "def is_found(): ...",
        "found.by_others()",
        "'told'",
    ],
)
def test_a_name_that_is_allowed(tmp_path: Path, text: str) -> None:
    """A longer name, and a name that is bound elsewhere, are allowed."""
    assert names.violations(modules(tmp_path, {"headcount/a": text})) == {}


def test_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One violation fails the check, and is printed with its place."""
    monkeypatch.setattr(names, "ROOT", tmp_path)
    modules(tmp_path, {"headcount/a": "message = 1"})
    assert names.main() == 0
    modules(tmp_path, {"headcount/a": "found = 1"})
    assert names.main() == 1
    assert capsys.readouterr().out == "headcount/a.py:1: headcount/a.py variable found\n"
