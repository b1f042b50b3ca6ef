"""Subscribers of an order service that publishes CloudEvents."""

from locust import between, task

from headcount.plugin import LedgerUser


class Subscriber(LedgerUser):
    wait_time = between(0.1, 0.5)

    @task
    def order(self) -> None:
        order = {"item": "magazine", "issues": self.random.randint(1, 12)}
        self.client.post("/orders", json=order, event=order, event_type="com.example.order_placed")
