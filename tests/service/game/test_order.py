"""The order of events on PostgreSQL, which may commit a lower number after a higher one."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from headcount_service.app import parts_of
from headcount_service.game.domain_events import SignedUp
from headcount_service.game.storage import outbox, state
from headcount_service.game.storage.progress import PublishProgress
from headcount_service.game.storage.snapshot import open_snapshot

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def test_an_event_that_is_committed_late(app: Flask, database_url: str) -> None:
    """No page of events skips it, and the progress shows that a snapshot lacks it."""

    def page() -> Any:
        return app.test_client().get("/events").get_json()["events"]

    def progress() -> PublishProgress:
        with open_snapshot(database_url, "", 5) as account:
            return account.progress()

    happening = SignedUp(player_id="slow", gold=1)
    with ThreadPoolExecutor(1) as pool, parts_of(app).database.engine.connect() as slow:
        with slow.begin():
            state.add_player(slow, "slow", 1)
            outbox.add(slow, happening, happening.fields, event_id=None, owner=0, lease_ms=0)
            quick = app.test_client().post("/players", json={"player_id": "quick"})
            assert quick.status_code == 201
            before = progress()
            asked = pool.submit(page)
            with pytest.raises(TimeoutError):
                asked.result(1)
        assert [item["event"]["player_id"] for item in asked.result(60)] == ["slow", "quick"]
    assert progress().events == before.events + 1
