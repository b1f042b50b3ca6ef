"""Effects: how the game's events change the state of their players.

Their sums are the players' inventories, carts, gold and guilds, so the order of events does not
matter.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention

from headcount.run.state_changes import LONGEST

EVENT_TYPES = frozenset(
    {"sign_up", "earn", "purchase", "checkout", "add_to_cart", "change_cart", "remove_from_cart"}
    | {"add_member", "remove_member"}
)
"""The types of events that have effects."""

NUMBER = "decimal(38,0)"
"""Wide enough that no sum of numbers from messages overflows."""

_MAX_SHOWN = 200  # longer ids, types and players are hostile, and truncated


def effects(events: DataFrame, prefix: str) -> DataFrame:
    """Derive the changes that the game's events make.

    Messages with the same id and receipt are copies of one event, and count once.

    Args:
        events: The result of `events.parsed`.
        prefix: Only players whose id begins with it are included.

    Returns:
        id string, event_type string, owner string, thing string, change decimal(38,0),
        partition int, offset long; partition and offset are those of the first copy.
    """
    of_this_run = events.where(F.col("player_id").startswith(prefix))
    place = F.struct("partition", "offset")
    single = (
        # Without a receipt, only its place distinguishes an event.
        of_this_run.withColumn("alone", F.when(F.col("receipt").isNull(), place))
        .groupBy("event_id", "receipt", "alone")
        .agg(F.min_by(F.struct(*of_this_run.columns), place).alias("first"))
        .select("first.*")
    )
    return single.withColumn("effect", F.explode(_effects())).select(
        _shown("event_id").alias("id"),
        _shown("event_type").alias("event_type"),
        _shown("player_id").alias("owner"),
        F.left("effect.thing", F.lit(LONGEST)).alias("thing"),
        "effect.change",
        "partition",
        "offset",
    )


def _shown(name: str) -> Column:
    return F.left(name, F.lit(_MAX_SHOWN))


def implied(changes: DataFrame) -> DataFrame:
    """Sum up effects per player: owner string, thing string, number decimal(38,0)."""
    return changes.groupBy("owner", "thing").agg(F.sum("change").cast(NUMBER).alias("number"))


def _effects() -> Column:
    gold, total, change = F.col("gold"), F.col("total"), F.col("change")
    guild = F.concat(F.lit("guild:"), F.coalesce("guild", F.lit("")))
    lines = F.col("lines")
    bought = F.transform(lines, lambda line: _effect(_resource("item", line), line["quantity"]))
    taken = F.transform(lines, lambda line: _effect(_resource("cart", line), -line["quantity"]))
    paid = F.array(_effect(F.lit("gold"), -total))
    by_type = {
        "sign_up": F.array(_effect(F.lit("player"), F.lit(1)), _effect(F.lit("gold"), gold)),
        "earn": F.array(_effect(F.lit("gold"), gold)),
        "purchase": F.concat(paid, bought),
        "checkout": F.concat(paid, bought, taken),
        "add_member": F.array(_effect(guild, F.lit(1))),
        "remove_member": F.array(_effect(guild, F.lit(-1))),
        **dict.fromkeys(
            ("add_to_cart", "change_cart", "remove_from_cart"),
            F.array(_effect(_resource("cart", lines.getItem(0)), change)),
        ),
    }
    changes = F.lit(None)
    for event_type, effects_of_type in by_type.items():
        changes = F.when(F.col("event_type") == event_type, effects_of_type).otherwise(changes)
    return changes


def _resource(kind: str, line: Column) -> Column:
    return F.concat(F.lit(f"{kind}:"), F.coalesce(line["variant"], F.lit("")))


def _effect(resource: Column, change: Column) -> Column:
    return F.struct(
        resource.alias("thing"),
        F.coalesce(change.cast(NUMBER), F.lit(0).cast(NUMBER)).alias("change"),
    )
