"""Events: the game's events as a table, with a row for each item of an event.

In a pyspark shell or a notebook:

    from pyspark.sql.types import StringType

    from headcount_analysis.state.game.events import Wanted, game_events, matching
    from headcount_analysis.read.topic_range import messages

    source = spark.read.format("kafka").options(...).load()
    events = game_events(messages(source), {"metal": StringType()})
    matching(events, Wanted(item="sword", attributes={"metal": "iron"})).show()
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
)

from headcount.run.id_location import TRACEPARENT, IdLocation, LocationKind

IN_FIELD = IdLocation()
"""The id's location in the game's events."""

SEED_ITEMS = {"purchase_sword": "sword"}
"""Event types that imply an item without naming it."""

_LINE: dict[str, DataType] = {
    "item": StringType(),
    "variant": StringType(),
    "quantity": LongType(),
    "unit_price": LongType(),
}
_OF_EVENT: dict[str, DataType] = {
    "receipt": StringType(),
    "event_type": StringType(),
    "player_id": StringType(),
    "guild": StringType(),
    "gold": LongType(),
    "total": LongType(),
    "change": LongType(),
    "in_cart": LongType(),
}
_TOO_LARGE = float(1 << 63)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter of events; None matches everything, and so does an attribute that is not named."""

    event_type: str | None = None
    item: str | None = None
    player_id: str | None = None
    guild: str | None = None
    attributes: Mapping[str, str | int] = field(default_factory=dict)


def parsed(
    messages: DataFrame,
    attributes: Mapping[str, DataType],
    id_location: IdLocation = IN_FIELD,
) -> DataFrame:
    """Parse messages, from `topic_range.messages`, into the game's events, one row each.

    Messages that are not JSON objects with an `event_type` are left out. 12.0 and 1.2e1 are 12, as
    in JSON. A value that is not a whole number below 2^63 becomes null; one above 2^53 is rounded
    to a double.

    Returns:
        partition int, offset long, broker_at_ms long, event_id string, receipt string,
        event_type string, player_id string, guild string, gold long, total long, change long,
        in_cart long; and lines, an array of the event's items, each with item string,
        variant string, quantity long, unit_price long and the attributes. An event without items
        has one line of nulls.
    """
    line = {**_LINE, **attributes}
    own = {**_OF_EVENT, **line}
    is_field = id_location.kind is LocationKind.FIELD
    if is_field:
        own[id_location.name] = StringType()
    schema = _as_written(own).add("lines", ArrayType(_as_written(line)))
    read = messages.select(
        "partition",
        "offset",
        F.col("timestamp_ms").alias("broker_at_ms"),
        F.from_json(F.col("value").cast("string"), schema).alias("event"),
        *([] if is_field else [_id_beside(id_location).alias("event_id")]),
    ).where("event.event_type IS NOT NULL")
    event = F.col("event")
    return read.select(
        "partition",
        "offset",
        "broker_at_ms",
        (event[id_location.name] if is_field else F.col("event_id")).alias("event_id"),
        *_read(event, _OF_EVENT),
        F.coalesce(
            F.transform(event["lines"], lambda line_item: F.struct(*_read(line_item, line))),
            F.array(F.struct(*_read(event, line))),
        ).alias("lines"),
    )


def _id_beside(location: IdLocation) -> Column:
    """Return an id outside of the event's fields: from the key, a header, or a JSON pointer."""
    match location.kind:
        case LocationKind.KEY:
            return F.col("key").cast("string")
        case LocationKind.HEADER | LocationKind.TRACEPARENT:
            name = location.name or TRACEPARENT
            own = F.filter("headers", lambda header: F.lower(header["key"]) == name.lower())
            text = F.try_element_at(own, F.lit(1))["value"].cast("string")
            return F.split_part(text, F.lit("-"), F.lit(2)) if name == TRACEPARENT else text
        case LocationKind.JSON:
            path = "$" + "".join(f"['{step}']" for step in location.path)
            return F.get_json_object(F.col("value").cast("string"), path)
    return F.lit(None).cast("string")


def _as_written(fields: Mapping[str, DataType]) -> StructType:
    """Return the schema of the fields in JSON, which has a single type of number."""
    number = DoubleType()
    return StructType(
        [StructField(name, number if kind == LongType() else kind) for name, kind in fields.items()]
    )


def _read(written: Column, fields: Mapping[str, DataType]) -> Iterator[Column]:
    """Convert fields from their `_as_written` types to their own."""
    for name, kind in fields.items():
        value = written[name]
        if kind == LongType():
            is_whole = (value % 1 == 0) & (F.abs(value) < _TOO_LARGE)
            value = F.when(is_whole, value.cast("long"))
        yield value.alias(name)


def game_events(
    messages: DataFrame,
    attributes: Mapping[str, DataType],
    id_location: IdLocation = IN_FIELD,
) -> DataFrame:
    """Parse messages into the game's events, with a row for each item of an event.

    Returns:
        partition int, offset long, broker_at_ms long, event_id string, event_type string,
        player_id string, guild string, item string, variant string, quantity long,
        unit_price long, gold long, total long, change long, in_cart long, and a column for each
        attribute, of its type; null if an event lacks the field.
    """
    events = parsed(messages, attributes, id_location)
    return events.withColumn("line", F.explode("lines")).select(
        "partition",
        "offset",
        "broker_at_ms",
        "event_id",
        "event_type",
        "player_id",
        "guild",
        _item().alias("item"),
        *(F.col("line")[name].alias(name) for name in ("variant", "quantity", "unit_price")),
        *("gold", "total", "change", "in_cart"),
        *(F.col("line")[name].alias(name) for name in attributes),
    )


def matching(events: DataFrame, wanted: Wanted) -> DataFrame:
    """Keep the rows that match the filter, sorted by partition and offset."""
    values = {
        "event_type": wanted.event_type,
        "item": wanted.item,
        "player_id": wanted.player_id,
        "guild": wanted.guild,
        **wanted.attributes,
    }
    for name, value in values.items():
        if value is not None:
            events = events.where(F.col(name) == F.lit(value))
    return events.orderBy("partition", "offset", "variant")


def _item() -> Column:
    named = F.col("line.item")
    for event_type, item in SEED_ITEMS.items():
        named = F.when(F.col("event_type") == event_type, F.lit(item)).otherwise(named)
    return named
