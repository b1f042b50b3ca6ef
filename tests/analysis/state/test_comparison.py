"""The state of a run, from files to files: equal, and every way in which an account can differ."""

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from headcount_analysis.judge import Limits
from headcount_analysis.read.settling_policy import Database
from headcount_analysis.report.model import Report
from headcount_analysis.state.differences import StateResult

from headcount.run import stored_state
from headcount.run.state_changes import Changes
from headcount.run.verdict import Verdict
from tests.analysis.synthetic_run import RUN, RunHistory, event_id

pytestmark = pytest.mark.e2e

OWNER = f"{RUN}.0.o0"
SWORD = "sword:metal=iron"
HAS = {"player": 1, "gold": 980, f"item:{SWORD}": 1}


@dataclass
class SwordBuyer:
    """A player of generator 0 who signs up and buys a sword."""

    history: RunHistory
    owner: str = OWNER
    first: int = 0

    def sign_up(self, *, outcome: str = "acked", arrives: bool = True) -> None:
        """Sign up, with 1000 gold."""
        event = {"event_type": "sign_up", "player_id": self.owner}
        self._ask(self.first, event, {"player": 1, "gold": 1000}, outcome)
        if arrives:
            self.arrive(self.first, {**event, "gold": 1000})

    def buy(self, *, outcome: str = "acked", arrives: bool = True, total: int = 20) -> None:
        """Buy a sword for 20 gold."""
        event = {"event_type": "purchase", "player_id": self.owner, "item": "sword"}
        self._ask(self.first + 1, event, {"gold": -20, f"item:{SWORD}": 1}, outcome)
        if arrives:
            self.arrive(self.first + 1, self._purchase(total))

    def buy_again(self, receipt: str) -> None:
        """Publish the purchase once more."""
        self.arrive(self.first + 1, self._purchase(), receipt)

    def _purchase(self, total: int = 20) -> dict[str, object]:
        event = {"event_type": "purchase", "player_id": self.owner, "item": "sword"}
        return {**event, "variant": SWORD, "quantity": 1, "unit_price": 20, "total": total}

    def arrive(self, seq: int, event: dict[str, object], receipt: str = "") -> None:
        """Publish an event."""
        event = {**event, "receipt": receipt or f"of {seq}"}
        offset = len(self.history.messages)
        self.history.arrive(event_id(seq), offset, key=self.owner, event=event)

    def _ask(
        self, seq: int, event: Mapping[str, object], changes: dict[str, int], outcome: str
    ) -> None:
        self.history.attempt(
            seq,
            outcome,
            event=event,
            sent_ms=10 * seq,
            took_ms=None if outcome == "indeterminate" else 5,
            changes=Changes(self.owner, changes),
        )


@pytest.fixture
def player(history: RunHistory) -> SwordBuyer:
    """Return a player without any requests."""
    return SwordBuyer(history)


def judged(history: RunHistory, has: dict[tuple[str, str], int] | None = None) -> Report:
    """Verify a history whose database holds these numbers, by owner and thing."""
    if has is not None:
        path = history.path / stored_state.FILE
        entries = [(owner, resource, number) for (owner, resource), number in has.items()]
        stored_state.write(path, entries, stored_state.Moment("now", 1))
        history.database = Database(path)
    return history.verified()


def of(owner: str, has: dict[str, int]) -> dict[tuple[str, str], int]:
    """Return an owner's numbers as the database holds them."""
    return {(owner, resource): number for resource, number in has.items()}


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """Read one of the run's CSV files."""
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_equal(history: RunHistory, player: SwordBuyer) -> None:
    """All three accounts agree, and every file says so."""
    player.sign_up()
    player.buy()
    history.attempt(2, "failed", event={"event_type": "earn"}, changes=Changes(OWNER, {"gold": 5}))
    history.limits = Limits(unacked=("earn",))
    report = judged(history, of(OWNER, HAS))
    assert (report.verdict, report.state.result) == (Verdict.PASS, StateResult.EQUAL)
    assert (report.state.owners, report.state.numbers) == (1, 3)
    folder = history.folder.path
    document = json.loads((folder / "verdict.json").read_text())
    assert document["state"] == "equal"
    assert table(folder, "state.csv") == table(folder, "state_events.csv") == []
    assert table(folder, "sales.csv")[0]["gold"] == "20"
    page = (folder / "report.html").read_text()
    assert 'State: <a href="#state">equal (3 values of 1 players)</a>' in page
    assert "The 1 richest players, in gold" in page


