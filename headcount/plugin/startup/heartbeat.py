"""Heartbeats: how long Locust's master waits for one before it considers a worker missing."""

from locust import runners

MISSING_AFTER_S = 10
"""A worker is missing after this long without a heartbeat."""


def tolerate_stalls() -> None:
    """Let the master wait for 10 s instead of 3 s.

    On a busy host every worker may be stalled for several seconds at once, and the master would end
    the test when it gives up on the last of them. If a worker does hang, its users make no
    requests for 10 s before the master gives up on it.
    """
    runners.HEARTBEAT_LIVENESS = max(
        runners.HEARTBEAT_LIVENESS, MISSING_AFTER_S // runners.HEARTBEAT_INTERVAL
    )
