"""The game: what each command changes, returns and publishes, on both databases."""

import threading
import uuid
from collections import Counter
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from headcount_service.catalogue import load_catalogue
from headcount_service.errors import NotPublished, OutcomeUnknown

from tests.service.fakes import RecordingPublisher

BOW = {"item": "bow", "wood": "yew", "draw_weight_lb": 40}
BOW_NAME = "bow:draw_weight_lb=40,wood=yew"
BOW_PRICE = 25 + 20 + 20
SWORD = {"item": "sword", "metal": "iron"}
START = load_catalogue().starting_gold


@pytest.fixture
def player(game: FlaskClient, publisher: RecordingPublisher) -> str:
    """A player who has just signed up."""
    player_id = f"p-{uuid.uuid4().hex}"
    assert game.post("/players", json={"player_id": player_id}).status_code == 201
    publisher.published.clear()
    return player_id


def state(game: FlaskClient, player: str) -> dict[str, Any]:
    """Return the game's whole state of a player."""
    account = game.get(f"/players/{player}").get_json()
    lines = {
        place: {line["variant"]: line["quantity"] for line in held["lines"]}
        for place in ("inventory", "cart")
        if (held := game.get(f"/players/{player}/{place}").get_json())
    }
    return {"gold": account["gold"], "guild": account["guild"], **lines}


def events(publisher: RecordingPublisher) -> list[dict[str, Any]]:
    """Return the own fields of the published events, without receipts."""
    return [
        {name: value for name, value in event.items() if name.islower() and name != "receipt"}
        for event, _ in publisher.published
    ]


def test_signing_up(game: FlaskClient, publisher: RecordingPublisher) -> None:
    """A new player has only gold, and cannot sign up twice."""
    player = f"p-{uuid.uuid4().hex}"
    answer = game.post("/players", json={"player_id": player})
    assert (answer.status_code, answer.get_json()) == (
        201,
        {"event_type": "sign_up", "player_id": player, "gold": START},
    )
    assert state(game, player) == {"gold": START, "guild": None, "inventory": {}, "cart": {}}
    assert game.post("/players", json={"player_id": player}).status_code == 409
    assert events(publisher) == [answer.get_json()]
    assert [key for _, key in publisher.published] == [player]


def test_a_purchase(game: FlaskClient, publisher: RecordingPublisher, player: str) -> None:
    """Gold becomes items; the event has the items, their attributes and their price."""
    answer = game.post("/purchases", json={"player_id": player, **BOW, "quantity": 2})
    assert answer.status_code == 201
    assert answer.get_json() == {
        "event_type": "purchase",
        "player_id": player,
        **BOW,
        "quantity": 2,
        "variant": BOW_NAME,
        "unit_price": BOW_PRICE,
        "total": 2 * BOW_PRICE,
    }
    assert events(publisher) == [answer.get_json()]
    assert state(game, player) == {
        "gold": START - 2 * BOW_PRICE,
        "guild": None,
        "inventory": {BOW_NAME: 2},
        "cart": {},
    }


def test_a_purchase_that_costs_too_much(
    game: FlaskClient, publisher: RecordingPublisher, player: str
) -> None:
    """The game refuses it, changes nothing and publishes nothing."""
    answer = game.post("/purchases", json={"player_id": player, **BOW, "quantity": 100})
    assert answer.status_code == 409
    assert answer.get_json(force=True)["detail"] == (
        f"It costs {100 * BOW_PRICE} gold, and the player has {START}."
    )
    assert state(game, player)["gold"] == START
    assert events(publisher) == []


