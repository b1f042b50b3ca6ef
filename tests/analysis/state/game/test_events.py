"""The game's events: how messages are parsed, and which rows a filter keeps."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from headcount_analysis.read import topic_range
from headcount_analysis.state.game.events import Wanted, game_events, matching
from pyspark.sql import SparkSession
from pyspark.sql.types import LongType, StringType

ATTRIBUTES = {"metal": StringType(), "draw_weight_lb": LongType()}
EVENTS: list[Any] = [
    {"event_type": "purchase_sword", "player_id": "p1", "metal": "iron", "X-Event-Id": "r.0.1"},
    {"event_type": "purchase", "player_id": "p2", "item": "bow", "draw_weight_lb": 40},
    {
        "event_type": "checkout",
        "player_id": "p1",
        "lines": [
            {"item": "sword", "variant": "sword:metal=iron", "metal": "iron", "quantity": 2},
            {"item": "bow", "variant": "bow:draw_weight_lb=60", "draw_weight_lb": 60},
        ],
    },
    {"event_type": "add_member", "player_id": "p2", "guild": "knights"},
    {"no_type": 1},
    "no object",
]


@pytest.mark.parametrize(
    ("wanted", "offsets"),
    [
        (Wanted(), [0, 1, 2, 2, 3]),
        (Wanted(item="sword"), [0, 2]),
        (Wanted(item="bow", attributes={"draw_weight_lb": 60}), [2]),
        (Wanted(attributes={"metal": "iron"}), [0, 2]),
        (Wanted(event_type="purchase_sword", attributes={"metal": "steel"}), []),
        (Wanted(player_id="p2"), [1, 3]),
        (Wanted(guild="knights"), [3]),
        (Wanted(item="it's"), []),
    ],
)
def test_filters(spark: SparkSession, wanted: Wanted, offsets: list[int]) -> None:
    """Each filter matches on fields of events, and on each line of a checkout."""
    rows: list[tuple[Any, ...]] = [
        (None, json.dumps(event).encode(), "events", 0, offset, datetime.now(UTC), 0)
        for offset, event in enumerate(EVENTS)
    ]
    rows.append((None, b"\xff", "events", 0, len(rows), datetime.now(UTC), 0))
    rows.append((None, None, "events", 0, len(rows), datetime.now(UTC), 0))
    source = spark.createDataFrame(rows, topic_range.SOURCE_SCHEMA)
    events = game_events(topic_range.messages(source), ATTRIBUTES)
    rows_kept = matching(events, wanted).collect()
    assert [row.offset for row in rows_kept] == offsets
    if wanted == Wanted():
        first, third = rows_kept[0], rows_kept[2]
        assert (first.item, first.event_id, third.quantity) == ("sword", "r.0.1", None)
