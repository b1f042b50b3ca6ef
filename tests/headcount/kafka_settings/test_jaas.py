"""Java's login entries: read in every spelling, and written so that they read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcount.errors import UsageError
from headcount.kafka_settings import jaas


def test_an_entry_is_a_module_and_its_options() -> None:
    """Values may have either quotes or none, and lines may break anywhere."""
    text = """org.example.Login required
      username="alice"
      password='p;w"d' scope=a.b
      escaped="a\\"b\\\\c";"""
    assert jaas.parse(text) == (
        "org.example.Login",
        {"username": "alice", "password": 'p;w"d', "scope": "a.b", "escaped": 'a"b\\c'},
    )


def test_escapes_are_those_of_java() -> None:
    """Letters and octal numbers stand for other characters; the flag may be in capitals."""
    text = r'org.example.Login REQUIRED a="x\ny" b="\151\q" c="x\\ny";'
    assert jaas.parse(text) == (
        "org.example.Login",
        {"a": "x\ny", "b": "iq", "c": r"x\ny"},
    )
    assert "\n" not in jaas.write(jaas.PLAIN, {"a": "x\r\ny"})  # Java ends a value there


@given(st.dictionaries(st.from_regex(r"[a-zA-Z_]{1,9}", fullmatch=True), st.text()))
def test_what_is_written_reads_back(options: dict[str, str]) -> None:
    """Whatever a password contains."""
    assert jaas.parse(jaas.write(jaas.PLAIN, options)) == (jaas.PLAIN, options)


@pytest.mark.parametrize(
    "text",
    ["", "org.example.Login", 'org.example.Login required password="hunter2"', "a required b;"],
)
def test_what_is_no_entry_is_refused_unshown(text: str) -> None:
    """The message has the rule, and nothing of the text, which may be a password."""
    with pytest.raises(UsageError, match=r"sasl\.jaas\.config") as raised:
        jaas.parse(text)
    assert "hunter2" not in str(raised.value)
