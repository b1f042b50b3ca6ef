"""Explanations of the figures in the Delivery tab, shown on hover and on focus.

The classes are defined in `analysis/headcount_analysis/classes_and_flags.py`.
"""

ON_THE_WAY = "on the way"

LIVE = {
    "attempted": "Requests started.",
    "acked": "Requests that the service acknowledged, promising an event for each.",
    "arrived": "Events of attempted requests in the topic, each counted once.",
    "missing": "Acknowledged events that had time to arrive, but were not in the topic when it "
    "was last read to its end. They may still arrive; the verdict decides.",
    "duplicated": "Messages in the topic beyond the first of each event.",
    "failed": "Requests that certainly published nothing: refused, or with a response that "
    "proves it.",
    "indeterminate": "Requests with an unknown outcome, such as after a time-out: the event may "
    "or may not be in the topic.",
    "rate": "Requests started per second.",
    "p99": "99 % of the recent requests were answered within this time.",
    "in flight": "Requests started that have no response yet.",
    "behind": "Acknowledged events not yet seen in the topic. Below: how many seconds the topic "
    "lags behind the acknowledgements.",
}
"""Explanations of the figures while a test runs, by name."""

CLASSES = {
    "attempted": "Requests that the generators set out to make.",
    "acked": "Requests that the service acknowledged, promising an event for each.",
    "failed": "Requests that certainly published nothing: refused, or with a response that "
    "proves it.",
    "indeterminate": "Requests with an unknown outcome, such as after a time-out.",
    "delivered": "Acknowledged, and in the topic once.",
    "lost": "Acknowledged, and not in the topic.",
    "duplicated": "Not failed, and in the topic more than once.",
    "recovered": "Indeterminate, and in the topic once. Allowed.",
    "absent": "Indeterminate, and not in the topic. Allowed.",
    "refused": "Failed, and not in the topic. Correct.",
    "ghost": "Reported as failed, but in the topic.",
    "phantom": "In the topic with an id of this run that no request had.",
    "foreign": "Messages of another run, or without an id. Not a failure.",
    "malformed": "Messages that cannot be read as events.",
    "corrupted": "In the topic, but the content differs from what was requested.",
    "reordered": "In the topic after the event of a later request with the same key.",
    "late": "In the topic later than the limit allows.",
    "garbled": "Messages that cannot be read, but contain an id of this run.",
    "misplaced": "Not at the partition and offset that the service named.",
}
"""Explanations of the counts of a verdict, in the order in which they are shown."""
