"""An order service in Flask with an outbox: it writes to its database, and publishes nothing.

    python examples/debezium/service.py PORT DATABASE

The caller's Idempotency-Key is the order's id, and a repeated request changes nothing.
"""

import json
import sqlite3
import sys
from contextlib import closing

from flask import Flask, request

PORT, DATABASE = sys.argv[1:]
TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, item TEXT, quantity INTEGER);
CREATE TABLE IF NOT EXISTS outbox (
    id TEXT PRIMARY KEY, aggregatetype TEXT, aggregateid TEXT, type TEXT, payload TEXT
);
"""

app = Flask(__name__)


@app.post("/orders")
def place_order() -> tuple[str, int]:
    """Store an order, and in the same transaction the event that announces it."""
    order_id, order = request.headers["Idempotency-Key"], request.get_json()
    row = (order_id, order["item"], order["quantity"])
    event = (order_id, "order", order_id, "order_placed", json.dumps(order))
    with closing(sqlite3.connect(DATABASE, timeout=10)) as database, database:
        database.execute("INSERT OR IGNORE INTO orders VALUES (?, ?, ?)", row)
        database.execute("INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?, ?)", event)
    return "", 202


with closing(sqlite3.connect(DATABASE)) as new_database:
    new_database.executescript(TABLES)
app.run(port=int(PORT), threaded=True)
