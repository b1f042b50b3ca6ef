"""Where: how far an attempt came, as far as can be known from its answer and from the topic."""

import numpy as np
import pandas as pd

from headcount.run.outcome import Outcome
from headcount_analysis.compare_run.classes import Fate

UNREACHED = "never reached the service"
REFUSED = "refused by the service"
UNANSWERED = "sent, and not answered"
UNWRITTEN = "under way when its generator ended"
UNACKNOWLEDGED = "accepted, and not acknowledged"
ABSENT = "acknowledged, and absent"
PRESENT = "acknowledged, and in the topic"
TAKEN_TWICE = "in the topic with copies that differ: asked twice, or two events"
WRITTEN_TWICE = "in the topic byte for byte the same: written twice"
UNASKED = "in the topic, and never asked for"

COLUMNS = ("fate", "outcome", "http_status", "sent_at_ns", "copies_differ")


def where(frame: pd.DataFrame) -> "pd.Series[str]":
    """Name for each attempt how far it came.

    Copies that differ in their bytes come from requests that the service took one by one, if it
    puts into an event what tells one request from another, or are several events that it publishes
    for one request; equal ones were written by the pipeline.

    Args:
        frame: Of fates, with the columns COLUMNS at least.
    """
    is_answered = frame["http_status"].notna()
    outcome, fate = frame["outcome"], frame["fate"]
    is_duplicated = fate == Fate.DUPLICATED.value
    conditions = {
        UNASKED: fate == Fate.PHANTOM.value,
        TAKEN_TWICE: is_duplicated & frame["copies_differ"].astype(bool),
        WRITTEN_TWICE: is_duplicated,
        ABSENT: fate == Fate.LOST.value,
        REFUSED: (outcome == Outcome.FAILED.value) & is_answered,
        UNREACHED: outcome == Outcome.FAILED.value,
        UNACKNOWLEDGED: (outcome == Outcome.INDETERMINATE.value) & is_answered,
        UNWRITTEN: (outcome == Outcome.INDETERMINATE.value) & frame["sent_at_ns"].isna(),
        UNANSWERED: outcome == Outcome.INDETERMINATE.value,
    }
    reach = np.select(
        [flags.to_numpy(bool) for flags in conditions.values()], list(conditions), PRESENT
    )
    return pd.Series(reach, index=frame.index)
