"""Explanations of the figures in the Delivery tab, shown on hover and on focus.

The classes are defined in `analysis/headcount_analysis/classes_and_flags.py`.
"""

ON_THE_WAY = "on the way"

LIVE = {
    "attempted": "Requests that have begun.",
    "acked": "Requests that the service answered with success: it promised their events.",
    "arrived": "Events of these requests in the topic, each counted once.",
    "missing": "Acknowledged events that had time to arrive and were not in the topic when all of "
    "it was last read. They may still arrive; the verdict decides.",
    "duplicated": "Messages in the topic beyond the first of each event.",
    "failed": "Requests whose response proves that no event was published.",
    "indeterminate": "Requests without a certain answer, such as after a time-out: the event may "
    "be in the topic or not.",
    "rate": "Requests begun per second.",
    "p99": "99 % of the recent requests were answered within this time.",
    "in flight": "Requests that have begun and have no response yet.",
    "behind": "Acknowledged events not yet seen in the topic; below, how long ago as many events "
    "had been acknowledged as have arrived by now.",
}
"""Explanations of the figures while a test runs, by name."""

CLASSES = {
    "attempted": "Requests that the generators set out to make.",
    "acked": "Requests that the service answered with success: it promised their events.",
    "failed": "Requests whose response proves that no event was published.",
    "indeterminate": "Requests without a certain answer, such as after a time-out.",
    "delivered": "Acknowledged, and in the topic once.",
    "lost": "Acknowledged, and not in the topic.",
    "duplicated": "Not failed, and in the topic more than once.",
    "recovered": "Indeterminate, and in the topic once. Allowed.",
    "absent": "Indeterminate, and not in the topic. Allowed.",
    "refused": "Failed, and not in the topic. Correct.",
    "ghost": "Reported as failed, but in the topic.",
    "phantom": "In the topic with an id of this run that no generator requested.",
    "foreign": "Messages of another run, or without an id. No failure.",
    "malformed": "Messages that cannot be read as events.",
    "corrupted": "In the topic with other content than was requested.",
    "reordered": "Before an earlier event of the same key, in the same partition.",
    "late": "Later in the topic than the limit allows.",
    "garbled": "Messages that cannot be read, but contain an id of this run.",
    "misplaced": "Not at the partition and offset that the service named.",
}
"""Explanations of the counts of a verdict, in the order in which they are shown."""
