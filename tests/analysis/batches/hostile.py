"""Hostile messages: batches in which few messages are alike, and many only seem to be.

A template is bytes with placeholders, from which a batch is filled with ids and unique values.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from hypothesis import strategies as st

from headcount.run.id_form import RunIds
from headcount.run.ids import tag_of

TAG = tag_of(0x0123_4567_89AB)
ASKED = {0: 10_000, 7: 10_000}

OWN, OTHER_OWN, SAME, FOREIGN, CAPITALS, ALTERED, TRACE, TRACE_SAME, UNIQUE, NUMBER = (
    f"<{name}>"
    for name in (
        *("own", "other-own", "same", "foreign", "capitals", "altered", "trace", "trace-same"),
        *("unique", "number"),
    )
)
"""Placeholders: `same` is an id that messages share, and `own` is each message's own."""

PLACEHOLDERS = [OWN, OWN, OWN, OTHER_OWN, SAME, FOREIGN, CAPITALS, ALTERED, UNIQUE, UNIQUE]
TEXTS = st.sampled_from([*PLACEHOLDERS, "a", "b", "#", "", "quantity", f"x {OWN}", f"{OWN}."])
SCALARS = TEXTS | st.sampled_from([1, 2, NUMBER, NUMBER, None, True, 1.5])
ID_NAMES = ["X-Event-Id", "x_event_id", "HTTP_X_EVENT_ID"]
NAMES = st.sampled_from(
    [
        *ID_NAMES,
        *ID_NAMES,
        "id",
        "ref",
        "event_type",
        "quantity",
        "meta",
        "data",
        "type",
        "ext",
        "n",
    ]
)
OBJECTS = st.dictionaries(NAMES, SCALARS, max_size=4)
EVENTS = st.dictionaries(NAMES, SCALARS | OBJECTS | st.lists(SCALARS, max_size=2), max_size=6)
STYLES = st.sampled_from([{}, {"separators": (",", ":")}])


def written(event: object, style: Mapping[str, Any], twice: str) -> str:
    """Write an event; with `twice`, that field occurs once more."""
    text = json.dumps(event, **style).replace(f'"{NUMBER}"', NUMBER)
    if twice and text.startswith("{") and text != "{}":
        return text[:-1] + f', "{twice}": "{OWN}"}}'
    return text


BASE64 = "<base64:"


def _bare(text: str, _escaped: str) -> str:
    return text


def _in_data(text: str, _escaped: str) -> str:
    return f'{{"n":"{UNIQUE}","data":{text}}}'


def _in_text(_text: str, escaped: str) -> str:
    return f'{{"ref":"{UNIQUE}","payload":{escaped},"data":{escaped}}}'


def _structured(text: str, _escaped: str) -> str:
    return (
        f'{{"specversion":"1.0","id":"{UNIQUE}","source":"/s","type":"order","ext":"{OWN}",'
        f'"data":{text}}}'
    )


def _typed_each(text: str, _escaped: str) -> str:
    return f'{{"specversion":"1.0","id":"1","source":"/s","type":"{UNIQUE}","data":{text}}}'


def _in_base64(text: str, _escaped: str) -> str:
    return (
        f'{{"specversion":"1.0","id":"1","source":"/s","type":"t","X-Event-Id":"{OWN}",'
        f'"data_base64":"{BASE64}{text}>"}}'
    )


def _change(text: str, _escaped: str) -> str:
    return f'{{"op":"c","ts_ms":{NUMBER},"before":null,"after":{text},"source":{{"n":"{UNIQUE}"}}}}'


def _outbox(_text: str, escaped: str) -> str:
    return (
        f'{{"op":"c","after":{{"id":"{UNIQUE}","aggregatetype":"a","type":"t",'
        f'"payload":{escaped}}}}}'
    )


def _routed(text: str, _escaped: str) -> str:
    return f'{{"payload":{text},"eventType":"{UNIQUE}","id":"{OWN}"}}'


Envelope = Callable[[str, str], str]

ENVELOPES: dict[tuple[str, str], list[Envelope]] = {
    ("json", ""): [_bare],
    ("json", "/data"): [_in_data, _in_data, _in_text],
    ("json", "/payload"): [_in_text, _routed],
    ("cloudevents", ""): [_bare, _structured, _typed_each, _in_base64],
    ("cloudevents", "/meta"): [_in_base64, _structured],
    ("debezium", ""): [_bare, _change, _outbox, _routed],
    ("debezium", "/after"): [_change, _outbox],
    ("raw", ""): [_bare, _in_data],
}
"""The envelopes that suit a format and the place that is compared."""

