"""The economy: sales, guild sizes, the richest players and abandoned carts of a run.

All tables are derived from the run's events in the topic. A table has at most MOST_ROWS rows, and
its numbers are bounded, whatever the messages hold.
"""

from dataclasses import dataclass

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention

MOST_ROWS = 200_000
RICHEST = 100
_LARGEST = float(1 << 53)  # no game has a larger number, whatever a message claims
_CHANGES = {"add_member": 1, "remove_member": -1}


@dataclass(frozen=True, slots=True)
class Economy:
    """The tables.

    - `sales`: item, attribute, value, sold (units), gold; one row per item with an empty
      attribute, and one per value of each attribute.
    - `guild_sizes`: elapsed_s (from the first event), guild, members; one row per change.
    - `richest`: player_id, gold, guild, pieces (of all items owned); the richest first.
    - `abandoned_carts`: player_id, item, variant, quantity; items never checked out.
    """

    sales: pd.DataFrame
    guild_sizes: pd.DataFrame
    richest: pd.DataFrame
    abandoned_carts: pd.DataFrame

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def economy(events: DataFrame, implied: DataFrame, prefix: str) -> Economy:
    """Make the tables.

    Args:
        events: The result of `events.parsed`.
        implied: The result of `effects.implied`.
        prefix: Only players whose id begins with it are included.
    """
    of_this_run = events.where(F.col("player_id").startswith(prefix))
    return Economy(
        sales=_sales(of_this_run),
        guild_sizes=_guild_sizes(of_this_run),
        richest=_richest(implied),
        abandoned_carts=_abandoned_carts(implied),
    )


def _sales(events: DataFrame) -> pd.DataFrame:
    bought = events.where(F.col("event_type").isin("purchase", "checkout")).select(
        F.explode("lines").alias("line")
    )
    bought = bought.where(F.col("line.item").isNotNull())
    # `bow:draw_weight_lb=40,wood=yew` counts for the item and for two attribute values.
    described = F.split(F.substring_index("line.variant", ":", -1), ",")
    values = F.when(F.col("line.variant").contains(":"), described).otherwise(F.array())
    sold = bought.select(
        F.col("line.item").alias("item"),
        F.explode(F.concat(F.array(F.lit("")), values)).alias("described"),
        F.col("line.quantity").cast("double").alias("sold"),
        (F.col("line.quantity").cast("double") * F.col("line.unit_price")).alias("gold"),
    )
    return (
        sold.select(
            "item",
            F.substring_index("described", "=", 1).alias("attribute"),
            F.when(F.col("described") == "", "")
            .otherwise(F.substring_index("described", "=", -1))
            .alias("value"),
            "sold",
            "gold",
        )
        .groupBy("item", "attribute", "value")
        .agg(_whole(F.sum("sold")).alias("sold"), _whole(F.sum("gold")).alias("gold"))
        .orderBy("item", "attribute", "value")
        .limit(MOST_ROWS)
        .toPandas()
    )


def _whole(number: Column) -> Column:
    """Convert a sum to a long; null becomes 0."""
    known = F.coalesce(number.cast("double"), F.lit(0.0))
    return F.greatest(F.least(known, F.lit(_LARGEST)), F.lit(-_LARGEST)).cast("long")


def _guild_sizes(events: DataFrame) -> pd.DataFrame:
    change = F.lit(0)
    for event_type, by in _CHANGES.items():
        change = F.when(F.col("event_type") == event_type, by).otherwise(change)
    guild = F.when(F.col("event_type").isin(list(_CHANGES)), F.col("guild"))
    # Keep events that change no guild: `elapsed_s` counts from the first event of any type.
    changes = (
        events.groupBy(F.expr("broker_at_ms div 1000").alias("second"), guild.alias("guild"))
        .agg(F.sum(change).alias("change"))
        .orderBy("second", "guild")
        .limit(MOST_ROWS)
        .toPandas()
    )
    seconds = changes.pop("second")
    changes.insert(0, "elapsed_s", seconds - seconds.min())
    of_guilds: pd.DataFrame = changes.dropna(subset="guild")
    members = of_guilds.groupby("guild")["change"].cumsum()
    return of_guilds.assign(members=members).drop(columns="change").reset_index(drop=True)


def _richest(implied: DataFrame) -> pd.DataFrame:
    resource, number = F.col("thing"), F.col("number")
    is_member = resource.startswith("guild:") & (number > 0)
    guild = F.when(is_member, F.substring_index(resource, ":", -1))
    pieces = F.sum(F.when(resource.startswith("item:"), number))
    return (
        implied.groupBy(F.col("owner").alias("player_id"))
        .agg(
            _whole(F.sum(F.when(resource == "gold", number))).alias("gold"),
            F.max(guild).alias("guild"),
            _whole(pieces).alias("pieces"),
        )
        .orderBy(F.desc("gold"), "player_id")
        .limit(RICHEST)
        .toPandas()
    )


def _abandoned_carts(implied: DataFrame) -> pd.DataFrame:
    variant = F.expr("substring(thing, length('cart:') + 1)")
    return (
        implied.where(F.col("thing").startswith("cart:") & (F.col("number") > 0))
        .select(
            F.col("owner").alias("player_id"),
            F.substring_index(variant, ":", 1).alias("item"),
            variant.alias("variant"),
            _whole(F.col("number")).alias("quantity"),
        )
        .orderBy("player_id", "variant")
        .limit(MOST_ROWS)
        .toPandas()
    )
