"""A player's life, played against the game: it remembers what it has, and knows its limits."""

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

ACTS = 400


@pytest.fixture
def published() -> RecordingPublisher:
    """What the game publishes through."""
    return RecordingPublisher()


@pytest.fixture
def game(tmp_path: Path, published: RecordingPublisher) -> Iterator[FlaskClient]:
    """The game, on a database of its own."""
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'game.sqlite3'}")
    upgrade(settings)
    app = create_app(settings, published)
    yield app.test_client()
    parts_of(app).database.close()


def asked(game: FlaskClient, act: PlayerAction) -> TestResponse:
    """Ask for an act as a scenario does."""
    return game.open(act.path, method=act.method, json=act.body or None)


def is_remembered(game: FlaskClient, life: Life) -> bool:
    """Tell whether the game holds of a player what the player remembers."""
    path = f"/players/{life.player_id}"
    told = game.get(path).get_json()
    lines = {
        place: {each["variant"]: each["quantity"] for each in found["lines"]}
        for place in ("inventory", "cart")
        if (found := game.get(f"{path}/{place}").get_json())
    }
    remembered = (life.gold, life.guild, life.inventory, life.cart)
    return remembered == (told["gold"], told["guild"], lines["inventory"], lines["cart"])


def test_it_remembers_what_it_has(game: FlaskClient, published: RecordingPublisher) -> None:
    """Every act that is chosen is done, is published as foreseen, and changes what it says."""
    random, life = Random(7), Life("p")
    choices = (
        *(Life.earnings, Life.purchase, Life.filling, Life.second_thought),
        *(Life.payment, Life.another_guild),
    )
    done = set()
    for number in range(ACTS):
        act = random.choice(choices)(life, random) if number else life.sign_up()
        answer = asked(game, act)
        assert answer.status_code in {200, 201}, (act, answer.text)
        life.remember(act)
        event, key = published.published[-1]
        assert {name: event.get(name) for name in act.event} == act.event
        assert key == "p"
        done.add(act.spelling)
    assert is_remembered(game, life)
    assert len(done) == 9


def test_every_mistake_is_refused(game: FlaskClient, published: RecordingPublisher) -> None:
    """With whatever a player has, and without anything changed."""
    random, life = Random(7), Life("p")
    life.remember(sign_up := life.sign_up())
    asked(game, sign_up)
    statuses = set()
    for number in range(ACTS):
        if number % 4 == 0:
            act = random.choice((life.filling, life.payment, life.another_guild))(random)
            assert asked(game, act).status_code < 400
            life.remember(act)
            published.published.clear()
        mistake = life.mistake(random)
        assert mistake.changes == {}
        statuses.add(asked(game, mistake).status_code)
    assert statuses == {400, 404, 409}
    assert published.published == []
    assert is_remembered(game, life)


def test_a_life_can_be_lived_again() -> None:
    """The same random numbers make the same requests."""

    def lived() -> list[PlayerAction]:
        random, life = Random(3), Life("p")
        acts = []
        for _ in range(50):
            acts.append(random.choice((life.purchase, life.filling, life.payment))(random))
            life.remember(acts[-1])
        return acts

    assert lived() == lived()
