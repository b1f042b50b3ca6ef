"""A sword rush: a few players, then all of them at once for the middle third, then a few again."""

from headcount_players._choices import a_sword
from locust import constant, task

from headcount.plugin import LedgerUser, PlannedShape

QUIET_SHARE = 0.1


class Buyer(LedgerUser):
    """Buys swords as fast as the shop sells them."""

    wait_time = constant(0.05)

    @task
    def sword(self) -> None:
        """Buy a sword, or a few."""
        sword = a_sword(self.random)
        event = {"event_type": "purchase_sword", **sword}
        self.client.post("/purchase_a_sword", json=sword, event=event)


class Rush(PlannedShape):
    """All players in the middle third of the run, and a tenth of them before and after."""

    abstract = False

    def users_at(self, now_s: float, users: int, run_time_s: float) -> int:
        """Return the number of players at a time of the run."""
        rushing = 1 / 3 <= now_s / run_time_s < 2 / 3
        return users if rushing else round(users * QUIET_SHARE)
