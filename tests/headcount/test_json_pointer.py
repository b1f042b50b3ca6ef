"""JSON pointers: the examples of RFC 6901, and what leads nowhere."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headcount.json_pointer import ABSENT, pointer_of, steps_of, value_at

DOCUMENT = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
    "null": None,
}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOCUMENT),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
        ("/null", None),
    ],
)
def test_values(pointer: str, value: object) -> None:
    """Each pointer of section 5 leads to its value, and null is one."""
    assert value_at(DOCUMENT, steps_of(pointer)) == value


@pytest.mark.parametrize(
    "pointer", ["/x", "/foo/2", "/foo/-1", "/foo/\u0661", "/foo/bar", "/null/a"]
)
def test_no_value(pointer: str) -> None:
    """There is none beyond a list's end, below a scalar, or at an index in other digits."""
    assert value_at(DOCUMENT, steps_of(pointer)) is ABSENT


@example(["~1", "~0/", "~01"])
@given(st.lists(st.text(max_size=5)))
def test_what_is_written_is_read(steps: list[str]) -> None:
    """Whatever the names contain."""
    assert steps_of(pointer_of(steps)) == tuple(steps)
