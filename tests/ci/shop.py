"""A shop that knows nothing of Headcount: it copies a request's id into its event.

python shop.py PORT        publishes to the topic `sold` at BOOTSTRAP_SERVERS
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kafka import KafkaProducer

PRODUCER = KafkaProducer(bootstrap_servers=os.environ["BOOTSTRAP_SERVERS"], acks="all")


class Shop(BaseHTTPRequestHandler):
    """Publishes each POST, and responds once the broker has acknowledged the event."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Respond that the shop is open."""
        self.respond(200)

    def do_POST(self) -> None:
        """Publish an order."""
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        event = {"order": order, "meta": {"request": self.headers["X-Request-Id"]}}
        PRODUCER.send("sold", json.dumps(event).encode()).get(timeout=60)
        self.respond(201)

    def respond(self, status: int) -> None:
        """Send a response without a body."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Do not log requests."""


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
