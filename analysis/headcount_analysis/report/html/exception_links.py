"""Links to exceptions: `#exceptions?class=lost&type=sword` shows these rows, and no others.

The filters are `class` (a class or a flag), `type` (the event type), `partition`, `process`,
`error` (the response to a request that was not acknowledged), `from` and `to` (times, ISO 8601),
and `text`, words that a row contains, such as an id. The script of the table applies them; without
it, a link leads to the first row with that class and one other value.

Pure.
"""

import re
from collections.abc import Collection, Mapping
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

from headcount_analysis.causes.exception_patterns import Pattern
from headcount_analysis.report.html.templates import coded

SECTION = "exceptions"


def anchor(filters: Mapping[str, str]) -> str:
    """Return the name of the place that has the rows: a link without its `#`."""
    return f"{SECTION}?{urlencode(filters, quote_via=quote)}"


def link(filters: Mapping[str, str]) -> str:
    """Return the link to the rows."""
    return f"#{anchor(filters)}"


def linked(sentence: str, names: Collection[str]) -> Markup:
    """Link each count of a class or flag in a sentence, such as `3 of 23 lost`, to its rows.

    `names` are the classes and flags that have rows.
    """
    if not names:
        return escape(sentence)
    any_name = "|".join(map(re.escape, names))
    counts = re.compile(rf"(?<![\d.,])(?:all )?\d[\d,]*(?: of \d[\d,]*)? ({any_name})\b")
    parts, place = [], 0
    for match in counts.finditer(sentence):
        parts += [escape(sentence[place : match.start()]), _anchored(match[0], match[1])]
        place = match.end()
    return Markup("").join([*parts, escape(sentence[place:])])


def pattern_link(pattern: Pattern, some: str) -> Markup:
    """Link the exceptions of a pattern to their rows, and say what they have in common."""
    href = link({"class": pattern.of, **pattern.filters})
    return Markup('<a href="{}">{}</a>: {}').format(href, some, coded(pattern.what))


def _anchored(text: str, name: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(link({"class": name}), text)
