"""The phases of a request: recorded by event type, if the code that sent it measured them."""

from locust.contrib.fasthttp import FastResponse

from headcount.ledger.http_phases import CHUNK, PhaseRecord
from headcount.plugin.http.opened_connection import LAST_OPENED


def record_phases(record: PhaseRecord, event_type: str, response: FastResponse) -> None:
    """Record how long the first byte took, and the connection that the request opened, if any."""
    first_byte_s = getattr(response, "first_byte_s", None)
    if first_byte_s is not None:
        latest = record.first_byte.latest.get(event_type)
        if latest is not None and len(latest) < CHUNK:
            latest.append(first_byte_s)  # saves a call for nearly every request
        else:
            record.first_byte.add(event_type, first_byte_s)
    opened = LAST_OPENED.get()
    if opened is not None:
        record.connect.add(event_type, opened.connect_s)
        if opened.tls_s is not None:
            record.tls.add(event_type, opened.tls_s)
