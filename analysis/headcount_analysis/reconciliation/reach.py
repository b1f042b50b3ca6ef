"""Reach: how far an attempt got, judging by its response and by the topic."""

import numpy as np
import pandas as pd

from headcount.run.request_outcome import Outcome
from headcount_analysis.classes_and_flags import Fate

UNREACHED = "never reached the service"
REFUSED = "refused by the service"
UNANSWERED = "sent, but not answered"
UNWRITTEN = "in flight when its generator ended"
UNACKNOWLEDGED = "answered, but not acknowledged"
ABSENT = "acknowledged, not in topic"
PRESENT = "acknowledged, in topic"
TAKEN_TWICE = "in topic, copies differ: accepted twice, or published as two events"
WRITTEN_TWICE = "in topic, copies identical: written twice"
UNASKED = "in topic, never requested"

COLUMNS = ("fate", "outcome", "http_status", "sent_at_ns", "copies_differ")


def where(frame: pd.DataFrame) -> "pd.Series[str]":
    """Say for each attempt how far it got.

    If copies have different bytes, either the service published several events for one request, or
    it accepted the request several times and wrote something unique into the event each time.
    Identical copies were written by the pipeline.

    Args:
        frame: Fates, with at least the columns COLUMNS.
    """
    outcome, fate = frame["outcome"], frame["fate"]
    is_duplicated = fate == Fate.DUPLICATED.value
    is_answered, is_sent = frame["http_status"].notna(), frame["sent_at_ns"].notna()
    conditions = {
        UNASKED: fate == Fate.PHANTOM.value,
        TAKEN_TWICE: is_duplicated & frame["copies_differ"].astype(bool),
        WRITTEN_TWICE: is_duplicated,
        ABSENT: fate == Fate.LOST.value,
        REFUSED: (outcome == Outcome.FAILED.value) & is_answered,
        UNREACHED: outcome == Outcome.FAILED.value,
        UNACKNOWLEDGED: (outcome == Outcome.INDETERMINATE.value) & is_answered,
        UNWRITTEN: (outcome == Outcome.INDETERMINATE.value) & ~is_sent,
        UNANSWERED: outcome == Outcome.INDETERMINATE.value,
    }
    reach = np.select(
        [flags.to_numpy(bool) for flags in conditions.values()], list(conditions), PRESENT
    )
    return pd.Series(reach, index=frame.index)


def reach_of_request(outcome: str, *, has_status: bool, is_sent: bool) -> str:
    """Say how far an unacknowledged request got, judging by its response alone."""
    if outcome == Outcome.FAILED:
        return REFUSED if has_status else UNREACHED
    if has_status:
        return UNACKNOWLEDGED
    return UNANSWERED if is_sent else UNWRITTEN
