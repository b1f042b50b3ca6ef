"""A Flask service that knows nothing of Headcount; `headcount probe` finds out how it publishes.

Its topics are TOPIC and OTHER_TOPIC, its brokers BROKERS.
"""

import json
import os

from flask import Flask, request
from kafka import KafkaProducer

TOPIC, OTHER_TOPIC = os.environ["TOPIC"], os.environ["OTHER_TOPIC"]

app = Flask(__name__)
producer = KafkaProducer(bootstrap_servers=os.environ["BROKERS"], acks="all")


def publish(topic: str, event: object) -> tuple[str, int]:
    """Publish an event, and respond once the broker has acknowledged it."""
    producer.send(topic, json.dumps(event).encode()).get(timeout=60)
    return "", 201


@app.post("/nested")
def place_nested() -> tuple[str, int]:
    """Publish the headers of the request beside the order."""
    return publish(TOPIC, {"headers": dict(request.headers), "order": request.get_json()})


@app.post("/payments")
def pay() -> tuple[str, int]:
    """Publish to the other topic, with the correlation id only."""
    correlation = request.headers["X-Correlation-Id"]
    return publish(OTHER_TOPIC, {**request.get_json(), "correlation": correlation})


@app.post("/silent")
def place_silently() -> tuple[str, int]:
    """Publish the order alone."""
    return publish(TOPIC, request.get_json())
