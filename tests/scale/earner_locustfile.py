"""Players who sign up and earn gold: state in the database, with two event types.

The run ends when every generator has made enough requests.
"""

from headcount_service.catalogue import load_catalogue
from locust import constant, task

from headcount.plugin import Changes, LedgerUser
from tests.headcount.plugin import ending  # noqa: F401 - adds a listener

GOLD = 5


class Earner(LedgerUser):
    """Signs up, then earns gold repeatedly."""

    wait_time = constant(1)

    def on_start(self) -> None:
        """Sign up, as an owner that is unique to this run."""
        self.player_id = self.new_owner()
        self.client.post(
            "/players",
            json={"player_id": self.player_id},
            event={"event_type": "sign_up", "player_id": self.player_id},
            changes=Changes(self.player_id, {"player": 1, "gold": load_catalogue().starting_gold}),
        )

    @task
    def earn(self) -> None:
        """Earn gold."""
        self.client.post(
            f"/players/{self.player_id}/earnings",
            json={"gold": GOLD},
            event={"event_type": "earn", "player_id": self.player_id, "gold": GOLD},
            changes=Changes(self.player_id, {"gold": GOLD}),
            name="/players/{player_id}/earnings",
        )
