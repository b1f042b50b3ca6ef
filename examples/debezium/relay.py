"""The relay: publishes the rows of a table as Debezium does, so that no connector is needed.

    python examples/debezium/relay.py DATABASE TABLE BOOTSTRAP_SERVERS TOPIC

The rows of `outbox` are published in the form of Debezium's outbox event router, and those of any
other table as change events with `before` and `after`.
"""

import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from kafka import KafkaProducer

DATABASE, TABLE, BOOTSTRAP_SERVERS, TOPIC = sys.argv[1:]
POLL_S = 0.05
POSITIONS = "CREATE TABLE IF NOT EXISTS relay_positions (source TEXT PRIMARY KEY, position INTEGER)"
POSITION = "SELECT position FROM relay_positions WHERE source = ?"
# The table's name comes from the command line, never from a request.
NEW_ROWS = (
    f"SELECT rowid AS position, * FROM {TABLE} "  # noqa: S608
    f"WHERE rowid > coalesce(({POSITION}), 0) ORDER BY rowid LIMIT 500"
)


def routed(row: dict[str, Any]) -> dict[str, Any]:
    """Return the record that the outbox event router makes of a row; its payload is a string."""
    value = {"schema": {"type": "string", "optional": False}, "payload": row["payload"]}
    headers = [("id", row["id"].encode()), ("eventType", row["type"].encode())]
    return {"key": row["aggregateid"].encode(), "value": dumped(value), "headers": headers}


def changed(row: dict[str, Any]) -> dict[str, Any]:
    """Return the change event of a new row."""
    now_ms = time.time_ns() // 1_000_000
    source = {"connector": "postgresql", "name": "shop", "schema": "public", "table": TABLE}
    value = {"before": None, "after": row, "source": source, "op": "c", "ts_ms": now_ms}
    return {"key": dumped({"id": row["id"]}), "value": dumped(value)}


def dumped(value: object) -> bytes:
    """Write a value as JSON."""
    return json.dumps(value).encode()


def batches(database: sqlite3.Connection) -> Iterator[list[dict[str, Any]]]:
    """Yield the new rows of the table, and remember those that were published."""
    database.row_factory = sqlite3.Row
    while True:
        rows = [dict(row) for row in database.execute(NEW_ROWS, (TABLE,))]
        if not rows:
            time.sleep(POLL_S)
            continue
        positions = [row.pop("position") for row in rows]
        yield rows
        with database:
            database.execute("REPLACE INTO relay_positions VALUES (?, ?)", (TABLE, positions[-1]))


producer = KafkaProducer(bootstrap_servers=BOOTSTRAP_SERVERS, acks="all")
make_record = routed if TABLE == "outbox" else changed
with closing(sqlite3.connect(DATABASE, timeout=10)) as connection:
    connection.execute(POSITIONS)
    for new_rows in batches(connection):
        for future in [producer.send(TOPIC, **make_record(row)) for row in new_rows]:
            future.get(timeout=30)
