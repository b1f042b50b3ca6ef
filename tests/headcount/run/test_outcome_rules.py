"""Outcome rules: every form parses, errors point at mistakes, and the first match decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from headcount.run.outcome import Outcome
from headcount.run.outcome_rules import LARGEST_BODY, Answer, decide, joined, parse, split
from headcount.thresholds.metric_text import MetricError


@dataclass
class CountingResponse:
    """A response that counts how often its body is read."""

    status_code: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    looks: int = 0

    @property
    def content(self) -> bytes:
        """The body."""
        self.looks += 1
        return self.body


HEADS: list[tuple[str, str, bool]] = [
    ("!= 0", "0", False),
    ("!= 0", "2", True),
    ("!= 0", "0.0", False),
    ("!= 0", "none", True),
    ("== 0", "0", True),
    ("== 0", " 00 ", True),
    ("== 0", "", False),
    ("== 0.5", "0.50", True),
    ("== 1e2", "100", True),
    ("== 9007199254740993", "9007199254740992", False),
    ("== 1", "1e99999999999999999999", False),
    ("== 1", "\u0661", False),
    ("== 1", "true", False),
    ('== "0"', "0", True),
    ('== "0"', "00", False),
    ("== true", "true", True),
    ("== true", "1", False),
    ("!= false", "false", False),
    ("!= true", "false", True),
]


@pytest.mark.parametrize(("comparison", "value", "holds"), HEADS)
def test_a_header_field_is_text(comparison: str, value: str, holds: bool) -> None:
    """It is compared with a number by value if it spells one, and with anything else as text."""
    rule = parse(f"header X-Errors {comparison} = failed")
    assert rule.holds(Answer(CountingResponse(headers={"X-Errors": value}))) is holds
    assert not rule.holds(Answer(CountingResponse()))


def test_a_repeated_header_field_is_one_text() -> None:
    """Geventhttpclient returns a list of its values; HTTP separates them by commas."""
    response = Answer(CountingResponse(headers={"a": ["x", "y"]}))  # type: ignore[dict-item]
    assert parse('header a == "x, y" = failed').holds(response)
    assert not parse('header a != "x, y" = failed').holds(response)


@pytest.mark.parametrize(
    ("text", "response", "holds"),
    [
        ("202 = acked", CountingResponse(202), True),
        ("202 = acked", CountingResponse(200), False),
        ("4xx = failed", CountingResponse(499), True),
        ("4xx = failed", CountingResponse(500), False),
        (
            'json /status == "rejected" = failed',
            CountingResponse(body=b'{"status": "rejected"}'),
            True,
        ),
        ('json /status == "rejected" = failed', CountingResponse(body=b'{"status": "ok"}'), False),
        ('json /status != "ok" = failed', CountingResponse(body=b'{"status": "rejected"}'), True),
        ('json /status != "ok" = failed', CountingResponse(body=b"{}"), False),
        ('json /status != "ok" = failed', CountingResponse(body=b"<html>"), False),
        ("json /error = failed", CountingResponse(body=b'{"error": null}'), True),
        ("json /error = failed", CountingResponse(body=b"[]"), False),
        ("json /a/1/x~1y == 3 = failed", CountingResponse(body=b'{"a": [0, {"x/y": 3.0}]}'), True),
        ("json /ok == true = failed", CountingResponse(body=b'{"ok": 1}'), False),
        ("json /ok == 1 = failed", CountingResponse(body=b'{"ok": true}'), False),
        ("json /ok == 1 = failed", CountingResponse(body=b'{"ok": "1"}'), False),
        ("json /ok == 1 = failed", CountingResponse(body=b'{"ok": 1.0}'), True),
        ('json /ok == "1" = failed', CountingResponse(body=b'{"ok": 1}'), False),
        ("json /ok == false = failed", CountingResponse(body=b'{"ok": 0}'), False),
        ("json /ok == null = failed", CountingResponse(body=b'{"ok": null}'), True),
        ("json /ok != null = failed", CountingResponse(body=b'{"ok": false}'), True),
        ("json /n == 1 = failed", CountingResponse(body=b"\xff"), False),
        ("json /n == 1 = failed", CountingResponse(body=b"[" * 100_000), False),
        ("json /n == 1 = failed", CountingResponse(body=b'{"n": 1}' + b" " * LARGEST_BODY), False),
        ("header retry-after = failed", CountingResponse(headers={"retry-after": "1"}), True),
        ('header a != "1" = failed', CountingResponse(headers={"a": "1"}), False),
        ("200 and json /ok == false = failed", CountingResponse(body=b'{"ok": false}'), True),
        ("200 and json /ok == false = failed", CountingResponse(500, b'{"ok": false}'), False),
    ],
)
def test_a_rule_holds(text: str, response: CountingResponse, holds: bool) -> None:
    """A missing value meets no comparison, and JSON's types are not Python's."""
    assert parse(text).holds(Answer(response)) is holds


def test_the_first_that_holds_decides() -> None:
    """If none holds, nothing is decided."""
    rules = split('json /a == "x;y" = failed; 2xx = indeterminate; 200 = acked')
    assert decide(rules, Answer(CountingResponse(body=b'{"a": "x;y"}'))) is Outcome.FAILED
    assert decide(rules, Answer(CountingResponse())) is Outcome.INDETERMINATE
    assert decide(rules, Answer(CountingResponse(500))) is None
    assert joined(split(joined(rules))) == joined(rules)


def test_a_body_is_read_once_and_only_for_a_rule() -> None:
    """Conditions are tried in order, so a status before a pointer can spare the parsing."""
    rules = split("500 and json /a = acked; 200 and json /b = acked; json /c = acked")
    response = CountingResponse(body=b"{}")
    decide(rules, Answer(response))
    assert response.looks == 1
    decide(split("202 = acked; 500 and json /a = acked"), Answer(response))
    assert response.looks == 1


def test_a_body_left_to_the_scenario_is_not_read() -> None:
    """If a rule read a stream, nothing would be left for the scenario."""
    response = CountingResponse(body=b'{"a": 1}')
    assert decide(split("json /a = failed"), Answer(response, has_body=False)) is None
    assert response.looks == 0


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("202 = lost", "an outcome must be acked, failed or indeterminate", 6),
        ("202", "expected and or = and the outcome", 3),
        ("2x = acked", "expected a status such as 202 or 4xx", 0),
        ("json status = failed", "expected a JSON pointer such as /status", 5),
        ("json /a == rejected = failed", "expected a JSON value", 11),
        (r'json /a == "\x" = failed', "expected a JSON value", 11),
        ("202 and = acked", "expected a status", 8),
        ("header X-A == null = failed", 'never null; write "null", or header X-A alone', 14),
    ],
)
def test_a_mistake_is_pointed_at(text: str, message: str, at: int) -> None:
    """The error says what could be there."""
    with pytest.raises(MetricError) as raised:
        parse(text)
    first, shown, mark = str(raised.value).splitlines()
    assert message in first
    assert (shown.strip(), mark.index("^") - 2) == (text, at)