def test_without_requests_that_change_state(history: RunHistory) -> None:
    """Nothing is compared, and only the document mentions state."""
    history.deliver(1)
    history.database = Database(why_not="it cannot be read", is_due=True)
    report = history.verified()
    assert (report.verdict, report.state.result) == (Verdict.PASS, StateResult.NOT_CHECKED)
    assert not (history.folder.path / "state.csv").exists()
    assert "State" not in (history.folder.path / "report.html").read_text()


@dataclass(frozen=True)
class Divergence:
    """A way in which one player's accounts can differ, and the rows that must report it."""

    play: Callable[[SwordBuyer], None]
    has: dict[str, int]
    rows: set[tuple[str, str, str, str, str]] = field(default_factory=set)


def _plain(player: SwordBuyer) -> None:
    player.sign_up()
    player.buy()


def _unpublished(player: SwordBuyer) -> None:
    player.sign_up()
    player.buy(arrives=False)


def _overcharged(player: SwordBuyer) -> None:
    player.sign_up()
    player.buy(total=50)


def _unanswered(player: SwordBuyer, *, arrives: bool) -> None:
    player.sign_up()
    player.buy(outcome="indeterminate", arrives=arrives)


def _denied(player: SwordBuyer) -> None:
    player.sign_up()
    player.buy(outcome="failed")


def _written_twice(player: SwordBuyer) -> None:
    player.sign_up()
    player.buy()
    player.buy_again(receipt="")


def _taken_twice(player: SwordBuyer) -> None:
    player.sign_up()
    player.buy()
    player.buy_again(receipt="another")


def _nobody(player: SwordBuyer) -> None:
    player.history.deliver_one(player.first)
    player.history.deliver_one(player.first + 1)


CASES = {
    "equal": Divergence(_plain, HAS),
    "the topic lacks an event": Divergence(
        _unpublished,
        HAS,
        {("gold", "980", "1000", "980", "topic"), ("item", "1", "0", "1", "topic")},
    ),
    "the database lacks a row": Divergence(
        _plain, HAS | {f"item:{SWORD}": 0}, {("item", "1", "1", "0", "database")}
    ),
    "the database has another number": Divergence(
        _plain, HAS | {"gold": 1000}, {("gold", "980", "980", "1000", "database")}
    ),
    "the database has a row more": Divergence(
        _plain, HAS | {"guild:thieves": 1}, {("guild", "0", "0", "1", "database")}
    ),
    "the database lacks the player": Divergence(
        _plain,
        {},
        {
            ("player", "1", "1", "0", "database"),
            ("gold", "980", "980", "0", "database"),
            ("item", "1", "1", "0", "database"),
        },
    ),
    "a player who never signed up": Divergence(
        _nobody, {"player": 1}, {("player", "0", "0", "1", "database")}
    ),
    "the service charges more than the price": Divergence(
        _overcharged, HAS | {"gold": 950}, {("gold", "980", "950", "950", "scenario")}
    ),
    "unanswered and done": Divergence(partial(_unanswered, arrives=True), HAS),
    "unanswered and not done": Divergence(
        partial(_unanswered, arrives=False), {"player": 1, "gold": 1000}
    ),
    "denied and done": Divergence(
        _denied,
        HAS,
        {("gold", "1000", "980", "980", "scenario"), ("item", "0", "1", "1", "scenario")},
    ),
    "written twice": Divergence(_written_twice, HAS),
    "taken twice": Divergence(
        _taken_twice,
        HAS,
        {("gold", "980", "960", "980", "topic"), ("item", "1", "2", "1", "topic")},
    ),
    "all three differ": Divergence(
        _overcharged, HAS | {"gold": 7}, {("gold", "980", "950", "7", "")}
    ),
}


