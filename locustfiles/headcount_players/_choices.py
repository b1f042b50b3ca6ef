"""Random choices of players, guilds and items from the game's catalogue."""

from random import Random

from headcount_service.catalogue import Choice, Value, Variant, load_catalogue

CATALOGUE = load_catalogue()
PLAYERS = 1000


def a_player(random: Random) -> str:
    """Draw a player's id."""
    return f"player-{random.randrange(PLAYERS)}"


def a_guild(random: Random) -> str:
    """Draw a guild's name."""
    return random.choice(CATALOGUE.guilds)


def a_sword(random: Random) -> dict[str, object]:
    """Draw a purchase of one to three swords."""
    return {
        "player_id": a_player(random),
        **a_variant(random, "sword").attributes,
        "quantity": random.randint(1, 3),
    }


def a_variant(random: Random, item: str = "") -> Variant:
    """Draw a value for each attribute of `item`, or of a random item."""
    chosen = item or random.choice(tuple(CATALOGUE.items))
    values: dict[str, Value] = {
        name: random.choice(tuple(attribute.values))
        if isinstance(attribute, Choice)
        else random.randint(attribute.minimum, attribute.maximum)
        for name, attribute in CATALOGUE.items[chosen].attributes.items()
    }
    return Variant(chosen, values)
