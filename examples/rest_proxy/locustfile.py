"""Retailers who publish their orders through a proxy for Kafka."""

from locust import between, task

from headcount.plugin import EVENT_ID, LedgerUser


class Retailer(LedgerUser):
    wait_time = between(0.1, 0.5)

    @task
    def order(self) -> None:
        order = {"item": "lamp", "quantity": self.random.randint(1, 5)}
        body = {"order_id": EVENT_ID, **order}
        self.client.post("/topics/order-events", json=body, event=order, event_type="order_placed")
