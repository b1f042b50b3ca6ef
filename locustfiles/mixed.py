"""Players look around, buy swords and join guilds; `--mix` changes the proportions."""

from headcount_players._choices import a_guild, a_player, a_sword
from locust import between, task

from headcount.plugin import LedgerUser


class Player(LedgerUser):
    """Runs one task at a time, with pauses of up to half a second."""

    wait_time = between(0.1, 0.5)

    @task(5)
    def default(self) -> None:
        """Look around."""
        self.client.get("/", event={"event_type": "default"})

    @task(3)
    def sword(self) -> None:
        """Buy one to three swords."""
        sword = a_sword(self.random)
        event = {"event_type": "purchase_sword", **sword}
        self.client.post("/purchase_a_sword", json=sword, event=event)

    @task(2)
    def guild(self) -> None:
        """Join a guild."""
        membership = {"player_id": a_player(self.random), "guild": a_guild(self.random)}
        event = {"event_type": "join_guild", **membership}
        self.client.post("/join_guild", json=membership, event=event)
