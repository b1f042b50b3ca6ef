"""Options of a run from Python: what they become, and what is refused."""

import re
from pathlib import Path
from typing import Any

import pytest

from headcount.errors import UsageError
from headcount.testing import run
from headcount.testing.run_options import locust_arguments, run_arguments


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({"idempotence": True}, ["--idempotence"]),
        ({"idempotence": False}, ["--no-idempotence"]),
        ({"create-topic": True}, ["--create-topic"]),
        ({"users": 5}, ["--users=5"]),
        ({"kafka-config": Path("client.properties")}, ["--kafka-config=client.properties"]),
        ({"allow": ["late=3", "lost=1"]}, ["--allow=late=3", "--allow=lost=1"]),
        ({"allow": ("late=3",)}, ["--allow=late=3"]),
        ({"allow": "late=3"}, ["--allow=late=3"]),
        ({"X": ["acks=all"]}, ["-Xacks=all"]),
        ({"promise": "-1"}, ["--promise=-1"]),
        ({}, []),
    ],
)
def test_an_option_becomes_arguments(options: dict[str, Any], arguments: list[str]) -> None:
    """A flag becomes its name or its negation, a sequence one argument for each part."""
    assert run_arguments({}, options) == arguments


def test_arguments_of_the_call() -> None:
    """One that is not set adds nothing; the others come before the options."""
    named = {"topic": None, "users": 3, "threshold": ["http.p99 < 3s"]}
    assert run_arguments(named, {"settle": "5s"}) == [
        *("--users=3", "--threshold=http.p99 < 3s", "--settle=5s")
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"toppic": "a"}, "'toppic' is not an option of headcount run (did you mean topic?)"),
        ({"id_at": "key"}, "'id_at' is not an option of headcount run (did you mean id-at?)"),
        ({"--id-at": "key"}, "'--id-at' is not an option of headcount run (did you mean id-at?)"),
        ({"zzz": 1}, "'zzz' is not an option of headcount run"),
        ({"locustfile": "a.py"}, "'locustfile' is not an option of headcount run"),
        (
            {"run-id": "mine"},
            "the option run-id cannot be set here, because it differs from call to call",
        ),
        ({"users": "many"}, "the option users: 'many' is not a valid integer range."),
        ({"users": True}, "the option users must be a string or a number, not true"),
        ({"users": [1, 2]}, "the option users takes one value, not a list"),
        ({"allow": {"late": 3}}, "the option allow must be a string, a number, true or false"),
        ({"idempotence": "no"}, "the option idempotence must be true or false, not 'no'"),
        ({"follow": 1}, "the option follow must be true or false, not 1"),
        (
            {"create-topic": False},
            "the option create-topic cannot be False: it has no negation, so leave it out",
        ),
        ({"host": "a"}, "host is in options, but the call has an argument for it: use that"),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    """An unknown name, a value of another type, or a flag that nothing can switch off."""
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        run_arguments({"host": "http://127.0.0.1:5000"}, options)


def test_locust_options_are_a_sequence() -> None:
    """One text would become an option for each of its letters."""
    assert locust_arguments(("--tags", "checkout")) == ["--tags", "checkout"]
    with pytest.raises(UsageError, match="locust_options must be a sequence of strings"):
        locust_arguments("--tags checkout")


def test_a_call_is_refused_before_anything_starts() -> None:
    """The arguments of the call are checked like the options."""
    with pytest.raises(UsageError, match="the option run-time: must be a time such as 30s"):
        run("shop.py", run_time="soon")
