"""A session outside of Locust, for programs that make requests on their own."""

from typing import Any

from locust.env import Environment

from headcount.plugin.attempts.recorder import Recorder
from headcount.plugin.session import LedgerSession


def a_session(recorder: Recorder, base_url: str, **options: Any) -> Any:
    """Make a session that records its attempts, with Locust's own options."""
    return LedgerSession(
        recorder=recorder,
        user_name="Tester",
        base_url=base_url,
        request_event=Environment().events.request,
        user=None,
        max_retries=0,
        **options,
    )
