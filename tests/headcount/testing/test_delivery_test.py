"""A delivery test of somebody's own service: the fixtures, and what a failure says."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SHOP = """
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from kafka import KafkaProducer

port, servers, topic, drops = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
producer = KafkaProducer(bootstrap_servers=servers)

class Shop(BaseHTTPRequestHandler):
    orders = 0

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        event["x-event-id"] = self.headers["X-Event-Id"]
        Shop.orders += 1
        if Shop.orders != drops:
            producer.send(topic, json.dumps(event).encode()).get(timeout=20)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

HTTPServer(("127.0.0.1", port), Shop).serve_forever()
"""
SCENARIO = """
from locust import constant, task
from headcount.plugin import LedgerUser

class Customer(LedgerUser):
    wait_time = constant(0.1)

    @task
    def order(self):
        order = {"item": "apple", "quantity": self.random.randint(1, 5)}
        self.client.post("/orders", json=order, event=order, event_type="order")
"""
OPTIONS = ("-q", "-p", "no:cacheprovider", "-W", "error::DeprecationWarning")
"""Many projects allow no deprecated calls."""

TEST = """
import socket, subprocess, sys, time
import pytest

@pytest.mark.parametrize("drops", [0, 3])
def test_every_order_arrives(headcount_stack, headcount_run, drops):
    topic = headcount_stack.new_topic()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [str(port), headcount_stack.bootstrap_servers, topic, str(drops)]
    shop = subprocess.Popen([sys.executable, "shop.py", *arguments])
    try:
        end_s = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < end_s:
            time.sleep(0.1)
        host = f"http://127.0.0.1:{port}"
        verdict = headcount_run("scenario.py", host=host, topic=topic, users=2, run_time="3s")
    finally:
        shop.kill()
        shop.wait()
    assert verdict.passed, verdict.summary
"""


def test_a_delivery_test_fails_with_the_lost_ids(tmp_path: Path) -> None:
    """One event is dropped in the second case: it fails, and names its id."""
    (tmp_path / "shop.py").write_text(SHOP, "utf-8")
    (tmp_path / "scenario.py").write_text(SCENARIO, "utf-8")
    (tmp_path / "test_shop.py").write_text(TEST, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, "test_shop.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert "AssertionError: FAIL" in done.stdout
    assert "lost: order " in done.stdout