def test_every_divergence(history: RunHistory) -> None:
    """Each value that differs is listed, with the account that stands alone."""
    holdings = of("ada", {"player": 1})  # belongs to no run
    for number, case in enumerate(CASES.values()):
        player = SwordBuyer(history, f"{RUN}.0.o{number}", first=2 * number)
        case.play(player)
        holdings |= of(player.owner, case.has)
    report = judged(history, holdings)
    assert report.verdict is Verdict.FAIL
    columns = ("kind", "expected", "in_topic", "in_database", "stands_alone")
    rows = table(history.folder.path, "state.csv")
    reported = {
        name: {
            tuple(row[column] for column in columns)
            for row in rows
            if row["owner"] == f"{RUN}.0.o{number}"
        }
        for number, name in enumerate(CASES)
    }
    assert reported == {name: case.rows for name, case in CASES.items()}
    assert report.state.different == len(rows) == sum(len(case.rows) for case in CASES.values())

    events = table(history.folder.path, "state_events.csv")
    lacking = [row for row in events if row["owner"] == f"{RUN}.0.o1" and row["kind"] == "item"]
    shown = ("id", "class", "expected_change", "change_in_topic", "offset")
    assert [tuple(row[name] for name in shown) for row in lacking] == [
        (event_id(3), "lost", "1", "", "")
    ]
    page = (history.folder.path / "report.html").read_text()
    assert f"purchase {event_id(3)} (requested +1; not in the topic)" in page


def test_a_generator_that_was_killed(history: RunHistory) -> None:
    """Its last expectations are unknown, so topic and database alone are compared."""
    has: dict[tuple[str, str], int] = {}
    for number, gold in enumerate((1005, 1000)):
        player = SwordBuyer(history, f"{RUN}.0.o{number}", first=2 * number)
        player.sign_up()
        player.arrive(2 * number + 1, {"event_type": "earn", "player_id": player.owner, "gold": 5})
        has |= of(player.owner, {"player": 1, "gold": gold})
    history.reserved = {0: 64}  # the earnings have no row
    history.unsealed = {0}
    history.limits = Limits(unsealed=1)
    report = judged(history, has)
    assert report.verdict is Verdict.FAIL
    (row,) = table(history.folder.path, "state.csv")
    shown = ("owner", "kind", "expected", "in_topic", "in_database")
    assert tuple(row[name] for name in shown) == (f"{RUN}.0.o1", "gold", "", "1005", "1000")


@pytest.mark.slow
def test_no_database(history: RunHistory, player: SwordBuyer) -> None:
    """Two accounts are compared, which is not enough to call the state equal."""
    player.sign_up()
    player.buy()
    report = judged(history)
    assert (report.verdict, report.state.result) == (Verdict.PASS, StateResult.NOT_CHECKED)
    assert any("was not compared with a database" in note for note in report.notes)
    assert table(history.folder.path, "state.csv") == []


@pytest.mark.slow
def test_a_database_that_cannot_be_read(history: RunHistory, player: SwordBuyer) -> None:
    """If there is a database, a run cannot pass without it."""
    player.sign_up()
    history.database = Database(why_not="no such table: players", is_due=True)
    report = judged(history)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "no such table: players" in report.reasons[0]


def test_nothing_was_done(history: RunHistory, player: SwordBuyer) -> None:
    """If no request changed state, the state is not called equal."""
    history.deliver_one(0)
    player.first = 1
    player.sign_up(outcome="failed", arrives=False)
    history.limits = Limits(unacked=("sign_up",))
    report = judged(history, {})
    assert (report.verdict, report.state.result) == (Verdict.PASS, StateResult.NOT_CHECKED)


def order(history: RunHistory, seq: int) -> None:
    """Add an event that the game does not know and that changes state."""
    event = {"event_type": "order_placed", "order": 1}
    history.attempt(seq, event=event, changes=Changes(OWNER, {"stock": -1}))
    history.arrive(event_id(seq), seq, event=event)


def test_events_that_are_not_the_games(history: RunHistory) -> None:
    """Their effect is unknown, and is not guessed."""
    order(history, 0)
    report = judged(history)
    assert (report.verdict, report.state.result) == (Verdict.PASS, StateResult.NOT_CHECKED)
    assert report.state.why_not == "the effect of events of type order_placed is unknown"


@pytest.mark.parametrize("is_the_game", [True, False])
def test_a_state_that_could_have_been_compared(
    history: RunHistory, player: SwordBuyer, is_the_game: bool
) -> None:
    """With unknown events, a run passes neither with the game's events nor with a database."""
    if is_the_game:
        player.sign_up()
    order(history, int(is_the_game))
    report = judged(history, None if is_the_game else {})
    assert (report.verdict, report.state.is_due) == (Verdict.INCONCLUSIVE, True)


def test_an_account_that_is_damaged(history: RunHistory, player: SwordBuyer) -> None:
    """A run with a damaged file cannot pass."""
    player.sign_up()
    path = history.path / stored_state.FILE
    path.write_bytes(b"PAR1 torn PAR1")
    history.database = Database(path)
    assert judged(history).verdict is Verdict.INCONCLUSIVE