@pytest.mark.parametrize(
    ("order", "faults"),
    [
        ({}, [("item", "", "is missing; it must be armour, bow, horse, potion, shield or sword")]),
        (
            {"item": "axe"},
            [("item", "axe", "must be armour, bow, horse, potion, shield or sword")],
        ),
        (
            {**SWORD, "metal": "wood", "quantity": 1},
            [("metal", "wood", "must be bronze, gold, iron, mithril, silver or steel")],
        ),
        (
            {**BOW, "draw_weight_lb": 121, "quantity": "x"},
            [
                ("quantity", "x", "must be a whole number from 1 to 100"),
                ("draw_weight_lb", "121", "must be a whole number from 20 to 120"),
            ],
        ),
        (
            {**SWORD},
            [("quantity", "", "is missing; it must be a whole number from 1 to 100")],
        ),
        (
            {**SWORD, "quantity": 1, "wood": "yew"},
            [
                (
                    "wood",
                    "yew",
                    "is unknown; this route takes item, metal, player_id, quantity",
                )
            ],
        ),
    ],
)
def test_an_order_that_the_catalogue_does_not_allow(
    game: FlaskClient,
    publisher: RecordingPublisher,
    player: str,
    order: dict[str, Any],
    faults: list[tuple[str, str, str]],
) -> None:
    """The problem names field, value and rule, and nothing is published."""
    answer = game.post("/purchases", json={"player_id": player, **order})
    assert answer.status_code == 400
    errors = answer.get_json(force=True)["errors"]
    assert [(error["name"], error["value"], error["rule"]) for error in errors] == faults
    assert events(publisher) == []


def test_a_cart(game: FlaskClient, publisher: RecordingPublisher, player: str) -> None:
    """A player fills, changes and checks out a cart; the checkout is one event with all lines."""
    cart = f"/players/{player}/cart"
    game.post(cart, json={**BOW, "quantity": 3})
    game.post(cart, json={**SWORD, "quantity": 1})
    assert game.put(f"{cart}/{BOW_NAME}", json={"quantity": 1}).status_code == 200
    assert game.delete(f"{cart}/sword:metal=iron").status_code == 200
    game.post(cart, json={**SWORD, "quantity": 2})
    assert state(game, player)["cart"] == {BOW_NAME: 1, "sword:metal=iron": 2}
    changes = [
        (event["event_type"], event["change"], event["in_cart"]) for event in events(publisher)
    ]
    assert changes == [
        *[("add_to_cart", 3, 3), ("add_to_cart", 1, 1), ("change_cart", -2, 1)],
        *[("remove_from_cart", -1, 0), ("add_to_cart", 2, 2)],
    ]
    publisher.published.clear()
    answer = game.post(f"/players/{player}/checkout")
    assert answer.status_code == 201
    assert events(publisher) == [answer.get_json()]
    assert answer.get_json()["total"] == BOW_PRICE + 2 * 25
    assert state(game, player) == {
        "gold": START - BOW_PRICE - 50,
        "guild": None,
        "cart": {},
        "inventory": {BOW_NAME: 1, "sword:metal=iron": 2},
    }


def test_a_checkout_is_all_or_nothing(
    game: FlaskClient, publisher: RecordingPublisher, player: str
) -> None:
    """A cart that costs too much stays as it is; an empty one cannot be checked out."""
    empty = game.post(f"/players/{player}/checkout")
    game.post(f"/players/{player}/cart", json={**BOW, "quantity": 100})
    publisher.published.clear()
    before = state(game, player)
    dear = game.post(f"/players/{player}/checkout")
    assert (empty.status_code, dear.status_code) == (409, 409)
    assert state(game, player) == before
    assert events(publisher) == []


def test_guilds(game: FlaskClient, publisher: RecordingPublisher, player: str) -> None:
    """A player can be in one guild at a time, and leave it."""
    guild = f"g-{uuid.uuid4().hex[:8]}"
    joined = game.post(f"/guilds/{guild}/members", json={"player_id": player})
    again = game.post("/guilds/knights/members", json={"player_id": player})
    assert (joined.status_code, again.status_code) == (201, 409)
    assert game.get(f"/players/{player}/guild").get_json() == {"player_id": player, "guild": guild}
    assert game.get(f"/guilds/{guild}/members").get_json() == {
        "guild": guild,
        "members": [player],
        "next": None,
    }
    assert game.delete(f"/guilds/{guild}/members/{player}").status_code == 200
    assert game.delete(f"/guilds/{guild}/members/{player}").status_code == 404
    types = [(event["event_type"], event["guild"]) for event in events(publisher)]
    assert types == [("add_member", guild), ("remove_member", guild)]


