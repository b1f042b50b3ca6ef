"""Changing an option file keeps what it does not set."""

import tomllib

import pytest

from headcount.cli.configuration.option_text import Value, with_options
from headcount.errors import UsageError

TEXT = """\
# Our service.
host = "http://127.0.0.1:5000"
# id-at = "field:request_id"
format = "avro"

[run]
users = 10
"""


def test_a_line_is_replaced_where_it_stands() -> None:
    """A commented line counts, too; new options come before the first table."""
    changed = with_options(TEXT, {"host": "http://shop", "id-at": "key", "topic": "a"}, {"format"})
    assert changed == (
        '# Our service.\nhost = "http://shop"\nid-at = "key"\ntopic = "a"\n\n[run]\nusers = 10\n'
    )


def test_an_empty_file() -> None:
    """Texts are quoted, and a repeatable option becomes a list."""
    options: dict[str, Value] = {"compare-at": '/a "b"\\c', "outcome": ("status == 409 = failed",)}
    changed = with_options("", options)
    assert tomllib.loads(changed) == {
        "compare-at": '/a "b"\\c',
        "outcome": ["status == 409 = failed"],
    }


def test_the_same_again() -> None:
    """Setting the same options twice changes nothing."""
    options = {"topic": "orders", "id-at": "key"}
    once = with_options(TEXT, options)
    assert with_options(once, options) == once


def test_a_value_of_several_lines() -> None:
    """It is refused, with the lines to write."""
    text = 'outcome = [\n  "a",\n]\n'
    with pytest.raises(UsageError, match=r'set it yourself: outcome = \["b"\]'):
        with_options(text, {"outcome": ("b",)})
