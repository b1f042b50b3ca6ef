"""Patrons of an order service in Express."""

from locust import between, task

from headcount.plugin import LedgerUser


class Patron(LedgerUser):
    wait_time = between(0.1, 0.5)

    @task
    def order(self) -> None:
        order = {"item": "ticket", "quantity": self.random.randint(1, 5)}
        self.client.post("/orders", json=order, event=order, event_type="order_placed")