def test_an_unknown_player(game: FlaskClient, publisher: RecordingPublisher) -> None:
    """A player who has not signed up can do nothing."""
    for answer in (
        game.get("/players/nobody"),
        game.get("/players/nobody/inventory"),
        game.get("/players/nobody/cart"),
        game.get("/players/nobody/guild"),
        game.post("/players/nobody/checkout"),
        game.post("/purchases", json={"player_id": "nobody", **SWORD, "quantity": 1}),
    ):
        assert answer.status_code == 404
        assert answer.content_type == "application/problem+json"
    assert events(publisher) == []


def test_a_repeated_request(game: FlaskClient, publisher: RecordingPublisher, player: str) -> None:
    """It gets the result of the first one, success or error, and changes nothing."""
    identity = {"X-Event-Id": f"run.0.{uuid.uuid4().hex}"}
    order = {"player_id": player, **SWORD, "quantity": 1}
    answers = [game.post("/purchases", json=order, headers=identity) for _ in range(3)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}
    assert state(game, player)["inventory"] == {"sword:metal=iron": 1}
    assert len(publisher.published) == 1
    other = game.post("/purchases", json={**order, "quantity": 2}, headers=identity)
    assert other.status_code == 422
    refused = {"X-Event-Id": f"run.0.{uuid.uuid4().hex}"}
    assert game.post(f"/players/{player}/checkout", headers=refused).status_code == 409
    game.post(f"/players/{player}/cart", json={**SWORD, "quantity": 1})
    assert game.post(f"/players/{player}/checkout", headers=refused).status_code == 409


def test_an_inventory_is_filtered(game: FlaskClient, player: str) -> None:
    """By item and by any attribute."""
    for variant in (BOW, SWORD, {**SWORD, "metal": "bronze"}):
        order = {"player_id": player, **variant, "quantity": 1}
        assert game.post("/purchases", json=order).get_json()

    def search(**filters: Any) -> list[str]:
        answer = game.get(f"/players/{player}/inventory", query_string=filters).get_json()
        return [line["variant"] for line in answer["lines"]]

    assert search(item="sword") == ["sword:metal=bronze", "sword:metal=iron"]
    assert search(metal="iron") == ["sword:metal=iron"]
    assert search(draw_weight_lb=40) == [BOW_NAME]
    assert search(item="sword", wood="yew") == []


def test_events_are_filtered_and_paged(game: FlaskClient, player: str) -> None:
    """By type, player, guild, time and purchased item, in pages."""
    for quantity in (1, 2, 3):
        game.post("/purchases", json={"player_id": player, **SWORD, "quantity": quantity})
    game.post(f"/players/{player}/cart", json={**BOW, "quantity": 1})
    game.post(f"/players/{player}/checkout")
    game.post("/guilds/knights/members", json={"player_id": player})

    def search(**filters: Any) -> list[str]:
        answer = game.get("/events", query_string={"player_id": player, **filters}).get_json()
        return [entry["event"]["event_type"] for entry in answer["events"]]

    bought = ["purchase", "purchase", "purchase"]
    assert search() == ["sign_up", *bought, "add_to_cart", "checkout", "add_member"]
    assert search(item="sword", metal="iron") == bought
    assert search(wood="yew") == ["checkout"]
    assert search(guild="knights") == ["add_member"]
    assert search(event_type="sign_up") == ["sign_up"]
    first = game.get("/events", query_string={"player_id": player, "limit": 5}).get_json()
    rest = game.get(
        "/events", query_string={"player_id": player, "after": first["next"]}
    ).get_json()
    assert [len(first["events"]), len(rest["events"]), rest["next"]] == [5, 2, None]
    at_ms = first["events"][1]["at_ms"]
    assert search(until=first["events"][0]["at_ms"]) == []
    assert len(search(since=at_ms)) + len(search(until=at_ms)) == 7


