"""A player's life, played against the game: the expected state is right, mistakes are refused."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from flask.testing import FlaskClient
from headcount_players._life import Life, PlayerAction
from headcount_service.app import create_app, parts_of
from headcount_service.migrations.upgrade import upgrade
from headcount_service.settings import Settings
from werkzeug.test import TestResponse

from tests.service.fakes import RecordingPublisher

ACTIONS = 400


@pytest.fixture
def published() -> RecordingPublisher:
    """The publisher of the game, which records the events."""
    return RecordingPublisher()


@pytest.fixture
def game(tmp_path: Path, published: RecordingPublisher) -> Iterator[FlaskClient]:
    """The game, on a database of its own."""
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'game.sqlite3'}")
    upgrade(settings)
    app = create_app(settings, published)
    yield app.test_client()
    parts_of(app).database.close()


def send(game: FlaskClient, action: PlayerAction) -> TestResponse:
    """Send an action's request as a scenario does."""
    return game.open(action.path, method=action.method, json=action.body or None)


def is_as_expected(game: FlaskClient, life: Life) -> bool:
    """Return whether the game's state of a player equals the player's expected state."""
    path = f"/players/{life.player_id}"
    player = game.get(path).get_json()
    lines = {
        place: {line["variant"]: line["quantity"] for line in held["lines"]}
        for place in ("inventory", "cart")
        if (held := game.get(f"{path}/{place}").get_json())
    }
    expected = (life.gold, life.guild, life.inventory, life.cart)
    return expected == (player["gold"], player["guild"], lines["inventory"], lines["cart"])


def test_the_expected_state_is_the_game_s(game: FlaskClient, published: RecordingPublisher) -> None:
    """Every chosen action succeeds, publishes the expected event and makes the declared changes."""
    random, life = Random(7), Life("p")
    choices = (
        *(Life.choose_earnings, Life.choose_purchase, Life.choose_cart_addition),
        *(Life.choose_cart_change, Life.choose_checkout, Life.choose_guild_change),
    )
    done = set()
    for number in range(ACTIONS):
        action = random.choice(choices)(life, random) if number else life.sign_up()
        answer = send(game, action)
        assert answer.status_code in {200, 201}, (action, answer.text)
        life.remember(action)
        event, key = published.published[-1]
        assert {name: event.get(name) for name in action.event} == action.event
        assert key == "p"
        done.add(action.route)
    assert is_as_expected(game, life)
    assert len(done) == 9


def test_every_mistake_is_refused(game: FlaskClient, published: RecordingPublisher) -> None:
    """The game refuses it in every state, and nothing changes."""
    random, life = Random(7), Life("p")
    choices = (life.choose_cart_addition, life.choose_checkout, life.choose_guild_change)
    life.remember(sign_up := life.sign_up())
    send(game, sign_up)
    statuses = set()
    for number in range(ACTIONS):
        if number % 4 == 0:
            action = random.choice(choices)(random)
            assert send(game, action).status_code < 400
            life.remember(action)
            published.published.clear()
        mistake = life.choose_mistake(random)
        assert mistake.changes == {}
        statuses.add(send(game, mistake).status_code)
    assert statuses == {400, 404, 409}
    assert published.published == []
    assert is_as_expected(game, life)


def test_a_life_is_reproducible() -> None:
    """The same random numbers make the same requests."""

    def actions_of_a_life() -> list[PlayerAction]:
        random, life = Random(3), Life("p")
        choices = (life.choose_purchase, life.choose_cart_addition, life.choose_checkout)
        actions = []
        for _ in range(50):
            actions.append(random.choice(choices)(random))
            life.remember(actions[-1])
        return actions

    assert actions_of_a_life() == actions_of_a_life()
