"""Outcome rules: the outcome of a response whose status alone does not decide it.

    202 = acked
    4xx = indeterminate
    json /status == "rejected" = failed
    200 and json /ok != true = failed
    header Retry-After = failed

A rule is one or more conditions, joined by `and`, and the outcome of a response that meets all of
them. A condition is a status or a class of statuses, a JSON pointer (RFC 6901) into the body, or
the name of a header field. The last two may be compared with a JSON value; a missing value meets no
condition. Values in a body have JSON's types: 1 is neither "1" nor true. A header field is text: it
is compared as a number if the rule's value is one and the text spells one, otherwise as text. The
first rule that holds decides; if none does, the status decides (see `request_outcome.py`). A body
is parsed only if a rule needs it, and only once. Pure.
"""

import functools
import json
import operator
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from lark import Lark, Token

from headcount.json_pointer import ABSENT, steps_of, value_at
from headcount.run.request_outcome import OUTCOMES, Outcome
from headcount.thresholds import metric_text
from headcount.thresholds.metric_text import Parsed

SEPARATOR = ";"
LARGEST_BODY = 1 << 20
"""A longer body is not parsed, and meets no condition; nor does one that cannot be decoded."""

_COMPARISONS: Mapping[str, Callable[[object, object], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
}
_RULE = re.compile(rf'(?:"(?:\\.|[^"\\])*"|[^{SEPARATOR}])+')
_GRAMMAR = r"""
start: _condition ("and" _condition)* "=" OUTCOME
_condition: STATUS | JSON POINTER (COMPARISON VALUE)? | HEADER FIELD (COMPARISON VALUE)?
JSON: "json"
HEADER: "header"
STATUS: /[1-5](xx|[0-9][0-9])/
POINTER: /\/[^\s=!]*/
FIELD: /[A-Za-z0-9_-]+/
COMPARISON: "==" | "!="
VALUE: /"(\\.|[^"\\])*"|-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|true|false|null/
OUTCOME: /[A-Za-z]+/
%ignore /[ \t]+/
"""
_EXPECTED: Mapping[str, str] = {
    "STATUS": "a status such as 202 or 4xx",
    "JSON": "json /pointer",
    "HEADER": "header NAME",
    "POINTER": "a JSON pointer such as /status",
    "FIELD": "the name of a header field",
    "AND": "and",
    "COMPARISON": "== or !=",
    "EQUAL": "= and the outcome",
    "VALUE": 'a JSON value such as "rejected", 3 or true',
    "OUTCOME": OUTCOMES,
}
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_UNREAD = object()


class Response(Protocol):
    """The parts of a response that rules read."""

    @property
    def status_code(self) -> int:
        """Its status."""

    @property
    def headers(self) -> Any:
        """Its header fields; their names are case-insensitive."""

    @property
    def content(self) -> bytes | None:
        """Its body. zlib.error if it cannot be decoded."""


class Answer:
    """A response as rules see it; `has_body` is False if its body is left to the scenario."""

    __slots__ = ("_document", "_response", "has_body", "status")

    def __init__(self, response: Response, *, has_body: bool = True) -> None:
        self.status = response.status_code
        self.has_body = has_body
        self._response = response
        self._document: object = _UNREAD

    def header(self, name: str) -> object:
        """Return a header field's text; a repeated field is one text, separated by commas."""
        value = (self._response.headers or {}).get(name, ABSENT)
        return ", ".join(value) if isinstance(value, list) else value

    def pointed_at(self, path: Sequence[str]) -> object:
        """Return the value at a path in the body."""
        if self._document is _UNREAD:
            self._document = _parsed(self._response) if self.has_body else ABSENT
        return value_at(self._document, path)


@dataclass(frozen=True, slots=True)
class StatusIs:
    """A status from `first` to `last`."""

    first: int
    last: int

    def holds(self, answer: Answer) -> bool:
        """Return whether the response has such a status."""
        return self.first <= answer.status <= self.last


@dataclass(frozen=True, slots=True)
class ValueIs:
    """A value in the body that exists and, if there is a comparison, satisfies it."""

    path: tuple[str, ...]
    comparison: str = ""
    value: object = None

    def holds(self, answer: Answer) -> bool:
        """Return whether the response has such a value."""
        value = answer.pointed_at(self.path)
        if value is ABSENT or not self.comparison:
            return value is not ABSENT
        # True equals 1 in Python, but not in JSON.
        pair = (isinstance(value, bool), value), (isinstance(self.value, bool), self.value)
        return _COMPARISONS[self.comparison](*pair)


@dataclass(frozen=True, slots=True)
class FieldIs:
    """A header field that exists and, if there is a comparison, satisfies it.

    `text` is the value in the rule, with which the field is compared; `number` is the same value if
    it is a number, and otherwise None.
    """

    name: str
    comparison: str = ""
    text: str = ""
    number: Decimal | None = None

    def holds(self, answer: Answer) -> bool:
        """Return whether the response has such a field."""
        field = answer.header(self.name)
        if field is ABSENT or not self.comparison:
            return field is not ABSENT
        text = str(field).strip()
        number = None if self.number is None else _number(text)
        pair = (text, self.text) if number is None else (number, self.number)
        return _COMPARISONS[self.comparison](*pair)


def _number(text: str) -> Decimal | None:
    """Return the number that a text spells, if any."""
    try:
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    except InvalidOperation:  # its exponent is too large
        return None


Condition = StatusIs | ValueIs | FieldIs


@dataclass(frozen=True, slots=True)
class Rule:
    """The outcome of a response that meets all conditions."""

    text: str
    conditions: tuple[Condition, ...]
    outcome: Outcome

    def holds(self, answer: Answer) -> bool:
        """Return whether a response meets all conditions."""
        return all(condition.holds(answer) for condition in self.conditions)


def decide(rules: Iterable[Rule], answer: Answer) -> Outcome | None:
    """Return the outcome of the first rule that holds; None if none does."""
    return next((rule.outcome for rule in rules if rule.holds(answer)), None)


def parse(text: str) -> Rule:
    """Parse a rule. MetricError points at the mistake."""
    parsed = metric_text.parse(_parser, text, _EXPECTED)
    named = parsed["OUTCOME"]
    if str(named).lower() not in set(Outcome):
        raise parsed.mistake(named, f"an outcome must be {OUTCOMES}")
    return Rule(text.strip(), tuple(_conditions(parsed)), Outcome(str(named).lower()))


def split(text: str) -> tuple[Rule, ...]:
    """Parse rules on one line, separated by `;`. MetricError as in `parse`."""
    return tuple(parse(part) for part in _RULE.findall(text) if part.strip())


def joined(rules: Iterable[Rule]) -> str:
    """Format rules on one line, as `split` reads them."""
    return f"{SEPARATOR} ".join(rule.text for rule in rules)


@functools.cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr")


def _conditions(parsed: Parsed) -> Iterator[Condition]:
    """Yield the conditions, in order; a comparison and its value follow the pointer or field."""
    tokens = [token for token in parsed.tokens if token.type not in {"JSON", "HEADER", "OUTCOME"}]
    for token, *rest in (tokens[start:] for start in range(len(tokens))):
        comparison = rest[:2] if _is_compared(rest) else []
        if token.type == "STATUS":
            yield _status(token)
        elif token.type == "POINTER":
            yield _of_body(parsed, token, *comparison)
        elif token.type == "FIELD":
            yield _of_head(parsed, token, *comparison)


def _is_compared(rest: Sequence[Token]) -> bool:
    return bool(rest) and rest[0].type == "COMPARISON"


def _of_body(
    parsed: Parsed, pointer: Token, comparison: Token | None = None, token: Token | None = None
) -> ValueIs:
    value = None if token is None else _value(parsed, token)
    return ValueIs(steps_of(pointer), str(comparison or ""), value)


def _of_head(
    parsed: Parsed, name: Token, comparison: Token | None = None, token: Token | None = None
) -> FieldIs:
    """Make the condition on a header field. MetricError if it could never hold."""
    if token is None:
        return FieldIs(str(name))
    value = _value(parsed, token)
    if value is None:
        raise parsed.mistake(
            token, f'a header field is text, never null; write "null", or header {name} alone'
        )
    text = value if isinstance(value, str) else str(token)
    number = None if isinstance(value, str | bool) else _number(str(token))
    return FieldIs(str(name), str(comparison), text.strip(), number)


def _status(token: str) -> StatusIs:
    if token.endswith("xx"):
        first = int(token[0]) * 100
        return StatusIs(first, first + 99)
    return StatusIs(int(token), int(token))


def _value(parsed: Parsed, token: Token) -> object:
    try:
        return json.loads(token)
    except ValueError:
        raise parsed.mistake(token, f"expected {_EXPECTED['VALUE']}") from None


def _parsed(response: Response) -> object:
    """Parse a body. One that is not JSON, or cannot be decoded, has no values."""
    try:
        content = response.content
        if not content or len(content) > LARGEST_BODY:
            return ABSENT
        return json.loads(content)
    except (ValueError, RecursionError, zlib.error):
        return ABSENT
