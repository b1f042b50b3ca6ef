"""Shapes: what the game's good answers look like, beside the happenings."""

from pydantic import BaseModel, ConfigDict, Field

from headcount_service.game.domain_events import DomainEvent


class PlayerState(BaseModel):
    """A player; `guild` is null for one who is in none."""

    player_id: str
    gold: int = Field(ge=0)
    guild: str | None


class Holding(BaseModel):
    """So many of one variant; the item's attributes stand beside these fields."""

    model_config = ConfigDict(extra="allow")

    item: str
    variant: str
    quantity: int = Field(ge=1)


class Holdings(BaseModel):
    """What a player has, or has in the cart."""

    player_id: str
    lines: list[Holding]


class GuildMembership(BaseModel):
    """The guild that a player is in, or null."""

    player_id: str
    guild: str | None


class Members(BaseModel):
    """A page of a guild's members; `next` is what the next page comes after, null on the last."""

    guild: str
    members: list[str]
    next: str | None


class AnyDomainEvent(DomainEvent):
    """An event of any type, with the fields of that type."""

    model_config = ConfigDict(extra="allow")


class Event(BaseModel):
    """An event: its number, its request's identity, when it was, and whether it is published."""

    number: int
    event_id: str | None
    at_ms: int
    is_published: bool
    event: AnyDomainEvent


class Events(BaseModel):
    """A page of events; `next` is what the next page comes after, null on the last."""

    events: list[Event]
    next: int | None
