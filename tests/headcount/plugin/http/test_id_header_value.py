"""The id header: the id itself, or a Trace Context that every tracer accepts."""

import re
import subprocess
import sys

from headcount.run.id_form import IdForm, RunIds
from headcount.run.ids import tag_of

# Locust, which the package imports, patches the standard library of its process.
PROGRAM = """
import sys
from headcount.plugin.http.id_header_value import value_of
for name, event_id in zip(sys.argv[1::2], sys.argv[2::2]):
    print(value_of(name, event_id))
"""
TRACE_CONTEXT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01")


def values(*pairs: tuple[str, str]) -> list[str]:
    """Return what headers say, for pairs of a name and an id."""
    words = [word for pair in pairs for word in pair]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return done.stdout.splitlines()


def test_what_a_header_says() -> None:
    """Only traceparent, in any case, wraps the id; its span is the id's end, and never zero."""
    trace_id = RunIds(tag_of(5), IdForm.TRACE).text(0, 7)
    plain, b3, *traced = values(
        ("X-Event-Id", "0000000005.0.7"),
        ("X-B3-TraceId", trace_id),
        ("traceparent", trace_id),
        ("Traceparent", trace_id[:16] + "0" * 16),
    )
    assert (plain, b3) == ("0000000005.0.7", trace_id)
    parts = [TRACE_CONTEXT.fullmatch(text) for text in traced]
    spans = [match and match.groups() for match in parts]
    assert spans == [
        (trace_id, trace_id[16:]),
        (trace_id[:16] + "0" * 16, "0000000000000001"),
    ]
