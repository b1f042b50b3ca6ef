"""Effects and economy: what the game's events add up to, sane and hostile."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from headcount_analysis.read import topic_range
from headcount_analysis.state.game.economy import economy
from headcount_analysis.state.game.effects import effects, implied
from headcount_analysis.state.game.events import parsed
from pyspark.sql import DataFrame, SparkSession

P, Q = "run-1.0.o1", "run-1.0.o2"
BOW = {"item": "bow", "variant": "bow:draw_weight_lb=40,wood=yew", "unit_price": 65}
HORSE = {"item": "horse", "variant": "horse:breed=pony,colour=bay", "unit_price": 200}
HISTORY: list[dict[str, Any]] = [
    {"event_type": "sign_up", "player_id": P, "gold": 1000},
    {"event_type": "earn", "player_id": P, "gold": 50},
    {"event_type": "purchase", "player_id": P, **BOW, "quantity": 2, "total": 130},
    {"event_type": "add_to_cart", "player_id": P, **BOW, "quantity": 3, "change": 3, "in_cart": 3},
    {"event_type": "change_cart", "player_id": P, **BOW, "quantity": 1, "change": -2, "in_cart": 1},
    {"event_type": "add_to_cart", "player_id": P, **HORSE, "change": 1, "in_cart": 1},
    {
        "event_type": "checkout",
        "player_id": P,
        "total": 265,
        "lines": [{**BOW, "quantity": 1}, {**HORSE, "quantity": 1}],
    },
    {"event_type": "add_to_cart", "player_id": P, **HORSE, "change": 2, "in_cart": 2},
    {"event_type": "remove_from_cart", "player_id": P, **HORSE, "change": -2, "in_cart": 0},
    {"event_type": "add_member", "player_id": P, "guild": "knights"},
    {"event_type": "remove_member", "player_id": P, "guild": "knights"},
    {"event_type": "add_member", "player_id": P, "guild": "thieves"},
    {"event_type": "sign_up", "player_id": Q, "gold": 1000},
    {"event_type": "add_to_cart", "player_id": Q, **BOW, "change": 4, "in_cart": 4},
    {"event_type": "sign_up", "player_id": "run-2.0.o1", "gold": 1000},
    {"event_type": "sign_up", "player_id": "ada", "gold": 1000},
]
FOLDED = {
    (P, "player"): 1,
    (P, "gold"): 1050 - 130 - 265,
    (P, f"item:{BOW['variant']}"): 3,
    (P, f"item:{HORSE['variant']}"): 1,
    (P, f"cart:{BOW['variant']}"): 0,
    (P, f"cart:{HORSE['variant']}"): 0,
    (P, "guild:knights"): 0,
    (P, "guild:thieves"): 1,
    (Q, "player"): 1,
    (Q, "gold"): 1000,
    (Q, f"cart:{BOW['variant']}"): 4,
}


def read(spark: SparkSession, values: list[bytes | None]) -> DataFrame:
    """Parse values as a topic's messages, one per second."""
    began = datetime(2026, 11, 25, tzinfo=UTC)
    rows = [
        (None, value, "events", 0, offset, began + timedelta(seconds=offset), 0)
        for offset, value in enumerate(values)
    ]
    return parsed(topic_range.messages(spark.createDataFrame(rows, topic_range.SOURCE_SCHEMA)), {})


def as_values(events: list[dict[str, Any]]) -> list[bytes | None]:
    """Serialize events, each with its own receipt."""
    return [
        json.dumps({"receipt": f"r{number}", "X-Event-Id": f"run-1.0.{number}", **event}).encode()
        for number, event in enumerate(events)
    ]


def fold(events: DataFrame) -> dict[tuple[str, str], int]:
    """Return each player's numbers, by owner and thing."""
    return {
        (row.owner, row.thing): int(row.number)
        for row in implied(effects(events, "run-1.")).collect()
    }


def test_every_type_of_event(spark: SparkSession) -> None:
    """The gold, items, carts and guilds of the run's players are counted, and no one else's."""
    assert fold(read(spark, as_values(HISTORY))) == FOLDED


def test_numbers_are_read_as_in_json(spark: SparkSession) -> None:
    """In JSON, 12.0 and 1.2E1 are 12."""
    purchase = b'{"event_type": "%s", "player_id": "%s", "total": %s, %s}'
    line = b'"variant": "bow", "item": "bow", "quantity": %s'
    values: list[bytes | None] = [
        purchase % (b"purchase", P.encode(), b"12.0", line % b"2.0"),
        purchase % (b"checkout", P.encode(), b"1.2E1", b'"lines": [{%s}]' % (line % b"3.00e0")),
    ]
    assert fold(read(spark, values)) == {(P, "gold"): -24, (P, "item:bow"): 5, (P, "cart:bow"): -3}


