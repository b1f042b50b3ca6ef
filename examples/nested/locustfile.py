"""Guests of an order service whose events have the order one level down."""

from locust import between, task

from headcount.plugin import LedgerUser


class Guest(LedgerUser):
    wait_time = between(0.1, 0.5)

    @task
    def order(self) -> None:
        order = {"item": "room", "nights": self.random.randint(1, 5)}
        self.client.post("/orders", json=order, event=order, event_type="order_placed")
