"""Players on bare Locust: the baseline for `ledger_players.py`."""

from random import Random

from headcount_players._choices import a_guild, a_player, a_sword
from locust import FastHttpUser, constant, task

import bench.load.users.window  # noqa: F401 - adds listeners to Locust

_random = Random(7)  # noqa: S311 - traffic


class PlainPlayer(FastHttpUser):
    """Makes one request after another, without wait time."""

    wait_time = constant(0)

    @task(5)
    def default(self) -> None:
        """Make the default request."""
        self.client.get("/")

    @task(3)
    def sword(self) -> None:
        """Buy one or more swords."""
        self.client.post("/purchase_a_sword", json=a_sword(_random))

    @task(2)
    def guild(self) -> None:
        """Join a guild."""
        membership = {"player_id": a_player(_random), "guild": a_guild(_random)}
        self.client.post("/join_guild", json=membership)
