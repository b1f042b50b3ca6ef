"""Guild recruitment: word spreads, and players join in a steady ramp from one to all."""

from headcount_players._choices import a_guild, a_player
from locust import between, task

from headcount.plugin import LedgerUser, PlannedShape


class Recruit(LedgerUser):
    """Looks around now and then, but mostly joins guilds."""

    wait_time = between(0.1, 0.3)

    @task(1)
    def default(self) -> None:
        """Look around."""
        self.client.get("/", event={"event_type": "default"})

    @task(4)
    def guild(self) -> None:
        """Join a guild."""
        membership = {"player_id": a_player(self.random), "guild": a_guild(self.random)}
        event = {"event_type": "join_guild", **membership}
        self.client.post("/join_guild", json=membership, event=event)


class Ramp(PlannedShape):
    """From one player to all of them, evenly over the run."""

    abstract = False

    def users_at(self, now_s: float, users: int, run_time_s: float) -> int:
        """Return the number of players at a time of the run."""
        return round(users * (now_s + 1) / run_time_s)
