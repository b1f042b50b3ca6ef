"""The outbox on a real broker: the events of a dead worker are published once."""

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from headcount.stack.broker import Broker
from tests.service.server import GunicornServer, serving
from tests.service.test_with_broker import seen
from tests.service.waiting import eventually

pytestmark = pytest.mark.e2e

ACK_TIMEOUT_S = 5


@pytest.fixture
def dying(
    broker: Broker,
    topic: str,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[GunicornServer]:
    """A service whose workers die if `tmp_path / "death"` says so."""
    monkeypatch.setenv("DEATH_FILE", str(tmp_path / "death"))
    with serving(
        tmp_path / "log",
        "tests.service.dying:app",
        BOOTSTRAP_SERVERS=broker.bootstrap_servers,
        TOPIC=topic,
        DATABASE_URL=database_url,
        ACK_TIMEOUT_S=ACK_TIMEOUT_S,
    ) as running:
        eventually(lambda: running.answers("/readyz", 200), "it is ready")
        yield running


@pytest.fixture
def two_workers(
    broker: Broker, topic: str, database_url: str, tmp_path: Path
) -> Iterator[GunicornServer]:
    """The service, with two workers."""
    with serving(
        tmp_path / "log",
        BOOTSTRAP_SERVERS=broker.bootstrap_servers,
        TOPIC=topic,
        DATABASE_URL=database_url,
        WORKERS=2,
    ) as running:
        eventually(lambda: running.answers("/readyz", 200), "it is ready")
        yield running


def post(server: GunicornServer, path: str, event_id: str, **parameters: Any) -> tuple[int, Any]:
    """Send a command; return status and body. The status is 0 if the connection breaks."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    headers = {"Content-Type": "application/json", "X-Event-Id": event_id}
    try:
        connection.request("POST", path, json.dumps(parameters), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, http.client.HTTPException):
        return 0, None
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_that_dies_at_publishing(
    dying: GunicornServer, broker: Broker, topic: str, tmp_path: Path, when: str
) -> None:
    """Its event is in the topic once, and a repeated request gets the stored result.

    Until the event is published, no response to a repeated request promises that it never will be.
    """
    player = f"{topic}-{when}"
    eventually(lambda: post(dying, "/players", "run.0.0", player_id=player)[0] == 201, "signed up")
    (tmp_path / "death").write_text(when)
    order = {"player_id": player, "item": "sword", "metal": "iron", "quantity": 2}
    assert post(dying, "/purchases", "run.0.1", **order)[0] == 0
    answers: list[tuple[int, Any]] = []

    def is_done() -> bool:
        answers.append(post(dying, "/purchases", "run.0.1", **order))
        return answers[-1][0] == 201

    eventually(is_done, "the repeated request is answered")
    assert {status for status, _ in answers} <= {0, 201, 504}
    assert answers[-1][1]["total"] == 50
    earnings = f"/players/{player}/earnings"
    eventually(lambda: post(dying, earnings, "run.0.2", gold=1)[0] == 201, "it goes on")
    assert seen(broker.bootstrap_servers, topic) == {"run.0.0": 1, "run.0.1": 1, "run.0.2": 1}


@pytest.mark.slow
def test_workers_race_on_one_player(
    two_workers: GunicornServer, broker: Broker, topic: str
) -> None:
    """Each purchase is sent twice at the same time and executed once; no gold gets lost."""
    price, purchases, player = 20 + 15, 60, f"{topic}-racing"
    status, account = post(two_workers, "/players", "race.0", player_id=player)
    assert status == 201
    sword = {"player_id": player, "item": "sword", "metal": "steel", "quantity": 1}

    def buy(number: int) -> tuple[int, Any]:
        answer = 503, None
        while answer[0] in {503, 504}:  # other requests were faster, or its twin is not done
            answer = post(two_workers, "/purchases", f"race.{1 + number // 2}", **sword)
        return answer

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(buy, range(2 * purchases)))
    bought = account["gold"] // price
    assert Counter(status for status, _ in answers) == {
        201: 2 * bought,
        409: 2 * (purchases - bought),
    }
    held = two_workers.get(f"/players/{player}/inventory").json["lines"]
    assert [row["quantity"] for row in held] == [bought]
    left = two_workers.get(f"/players/{player}").json["gold"]
    assert left == account["gold"] - bought * price
    assert seen(broker.bootstrap_servers, topic).total() == 1 + bought
    workers = {two_workers.get("/healthz").headers["X-Served-By"] for _ in range(50)}
    assert len(workers) == 2
