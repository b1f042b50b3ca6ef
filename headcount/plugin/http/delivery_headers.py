"""Delivery headers: where the service says an event is, and which of its processes answered."""

from locust.contrib.fasthttp import FastResponse

from headcount.plugin.attempt import NOTHING_REPORTED, ReportedDelivery
from headcount.plugin.http.response import PlainResponse

PARTITION_HEADER, OFFSET_HEADER = "x-event-partition", "x-event-offset"
SERVER_HEADER = "x-served-by"
_LONGEST_SERVER, _LONGEST_NUMBER = 64, 19
_PARTITION_LINE, _SERVER_LINE = (
    f"\r\n{PARTITION_HEADER}:".encode(),
    f"\r\n{SERVER_HEADER}:".encode(),
)


def delivery_of(response: FastResponse) -> ReportedDelivery:
    """Read the delivery headers of a response; a value that makes no sense is left out."""
    if type(response) is PlainResponse:
        head = response.head
        if _PARTITION_LINE not in head and _SERVER_LINE not in head:
            return NOTHING_REPORTED
    headers = response.headers
    if headers is None:
        return NOTHING_REPORTED
    # Fields are stored by lowercase name; `headers.get` takes 1 µs even where there is none.
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
    """Read a header that anyone may write, if it is there once, as a whole number of so many bits.

    `field` is as `Headers` stores it: its name and value, or a list of such.
    """
    if not isinstance(field, tuple):
        return None
    text: str = field[1]
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_NUMBER:
        return None
    number = int(text)
    return number if number < 1 << bits else None
