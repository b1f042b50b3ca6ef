"""The charts of the game's economy."""

from collections.abc import Iterator

import altair as alt
import pandas as pd
from markupsafe import Markup

from headcount_analysis.report.html.charts import MAX_POINTS
from headcount_analysis.report.html.svg import PALETTE, svg
from headcount_analysis.state.game.economy import Economy

SHOWN = 10
SHOWN_VALUES = 30


def pictures(trade: Economy) -> Iterator[tuple[str, Markup]]:
    """Yield the charts that have data, each with its caption."""
    whole = trade.sales[trade.sales["attribute"] == ""]
    if not whole.empty:
        yield "Sales by item, in gold", _bars(whole, "gold", "item")
    described = _described(trade.sales)
    if not described.empty:
        yield (
            f"Units sold, by item and parameter (top {len(described)})",
            _parameters(described),
        )
    if not trade.guild_sizes.empty:
        yield "Members of guilds over time", _guilds(trade.guild_sizes)
    richest = trade.richest.head(SHOWN)
    if not richest.empty:
        yield f"The {len(richest)} richest players, in gold", _bars(richest, "gold", "player_id")
    carts = trade.abandoned_carts
    if not carts.empty:
        sums = carts.groupby("item")["quantity"].sum().reset_index()
        players = carts["player_id"].nunique()
        caption = f"Units left in the carts of {players:,} players"
        yield caption, _bars(sums, "quantity", "item")


def _described(sales: pd.DataFrame) -> pd.DataFrame:
    """Return the best-selling parameters: item, parameter, sold."""
    described = sales[sales["attribute"] != ""]
    named = described.assign(
        parameter=described["item"] + " " + described["attribute"] + "=" + described["value"]
    )
    return named.nlargest(SHOWN_VALUES, "sold")[["item", "parameter", "sold"]]


def _parameters(described: pd.DataFrame) -> Markup:
    bars = (
        alt.Chart(described)
        .mark_bar()
        .encode(
            y=alt.Y("parameter:N", sort="-x", title=None, axis=alt.Axis(labelLimit=260)),
            x=alt.X("sold:Q", title="units"),
            color=alt.Color("item:N", title=None, scale=alt.Scale(range=list(PALETTE))),
        )
    )
    return svg(bars, alt.Step(16))


def _guilds(sizes: pd.DataFrame) -> Markup:
    step = max(1, -(-(int(sizes["elapsed_s"].max()) + 1) // MAX_POINTS))
    at = sizes["elapsed_s"] // step * step
    last = sizes.assign(elapsed_s=at).groupby(["guild", "elapsed_s"], as_index=False).last()
    lines = (
        alt.Chart(last)
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("elapsed_s:Q", title="seconds from the first event"),
            y=alt.Y("members:Q", title="members", axis=alt.Axis(tickMinStep=1)),
            color=alt.Color("guild:N", title=None, scale=alt.Scale(range=list(PALETTE))),
        )
    )
    return svg(lines, 180)


def _bars(frame: pd.DataFrame, number: str, name: str) -> Markup:
    bars = (
        alt.Chart(frame.astype({number: float}))
        .mark_bar(color=PALETTE[0])
        .encode(
            y=alt.Y(f"{name}:N", sort="-x", title=None, axis=alt.Axis(labelLimit=260)),
            x=alt.X(f"{number}:Q", title="units" if number == "quantity" else number),
        )
    )
    return svg(bars, alt.Step(18))
