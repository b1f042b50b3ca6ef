"""An order service in Flask whose requests and records are traced by OpenTelemetry.

    python examples/opentelemetry/service.py PORT BOOTSTRAP_SERVERS TOPIC

The two instrumentations carry the trace context of a request into the headers of its record, even
if no trace is sampled (`OTEL_TRACES_SAMPLER=always_off`).
"""

import json
import sys

from flask import Flask, request
from kafka import KafkaProducer
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.kafka import KafkaInstrumentor
from opentelemetry.sdk.trace import TracerProvider

PORT, BOOTSTRAP_SERVERS, TOPIC = sys.argv[1:]

trace.set_tracer_provider(TracerProvider())  # a real service also adds an exporter
KafkaInstrumentor().instrument()
app = Flask(__name__)
FlaskInstrumentor().instrument_app(app)
producer = KafkaProducer(bootstrap_servers=BOOTSTRAP_SERVERS, acks="all")


@app.post("/orders")
def place_order() -> tuple[str, int]:
    """Publish an order, and respond once the broker has acknowledged it."""
    event = {"type": "order_placed", "currency": "EUR", **request.get_json()}
    producer.send(TOPIC, json.dumps(event).encode()).get(timeout=10)
    return "", 201


app.run(port=int(PORT), threaded=True)
