"""The catalogue: what it may contain, how mistakes are reported, and that all else follows it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from headcount_service.catalogue import (
    Variant,
    load_catalogue,
    parse_catalogue,
    sells,
    unit_price,
)
from headcount_service.errors import CatalogueError

ROOT = Path(__file__).parents[2]
SOUND = """
starting_gold = 10
max_earnings = 10
max_gold = 1000
max_quantity = 5
max_cart_lines = 2
guilds = ["knights"]
[items.sword]
price = 20
[items.sword.attributes.metal]
values = { iron = 0, gold = 60 }
[items.sword.attributes.length_cm]
minimum = 50
maximum = 120
gold_per_unit = 2
"""


def test_variants_and_prices() -> None:
    """An item's base price, and the gold that each value adds."""
    catalogue = parse_catalogue(SOUND)
    sword = Variant("sword", {"metal": "gold", "length_cm": 60})
    assert sword.name == "sword:length_cm=60,metal=gold"
    assert sells(catalogue, sword)
    assert unit_price(catalogue, sword) == 20 + 60 + 10 * 2
    for other in (
        Variant("bow", {}),
        Variant("sword", {"metal": "gold"}),
        Variant("sword", {"metal": "tin", "length_cm": 60}),
        Variant("sword", {"metal": "gold", "length_cm": 49}),
        Variant("sword", {"metal": "gold", "length_cm": True}),
    ):
        assert not sells(catalogue, other)


MISTAKES = [
    ("price = 20", "price = -1", "items.sword.price = -1: Input should be greater than or equal"),
    ("price = 20", 'price = "20"', 'items.sword.price = "20": Input should be a valid integer'),
    ("price = 20", "cost = 20", "items.sword.cost = 20: Extra inputs are not permitted"),
    ("iron = 0", "Iron = 0", 'items.sword.attributes.metal.values.Iron.[key] = "Iron": String'),
    ("iron = 0", "iron = -5", "items.sword.attributes.metal.values.iron = -5: Input should be"),
    ("{ iron = 0, gold = 60 }", "{}", "items.sword.attributes.metal.values = {}: Dictionary"),
    ("minimum = 50", "minimum = 130", "minimum must not be above maximum"),
    ("maximum = 120\n", "", "items.sword.attributes.length_cm.maximum = {"),
    (
        "[items.sword.attributes.metal]",
        "[items.sword.attributes.player_id]",
        "the name is reserved",
    ),
    ('guilds = ["knights"]', "guilds = []", "guilds = []: Tuple should have at least 1 item"),
    ("max_quantity = 5", "max_quantity = 0", "max_quantity = 0: Input should be greater than"),
    ("starting_gold = 10", "starting_gold = ", "catalogue.toml is not well-formed TOML"),
]


@pytest.mark.parametrize(("sound", "mistake", "message"), MISTAKES)
def test_a_mistake_is_named(sound: str, mistake: str, message: str) -> None:
    """The error has its place, its value and the rule."""
    assert sound in SOUND
    with pytest.raises(CatalogueError) as error:
        parse_catalogue(SOUND.replace(sound, mistake))
    assert message in str(error.value)
    assert str(error.value).startswith("catalogue.toml")


def test_every_mistake_is_named() -> None:
    """Not only the first."""
    twice = SOUND.replace("price = 20", "price = -1").replace("minimum = 50", "minimum = 130")
    with pytest.raises(CatalogueError) as error:
        parse_catalogue(twice)
    assert len(str(error.value).splitlines()) == 2


def test_the_games_own() -> None:
    """The repository's file is valid, and has more than swords."""
    assert {"armour", "bow", "horse", "potion", "shield", "sword"} <= load_catalogue().items.keys()


LANCE = """
[items.lance]
price = 75
[items.lance.attributes.tip]
values = { steel = 0, oak = 3 }
"""
USE_LANCE = """
import random
from click.testing import CliRunner
from headcount.cli.commands.events import events
from headcount_players._choices import CATALOGUE, a_variant
from headcount_players._life import Life
from headcount_service.app import create_app
from headcount_service.migrations.upgrade import upgrade
from headcount_service.settings import load_settings
from tests.service.fakes import RecordingPublisher

upgrade(load_settings())
game = create_app(load_settings(), RecordingPublisher()).test_client()
chosen = a_variant(random.Random(1), "lance")
life = Life("ada")
for act in (life.sign_up(), life.buy(chosen, 2)):
    answer = game.open(act.path, method=act.method, json=act.body)
    assert answer.status_code == 201, answer.text
wrong = {"player_id": "ada", "item": "lance", "tip": "glass", "quantity": 1}
fault = game.post("/purchases", json=wrong).get_json(force=True)["errors"]
assert fault == [{"name": "tip", "value": "glass", "rule": "must be oak or steel"}], fault
lines = game.get(f"/players/ada/inventory?tip={chosen.attributes['tip']}").get_json()["lines"]
assert [each["quantity"] for each in lines] == [2], lines
assert game.get("/events?item=lance").get_json()["events"][0]["event"]["item"] == "lance"
assert '"lance"' in game.get("/openapi.json").text
help_text = CliRunner().invoke(events, ["--help"]).output
assert "lance" in help_text and "--tip [oak|steel]" in help_text, help_text
"""


def with_catalogue(folder: Path, more: str) -> dict[str, str]:
    """Copy the code that reads the catalogue and extend the catalogue; return the environment."""
    for name in ("service", "locustfiles", "headcount", "analysis", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "service" / "headcount_service" / "catalogue.toml").open("a") as file:
        file.write(more)
    database = f"sqlite:///{folder / 'game.sqlite3'}"
    roots = (folder, *(folder / name for name in ("analysis", "service", "locustfiles")))
    path = os.pathsep.join(map(str, roots))
    return {**os.environ, "PYTHONPATH": path, "SERVICE_DATABASE_URL": database}


def run(folder: Path, environ: dict[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a Python program from a folder."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_new_item_is_a_change_to_one_file(tmp_path: Path) -> None:
    """Checks, prices, OpenAPI, searches, scenarios and the command's options all know it."""
    done = run(tmp_path, with_catalogue(tmp_path, LANCE), "-c", USE_LANCE)
    assert done.returncode == 0, done.stderr


def test_an_invalid_catalogue_is_a_one_line_error(tmp_path: Path) -> None:
    """In the service and in the command, without a traceback."""
    environ = with_catalogue(tmp_path, "[items.lance]\nprice = -1\n")
    message = "catalogue.toml: items.lance.price = -1: Input should be greater than or equal to 0\n"
    gunicorn = run(
        tmp_path, environ, "-m", "gunicorn", "-c", "service/headcount_service/gunicorn.conf.py"
    )
    assert (gunicorn.returncode, gunicorn.stderr) == (2, message)
    command = run(tmp_path, environ, "-m", "headcount", "events", "run-1")
    assert (command.returncode, command.stderr) == (2, f"headcount: {message}")
