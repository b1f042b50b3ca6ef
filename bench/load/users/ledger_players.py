"""The players of `plain_players.py`, with all their requests in the ledger."""

from headcount_players._choices import a_guild, a_player, a_sword
from locust import constant, task

import bench.load.users.window  # noqa: F401 - adds listeners to Locust
from headcount.plugin import LedgerUser


class LedgerPlayer(LedgerUser):
    """Makes one request after another, without wait time."""

    wait_time = constant(0)

    @task(5)
    def default(self) -> None:
        """Make the default request."""
        self.client.get("/", event={"event_type": "default"})

    @task(3)
    def sword(self) -> None:
        """Buy one or more swords."""
        sword = a_sword(self.random)
        event = {"event_type": "purchase_sword", **sword}
        self.client.post("/purchase_a_sword", json=sword, event=event)

    @task(2)
    def guild(self) -> None:
        """Join a guild."""
        membership = {"player_id": a_player(self.random), "guild": a_guild(self.random)}
        event = {"event_type": "join_guild", **membership}
        self.client.post("/join_guild", json=membership, event=event)
