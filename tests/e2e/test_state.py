"""The state check with the real parts: equal, or the missing number is found and named."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from headcount.stack.broker import Broker
from tests.e2e.command import CompletedCommand, headcount
from tests.service.postgres import postgres

pytestmark = pytest.mark.e2e

SCENARIO = "tests/e2e/life_locustfile.py"
PASSWORD = "not-to-be-seen"  # noqa: S105 - the server accepts any password


def lives(reports: Path, *more: str, **environ: str) -> CompletedCommand:
    """Run the scenario with state until it has made enough requests."""
    plan = ("-u", "10", "-t", "10m", "--seed", "1")
    load = (*plan, "--run-id", "run-1", "--spark-heap", "1g")
    reports_dir = ("--reports-dir", str(reports))
    return headcount(reports, "run", SCENARIO, *load, *reports_dir, *more, prepare=None, **environ)


@pytest.mark.heavy
def test_a_missing_row_in_the_database(tmp_path: Path) -> None:
    """The state of a run is equal, until one row of the database is deleted."""
    reports = tmp_path / "reports"
    run = lives(reports, "--", "--mistakes", "0")
    assert (run.code, run.verdict["state"]) == (0, "equal"), run.err

    connection = sqlite3.connect(run.folder / "game.sqlite3")
    query = "SELECT player_id, variant, quantity FROM holdings LIMIT 1"
    player, variant, quantity = connection.execute(query).fetchone()
    key = (player, variant)
    connection.execute("DELETE FROM holdings WHERE player_id = ? AND variant = ?", key)
    connection.commit()
    connection.close()

    again = headcount(reports, "verify", str(run.folder), "--spark-heap", "1g")
    assert (again.code, again.verdict["state"]) == (1, "different"), again.err
    assert "1 of " in again.verdict["reasons"][0]
    (row,) = again.table("state.csv")
    assert (row["owner"], row["kind"], row["name"]) == (player, "item", variant)
    assert (row["expected"], row["in_topic"], row["in_database"]) == (str(quantity),) * 2 + ("0",)
    assert {event["id"] for event in again.table("state_events.csv")}


@pytest.mark.heavy
def test_a_missing_event_in_the_topic(broker: Broker, topic: str, tmp_path: Path) -> None:
    """The changes of a dropped event are listed, with the event."""
    run = lives(
        tmp_path,
        *("--bootstrap-servers", broker.bootstrap_servers, "--topic", topic),
        *("--app", "tests.harmful.by_number:app", "--", "--mistakes", "0"),
        FAULTS="drop@20",
    )
    assert (run.code, run.verdict["state"]) == (1, "different"), run.err
    assert run.verdict["reasons"][0].startswith("1 lost")
    rows, events = run.table("state.csv"), run.table("state_events.csv")
    assert {row["stands_alone"] for row in rows} == {"topic"}
    missing = {(row["owner"], row["name"]) for row in events if row["id"] == f"{run.tag}.0.20"}
    assert missing == {(row["owner"], row["name"]) for row in rows}


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server for the test, with a password in its URL."""
    with postgres() as url:
        yield make_url(url).set(password=PASSWORD).render_as_string(hide_password=False)


@pytest.mark.slow
def test_the_state_in_postgresql(
    postgres_url: str, broker: Broker, topic: str, tmp_path: Path
) -> None:
    """The state is equal, although requests were refused, and the economy has its tables.

    No file has the password of the database.
    """
    reports = tmp_path / "reports"
    # With so few requests, all of a rare type may be mistakes.
    rare = ("remove_member", "remove_from_cart", "change_cart", "add_member")
    allowed = [f"--allow=unacked={event_type}" for event_type in rare]
    where = ("--bootstrap-servers", broker.bootstrap_servers, "--topic", topic)
    mistakes = ("--", "--mistakes", "0.2")
    run = lives(reports, *where, *allowed, *mistakes, HEADCOUNT_DATABASE_URL=postgres_url)
    assert (run.code, run.verdict["state"]) == (0, "equal"), run.err
    assert "State: equal" in run.out
    assert run.verdict["state_check"]["owners"] > 0
    assert {row["event_type"] for row in run.table("summary.csv")} >= {"sign_up", "checkout"}
    assert run.verdict["counts"]["refused"] > 0
    for name in ("sales", "guild_sizes", "richest", "abandoned_carts"):
        assert run.table(f"{name}.csv"), name
    assert not (run.folder / "game.sqlite3").exists()
    files = [path for path in run.folder.rglob("*") if path.is_file()]
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []
