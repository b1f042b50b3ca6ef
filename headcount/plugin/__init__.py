"""The Locust plugin: makes any locustfile whose users derive from `LedgerUser` verifiable.

    from headcount.plugin import LedgerUser

It works wherever Locust does: web UI, headless, `--processes`, `--master` and `--worker`.
"""

import sys

from headcount.installation import GENERATOR, exit_without

try:
    import headcount.light_pyarrow  # noqa: F401 - before any other module loads pyarrow
    from headcount.plugin.event_id import EVENT_ID
    from headcount.plugin.hooks import register
    from headcount.plugin.http.once_only_connections import OnceOnlyPool
    from headcount.plugin.load_shape import PlannedShape
    from headcount.plugin.user import LedgerUser
    from headcount.run.request_outcome import Outcome
    from headcount.run.state_changes import Changes
except ModuleNotFoundError as error:
    # Locust would print a traceback instead of the one line that names the package.
    if "locust.main" in sys.modules:
        exit_without(error, GENERATOR)
    raise

__all__ = ["EVENT_ID", "Changes", "LedgerUser", "OnceOnlyPool", "Outcome", "PlannedShape"]

register()
