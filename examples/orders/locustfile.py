"""Customers of the order service; the topic must hold an event for each of their orders."""

from locust import between, task

from headcount.plugin import LedgerUser


class Customer(LedgerUser):
    """Places one order after another."""

    wait_time = between(0.1, 0.5)

    @task
    def order(self) -> None:
        """Order one to five of an item."""
        order = {
            "item": self.random.choice(["apple", "bread", "cheese"]),
            "quantity": self.random.randint(1, 5),
            "price": round(self.random.uniform(0.5, 20), 2),
        }
        event = {"type": "order_placed", **order}
        self.client.post("/orders", json=order, event=event, event_type="order_placed")
