"""The shortfall: missing traffic is counted, in bounded memory, and described in sentences."""

from pathlib import Path

import pytest
from pyarrow.fs import LocalFileSystem

from headcount.ledger.shortfall import (
    FILE,
    MOST_ERRORS,
    Counter,
    ScenarioError,
    Shortfall,
    Stage,
    merged,
    read_shortfall,
)
from headcount.ledger.writer import LedgerWriter


def counted(*errors: tuple[Stage, Exception, str]) -> Counter:
    """Count errors."""
    counter = Counter()
    for error in errors:
        counter.add(*error)
    return counter


def test_errors_of_a_kind_at_a_place_are_one_sentence() -> None:
    """It has their number and the first message; the most frequent errors come first."""
    counter = counted(
        (Stage.ON_START, ValueError("no token"), "shop.py:7"),
        *((Stage.TASK, KeyError(name), "shop.py:20") for name in ("guild", "sword")),
    )
    tasks, users = counter.shortfall.sentences
    assert tasks == "2 tasks ended with KeyError: 'guild' (first in shop.py:20)"
    ended = "1 user ended in on_start with ValueError: no token (first in shop.py:7)"
    assert users == f"{ended}, and made no requests"


def test_traffic_not_accounted_for_is_reported() -> None:
    """Requests without an event, users of other classes, and users outside of the mix."""
    sentences = Shortfall((), 1_120, ("Web",), ("Trader",)).sentences
    assert sentences[0] == "1,120 requests passed no event= and are not accounted for"
    assert "requests of Web are not accounted for: derive these classes" in sentences[1]
    assert "--mix names no task of Trader" in sentences[2]
    assert Shortfall().sentences == ()


def test_users_that_ended_by_themselves() -> None:
    """They are named if arrivals found no user, and counted over all generators."""
    ended = Shortfall(users=10, ended_users=4, userless=30)
    (sentence,) = merged([ended, ended]).sentences
    expected = "8 of 20 users ended by themselves, with StopUser or an exception, so 60 arrivals"
    assert sentence.startswith(expected)
    assert Shortfall(users=10, ended_users=10).sentences == ()


def test_memory_is_bounded() -> None:
    """More kinds of errors than can be kept are counted together, and messages are cut."""
    counter = counted(
        *((Stage.TASK, ValueError("x" * 10_000), f"shop.py:{line}") for line in range(1000))
    )
    errors = counter.shortfall.errors
    assert len(errors) == MOST_ERRORS + 1
    assert sum(error.count for error in errors) == 1000
    assert all(len(error.message) <= 300 for error in errors)
    assert len(merged([counter.shortfall, counter.shortfall]).errors) == MOST_ERRORS + 1


def test_errors_of_other_kinds_keep_their_stage() -> None:
    """In one generator and in several, whose kinds together are too many."""
    kinds = [(stage, KeyError("a")) for stage in Stage]
    crowd = [(Stage.TASK, ValueError(), f"shop.py:{line}") for line in range(MOST_ERRORS)]
    counter = counted(*crowd, *((*kind, "shop.py:99") for kind in kinds))
    others = {error.stage: error.count for error in counter.shortfall.errors if not error.place}
    assert others == dict.fromkeys(Stage, 1)
    more = counted(*((Stage.TASK, KeyError(), f"cart.py:{line}") for line in range(5)))
    both = merged([counter.shortfall, more.shortfall])
    others = {error.stage: error.count for error in both.errors if not error.place}
    assert others == {Stage.TASK: 6, Stage.ON_START: 1, Stage.ON_STOP: 1}
    assert sum(error.count for error in both.errors) == MOST_ERRORS + len(kinds) + 5
    assert any("1 user ended in on_start with errors of other" in one for one in both.sentences)


def test_generators_are_counted_together() -> None:
    """An error at one place is one sentence, for all generators and messages."""
    one, other = (
        Shortfall(
            (ScenarioError(Stage.TASK, f"KeyError: {name}", "shop.py:20", 2),),
            3,
            ("Web",),
            refused=name,
        )
        for name in ("'a'", "'b'")
    )
    assert merged([one, other]) == Shortfall(
        (ScenarioError(Stage.TASK, "KeyError: 'a'", "shop.py:20", 4),), 6, ("Web",), refused="'a'"
    )
    assert merged([]) == Shortfall()


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Beside the ledger, where it is not evidence: a damaged file counts as unknown."""
    writer = LedgerWriter(LocalFileSystem(), str(tmp_path), "run-1", 0)
    writer.open()
    counter = counted((Stage.TASK, ValueError("\ud800 \n and more"), "shop.py:1"))
    counter.without_event = 7
    counter.users, counter.ended_users, counter.userless = 3, 2, 1
    writer.write_shortfall(counter.shortfall)
    read = read_shortfall(LocalFileSystem(), str(tmp_path), 0)
    assert read.without_event == 7
    assert (read.users, read.ended_users, read.userless) == (3, 2, 1)
    assert read.errors[0].message.endswith("and more")
    (tmp_path / "0" / FILE.name).write_text('{"without_event": -1}')
    assert read_shortfall(LocalFileSystem(), str(tmp_path), 0) == Shortfall()


@pytest.mark.parametrize("stage", list(Stage))
def test_each_stage_has_a_sentence(stage: Stage) -> None:
    """It names the stage, the count and the message."""
    sentence = ScenarioError(stage, "KeyError: 'a'", "", 2).sentence
    assert sentence.startswith("2 ")
    assert str(stage) in sentence
    assert "KeyError: 'a'" in sentence
    assert "first" not in sentence
