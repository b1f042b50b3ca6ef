"""The default times: how long a run waits for events, and from when on an event is late."""

SETTLE_S = 10.0
"""How long an acknowledged event may take to arrive in the topic; `--settle` changes it."""

WATCH_FOR_S = 0.5
"""The minimum time for which the topic is watched after the last response: `--watch-for`."""

LATE_AFTER_MS = 60_000
"""An event that enters the topic more than this after its intended time is late: `--late-after`."""
