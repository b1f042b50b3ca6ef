"""Delivery headers: an event's position in the topic, and the process that answered."""

from locust.contrib.fasthttp import FastResponse

from headcount.plugin.attempts.attempt import NOTHING_REPORTED, ReportedDelivery
from headcount.plugin.http.response import PlainResponse

PARTITION_HEADER, OFFSET_HEADER = "x-event-partition", "x-event-offset"
SERVER_HEADER = "x-served-by"
_LONGEST_SERVER, _LONGEST_NUMBER = 64, 19
_LINE_PREFIX = b"\r\nx-"
"""How the lines of delivery headers begin; in most responses, no line begins like this."""


def delivery_of(response: FastResponse) -> ReportedDelivery:
    """Read the delivery headers of a response; ignore invalid values."""
    if type(response) is PlainResponse and _LINE_PREFIX not in response.head:
        return NOTHING_REPORTED
    headers = response.headers
    if headers is None:
        return NOTHING_REPORTED
    # Fields are stored by lowercase name; `headers.get` takes 1 µs even for an absent one.
    served, partition = dict.get(headers, SERVER_HEADER), dict.get(headers, PARTITION_HEADER)
    offset = dict.get(headers, OFFSET_HEADER)
    if served is None and partition is None:
        return NOTHING_REPORTED
    place = _number(partition, 31), _number(offset, 63)
    server = served[1] if isinstance(served, tuple) and len(served[1]) <= _LONGEST_SERVER else None
    if None in place:
        return ReportedDelivery(None, None, server)
    return ReportedDelivery(*place, server)


def _number(field: object, bits: int) -> int | None:
    """Parse an untrusted header as an unsigned integer of at most `bits` bits; None if invalid.

    `field` is what `Headers` stores: a name and a value, or a list of such pairs.
    """
    if not isinstance(field, tuple):
        return None
    text: str = field[1]
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_NUMBER:
        return None
    number = int(text)
    return number if number < 1 << bits else None