def test_races_neither_create_nor_lose_gold(
    app: Flask, publisher: RecordingPublisher, player: str
) -> None:
    """Many threads buy for one player at the same time, each twice: the gold is spent only once."""
    price = 20 + 15
    statuses: Counter[int] = Counter()

    def buy(number: int) -> None:
        order = {"player_id": player, "item": "sword", "metal": "steel", "quantity": 1}
        identity = {"X-Event-Id": f"{player}.{number // 2}"}
        for _ in range(100):
            answer = app.test_client().post("/purchases", json=order, headers=identity)
            # Too many wait for the one writer, or for the first of two equal requests: try again.
            if answer.status_code not in {503, 504}:
                break
        statuses[answer.status_code] += 1

    threads = [threading.Thread(target=buy, args=(number,)) for number in range(80)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bought = START // price
    assert set(statuses) == {201, 409}
    account = state(app.test_client(), player)
    assert account["inventory"] == {"sword:metal=steel": bought}
    assert account["gold"] == START - bought * price
    assert len(publisher.published) == bought


@pytest.mark.parametrize("failure", [NotPublished("gone"), OutcomeUnknown("silence")])
def test_an_unacknowledged_command_is_done_and_its_event_left_over(
    app: Flask, publisher: RecordingPublisher, player: str, failure: Exception
) -> None:
    """The response promises nothing, also if it is repeated; the player's next command waits."""
    game = app.test_client()
    identity = {"X-Event-Id": f"{player}.1"}
    order = {"player_id": player, **SWORD, "quantity": 1}
    publisher.failure = failure
    assert game.post("/purchases", json=order, headers=identity).status_code == 504
    publisher.failure = None
    assert game.post("/purchases", json=order, headers=identity).status_code == 504
    publisher.ready = False
    assert game.post("/purchases", json=order, headers=identity).status_code == 504
    publisher.ready = True
    assert game.post("/players/" + player + "/checkout").status_code == 503
    assert state(game, player)["inventory"] == {"sword:metal=iron": 1}
    (left,) = game.get(
        "/events", query_string={"event_type": "purchase", "player_id": player}
    ).get_json()["events"]
    assert left["is_published"] is False


def test_a_closed_publisher_changes_nothing(
    game: FlaskClient, publisher: RecordingPublisher, player: str
) -> None:
    """Without a broker the state stays as it is, and the response promises that."""
    publisher.ready = False
    answer = game.post(f"/players/{player}/earnings", json={"gold": 5})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert state(game, player)["gold"] == START


def test_a_closed_publisher_and_a_repeated_request(
    game: FlaskClient, publisher: RecordingPublisher, player: str
) -> None:
    """It gets the stored result, because the event of the first request is in the topic."""
    identities = [{"X-Event-Id": f"{player}.{number}"} for number in range(2)]
    path, gold = f"/players/{player}/earnings", {"gold": 5}
    first = game.post(path, json=gold, headers=identities[0])
    publisher.ready = False
    again = game.post(path, json=gold, headers=identities[0])
    assert (again.status_code, again.text) == (first.status_code, first.text) == (201, first.text)
    assert game.post(path, json=gold, headers=identities[1]).status_code == 503


def test_an_event_that_is_too_large_changes_nothing(
    game: FlaskClient, publisher: RecordingPublisher, player: str
) -> None:
    """The service rejects it before the state changes."""
    headers = {"X-Big": "x" * 4000}
    answer = game.post(f"/players/{player}/earnings", json={"gold": 5}, headers=headers)
    assert answer.status_code == 413
    assert state(game, player)["gold"] == START
    assert events(publisher) == []
