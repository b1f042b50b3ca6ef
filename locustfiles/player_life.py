"""Players who sign up, earn, browse, buy, fill carts, change their minds, join and leave guilds.

Each remembers what it should own, and says with each request what that changes, so that the run's
verdict can compare it with what the topic implies and what the game's database says. When a player
cannot know whether a request was done, that life is over, and another player signs up.
"""

import argparse
from collections.abc import Callable
from random import Random

from headcount_players._life import Life, PlayerAction
from locust import between, events, task
from locust.argument_parser import LocustArgumentParser

from headcount.plugin import Changes, LedgerUser, Outcome

DEFAULT_MISTAKES = 0.03


def share(text: str) -> float:
    """Read a share of a whole."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a share from 0 to 1, got {text}")
    return value


def _add_options(parser: LocustArgumentParser) -> None:
    parser.add_argument(
        "--mistakes",
        type=share,
        default=DEFAULT_MISTAKES,
        help="Player's life: the share of requests that the game must refuse",
    )


events.init_command_line_parser.add_listener(_add_options)


class StatefulPlayer(LedgerUser):
    """One player after another, each doing one thing at a time."""

    wait_time = between(0.1, 0.5)
    life: Life | None = None

    def on_start(self) -> None:
        """Draw from a source of one's own: what one does depends on nobody else's pace."""
        self.random = Random(self.random.getrandbits(64))

    @task(2)
    def earn(self) -> None:
        """Earn gold."""
        self._live(Life.earnings)

    @task(3)
    def buy(self) -> None:
        """Buy something at once."""
        self._live(Life.purchase)

    @task(5)
    def fill_cart(self) -> None:
        """Put something into the cart."""
        self._live(Life.filling)

    @task(2)
    def change_mind(self) -> None:
        """Want more or less of something in the cart, or none of it."""
        self._live(Life.second_thought)

    @task(2)
    def check_out(self) -> None:
        """Buy all that is in the cart."""
        self._live(Life.payment)

    @task(1)
    def change_guild(self) -> None:
        """Join a guild, or leave it."""
        self._live(Life.another_guild)

    @task(2)
    def browse(self) -> None:
        """Look at what one has, which must be what one remembers."""
        if self.life is None:
            return
        path, name = f"/players/{self.life.player_id}/inventory", "/players/{player_id}/inventory"
        with self.client.get(path, name=name, catch_response=True) as response:
            if response.status_code == 200:  # noqa: PLR2004 - HTTP's own
                owned = {each["variant"]: each["quantity"] for each in response.json()["lines"]}
                if owned != self.life.inventory:
                    response.failure(f"found {owned}, remembered {self.life.inventory}")

    @task(1)
    def retire(self) -> None:
        """End this life, with whatever is in the cart."""
        self.life = None

    def _live(self, choose: Callable[[Life, Random], PlayerAction]) -> None:
        """Do what is chosen, or make a mistake; a new life begins with signing up."""
        options = self.environment.parsed_options
        assert options is not None
        if self.life is None:
            life = Life(self.new_owner())
            self._do(life, life.sign_up())
        elif self.random.random() < options.mistakes:
            self._do(self.life, self.life.mistake(self.random), is_mistake=True)
        else:
            self._do(self.life, choose(self.life, self.random))

    def _do(self, life: Life, act: PlayerAction, *, is_mistake: bool = False) -> None:
        with self.client.request(
            act.method,
            act.path,
            name=act.name,
            json=act.body or None,
            event=act.event,
            changes=Changes(life.player_id, act.changes),
            catch_response=True,
        ) as response:
            if response.outcome is Outcome.ACKED:
                life.remember(act)
                self.life = life
                if is_mistake:
                    response.failure("what must be refused was done")
            elif response.outcome is Outcome.INDETERMINATE:
                self.life = None  # whether it was done cannot be known
            elif is_mistake and 400 <= response.status_code < 500:  # noqa: PLR2004 - as it must be
                response.success()
