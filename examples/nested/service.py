"""An order service in Flask whose events have the request's headers beside the order.

python examples/nested/service.py PORT BOOTSTRAP_SERVERS TOPIC
"""

import json
import sys

from flask import Flask, request
from kafka import KafkaProducer

PORT, BOOTSTRAP_SERVERS, TOPIC = sys.argv[1:]

app = Flask(__name__)
producer = KafkaProducer(bootstrap_servers=BOOTSTRAP_SERVERS, acks="all")


@app.post("/orders")
def place_order() -> tuple[str, int]:
    """Publish an order, and respond once the broker has acknowledged it."""
    event = {"request_headers": dict(request.headers), "order": request.get_json()}
    producer.send(TOPIC, json.dumps(event).encode()).get(timeout=10)
    return "", 201


app.run(port=int(PORT), threaded=True)
