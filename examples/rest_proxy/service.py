"""A proxy for Kafka: publishes the body of each POST /topics/TOPIC unchanged.

    python examples/rest_proxy/service.py PORT BOOTSTRAP_SERVERS

It neither parses the body nor passes a header on.
"""

import sys

from flask import Flask, request
from kafka import KafkaProducer

PORT, BOOTSTRAP_SERVERS = sys.argv[1:]

app = Flask(__name__)
producer = KafkaProducer(bootstrap_servers=BOOTSTRAP_SERVERS, acks="all")


@app.post("/topics/<topic>")
def publish(topic: str) -> dict[str, int]:
    """Publish a message, and respond with its place once the broker has acknowledged it."""
    record = producer.send(topic, request.get_data()).get(timeout=10)
    return {"partition": record.partition, "offset": record.offset}


app.run(port=int(PORT), threaded=True)
