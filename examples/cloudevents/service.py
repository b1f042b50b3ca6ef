"""An order service in Flask that publishes CloudEvents, in binary or structured content mode.

    python examples/cloudevents/service.py PORT BOOTSTRAP_SERVERS TOPIC binary|structured

The correlation id of the request is the extension attribute `correlationid` of the event.
"""

import sys
from uuid import uuid4

from cloudevents.core.bindings.kafka import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from flask import Flask, request
from kafka import KafkaProducer

PORT, BOOTSTRAP_SERVERS, TOPIC, MODE = sys.argv[1:]

app = Flask(__name__)
producer = KafkaProducer(bootstrap_servers=BOOTSTRAP_SERVERS, acks="all")
to_message = {"binary": to_binary_event, "structured": to_structured_event}[MODE]


@app.post("/orders")
def place_order() -> tuple[str, int]:
    """Publish an order, and respond once the broker has acknowledged it."""
    attributes = {
        "id": str(uuid4()),
        "source": "/orders",
        "type": "com.example.order_placed",
        "datacontenttype": "application/json",
        "correlationid": request.headers["X-Correlation-Id"],
    }
    message = to_message(CloudEvent(attributes, request.get_json()))
    headers = list(message.headers.items())
    producer.send(TOPIC, message.value, headers=headers).get(timeout=10)
    return "", 201


app.run(port=int(PORT), threaded=True)