Break = Callable[[bytes], bytes | None]

BREAKS: st.SearchStrategy[Break] = st.sampled_from(
    [
        *[lambda value: value] * 24,
        lambda value: value[:-1],
        lambda value: value.replace(b"e", b"\xff"),
        lambda value: value.replace(b"X-Event", rb"X-\u0045vent"),
        lambda value: b"[" + value + b"]",
        lambda value: b"\0\0\0\0\1" + value,
        lambda _: b"",
        lambda _: None,
    ]
)
"""What may happen to a value: mostly nothing."""

HEADER_NAMES = st.sampled_from(
    [
        *("id", "ID", "Größe", "GRÖSSE", "traceparent", "other", "ce_id", "ce_type", "CE_TYPE"),
        *("ce_source", "ce_specversion", "ce_ext", "content-type", "eventType", "x-event-id"),
    ]
)
TRACEPARENTS = [f"00-{trace}-00f067aa0ba902b7-01" for trace in (TRACE, TRACE, TRACE_SAME, OWN)]
HEADER_TEXTS = (
    st.none()
    | TEXTS
    | st.sampled_from([*TRACEPARENTS, "application/cloudevents+json", "1.0", "order"])
)
HEADERS = st.lists(st.tuples(HEADER_NAMES, HEADER_TEXTS), max_size=3)
BINARY = [("ce_specversion", "1.0"), ("ce_source", "/s"), ("ce_type", "t"), ("ce_id", UNIQUE)]

Template = dict[str, Any]


@st.composite
def templates(draw: st.DrawFn, at: tuple[str, str], event: Mapping[str, object]) -> Template:
    """Draw the template of a message, mostly with the fields of an event.

    `at` is the name of the format, and the place that is compared.
    """
    fields = {**event, **draw(EVENTS)} if draw(st.booleans()) else {**draw(EVENTS), **event}
    text = written(fields, draw(STYLES), draw(st.sampled_from(["", "", "", "id", "ref"])))
    value = draw(st.sampled_from(ENVELOPES[at]))(text, json.dumps(text))
    headers = draw(HEADERS) + BINARY[: draw(st.sampled_from([0, 3, 4, 4]))]
    key = draw(st.none() | TEXTS)
    return {"value": value, "break": draw(BREAKS), "headers": headers, "key": key}


def filled(template: Template, random: Random, number: int, ids: RunIds) -> dict[str, Any]:
    """Make a row of `topic_range.MESSAGES` from a template."""
    pairs = _pairs(random, number, ids)

    def fill(text: str | None) -> bytes | None:
        if text is None:
            return None
        for placeholder, content in pairs.items():
            text = text.replace(placeholder, content)
        if BASE64 in text:
            before, _, rest = text.partition(BASE64)
            inner, _, after = rest.rpartition(">")
            text = before + base64.b64encode(inner.encode()).decode() + after
        return text.encode()

    return {
        "topic": "t",
        "partition": 0,
        "offset": number,
        "timestamp_ms": 0,
        "timestamp_type": 0,
        "value": template["break"](fill(template["value"])),
        "key": fill(template["key"]),
        "headers": [{"key": name, "value": fill(text)} for name, text in template["headers"]],
    }


def _pairs(random: Random, number: int, ids: RunIds) -> Mapping[str, str]:
    own = ids.text(random.choice((0, 7)), 1000 + number)
    hex_ids = RunIds(TAG, type(ids.form)("trace"))
    return {
        OWN: own,
        OTHER_OWN: ids.text(0, 1000 + random.randrange(9000)),
        SAME: ids.text(0, 1234),
        FOREIGN: RunIds(tag_of(9), ids.form).text(0, 1000 + number),
        CAPITALS: own.upper(),
        ALTERED: own[:-1] + str(random.randrange(10)),
        TRACE: hex_ids.text(0, 1000 + number),
        TRACE_SAME: hex_ids.text(0, 1234),
        UNIQUE: random.choice(
            (own, f"{random.randrange(10**8):08}", f"{random.randrange(10**8):08}")
        ),
        NUMBER: random.choice(("", "-", "0.", "12.")) + str(random.randrange(10**6, 10**7)),
    }


def batch(chosen: Sequence[Template], seed: int, size: int, ids: RunIds) -> list[dict[str, Any]]:
    """Make a batch of messages from templates, most often from the first."""
    random = Random(seed)
    weights = [5, *[1] * (len(chosen) - 1)]
    return [
        filled(template, random, number, ids)
        for number, template in enumerate(random.choices(chosen, weights, k=size))
    ]
