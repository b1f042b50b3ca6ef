"""What players choose from: parameters that the game allows."""

from random import Random

METALS = ("bronze", "iron", "steel", "silver", "mithril")
GUILDS = ("archers", "blacksmiths", "knights", "merchants", "thieves")
PLAYERS = 1000


def a_player(random: Random) -> str:
    """Draw a player's id."""
    return f"player-{random.randrange(PLAYERS)}"


def a_guild(random: Random) -> str:
    """Draw a guild's name."""
    return random.choice(GUILDS)


def a_sword(random: Random) -> dict[str, object]:
    """Draw a purchase of one to three swords."""
    return {
        "player_id": a_player(random),
        "metal": random.choice(METALS),
        "quantity": random.randint(1, 3),
    }
