"""The Locust plugin: it makes any locustfile that builds on `LedgerUser` verifiable.

    from headcount.plugin import LedgerUser

It works wherever Locust does: web UI, headless, `--processes`, `--master` and `--worker`.
"""

from headcount.plugin.http.agent import OnceOnlyPool
from headcount.plugin.lifecycle import register
from headcount.plugin.shape import PlannedShape
from headcount.plugin.user import LedgerUser
from headcount.run.changes import Changes
from headcount.run.outcome import Outcome

__all__ = ["Changes", "LedgerUser", "OnceOnlyPool", "Outcome", "PlannedShape"]

register()
