"""Players sign up, earn, browse, buy, fill carts, change their minds, join and leave guilds.

Each player keeps track of its expected state and declares with each request what the request
changes. So the verdict can compare the expected state with the events in the topic and the game's
database. If a player cannot know whether a request took effect, it retires, and a new player signs
up.
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
    """Parse a share from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, got {text}")
    return value


def _add_options(parser: LocustArgumentParser) -> None:
    parser.add_argument(
        "--mistakes",
        type=share,
        default=DEFAULT_MISTAKES,
        help="Player life: share of requests that the game must refuse, from 0 to 1",
    )


events.init_command_line_parser.add_listener(_add_options)


class StatefulPlayer(LedgerUser):
    """Plays one player after another; each does one action at a time."""

    wait_time = between(0.1, 0.5)
    life: Life | None = None

    def on_start(self) -> None:
        """Give this user its own random numbers: other users must not change its choices."""
        self.random = Random(self.random.getrandbits(64))

    @task(2)
    def earn(self) -> None:
        """Earn gold."""
        self._live(Life.choose_earnings)

    @task(3)
    def buy(self) -> None:
        """Buy something without the cart."""
        self._live(Life.choose_purchase)

    @task(5)
    def fill_cart(self) -> None:
        """Add something to the cart."""
        self._live(Life.choose_cart_addition)

    @task(2)
    def change_mind(self) -> None:
        """Change or remove a cart line."""
        self._live(Life.choose_cart_change)

    @task(2)
    def check_out(self) -> None:
        """Buy everything in the cart."""
        self._live(Life.choose_checkout)

    @task(1)
    def change_guild(self) -> None:
        """Join a guild, or leave it."""
        self._live(Life.choose_guild_change)

    @task(2)
    def browse(self) -> None:
        """Read the inventory, which must match the expected state."""
        if self.life is None:
            return
        path, name = f"/players/{self.life.player_id}/inventory", "/players/{player_id}/inventory"
        with self.client.get(path, name=name, catch_response=True) as response:
            if response.status_code == 200:  # noqa: PLR2004 - the status OK
                owned = {line["variant"]: line["quantity"] for line in response.json()["lines"]}
                if owned != self.life.inventory:
                    response.failure(f"the inventory is {owned}, expected {self.life.inventory}")

    @task(1)
    def retire(self) -> None:
        """Retire the player, whatever the cart holds."""
        self.life = None

    def _live(self, choose: Callable[[Life, Random], PlayerAction]) -> None:
        """Sign up a new player, or do the chosen action, or make a mistake."""
        options = self.environment.parsed_options
        assert options is not None
        if self.life is None:
            life = Life(self.new_owner())
            self._do(life, life.sign_up())
        elif self.random.random() < options.mistakes:
            self._do(self.life, self.life.choose_mistake(self.random), is_mistake=True)
        else:
            self._do(self.life, choose(self.life, self.random))

    def _do(self, life: Life, action: PlayerAction, *, is_mistake: bool = False) -> None:
        with self.client.request(
            action.method,
            action.path,
            name=action.name,
            json=action.body or None,
            event=action.event,
            changes=Changes(life.player_id, action.changes),
            catch_response=True,
        ) as response:
            if response.outcome is Outcome.ACKED:
                life.remember(action)
                self.life = life
                if is_mistake:
                    response.failure("the game accepted a request that it must refuse")
            elif response.outcome is Outcome.INDETERMINATE:
                self.life = None  # the request may or may not have taken effect
            elif is_mistake and 400 <= response.status_code < 500:  # noqa: PLR2004 - any 4xx
                response.success()  # the game refused the mistake, as it must
