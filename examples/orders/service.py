"""A small independent order service, built on the standard library and kafka-python only.

    python examples/orders/service.py PORT BOOTSTRAP_SERVERS

Headcount needs just one line of it: the one that copies the request's X-Event-Id into the event.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kafka import KafkaProducer

PORT, BOOTSTRAP_SERVERS = int(sys.argv[1]), sys.argv[2]
PRODUCER = KafkaProducer(bootstrap_servers=BOOTSTRAP_SERVERS, acks="all")


class Orders(BaseHTTPRequestHandler):
    """Publishes each POST /orders, and responds once the broker has acknowledged the event."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Publish an order."""
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        event = {"type": "order_placed", "currency": "EUR", **order}
        event["request_id"] = self.headers["X-Event-Id"]  # all that Headcount needs
        PRODUCER.send("orders", json.dumps(event).encode()).get(timeout=10)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Do not log requests."""


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", PORT), Orders).serve_forever()
