"""Changing an option file keeps what it does not set."""

import tomllib

import pytest

from headcount.cli.configuration.option_text import Value, with_options
from headcount.errors import UsageError

TEXT = """\
# Our service.
host = "http://127.0.0.1:5000"  # ours
outcome = [
    "a",  # a value of several lines
]
format = "avro"

[run]
users = 10
"""


def test_a_value_is_replaced_where_it_stands() -> None:
    """Its comment stays; new options come before the first table."""
    options: dict[str, Value] = {"host": "http://shop", "topic": "a", "outcome": ("b",)}
    assert with_options(TEXT, options, {"format"}) == (
        '# Our service.\nhost = "http://shop"  # ours\noutcome = ["b"]\ntopic = "a"\n\n'
        "[run]\nusers = 10\n"
    )


def test_an_empty_file() -> None:
    """Texts are quoted, and a repeatable option becomes a list."""
    options: dict[str, Value] = {"compare-at": '/a "b"\\c\n', "outcome": ("status == 409",)}
    changed = with_options("", options)
    assert tomllib.loads(changed) == {"compare-at": '/a "b"\\c\n', "outcome": ["status == 409"]}


def test_the_same_again() -> None:
    """Setting the same options twice changes nothing, not even a value of several lines."""
    options: dict[str, Value] = {"topic": "orders", "outcome": ("a",)}
    once = with_options(TEXT, options)
    assert once.count("# a value of several lines") == 1
    assert with_options(once, options) == once


def test_a_run_s_own_options() -> None:
    """They override those for all commands, so they are changed, too."""
    own = f'{TEXT}topic = "mine"\nformat = "avro"\n'
    changed = tomllib.loads(with_options(own, {"topic": "orders"}, {"format"}))
    assert (changed["topic"], changed["run"]) == ("orders", {"users": 10, "topic": "orders"})
    assert "format" not in changed


@pytest.mark.parametrize("text", ["", "[tool.ruff]\n\n[build-system]\n", "[tool.headcount.run]\n"])
def test_a_table_in_another_document(text: str) -> None:
    """The options are in the table; whatever else the document has stays."""
    path = ("tool", "headcount")
    changed = tomllib.loads(with_options(text, {"topic": "orders"}, (), path))
    assert changed["tool"]["headcount"].pop("topic") == "orders"
    before = tomllib.loads(text)
    before.setdefault("tool", {}).setdefault("headcount", {})
    assert changed == before


@pytest.mark.parametrize(
    ("text", "reason"), [("a =", "it is not TOML"), ("tool = 3", "tool in it must be a table")]
)
def test_a_text_that_cannot_be_changed(text: str, reason: str) -> None:
    """The error says what is wrong."""
    with pytest.raises(UsageError, match=reason):
        with_options(text, {"topic": "orders"}, (), ("tool", "headcount"))
