"""The lease of an event in the outbox: how long only its maker may publish it.

`storage/outbox.py` keeps leases, by the database's clock. Pure.
"""

from headcount_service.settings import Settings

MARGIN_S = 5.0
"""How much longer than the producer's time-out it is: a broker may append a message after that."""


def lease_ms(settings: Settings) -> int:
    """Return the duration of an event's lease: longer than a producer may hold the event."""
    return round(1000 * (settings.ack_timeout_s + MARGIN_S))
