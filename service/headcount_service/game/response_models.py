"""Response models: the game's successful responses to queries."""

from pydantic import BaseModel, ConfigDict, Field

from headcount_service.game.domain_events import DomainEvent


class PlayerState(BaseModel):
    """A player; `guild` is null if the player has none."""

    player_id: str
    gold: int = Field(ge=0)
    guild: str | None


class Holding(BaseModel):
    """A quantity of one variant; the item's attributes are extra fields."""

    model_config = ConfigDict(extra="allow")

    item: str
    variant: str
    quantity: int = Field(ge=1)


class Holdings(BaseModel):
    """A player's inventory or cart."""

    player_id: str
    lines: list[Holding]


class GuildMembership(BaseModel):
    """A player's guild, or null."""

    player_id: str
    guild: str | None


class Members(BaseModel):
    """A page of a guild's members; `next` is the `after` of the next page, null on the last one."""

    guild: str
    members: list[str]
    next: str | None


class AnyDomainEvent(DomainEvent):
    """An event of any type, with the fields of that type."""

    model_config = ConfigDict(extra="allow")


class Event(BaseModel):
    """An event with its number, its request's identity, its time, and whether it is published."""

    number: int
    event_id: str | None
    at_ms: int
    is_published: bool
    event: AnyDomainEvent


class Events(BaseModel):
    """A page of events; `next` is the `after` of the next page, null on the last one."""

    events: list[Event]
    next: int | None
