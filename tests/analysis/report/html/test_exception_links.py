"""Links to exceptions: sentences lead to the rows that they are about."""

from headcount_analysis.report.html.exception_links import link, linked

NAMES = ("lost", "corrupted", "late")


def test_filters_are_quoted() -> None:
    """Event types and processes may contain what separates filters."""
    assert link({"class": "lost", "type": "a&b c"}) == "#exceptions?class=lost&type=a%26b%20c"


def test_counts_in_sentences_are_linked() -> None:
    """The link spans the count; classes without rows, and other words, stay text."""
    assert linked("1,002 of 2,000 lost, all 3 corrupted, 0 delivered, 5 later", NAMES) == (
        '<a href="#exceptions?class=lost">1,002 of 2,000 lost</a>, '
        '<a href="#exceptions?class=corrupted">all 3 corrupted</a>, 0 delivered, 5 later'
    )


def test_sentences_are_escaped() -> None:
    """They contain names from outside, also where nothing is linked."""
    assert linked("<b> 1 lost <i>", NAMES) == (
        '&lt;b&gt; <a href="#exceptions?class=lost">1 lost</a> &lt;i&gt;'
    )
    assert linked("<b> 1 lost", ()) == "&lt;b&gt; 1 lost"
