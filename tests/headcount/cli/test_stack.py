"""What a command starts: the promise that is stated is the one that the service is told to keep."""

from dataclasses import replace

import pytest

from headcount.cli.stack import Wish
from headcount.stack.server import DEFAULT_APP

PLAIN = Wish(
    bootstrap_servers=None,
    host=None,
    app=DEFAULT_APP,
    topic="events",
    partitions=4,
    replication=1,
    create_topic=False,
    acks=None,
    idempotence=None,
    promise="",
)


@pytest.mark.parametrize(
    ("acks", "idempotence", "told", "promise"),
    [
        (None, None, {}, "acks=all, idempotent"),
        ("all", None, {"SERVICE_ACKS": "all"}, "acks=all, idempotent"),
        ("0", None, {"SERVICE_ACKS": "0", "SERVICE_IDEMPOTENCE": "off"}, "acks=0, not idempotent"),
        (None, False, {"SERVICE_IDEMPOTENCE": "off"}, "acks=all, not idempotent"),
    ],
)
def test_the_promise_is_the_setting(
    acks: str | None, idempotence: bool | None, told: dict[str, str], promise: str
) -> None:
    """Options decide both, and say so in the same words."""
    wish = replace(PLAIN, acks=acks, idempotence=idempotence)

    assert wish.service_environ == told
    assert wish.promised({}) == promise


def test_the_environment_promises_too() -> None:
    """What the service would read from the environment counts, and an option counts for more."""
    environ = {"SERVICE_ACKS": "1", "SERVICE_IDEMPOTENCE": "off"}

    assert PLAIN.promised(environ) == "acks=1, not idempotent"
    assert replace(PLAIN, acks="0").promised(environ) == "acks=0, not idempotent"


def test_of_a_service_of_the_users_only_the_user_knows() -> None:
    """Nothing is said of a service that was not asked."""
    theirs = replace(PLAIN, host="http://127.0.0.1:5000")

    assert theirs.promised({}) == ""
    assert replace(theirs, promise="acks=1").promised({}) == "acks=1"
    assert replace(PLAIN, app="tests.faulty:app").promised({}) == ""
