"""The lease of an event in the outbox: until it ends, only the event's owner may publish it.

`storage/outbox.py` keeps leases, by the database's clock. Pure.
"""

from headcount_service.settings import Settings

MARGIN_S = 5.0
"""A lease outlasts the producer's time-out by this much.

So the owner of a lease may begin to publish up to this long after it got the lease; later than that
it must first renew the lease.
"""


def lease_ms(settings: Settings) -> int:
    """Return the duration of an event's lease: longer than a producer may hold the event."""
    return round(1000 * (settings.ack_timeout_s + MARGIN_S))
