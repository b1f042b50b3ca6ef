"""The Locust plugin: makes any locustfile whose users derive from `LedgerUser` verifiable.

    from headcount.plugin import LedgerUser

It works wherever Locust does: web UI, headless, `--processes`, `--master` and `--worker`.
"""

from headcount.plugin.event_id import EVENT_ID
from headcount.plugin.hooks import register
from headcount.plugin.http.connections import OnceOnlyPool
from headcount.plugin.load_shape import PlannedShape
from headcount.plugin.user import LedgerUser
from headcount.run.outcome import Outcome
from headcount.run.state_changes import Changes

__all__ = ["EVENT_ID", "Changes", "LedgerUser", "OnceOnlyPool", "Outcome", "PlannedShape"]

register()
