"""The phases of a request: recorded by event type, if the code that sent it measured them."""

from locust.contrib.fasthttp import FastResponse

from headcount.ledger.http_phases import CHUNK
from headcount.plugin.attempts.attempt import Attempt
from headcount.plugin.attempts.recorder import Recorder
from headcount.plugin.http.opened_connection import LAST_OPENED


def record_phases(recorder: Recorder, attempt: Attempt, response: FastResponse) -> None:
    """Record how long the first byte took, and the connection that the request opened, if any."""
    record, event_type = recorder.phases, attempt.event_type
    first_byte_s = getattr(response, "first_byte_s", None)
    if first_byte_s is not None:
        latest = record.first_byte.latest.get(event_type)
        if latest is not None and len(latest) < CHUNK:
            latest.append(first_byte_s)  # saves a call for nearly every request
        else:
            record.first_byte.add(event_type, first_byte_s)
    opened = LAST_OPENED.get()
    if opened is None:
        return
    LAST_OPENED.set(None)
    if opened.began_s < (attempt.sent_at_ns - recorder.epoch_ns) / 1e9:
        return  # an earlier request opened it
    record.connect.add(event_type, opened.connect_s)
    if opened.tls_s is not None:
        record.tls.add(event_type, opened.tls_s)
