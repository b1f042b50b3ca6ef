"""Templates: a text becomes a sentence without a change to a name in it."""

import pytest
from headcount_analysis.report.html.templates import breakable, coded, sentence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none of 185 attempts was acknowledged", "None of 185 attempts was acknowledged"),
        ("default: 3 were slow", "Default: 3 were slow"),
        ("join_guild: 3 were slow", "join_guild: 3 were slow"),
        ("http.p99 569.8 ms", "http.p99 569.8 ms"),
        ("--allow lost=1", "--allow lost=1"),
        ("3 lost", "3 lost"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_letter(text: str, expected: str) -> None:
    """Unless it begins with a name, an option or a number."""
    assert sentence(text) == expected


def test_a_path_breaks_before_a_slash() -> None:
    """Its texts are escaped."""
    assert breakable("POST /guilds/<b>") == "POST <wbr>/guilds<wbr>/&lt;b&gt;"


def test_names_of_fields_are_code() -> None:
    """A single backtick stays; texts are escaped."""
    assert coded("`a<b` and `c` differ") == "<code>a&lt;b</code> and <code>c</code> differ"
    assert coded('found "a`b"') == "found &#34;a`b&#34;"
