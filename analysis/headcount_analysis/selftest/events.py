"""Events of the self-test: what a request should cause."""

from dataclasses import dataclass
from random import Random

from headcount.ledger.event_digest import Description, describe
from headcount_analysis.selftest.alterations import EventFields

POOL = 1024
_METALS = ("iron", "bronze", "silver", "gold")
_GUILDS = ("knights", "mages", "rangers")
_EVENT_TYPES, _WEIGHTS = ("default", "purchase_sword", "join_guild"), (5, 3, 2)


@dataclass(frozen=True, slots=True)
class EventTemplate:
    """An event that a run repeats."""

    fields: EventFields
    description: Description
    key: bytes | None

    @property
    def event_type(self) -> str:
        """The event's type."""
        return str(self.fields["event_type"])


def samples() -> list[EventTemplate]:
    """Create the pool of events that a run repeats."""
    random = Random(7)  # noqa: S311 - traffic
    return [_sample(_random_fields(random)) for _ in range(POOL)]


def _random_fields(random: Random) -> EventFields:
    (kind,) = random.choices(_EVENT_TYPES, _WEIGHTS)
    player = {"player_id": f"player-{random.randrange(100)}"}
    if kind == "purchase_sword":
        metal, quantity = random.choice(_METALS), random.randrange(1, 10)
        return {"event_type": kind, **player, "metal": metal, "quantity": quantity}
    if kind == "join_guild":
        return {"event_type": kind, **player, "guild": random.choice(_GUILDS)}
    return {"event_type": kind}


def _sample(fields: EventFields) -> EventTemplate:
    player = fields.get("player_id")
    key = None if player is None else str(player).encode()
    return EventTemplate(fields, describe(fields), key)