def test_the_order_does_not_matter(spark: SparkSession) -> None:
    """Read backwards, the events give the same state."""
    assert fold(read(spark, as_values(HISTORY)[::-1])) == FOLDED


def test_copies_of_an_event(spark: SparkSession) -> None:
    """Copies with the same receipt count once; other receipts, or none, are separate events."""
    purchase = {"event_type": "purchase", "player_id": P, **BOW, "quantity": 1, "total": 65}
    once, again = as_values([purchase, purchase])
    gold, bows = (P, "gold"), (P, f"item:{BOW['variant']}")
    assert fold(read(spark, [once, once, once])) == {gold: -65, bows: 1}
    assert fold(read(spark, [once, again])) == {gold: -130, bows: 2}
    bare = json.dumps(purchase).encode()
    assert fold(read(spark, [bare, bare])) == {gold: -130, bows: 2}


def test_nonsense(spark: SparkSession) -> None:
    """Invalid values are not interpreted, and no number is too large."""
    largest = 1 << 53
    events: list[dict[str, Any]] = [
        {"event_type": "earn", "player_id": P, "gold": "50"},
        {"event_type": "earn", "player_id": P},
        {"event_type": "earn", "player_id": P, "gold": 1.5},
        {"event_type": "earn", "player_id": P, "gold": 1e300},
        {"event_type": "earn", "player_id": P, "gold": 1 << 63},
        {"event_type": "earn", "player_id": P, "gold": float("nan")},
        {"event_type": "earn", "player_id": P, "gold": "Infinity"},
        {"event_type": "purchase", "player_id": P, "total": None, "quantity": 3},
        {"event_type": "checkout", "player_id": P, "total": 5, "lines": []},
        {"event_type": "checkout", "player_id": P, "total": 5, "lines": 7},
        {"event_type": "add_member", "player_id": P},
        {"event_type": "anything", "player_id": P, "gold": 5},
        {"event_type": "earn", "player_id": Q, "gold": largest},
        {"event_type": "earn", "player_id": Q, "gold": largest},
    ]
    values = [*as_values(events), b"\xff", None, b"[]", b"{", json.dumps(P).encode()]
    state = fold(read(spark, values))
    assert state[Q, "gold"] == 2 * largest
    assert state[P, "guild:"] == 1
    assert state[P, "gold"] in {-5, -10}


def test_an_economy_of_nonsense(spark: SparkSession) -> None:
    """Numbers out of bounds are clipped, and the tables are complete."""
    largest = 1 << 53
    line = {**BOW, "quantity": largest, "unit_price": largest}
    events: list[dict[str, Any]] = [
        *({"event_type": "earn", "player_id": P, "gold": largest} for _ in range(3)),
        *({"event_type": "purchase", "player_id": P, **line} for _ in range(3)),
        {"event_type": "add_to_cart", "player_id": P, **BOW, "change": largest},
        {"event_type": "checkout", "player_id": Q, "lines": None},
        {"event_type": "add_member", "player_id": Q},
    ]
    read_events = read(spark, as_values(events))
    trade = economy(read_events, implied(effects(read_events, "run-1.")), "run-1.")
    assert trade.richest.set_index("player_id")["gold"].to_dict() == {P: 1 << 53, Q: 0}
    assert set(trade.sales["gold"]) == {1 << 53}


def test_the_economy(spark: SparkSession) -> None:
    """Sales, guild sizes, the richest players and abandoned carts of the run's players."""
    events = read(spark, as_values(HISTORY))
    trade = economy(events, implied(effects(events, "run-1.")), "run-1.")
    sales = {tuple(row[:3]): tuple(row[3:]) for row in trade.sales.itertuples(index=False)}
    assert sales == {
        ("bow", "", ""): (3, 195),
        ("bow", "draw_weight_lb", "40"): (3, 195),
        ("bow", "wood", "yew"): (3, 195),
        ("horse", "", ""): (1, 200),
        ("horse", "breed", "pony"): (1, 200),
        ("horse", "colour", "bay"): (1, 200),
    }
    sizes = [tuple(row) for row in trade.guild_sizes.itertuples(index=False)]
    assert sizes == [(9, "knights", 1), (10, "knights", 0), (11, "thieves", 1)]
    richest = [tuple(row) for row in trade.richest.itertuples(index=False)]
    assert richest == [(Q, 1000, None, 0), (P, 655, "thieves", 4)]
    carts = [tuple(row) for row in trade.abandoned_carts.itertuples(index=False)]
    assert carts == [(Q, "bow", BOW["variant"], 4)]
